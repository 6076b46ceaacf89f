#!/usr/bin/env python3
"""Looks at the status page as a person does: a headless Chromium that reads, clicks and types.

    drive.py URL TOKEN --bot NAME [--broken NAME] [--screenshots DIRECTORY] [--open COMMAND ...]
    drive.py --mock [--crowd N] [--screenshots DIRECTORY]

URL is the address of a monitor that serves the page, TOKEN its token. The bot NAME runs for ever, comes back when it is
killed, has `DAEMON_BOT=NAME` in its environment and prints every second or oftener a line with `<b>bold</b>` in it; it
is stopped, started, restarted and killed. A `--broken` bot is one that gave up. `--mock` tests the page alone, with
a monitor that plays one (mock.py); `--crowd` has it play N bots and measures how long the page is busy at a time.

Needs Debian's `chromium` and `chromium-driver`. Ends with status 0 when everything holds.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

# A test leaves nothing in the source.
sys.dont_write_bytecode = True
import png
from browser import DIRECT, Browser, Late, wait_for

ROW = "const row = [...document.querySelectorAll('#rows tr')].find(row => row.dataset.name === arguments[0]);"
# The cell of a row in a column.
CELL = "const cell = (column) => row.querySelector(`[data-cell=${column}]`).textContent;"


def check(holds, what):
    if not holds:
        raise AssertionError(what)


class Test:
    """The steps, in order: each begins where the one before it ended."""

    def __init__(self, browser, options, mock):
        self.browser, self.options, self.mock = browser, options, mock
        self.url, self.token, self.bot = options.url, options.token, options.bot
        self.expected = [r"/bots - Failed to load resource: .* status of 401"]

    # What the steps are made of.

    def row(self, name=None):
        """What a bot's row says, by column."""
        script = f"{ROW} return row && Object.fromEntries([...row.querySelectorAll('[data-cell]')].map(cell => [cell.dataset.cell, cell.textContent.trim()]))"
        return self.browser.run(script, name or self.bot)

    def until_state(self, state, name=None, but_not="–", seconds=20):
        """Waits until the row shows this state, and for a running one another pid than `but_not`."""
        script = f"""{ROW} {CELL} if (!row || row.dataset.state !== arguments[1]) return null;
            const pid = cell('pid');
            return arguments[1] !== 'running' || (pid !== arguments[2] && pid !== '–') ? pid : null"""
        return self.browser.until(f"{name or self.bot} {state}", script, name or self.bot, state, but_not, seconds=seconds)

    def button(self, verb, name=None):
        return f'#rows tr[data-name="{name or self.bot}"] .actions [data-do="{verb}"]'

    def until_live(self):
        self.browser.until("the stream", "return document.getElementById('live').dataset.state === 'live' && document.querySelector('#rows tr')")

    def text(self, selector):
        return self.browser.run("return document.querySelector(arguments[0]).textContent", selector)

    def focused(self):
        return self.browser.run("const at = document.activeElement; return at.id || at.closest('tr')?.dataset.name || at.tagName")

    def wish(self, **what):
        data = json.dumps(what).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with DIRECT.open(urllib.request.Request(self.url + "mock", data, headers), timeout=10) as response:
            check(json.load(response)["success"], f"the mock refused {what}")

    # The steps.

    def the_page_is_served_with_strict_headers(self):
        with DIRECT.open(urllib.request.Request(self.url, headers={"Accept": "text/html"}), timeout=10) as response:
            headers, page = response.headers, response.read().decode()
        allowed = headers["Content-Security-Policy"]
        check("default-src 'none'" in allowed and "unsafe" not in allowed and "http" not in allowed and "*" not in allowed, f"lax: {allowed}")
        check(headers["X-Content-Type-Options"] == "nosniff", "no nosniff")
        check("no-store" in headers["Cache-Control"], "the page may be stored")
        check("frame-ancestors 'none'" in allowed or headers["X-Frame-Options"] == "DENY", "the page may be framed")
        check(self.token not in page, "the token stands in the page")
        try:
            DIRECT.open(urllib.request.Request(self.url + "bots"), timeout=10)
            raise AssertionError("the bots are told without a token")
        except urllib.error.HTTPError as error:
            check(error.code == 401, f"status {error.code} without a token")

    def a_wrong_token_is_refused_with_words(self):
        self.browser.go(self.url)
        self.browser.until("the login", "return document.activeElement.id === 'login-token'")
        self.browser.press("not the token", "Enter")
        words = self.browser.until("the words", "return document.getElementById('login-error').textContent")
        check("not the token" in words, words)
        check(self.browser.run("return document.querySelectorAll('#rows tr').length") == 0, "bots without a token")
        check(self.browser.run("return sessionStorage.length") == 0, "a wrong token is kept")

    def text_cannot_become_markup(self):
        script = "try { document.createElement('p').innerHTML = arguments[0]; return null; } catch (error) { return error.name; }"
        check(self.browser.run(script, "<b>bold</b>") == "TypeError", "the browser would take markup")
        # The browser complains of this attempt, too.
        self.expected.append("TrustedHTML")

    def the_right_one_shows_the_bots(self):
        # The wrong one is selected, so that typing replaces it.
        self.browser.press(self.token, "Enter")
        self.until_live()
        pid = self.until_state("running")
        check(pid.isdigit(), f"pid `{pid}`")
        sums = [int(self.text(f'[data-show="{show}"] b')) for show in ("all", "up", "down")]
        check(sums[0] == sums[1] + sums[2] and sums[0] >= 1, f"sums {sums}")
        check(f"{sums[1]} up, {sums[2]} down" in self.text("#facts"), self.text("#facts"))
        check(self.token not in self.browser.run("return location.href + document.documentElement.outerHTML"), "the token is shown")

    def the_uptime_goes_on_by_itself(self):
        before = self.row()["uptime"]
        self.browser.until("another uptime", f"{ROW} {CELL} return cell('uptime') !== arguments[1]", self.bot, before, seconds=90)

    def a_click_stops_starts_and_restarts(self):
        self.browser.click(self.button("stop"))
        self.until_state("stopped")
        check(self.row()["pid"] == "–", f"a stopped bot has pid {self.row()['pid']}")
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        check(self.browser.run("return document.querySelector(arguments[0]).getAttribute('aria-disabled')", self.button("stop")) == "true", "stop is offered")
        self.browser.click(self.button("start"))
        first = self.until_state("running")
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        # The last words may be that the bot is running, and replace those about the restart before an observer is called.
        self.browser.run("""const say = document.getElementById('say'); window.said = [];
            const texts = records => records.flatMap(record => [...record.addedNodes].map(node => node.textContent));
            window.listening = new MutationObserver(records => said.push(say.textContent, ...texts(records)));
            listening.observe(say, { childList: true, characterData: true, subtree: true });""")
        self.browser.click(self.button("restart"))
        second = self.until_state("running", but_not=first)
        check(first != second, "the same process after a restart")
        self.browser.until("the words", "return said.some(text => text.includes('restarted'))")
        self.browser.run("listening.disconnect()")

    def a_killed_bot_is_seen_to_die_and_come_back(self):
        pid = self.until_state("running")
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        check(f"DAEMON_BOT={self.bot}".encode() in environment, f"process {pid} is not {self.bot}: not killed")
        self.browser.run(f"""{ROW} window.seen = [];
            window.watching = new MutationObserver(() => {{ if (seen.at(-1) !== row.dataset.state) seen.push(row.dataset.state); }});
            watching.observe(row, {{ attributes: true }});""", self.bot)
        # None is a dash.
        exits = int(self.row()["exits"].split("/")[0].replace("–", "0"))
        # The first one may be back before anything is drawn; the second has to wait.
        for pid in [pid, None]:
            pid = pid or self.until_state("running")
            os.kill(int(pid), signal.SIGKILL)
            self.until_state("running", but_not=pid)
        seen = self.browser.run("watching.disconnect(); return seen")
        check(seen and seen[-1] == "running" and any(state in ("backing-off", "starting") for state in seen), f"seen: {seen}")
        self.browser.until("the exit is counted", f"{ROW} {CELL} return parseInt(cell('exits')) > arguments[1]", self.bot, exits)
        wait_for("the end of the killed one", lambda: not Path(f"/proc/{pid}").exists())

    def the_log_is_live_and_text_stays_text(self):
        self.browser.click(self.button("log"))
        self.browser.until("a line", "return [...document.querySelectorAll('#log div')].some(line => line.textContent.includes('<b>bold</b>'))")
        many = "document.querySelectorAll('#log div:not(.aside)').length"
        before = self.browser.run(f"return {many}")
        self.browser.until("new lines", f"return {many} >= arguments[0] + 2", before)
        strange = self.browser.run("return [...document.querySelectorAll('#log *:not(div, time, span, b.mark)')].map(node => node.outerHTML)")
        check(not strange, f"a bot's output became markup: {strange}")
        check("\x1b" not in self.text("#log"), "escapes of a terminal reach the page")
        red = self.browser.run("return [...document.querySelectorAll('#log .c1')].map(node => node.textContent)")
        check(set(red) == {"red"}, f"red are {red}")
        check("\\u{1b}[2J" in self.text("#log"), "an escape that is no colour is not shown as what it is")
        stamped = "return [...document.querySelectorAll('#log div:not(.aside, .boundary)')].every(line => Math.abs(Date.parse(line.querySelector('time').dateTime) - Date.now()) < 600000)"
        check(self.browser.run(stamped), "lines without their times")
        if self.mock:
            check(self.browser.run("const marked = [...document.querySelectorAll('#log .stderr')]; return marked.length > 0 && marked.every(line => line.querySelector('b.mark').textContent === 'err')"), "stderr is not marked")
            check("\\u{202e}gnp\\u{200b}" in self.text("#log"), "what turns or hides text is not shown as what it is")
        at_end = "const log = document.getElementById('log'); return log.scrollHeight - log.scrollTop - log.clientHeight < 30"
        check(self.browser.run(at_end), "the newest lines are not in sight")
        check(self.text("#panel-name") == self.bot, self.text("#panel-name"))
        counted = self.browser.run("return [...document.querySelectorAll('#counts tbody tr')].map(row => row.cells[0].textContent)")
        check({"start", "exit"} <= set(counted), f"counts of {counted}")
        self.browser.click("#panel-close")
        check(self.browser.run("return document.getElementById('panel').hidden"), "the panel is still there")

    def the_whole_log_is_searched(self):
        """Promise 6.85. By the monitor, for the text as it is, also where it is coloured."""
        self.browser.click(self.button("log"))
        for text in ("<B>bold</b>", "RED"):
            self.browser.click("#log-search")
            self.browser.press(text, "Enter")
            found = self.browser.until("what is found", "return /^[1-9].* found in the whole log/.test(document.getElementById('log-found').textContent) && [...document.querySelectorAll('#log div:not(.aside, .boundary)')].map(line => line.textContent.toLowerCase())")
            check(all(text.lower() in line for line in found), f"{text}: {found[:5]}")
            self.browser.press("Escape")
        self.browser.until("the lines that come", "return document.getElementById('log-whole').hidden && document.querySelector('#log div:not(.aside)')")
        self.browser.click("#panel-close")

    def a_click_on_another_bot_shows_its_log(self):
        other = self.browser.run(f"{ROW} return (row.nextElementSibling || row.previousElementSibling).dataset.name", self.bot)
        shown = "const panel = document.getElementById('panel'); return !panel.hidden && document.getElementById('panel-name').textContent === arguments[0]"
        for name in (self.bot, other, self.bot):
            self.browser.click(self.button("log", name))
            check(self.browser.run(shown, name), f"a click on {name} does not show its log")
        self.browser.click(f'#rows tr[data-name="{other}"] button.name')
        check(self.browser.run(shown, other), "a click on a name does not show its log")
        self.browser.click(self.button("log", other))
        check(self.browser.run("return document.getElementById('panel').hidden"), "the second click does not close the panel")

    def many_windows_share_one_stream(self):
        """Promise 5.26. A browser opens six connections at most."""
        first, *_ = self.browser.windows()
        for _ in range(7):
            # Each window asks for the token anew.
            self.browser.open_window()
            log_in(self.browser, self.url, self.token)
            self.until_live()
        others = [window for window in self.browser.windows() if window != first]
        # The one that reads goes, and another one takes over.
        self.browser.switch_to(first)
        self.browser.go(self.url)
        self.until_live()
        self.browser.click(self.button("stop"))
        for window in others:
            self.browser.switch_to(window)
            self.until_state("stopped")
        self.browser.click(self.button("start"))
        self.until_state("running")
        self.logs_leave_connections(others[:4])
        for window in others:
            self.browser.switch_to(window)
            self.browser.close_window()
        self.browser.switch_to(first)
        self.until_state("running")
        self.until_live()

    def open_log(self):
        """Opens the log of the bot wherever its row is: after a change of its state it finds its place."""
        self.browser.run("document.querySelector(arguments[0]).click()", self.button("log"))

    def logs_leave_connections(self, windows):
        """Three logs at a time; a window behind others gives way, and comes back."""
        hide = "Object.defineProperty(document, 'hidden', { value: arguments[0], configurable: true }); document.dispatchEvent(new Event('visibilitychange'))"
        log, none = "return /bold/.test(document.getElementById('log').textContent)", "return /other windows/.test(document.getElementById('log').textContent)"
        for window in windows:
            self.browser.switch_to(window)
            self.browser.run(hide, False)
            self.open_log()
            self.browser.until("the log", none if window == windows[-1] else log)
        self.browser.switch_to(windows[0])
        self.browser.run(hide, True)
        self.browser.switch_to(windows[-1])
        self.browser.click("#panel-close")
        self.open_log()
        self.browser.until("the log", log)
        self.browser.switch_to(windows[0])
        self.browser.run(hide, False)
        self.browser.until("no log", none)

    def a_reload_needs_no_login(self):
        self.browser.go(self.url)
        self.until_live()
        self.until_state("running")

    def the_keyboard_alone_can_do_all(self):
        press = self.browser.press
        press("/", self.bot, "Down")
        self.browser.until("the bot is chosen", "return document.activeElement.dataset.name === arguments[0]", self.bot)
        press("x")
        self.until_state("stopped")
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        check(self.focused() == self.bot, f"the focus went to {self.focused()}")
        press("s")
        first = self.until_state("running")
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        press("r")
        self.until_state("running", but_not=first)
        press("l")
        self.browser.until("the log", "return document.activeElement.id === 'log' && document.querySelector('#log div:not(.aside)')")
        press("Escape")
        check(self.focused() == self.bot, f"after the log the focus is at {self.focused()}")
        press("?")
        self.browser.until("the help", "return document.getElementById('help').open")
        press("x", "Escape")
        self.browser.until("no help", "return !document.getElementById('help').open")
        self.until_state("running")
        press("Escape")
        self.browser.until("no filter", "return document.getElementById('filter').value === ''")
        all_rows = self.browser.run("return document.querySelectorAll('#rows tr').length")
        press("End")
        last = self.focused()
        press("Home")
        check(all_rows == 1 or self.focused() != last, "Home and End lead to the same")
        # Tab goes from the row to its buttons, and Enter presses them.
        press("Tab", "Tab")
        check(self.browser.run("return document.activeElement.closest('.actions') !== null"), "Tab does not reach the buttons")
        press("/")
        check(self.focused() == "filter", "no way into the filter")
        press("no such bot")
        self.browser.until("nothing found", "return !document.getElementById('empty').hidden")
        press("Escape")

    def letters_can_be_switched_off(self):
        self.browser.press("Escape", "?")
        self.browser.click("#help-letters")
        self.browser.press("Escape", "?")
        self.browser.press("/")
        check(self.focused() != "filter" and not self.browser.run("return document.getElementById('help').open"), "letters are still shortcuts")
        self.browser.click("#help-open")
        self.browser.click("#help-letters")
        self.browser.press("Escape")

    def what_is_broken_is_on_top_and_in_the_title(self):
        name = self.options.broken
        self.until_state("gave-up", name)
        title = self.browser.run("return document.title")
        check(re.match(r"\(\d+ problems?\) ", title), f"title `{title}`")
        self.browser.until("problems are on top", "return document.querySelector('#rows tr.problem') && !document.querySelector('#rows tr:not(.problem) ~ tr.problem')")
        self.browser.click('[data-show="problems"]')
        self.browser.until("problems alone", "return [...document.querySelectorAll('#rows tr')].every(row => row.classList.contains('problem'))")
        check(self.row(name) is not None, f"{name} is no problem")
        self.browser.click('[data-show="all"]')

    def what_fails_says_why(self):
        self.browser.click(self.button("start", self.options.broken))
        words = self.browser.until("the words", f"{ROW} return row.querySelector('.error').textContent", self.options.broken)
        check(words.startswith("failed to start"), words)

    def instances_are_folded_and_this_is_remembered(self):
        has = f"{ROW} return Boolean(row)"
        check(self.browser.run(has, "web:*") and not self.browser.run(has, "web:1"), "the instances are not folded")
        name = self.browser.run(f"{ROW} return row.querySelector('button.name').textContent", "web:*")
        check((name, self.row("web:*")["state"]) == ("web:1…4", "4 running"), f"{name}: {self.row('web:*')}")
        self.browser.click('#rows tr[data-name="web:*"] button.name')
        self.browser.until("the instances", f"{ROW} return row", "web:4")
        self.browser.go(self.url)
        self.until_live()
        self.browser.until("still unfolded", f"{ROW} return row", "web:4")
        # One of them fails: the family says so in words, and still has figures.
        self.wish(bot="web:3", state="gave-up", reason="3 exits within 60 s")
        self.until_state("gave-up", "web:*")
        check(self.row("web:*")["state"] == "1 gave-up", self.row("web:*"))
        note = self.browser.run(f"{ROW} const note = row.querySelector('.note'); return note.checkVisibility() && note.textContent", "web:*")
        check(note and note.startswith("web:3: 3 exits within 60 s"), f"the reason is `{note}`")
        self.browser.run(f"{ROW} row.focus()", "web:3")
        self.browser.press("s")
        self.until_state("running", "web:3")
        self.browser.run(f"{ROW} row.focus()", "web:*")
        self.browser.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": [{"type": "keyDown", "value": "\ue012"}, {"type": "keyUp", "value": "\ue012"}]}]})
        self.browser.until("folded", f"{ROW} return !row", "web:3")

    def reasons_come_before_figures(self):
        for name, reason in [("importer", "ended 6 times within 60s, the last time by status 2 · 7d "), ("exchange-rates", "killed by signal 11 · again in "), ("session-cleaner", "next run in "), ("replica", "suspended by a signal"), ("indexer", "failed 2 of 3 checks: connection refused")]:
            shown = self.browser.run(f"{ROW} return [...row.querySelectorAll('.note, .why, td[data-cell]:not(.why):not([data-cell=state])')].filter(cell => cell.checkVisibility()).map(cell => cell.textContent)", name)
            check(shown and reason in shown[0], f"{name} says {shown}")
        dull = self.browser.run("return [...document.querySelectorAll('#rows td')].map(cell => cell.textContent).filter(text => /^0\\/|(^|[^\\d,])0\\/h|^0 /.test(text))")
        check(not dull, f"cells that say nothing: {dull}")
        # Without exits there is no such column.
        self.browser.press("/", "session-cleaner")
        self.browser.until("the only one", "return document.querySelectorAll('#rows tr').length === 1")
        self.browser.until("no columns", "return ['exits', 'cpu', 'memory', 'events', 'pid'].every(column => !document.querySelector(`#list thead .${column}`).checkVisibility())")
        self.browser.press("Escape", "Escape")
        self.browser.until("all again", "return document.querySelectorAll('#rows tr').length > 10")

    def sizes_and_times_are_those_of_daemonctl(self):
        """The vectors of bin/daemonctl/human_format.rs."""
        sources = Path(__file__).resolve().parents[3] / "daemonize-monitor/src"
        vectors = re.findall(r'\((-?[\d_.]+(?:e\d+)?), "([^"]+)"\)', (sources / "bin/daemonctl/human_format.rs").read_text())
        # The functions of the page belong to its module, so they are brought along.
        page = (sources / "page/text.js").read_text()
        check(len(vectors) > 10, "no vectors")
        for value, shown in vectors:
            function = "memory" if shown.endswith("B") else "duration"
            told = self.browser.run(f"{page}; return {function}(arguments[0])", float(value.replace("_", "")))
            check(told == shown, f"{value} is `{told}`, not `{shown}`")

    def several_bots_are_commanded_after_a_question(self):
        self.browser.run("document.getElementById('group').value = 'shop'; document.getElementById('group').dispatchEvent(new Event('change'))")
        self.browser.until("the group", "return document.getElementById('bulk-what').textContent === '10 shown'")
        self.browser.click('[data-bulk="restart"]')
        self.browser.until("the question", "return document.getElementById('ask').open && document.getElementById('ask-title').textContent === 'Restart 10 bots?'")
        check(self.focused() == "ask-no", f"the focus is at {self.focused()}")
        self.browser.press("Enter")
        self.browser.until("no question", "return !document.getElementById('ask').open")
        check(self.row("web:*")["state"] == "4 running", "a restart that was not meant")
        self.browser.run("document.getElementById('group').value = ''; document.getElementById('group').dispatchEvent(new Event('change'))")
        self.browser.until("no bar", "return !document.getElementById('bulk').checkVisibility()")
        # A stop of one names those that it takes along.
        self.browser.click(self.button("start", "session-cleaner"))
        self.until_state("running", "session-cleaner")
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        self.browser.click(self.button("stop", "session-cleaner"))
        words = self.browser.until("the question", "return document.getElementById('ask').open && document.getElementById('ask-others').textContent")
        check(words == "Also stops, because they depend on this, 4 bots: web:1, web:2, web:3, web:4", words)
        self.browser.press("Escape")
        self.browser.until("no question", "return !document.getElementById('ask').open")
        for name in ("scheduler", "mailer"):
            self.browser.click(f'#rows tr[data-name="{name}"] .pick input')
        self.browser.until("two", "return document.getElementById('bulk-what').textContent === '2 selected'")
        self.browser.click('[data-bulk="stop"]')
        self.browser.until("the question", "return document.getElementById('ask').open && document.getElementById('ask-names').textContent === 'scheduler, mailer'")
        self.browser.click("#ask-yes")
        for name in ("scheduler", "mailer"):
            self.until_state("stopped", name)
        self.browser.until("no longer busy", "return !document.querySelector('[aria-busy]')")
        self.browser.click('[data-bulk="start"]')
        self.browser.until("the question", "return document.getElementById('ask').open")
        self.browser.click("#ask-yes")
        for name in ("scheduler", "mailer"):
            self.until_state("running", name)
        self.browser.click("#bulk-none")
        self.browser.until("no bar", "return !document.getElementById('bulk').checkVisibility()")

    def the_panel_tells_what_is_known(self):
        self.browser.click(self.button("log", "importer"))
        facts = self.browser.until("the facts", "const text = document.getElementById('facts-of-bot').textContent; return /Command/.test(text) && text")
        check("/srv/importer/bin/importer --config /etc/importer.toml" in facts and "stays down until it is started: ended 6 times within 60s" in facts, facts)
        ends = self.browser.run("return [...document.querySelectorAll('#ends .end')].map(end => end.textContent)")
        check(len(ends) == 6 and "exited with status 2 after 12s" in ends[0] and "no such table" in ends[0], f"ends: {ends}")
        check(self.browser.run("return document.querySelectorAll('#ends .c1').length") == 6, "the last lines have no colours")
        drawn = self.browser.run("return [...document.querySelectorAll('#day figure')].map(figure => figure.textContent)")
        check([text.split("B")[0][:3] for text in drawn] == ["Exi", "Mem", "CPU"], f"drawn: {drawn}")
        self.browser.click("#panel-close")

    def a_log_is_searched_and_saved(self):
        self.browser.run("document.querySelector('[data-show=all]').click()")
        self.browser.click(self.button("log", self.bot))
        self.browser.until("a line", "return document.querySelectorAll('#log div:not(.aside, .boundary)').length > 2")
        check(self.browser.run("return document.querySelector('#log .boundary') === null || /^run \\d+ ended: status 1/.test(document.querySelector('#log .boundary').textContent)"), "a boundary")
        self.browser.click("#log-search")
        self.browser.press("TICK 1")
        found = self.browser.until("what is found", "const shown = [...document.querySelectorAll('#log div:not(.aside, .boundary)')].filter(line => line.checkVisibility()); return shown.length > 0 && shown.every(line => /tick 1/.test(line.textContent)) && document.getElementById('log-found').textContent")
        check(re.fullmatch(r"\d+ found", found), found)
        check("last week" not in self.text("#log"), "an old line is loaded")
        self.browser.press("Enter")
        found = self.browser.until("the old line", "return /last week/.test(document.getElementById('log').textContent) && document.getElementById('log-found').textContent")
        check(re.fullmatch(r"\d+ found in the whole log. Only the newest part of the log was searched: it is large.", found), found)
        check(self.focused() == "log-search", f"the focus is at {self.focused()}")
        # The text is searched for as it is, and other text in the lines that come.
        self.browser.press("Escape")
        self.browser.until("the lines that come", "return !/last week/.test(document.getElementById('log').textContent) && document.querySelectorAll('#log div:not(.aside, .boundary)').length > 2")
        self.browser.press("t.ck")
        self.browser.click("#log-whole")
        self.browser.until("nothing", "return /Nothing found/.test(document.getElementById('log').textContent) && /^0 found in the whole log/.test(document.getElementById('log-found').textContent)")
        self.browser.click("#log-search")
        self.browser.press("Escape")
        self.browser.until("all again", "return !document.querySelector('#log .missed')")
        self.browser.run("""window.saved = null;
            URL.createObjectURL = (blob) => { blob.text().then(text => { document.body.dataset.saved = text; }); return 'blob:none'; };
            HTMLAnchorElement.prototype.click = function () { document.body.dataset.file = this.download; };""")
        self.browser.click("#log-download")
        text = self.browser.until("the file", "return document.body.dataset.file === 'ticker.log' && document.body.dataset.saved")
        check(text.count("\n") >= 2 and "\x1b[31mred\x1b[0m" in text, f"saved: {text[:200]!r}")
        self.browser.click("#panel-close")

    def the_address_of_daemonctl_open_logs_in(self):
        """Promise 5.27. With the monitor itself."""
        self.browser.run("sessionStorage.clear()")
        self.browser.go("about:blank")
        printed = subprocess.run(self.options.open, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
        self.browser.go(printed)
        self.until_live()
        check(self.browser.run("return location.href") == self.url, self.browser.run("return location.href"))
        session = self.browser.run("return sessionStorage.token")
        check(session and session != self.token and session not in printed, "the session is not a new key")
        self.until_state("running")
        self.browser.click("#logout")
        self.browser.until("the login", "return document.activeElement.id === 'login-token'")
        self.browser.press(self.token, "Enter")
        self.until_live()

    def colours_of_a_terminal_are_classes_and_nothing_else(self):
        sources = Path(__file__).resolve().parents[3] / "daemonize-monitor/src/page"
        page = (sources / "text.js").read_text() + (sources / "ansi.js").read_text()

        def shown(line):
            script = f"{page}; return coloured(arguments[0]).map(node => (node.className ? `[${{node.className}}|${{node.textContent}}]` : node.textContent)).join('')"
            return self.browser.run(script, line)

        esc = "\x1b["
        for line, expected in [
            (f"a{esc}31mb{esc}0mc", "a[c1|b]c"), (f"{esc}1;4;93mx{esc}22my{esc}mz", "[bold underline c11|x][underline c11|y]z"),
            (f"{esc}38;5;196mred{esc}39m", "[c9|red]"), (f"{esc}38;2;10;200;20mgreen", "[c2|green]"), (f"{esc}38:5:4mblue", "[c4|blue]"),
            (f"{esc}48;5;1mground", "ground"), (f"{esc}8mhidden", "hidden"), (f"{esc}38mnone", "[c0|none]"), (f"{esc}38;2mx", "[c0|x]"),
            (f"{esc}2J{esc}?25lx", "\\u{1b}[2J\\u{1b}[?25lx"), ("\x1b]8;;http://evil\x07link", "\\u{1b}]8;;http://evil\\u{7}link"),
            (f"{esc}{'1;' * 200}mx", "\\u{1b}[" + "1;" * 200 + "mx"), (f"{esc}31;constructor;__proto__mx", "\\u{1b}[31;constructor;__proto__mx"),
        ]:
            told = shown(line)
            check(told == expected, f"{line!r} is {told!r}, not {expected!r}")
        many = self.browser.run(f"{page}; return coloured(arguments[0]).length", f"{esc}31mx" * 20_000)
        check(many < 500, f"a line of {many} parts")

    def text_of_others_stays_text(self):
        """Promise 5.28. A bot chooses what it prints, how it ends and what it counts, and a configuration everything else."""
        evil = "<img src=x onerror=document.title='owned'>\u202e\x1b[31mred\x1b[5;5H<script>document.title='owned'</script>"
        self.wish(evil=evil)
        self.until_state("gave-up", "metrics")
        self.browser.run("document.querySelector(arguments[0]).click()", self.button("log", "metrics"))
        self.browser.until("everything", "return ['facts-of-bot', 'ends', 'log', 'counts'].every(id => document.getElementById(id).textContent.includes('onerror')) && document.querySelectorAll('#group option').length > 3")
        made = self.browser.run("return document.querySelectorAll('img, #app script, [onerror], #rows [style], #panel [style]').length")
        check(made == 0 and "owned" not in self.browser.run("return document.title"), f"{made} elements of another one's text")
        for place in ("#rows", "#log", "#facts-of-bot", "#ends", "#counts", "#group"):
            text = self.text(place)
            check("\u202e" not in text and "\x1b" not in text and "\\u{202e}" in text, f"controls in {place}: {text[:300]!r}")
        check(self.browser.run("return document.querySelector('#log .c1').textContent").startswith("red"), "no colours in the log")
        self.browser.click("#panel-close")

    def a_code_in_the_address_logs_in_once(self):
        """Promise 5.27. The code leaves the address at once, and the session is kept for this window alone."""
        code = "ab" * 32
        self.wish(code=code)
        self.expected.append(r"session - Failed to load resource: .* status of 401")
        self.browser.run("sessionStorage.clear()")
        self.browser.go("about:blank")
        self.browser.go(f"{self.url}#code={code}")
        self.until_live()
        check(self.browser.run("return location.href") == self.url, self.browser.run("return location.href"))
        check(self.browser.run("return history.length") <= 50 and code not in self.browser.run("return document.documentElement.outerHTML + JSON.stringify({ ...sessionStorage, ...localStorage }) + document.cookie"), "the code is kept")
        kept = self.browser.run("return [Object.keys(sessionStorage), sessionStorage.token.length, Object.keys(localStorage).filter(key => /token|session/.test(key)), document.cookie]")
        check(kept == [["token"], 64, [], ""], f"kept: {kept}")
        session = self.browser.run("return sessionStorage.token")
        # A second time it says why it does not, and what helps.
        self.browser.run("location.hash = 'code=' + arguments[0]", code)
        words = self.browser.until("the words", "return !document.getElementById('login').hidden && document.getElementById('login-error').textContent")
        check("daemonctl open" in words, words)
        check(self.browser.run("return location.href") == self.url, "the code is still in the address")
        code = "cd" * 32
        self.wish(code=code)
        self.browser.run("location.hash = 'code=' + arguments[0]", code)
        self.until_live()
        session = self.browser.run("return sessionStorage.token")
        self.browser.click("#logout")
        self.browser.until("the login", "return document.activeElement.id === 'login-token'")

        def is_over():
            try:
                DIRECT.open(urllib.request.Request(self.url + "bots", headers={"Authorization": f"Bearer {session}"}), timeout=10).close()
            except urllib.error.HTTPError as error:
                return error.code == 401

        wait_for("the end of the session", is_over)
        self.browser.press(self.token, "Enter")
        self.until_live()

    def columns_sort(self):
        self.browser.click('[data-sort="name"]')
        names = "return [...document.querySelectorAll('#rows tr')].map(row => row.dataset.name)"
        self.browser.until("sorted", f"const names = (() => {{ {names} }})(); return names.every((name, at) => at === 0 || name.localeCompare(names[at - 1], 'en', {{ numeric: true }}) >= 0)")
        check(self.browser.run("return document.querySelector('[data-sort=name]').parentElement.getAttribute('aria-sort')") == "ascending", "aria-sort")
        self.browser.click('[data-sort="state"]')

    def everything_has_a_name_and_contrast(self):
        for element in self.browser.call("POST", "/elements", {"using": "css selector", "value": "#app header button, .tools :is(button, input), #list thead button, #rows tr:first-child button"}):
            (key,) = element.values()
            label = self.browser.call("GET", f"/element/{key}/computedlabel")
            hidden = self.browser.run("return !arguments[0].checkVisibility()", element)
            check(hidden or label.strip(), f"a control without a name: {self.browser.call('GET', f'/element/{key}/text')}")
        for dark in (False, True):
            self.browser.look(1360, 860, dark=dark, still=True)
            poor = self.browser.run(CONTRAST)
            check(not poor, f"{'dark' if dark else 'light'}: too little contrast: {poor}")

    def axe_finds_nothing(self):
        """The rules of axe-core, where `AXE_CORE` names its script, in every state that the page has."""
        axe = Path(os.environ["AXE_CORE"]).read_text()
        found = {}

        def look(what):
            self.browser.run("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            violations = self.browser.run(axe + """; return axe.run(document, { resultTypes: ['violations'] })
                .then(({ violations }) => violations.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(' | ')}`))""")
            if violations:
                found[what] = violations

        for dark in (False, True):
            for width, height, phone in ((1360, 860, False), (768, 900, False), (360, 780, True)):
                where = f"{width} {'dark' if dark else 'light'}"
                self.browser.look(width, height, dark=dark, phone=phone, still=True)
                look(f"the list at {where}")
                self.open_log()
                self.browser.until("the facts", "return document.querySelector('#log div:not(.aside)')")
                look(f"the panel at {where}")
                if phone:
                    self.browser.click('#panel-tabs [value="details"]')
                    look(f"the details at {where}")
                    self.browser.click('#panel-tabs [value="log"]')
                self.browser.click("#panel-close")
            self.browser.look(1360, 860, dark=dark, still=True)
            self.browser.press("?")
            look("the help")
            self.browser.press("Escape", "/", self.bot)
            self.browser.until("the bar", "return document.getElementById('bulk').checkVisibility()")
            self.browser.click('[data-bulk="restart"]')
            self.browser.until("the question", "return document.getElementById('ask').open")
            look("the question")
            self.browser.press("Escape", "Escape", "Escape")
            if self.mock:
                self.look_at_odd_states(look, dark)
            self.browser.click("#logout")
            look("the login")
            self.browser.press(self.token, "Enter")
            self.until_live()
        self.browser.look(1360, 860)
        self.browser.until("all again", "return !document.getElementById('bulk').checkVisibility()")
        check(not found, json.dumps(found, indent=1, ensure_ascii=False))

    def look_at_odd_states(self, look, dark):
        """Long texts, states that are rare, a broken configuration, all bots selected, and a monitor that does not answer."""
        colours = "dark" if dark else "light"
        self.expected.append(r"events - Failed to load resource: .* status of 503")
        self.wish(add=ODD, problem="orders.toml:14:9: unknown key `autostrat`")
        self.wish(lagged=1)
        self.browser.until("the banner", "return !document.getElementById('problem').hidden")
        self.browser.run("document.getElementById('pick-all').click()")
        look(f"all are selected, {colours}")
        self.browser.run("document.getElementById('bulk-none').click()")
        self.browser.look(360, 780, dark=dark, phone=True, still=True)
        look(f"odd bots on a phone, {colours}")
        self.browser.look(1360, 860, dark=dark, still=True)
        self.wish(mute=True, hangup=True)
        self.browser.until("lost", "return document.getElementById('live').dataset.state === 'lost'")
        look(f"lost, {colours}")
        self.wish(mute=False, problem=None)
        self.until_live()
        self.remove_odd()
        self.browser.until("no banner", "return document.getElementById('problem').hidden")

    def it_fits_every_width(self):
        for width in (1920, 1361, 1360, 1181, 1180, 1021, 1020, 921, 920, 768, 741, 740, 601):
            self.browser.look(width, 800, still=True)
            script = f"""{ROW} const list = document.getElementById('list'), right = list.getBoundingClientRect().right;
                const buttons = [...row.querySelectorAll('.actions button')].every(button => button.getBoundingClientRect().right <= right);
                return [list.scrollWidth - list.clientWidth, document.documentElement.scrollWidth - innerWidth, buttons && row.querySelector('th').clientWidth];"""
            inside, outside, name = self.browser.run(script, self.bot)
            check(inside <= 0 and outside <= 0 and name >= 100, f"at {width}: {inside} and {outside} pixels too wide, {name} for the name")

    def it_works_on_a_phone(self):
        for width in (390, 320):
            self.browser.look(width, 844, phone=True, still=True)
            self.browser.until("cards", "return getComputedStyle(document.querySelector('#rows tr')).display === 'grid'")
            wide = self.browser.run("return document.documentElement.scrollWidth - innerWidth")
            check(wide <= 0, f"{wide} pixels too wide at {width}")
            logs = self.browser.run("return [...document.querySelectorAll('#rows tr:not(.family) [data-do=log]')].filter(button => !button.checkVisibility()).length")
            check(logs == 0, f"{logs} cards without a button for the log at {width}")
            small = self.browser.run("""return [...document.querySelectorAll('#rows .actions button')].filter(button => button.checkVisibility())
                .map(button => button.getBoundingClientRect()).filter(box => box.height < 44 || box.width < 44).length""")
            check(small == 0, f"{small} buttons are too small for a finger at {width}")
            self.cards_are_low(width)
            exits = self.browser.run(f"{ROW} return row.querySelector('.brief').textContent", self.options.broken or self.bot)
            check(not self.options.broken or re.search(r"\d+(/\d+)? exits?", exits), f"the exits are not shown: {exits}")
        before = self.until_state("running")
        self.browser.run(f"{ROW} row.scrollIntoView({{ block: 'center' }})", self.bot)
        self.browser.click(self.button("restart"))
        self.until_state("running", but_not=before)
        self.browser.click(f'#rows tr[data-name="{self.bot}"] button.name')
        self.browser.until("the log", "return document.querySelector('#log div:not(.aside)')")
        covers = self.browser.run("const box = document.getElementById('panel').getBoundingClientRect(); return box.top === 0 && box.height === innerHeight && document.getElementById('list').inert")
        check(covers, "the log does not cover a phone's screen")
        self.browser.click("#panel-close")
        self.browser.look(1360, 860)

    def cards_are_low(self, width):
        high = self.browser.run("return [...document.querySelectorAll('#rows tr')].map(row => [row.dataset.name, row.getBoundingClientRect().height]).filter(([, height]) => height > 120)")
        check(not high, f"cards of more than 120 pixels at {width}: {high}")

    def anything_fits_a_row_and_a_card(self):
        """Promise 5.30. Long names, groups and reasons, and a state that this page does not know."""
        self.wish(add=ODD)
        names = [bot["name"] for bot in ODD]
        self.browser.until("all of them", "return arguments[0].every(name => [...document.querySelectorAll('#rows tr')].some(row => row.dataset.name === name))", names)
        shown = {name: self.browser.run(f"{ROW} return row.querySelector('.state').textContent + ': ' + row.querySelector('.why').textContent", name) for name in names}
        for name, words in [
            ("paused", "frozen: frozen by a command"), ("unknown", "hibernating: hibernating · "), ("over-memory", "running: memory 629 MB of 512 MB"),
            ("nightly", "exited: exited with status 0 · 2h 0"), ("restarted-daily", "running: last run: killed by signal 15 · next run in "),
        ]:
            check(shown[name].startswith(words), f"{name} says {shown[name]}")
        outside = """return [...document.querySelectorAll('#rows tr')].flatMap(row => { const box = row.getBoundingClientRect();
            return [...row.querySelectorAll('.note, .why, .tag, button, .brief, .state, td')].filter(node => node.checkVisibility()).filter(node => { const own = node.getBoundingClientRect();
                return own.left < box.left || own.right > box.right + 0.5 || own.top < box.top - 0.5 || own.bottom > box.bottom + 0.5; }).map(node => `${row.dataset.name} ${node.className}`); })"""
        for width in (1360, 1021, 768, 601):
            self.browser.look(width, 800, still=True)
            check(not self.browser.run(outside), f"outside their rows at {width}: {self.browser.run(outside)}")
            high = self.browser.run("return [...document.querySelectorAll('#rows tr')].filter(row => row.getBoundingClientRect().height > 80).map(row => row.dataset.name)")
            check(not high, f"rows of more than three lines at {width}: {high}")
        # What is under the finger near each corner of a button is the button.
        covered = """return [...document.querySelectorAll('#rows .actions button')].filter(button => button.checkVisibility({ visibilityProperty: true })).filter(button => { button.scrollIntoView({ block: 'center' });
            const { left, right, top, bottom } = button.getBoundingClientRect(); return [[left + 4, top + 4], [right - 4, bottom - 4]].some(([x, y]) => !button.contains(document.elementFromPoint(x, y))); }).length"""
        clipped = """return [...document.querySelectorAll('#rows .brief')].filter(brief => / exits?/.test(brief.textContent)).filter(brief => { const range = document.createRange(), text = brief.firstChild;
            range.setStart(text, 0); range.setEnd(text, text.data.search(/ exits?/) + 6); return range.getBoundingClientRect().right > brief.getBoundingClientRect().right; }).length"""
        self.browser.run("document.getElementById('pick-all').click()")
        for width in (390, 320):
            self.browser.look(width, 844, phone=True, still=True)
            self.browser.until("cards", "return getComputedStyle(document.querySelector('#rows tr')).position === 'relative' && [...document.querySelectorAll('#rows .brief')].some(brief => / exits/.test(brief.textContent))")
            wide = self.browser.run("return Math.max(document.documentElement.scrollWidth, innerWidth)")
            check(wide == width, f"{wide} pixels wide at {width}")
            check(not self.browser.run(outside), f"outside their cards at {width}: {self.browser.run(outside)}")
            self.cards_are_low(width)
            many = self.browser.run(covered), self.browser.run(clipped)
            check(many == (0, 0), f"{many[0]} buttons are covered and {many[1]} counts of exits cut off at {width}")
        self.browser.look(1360, 860)
        self.browser.run("document.getElementById('bulk-none').click()")
        # What a row cuts off is whole in the panel.
        self.browser.run("document.querySelector(arguments[0]).click()", self.button("log", ODD[0]["name"]))
        self.browser.until("the whole reason", "return document.getElementById('facts-of-bot').textContent.includes(arguments[0])", ODD[0]["reason"])
        self.browser.click("#panel-close")
        self.remove_odd()

    def remove_odd(self):
        names = [bot["name"] for bot in ODD]
        for name in names:
            self.wish(remove=name)
        self.browser.until("they are gone", "return ![...document.querySelectorAll('#rows tr')].some(row => arguments[0].includes(row.dataset.name))", names)

    def a_broken_configuration_is_said(self):
        self.wish(problem="orders.toml:14:9: unknown key `autostrat`")
        self.wish(lagged=12)
        words = self.browser.until("the banner", "const banner = document.getElementById('problem'); return !banner.hidden && banner.textContent")
        check("autostrat" in words, words)
        self.wish(problem=None, log_problem="no space left on device")
        self.wish(lagged=1)
        self.browser.until("the other banner", "return document.getElementById('problem').textContent.endsWith('not written: no space left on device')")
        self.wish(log_problem=None)
        self.wish(lagged=1)
        self.browser.until("no banner", "return document.getElementById('problem').hidden")

    def a_lost_stream_comes_back(self):
        self.browser.run("""window.seen = [];
            window.watching = new MutationObserver(() => seen.push(document.getElementById('live').dataset.state));
            watching.observe(document.getElementById('live'), { attributes: true });""")
        self.wish(hangup=True)
        self.browser.until("lost and live again", "return seen.includes('lost') && document.getElementById('live').dataset.state === 'live'")
        markup = "<img src=x onerror=alert(1)>"
        self.wish(bot="mailer", state="gave-up", reason=markup)
        self.until_state("gave-up", "mailer")
        check(self.browser.run(f"{ROW} return row.querySelector('.why').textContent", "mailer").startswith(markup), "the reason is not shown as it is")
        check(self.browser.run("return document.querySelectorAll('img').length") == 0, "a reason became markup")

    def a_removed_bot_is_gone(self):
        self.wish(remove="migrate")
        self.browser.until("it is gone", f"{ROW} return !row", "migrate")

    def a_new_token_asks_for_a_login(self):
        self.token, old = "another-token", self.token
        self.expected.append(r"(events|bots).* - Failed to load resource: .* status of 401")
        data = json.dumps(dict(token=self.token)).encode()
        headers = {"Authorization": f"Bearer {old}", "Content-Type": "application/json"}
        DIRECT.open(urllib.request.Request(self.url + "mock", data, headers), timeout=10).close()
        words = self.browser.until("the login", "return !document.getElementById('login').hidden && document.getElementById('login-error').textContent")
        check("no longer takes this login" in words, words)
        check(self.browser.run("return document.querySelectorAll('#rows tr').length + sessionStorage.length") == 0, "something is left")
        self.browser.press(self.token, "Enter")
        self.until_live()

    def nothing_left_the_origin_or_was_complained_of(self):
        asked = self.browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)")
        strange = [address for address in asked if not address.startswith(self.url)]
        check(asked and not strange, f"asked elsewhere: {strange}")
        complaints = [entry["message"] for entry in self.browser.console()]
        unexpected = [text for text in complaints if not any(re.search(known, text) for known in self.expected)]
        check(not unexpected, f"the console says: {unexpected}")

    def a_logout_leaves_nothing(self):
        self.browser.click("#logout")
        self.browser.until("the login", "return !document.getElementById('login').hidden")
        check(self.browser.run("return sessionStorage.length") == 0, "the token is kept")
        check(self.browser.run("return document.querySelectorAll('#rows tr').length") == 0, "the bots are kept")
        self.browser.go(self.url)
        self.browser.until("the login", "return document.activeElement.id === 'login-token'")

    def a_monitor_without_a_token_asks_for_none(self):
        self.wish(token="")
        self.browser.go(self.url)
        self.until_live()
        check(self.browser.run("return document.getElementById('logout').hidden"), "there is no login to log out of")

    def steps(self):
        yield self.the_page_is_served_with_strict_headers
        yield self.a_wrong_token_is_refused_with_words
        yield self.text_cannot_become_markup
        yield self.the_right_one_shows_the_bots
        yield self.the_uptime_goes_on_by_itself
        yield self.a_click_stops_starts_and_restarts
        yield self.a_killed_bot_is_seen_to_die_and_come_back
        yield self.the_log_is_live_and_text_stays_text
        yield self.the_whole_log_is_searched
        yield self.a_click_on_another_bot_shows_its_log
        yield self.a_reload_needs_no_login
        yield self.the_keyboard_alone_can_do_all
        yield self.letters_can_be_switched_off
        yield self.columns_sort
        yield self.many_windows_share_one_stream
        if self.options.broken:
            yield self.what_is_broken_is_on_top_and_in_the_title
        yield self.everything_has_a_name_and_contrast
        if os.environ.get("AXE_CORE"):
            yield self.axe_finds_nothing
        yield self.it_fits_every_width
        yield self.it_works_on_a_phone
        if self.mock:
            yield self.anything_fits_a_row_and_a_card
        if self.options.open:
            yield self.the_address_of_daemonctl_open_logs_in
        if self.mock:
            yield self.sizes_and_times_are_those_of_daemonctl
            yield self.reasons_come_before_figures
            yield self.the_panel_tells_what_is_known
            yield self.a_log_is_searched_and_saved
            yield self.instances_are_folded_and_this_is_remembered
            yield self.several_bots_are_commanded_after_a_question
            yield self.a_code_in_the_address_logs_in_once
            yield self.colours_of_a_terminal_are_classes_and_nothing_else
            yield self.text_of_others_stays_text
            yield self.what_fails_says_why
            yield self.a_broken_configuration_is_said
            yield self.a_lost_stream_comes_back
            yield self.a_removed_bot_is_gone
            yield self.a_new_token_asks_for_a_login
        yield self.nothing_left_the_origin_or_was_complained_of
        yield self.a_logout_leaves_nothing
        if self.mock:
            yield self.a_monitor_without_a_token_asks_for_none


# Bots whose texts are as long as they may be, and states that are rare or that the page does not know.
PATH = "/var/lib/warehouse/imports/2026/11/30/exchange-rates-of-the-european-central-bank.csv"
REASON = f"ended 6 times within 60s, the last time by status 2: failed to open `{PATH}`: No such file or directory (os error 2); see https://example.org/runbooks/imports"
ODD = [
    dict(name="nightly-import-of-the-exchange-rates-of-the-central-bank-into-the-warehouse", state="gave-up", reason=REASON, exits=6, group="a-group-with-a-rather-long-name"),
    dict(name="import_" * 14, state="running", exits=41, group="warehouse", health="failing", reason=REASON, memory_max=512_000_000),
    dict(name="paused", state="frozen", reason="frozen by a command"),
    dict(name="unknown", state="hibernating"),
    dict(name="over-memory", state="running", memory_max=512_000_000, exits=2),
    dict(name="restarted-daily", state="running", last_exit="killed by signal 15", next_run=time.time() + 7000),
    dict(name="nightly", state="exited", last_exit="exited with status 0", since=time.time() - 7205, next_run=time.time() + 80_000),
    dict(name="unlucky", state="failed", reason="failed to execute `/opt/unlucky/bin/run`: Permission denied (os error 13)"),
]

# Texts whose colour differs too little from what lies behind them (WCAG 2, 4.5 to 1); what is disabled may.
CONTRAST = """
const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(part => part / 255).map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [.2126, .7152, .0722][at], 0);
const behind = (node) => { for (; node; node = node.parentElement) { const colour = parse(getComputedStyle(node).backgroundColor); if (colour.length === 3 || colour[3] === 1) return colour; } return [255, 255, 255]; };
const poor = new Set();
for (const node of document.querySelectorAll('#app *')) {
  if (![...node.childNodes].some(child => child.nodeType === 3 && child.data.trim()) || !node.checkVisibility() || node.closest('option, [aria-disabled], .unseen')) continue;
  const a = light(parse(getComputedStyle(node).color)), b = light(behind(node));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) poor.add(`${node.tagName}.${node.className} "${node.textContent.slice(0, 20)}" ${ratio.toFixed(2)}`);
}
return [...poor];
"""


def log_in(browser, url, token):
    browser.go(url)
    browser.until("the login", "return document.activeElement.id === 'login-token'")
    browser.press(token, "Enter")
    browser.until("the stream", "return document.getElementById('live').dataset.state === 'live' && document.querySelector('#rows tr')")


def shoot(browser, url, token, bot, directory):
    """The pictures of the guide: at a desk, in the dark and on a phone."""
    browser.look(1280, 800, still=True)
    log_in(browser, url, token)

    def picture(name, width, height, opened=None, **prefers):
        browser.look(width, height, still=True, **prefers)
        browser.press("Escape")
        if opened:
            browser.run(f"{ROW} row.querySelector('button.name').click()", opened)
            browser.until("the log", "return document.querySelectorAll('#log div:not(.aside)').length > 3 && document.getElementById('facts-of-bot').textContent.includes('Command')")
            browser.run("document.activeElement.blur()")
        # The bots are measured again every five seconds.
        browser.until("all that is measured", "return document.querySelectorAll('#rows tr').length > 3 && ![...document.querySelectorAll('#rows tr[data-state=running] .cpu')].some(cell => cell.textContent === '–')")
        browser.run("return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        path = Path(directory) / name
        browser.shoot(path)
        path.write_bytes(png.smaller(path.read_bytes()))
        size = path.stat().st_size
        print(f"   {path}: {size} bytes")
        check(size < 150_000, f"{path} is too large for the guide")

    picture("status-page.png", 1280, 800)
    browser.run(f"{ROW} row?.querySelector('button.name').click()", bot.split(":")[0] + ":*")
    browser.until("the row", f"{ROW} return row", bot)
    picture("status-page-dark.png", 1280, 800, bot, dark=True)
    browser.press("Escape")
    browser.run(f"{ROW} row?.querySelector('button.name').click()", bot.split(":")[0] + ":*")
    picture("status-page-phone.png", 390, 844, phone=True)
    browser.look(1360, 860)


def crowd(browser, url, token, many):
    """How long the page is busy at a time with many bots of which some die all the time."""
    browser.go(url)
    browser.until("the login", "return document.activeElement.id === 'login-token'")
    watch = """window.tasks = []; new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration))).observe({ entryTypes: ['longtask'] });
        window.began = performance.now(); window.shown = 0;
        new MutationObserver(() => { shown ||= document.querySelectorAll('#rows tr').length >= arguments[0] ? performance.now() - began : 0; }).observe(document.getElementById('rows'), { childList: true });"""
    browser.run("localStorage.setItem('unfolded', JSON.stringify(['pool:*']))")
    browser.go(url)
    browser.until("the login", "return document.activeElement.id === 'login-token'")
    browser.run(watch, many)
    browser.press(token, "Enter")
    browser.until("all rows", "return shown", seconds=60)
    first = browser.run("return [shown, tasks.splice(0)]")
    print(f"   {many} rows within {first[0]:.0f} ms of typing the token; the longest task took {max(first[1], default=0):.0f} ms")
    watched = browser.run("""return new Promise(done => { let last = performance.now(), worst = 0, frames = 0; const end = last + 10000;
        const frame = now => { worst = Math.max(worst, now - last); last = now; frames += 1; now < end ? requestAnimationFrame(frame) : done([worst, frames, tasks.splice(0)]); };
        requestAnimationFrame(now => { last = now; requestAnimationFrame(frame); }); })""")
    print(f"   10 s of changes: {watched[1]} frames, the longest {watched[0]:.0f} ms, {len(watched[2])} tasks above 50 ms, the longest {max(watched[2], default=0):.0f} ms")
    browser.run("window.began = performance.now()")
    browser.press("/", "bot-77")
    found = browser.until("found", "const rows = document.querySelectorAll('#rows tr'); return rows.length > 0 && rows.length < 20 && performance.now() - began")
    print(f"   filtered within {found:.0f} ms")
    check(watched[0] < 1000, "the page froze")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("url", nargs="?")
    parser.add_argument("token", nargs="?")
    parser.add_argument("--bot", default="ticker")
    parser.add_argument("--broken")
    parser.add_argument("--open", nargs="+", help="the command that prints an address with a code")
    parser.add_argument("--mock", action="store_true")
    parser.add_argument("--crowd", type=int, default=0)
    parser.add_argument("--screenshots")
    options = parser.parse_args()
    mock = None
    if options.mock:
        command = [sys.executable, str(Path(__file__).with_name("mock.py")), "--bots", str(options.crowd)]
        mock = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        options.url, options.token = mock.stdout.readline().split()
        options.broken = "importer"
    elif not options.token:
        parser.error("URL and TOKEN, or --mock")
    if not options.url.endswith("/"):
        options.url += "/"
    browser = None
    try:
        browser = Browser()
        if options.crowd:
            crowd(browser, options.url, options.token, options.crowd)
            return
        if options.screenshots:
            shoot(browser, options.url, options.token, "web:1" if mock else options.bot, options.screenshots)
            browser.run("sessionStorage.clear(); localStorage.clear()")
        test = Test(browser, options, mock)
        for step in test.steps():
            try:
                step()
            except Exception:
                failed = Path(tempfile.gettempdir()) / f"status-page-failed-{os.getpid()}.png"
                browser.shoot(failed)
                print(f"FAILED {step.__name__} (see {failed})", flush=True)
                raise
            print(f"ok {step.__name__}", flush=True)
    finally:
        if browser:
            browser.close()
        if mock:
            mock.stdin.close()
            mock.wait(10)


if __name__ == "__main__":
    try:
        main()
    except (AssertionError, Late) as error:
        sys.exit(f"{type(error).__name__}: {error}")
