#!/usr/bin/env python3
"""A monitor that only plays one, to look at the status page and to test it alone.

    mock.py [--port N] [--token TEXT] [--bots N] [--seed N] [--problem TEXT]

Serves the page with the headers it is meant for, and the JSON interface with bots of which all but one are made up:
they come and go, count and print. The bot `ticker` is a real process, so that a test can kill it: it comes back after
a second. Prints `ADDRESS TOKEN` and ends with its stdin. Only the standard library is used.
"""

import argparse
import base64
import hashlib
import json
import math
import os
import queue
import random
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

SOURCE = Path(__file__).resolve().parents[3] / "daemonize-monitor/src/page"


def page():
    """The document as `page/mod.rs` joins it."""
    joined = (SOURCE / "mod.rs").read_text().split("concat!(", 1)[1].split(");", 1)[0]
    parts = re.findall(r'include_str!\("([^"]+)"\)|"((?:[^"\\]|\\.)*)"', joined)
    return "".join((SOURCE / file).read_text() if file else json.loads(f'"{text}"') for file, text in parts)


def policy(document):
    """The strictest Content-Security-Policy there is for this document: its own style and script, and nothing else."""

    def digest(tag):
        text = re.search(rf"<{tag}[^>]*>(.*?)</{tag}>", document, re.S).group(1)
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest('script')}; style-src {digest('style')}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class Bot:
    """One bot: what `GET /bots` says of it, its log, and who follows it."""

    def __init__(self, name, chance, mega, events, words):
        self.name, self.words, self.chance = name, words, chance
        self.state, self.reason, self.last_exit, self.pid = "stopped", None, None, None
        self.since, self.exits, self.next_start = time.time() - chance.randint(60, 900000), 0, None
        self.mega, self.cpu = mega, 0.0
        self.autostart, self.configured, self.dropped = True, True, 0
        self.events = [dict(name=known, total=0, hour=0, minutes=[0] * 60) for known in ("exit", "start", "restart", "kill")]
        for known, rate in events:
            phase, length = chance.random() * 6.3, chance.uniform(5, 14)
            wave = [0.55 + 0.4 * math.sin(phase + minute / length) for minute in range(60)]
            minutes = [int(rate * max(0.05, level + 0.25 * (chance.random() - 0.5)) + chance.random()) for level in wave]
            self.events.append(dict(name=known, total=sum(minutes) * chance.randint(2, 400), hour=sum(minutes), minutes=minutes))
        self.process, self.lines, self.followers = None, [], []
        self.group, self.health, self.last_check, self.next_run, self.memory_max = None, None, None, None, None
        self.run, self.ends, self.depends_on, self.evil = 1, [], [], None

    def says(self):
        up = self.state in ("running", "suspended")
        return dict(
            name=self.name, family=self.name.split(":")[0], state=self.state, reason=self.reason,
            pid=self.pid if up or self.state in ("starting", "stopping", "frozen") else None, since=self.since,
            uptime=time.time() - self.since if up else None, exits=self.exits, limit=5, window=60,
            next_start=max(0, self.next_start - time.time()) if self.next_start else None, last_exit=self.last_exit,
            cpu=round(self.cpu, 1) if up else None, memory=int(self.mega * 2**20) if up else None,
            group=self.group, health=self.health, last_check=self.last_check, next_run=self.next_run, memory_max=self.memory_max,
            dropped=self.dropped, autostart=self.autostart, configured=self.configured, events=self.events,
        )

    def detail(self, monitor):
        """What `GET /bots/NAME/show` tells."""
        family = self.name.split(":")[0]
        return dict(
            bot=self.says(), command=f"/srv/{family}/bin/{family}", arguments=["--config", f"/etc/{family}.toml"], user="www-data", unix_group=None,
            directory=f"/srv/{family}", environment=["DATABASE_URL", "LANG", "PATH"], inherits_environment=True,
            dependencies=[dict(name=name, state=monitor.bots[name].state, ready=monitor.bots[name].state == "running") for name in self.depends_on],
            dependents=[dict(name=bot.name, state=bot.state, ready=bot.state == "running") for bot in monitor.bots.values() if family in bot.depends_on],
            logs=[dict(stream="stdout", target="file", path=f"/var/log/{family}.log", size=2_413_000, problem=None), dict(stream="stderr", target="stdout", path=None, size=None, problem=None)],
            next=dict(step="keeps running", seconds=None, why=None) if self.state == "running" else dict(step="stays down until it is started", seconds=None, why=self.reason),
            settings=[dict(key=self.evil or "restart", value=self.evil or "always"), dict(key="limit", value="5 exits in 1m"), dict(key="stop", value="TERM, after 10s KILL")], exits=self.ends,
        )

    def history(self):
        """One sample for ten minutes of the last day."""
        chance = random.Random(self.name)
        phase = chance.random() * 6
        level = [1 + 0.25 * math.sin(phase + at / 23) + 0.12 * chance.random() for at in range(144)]
        gap = range(90, 96) if self.exits else range(0)
        return dict(
            interval=600, start=time.time() - 86400, exits=[self.exits if at in gap and at == 90 else int(chance.random() > 0.985) for at in range(144)],
            memory=[None if at in gap else int(self.mega * 2**20 * level[at] / 1.2) for at in range(144)],
            cpu=[None if at in gap else round(2 * level[at] ** 3, 1) for at in range(144)],
        )

    def counted(self, name, many=1):
        event = next(event for event in self.events if event["name"] == name)
        event["total"] += many
        event["hour"] += many
        event["minutes"][59] += many
        return event


class Monitor:
    """All bots, one lock, and the streams."""

    def __init__(self, options):
        self.lock = threading.RLock()
        self.chance = random.Random(options.seed)
        self.code, self.session = None, None
        self.token, self.problem, self.began = options.token, options.problem, time.time() - 1_123_456
        self.log_problem, self.mute = None, False
        self.bots, self.streams = {}, []
        self.next_pid = 21_000
        for bot in crowd(self.chance, options.bots) if options.bots else cast(self.chance):
            self.bots[bot.name] = bot
        for bot in self.bots.values():
            if bot.state == "running":
                self.born(bot)
        self.ending = False
        self.change("ticker", "starting")
        threading.Thread(target=self.live, args=(options.bots or 0,), daemon=True).start()

    def born(self, bot):
        if bot.name == "ticker":
            bot.process = subprocess.Popen(
                ["sleep", "600"], env={**os.environ, "DAEMON_BOT": "ticker"}, stdin=subprocess.DEVNULL
            )
            bot.pid = bot.process.pid
            threading.Thread(target=self.watch, args=(bot, bot.process), daemon=True).start()
        else:
            self.next_pid += self.chance.randint(1, 9)
            bot.pid = self.next_pid

    def watch(self, bot, process):
        status = process.wait()
        with self.lock:
            if bot.process is not process:
                return
            bot.process = None
            bot.last_exit = f"killed by signal {-status}" if status < 0 else f"exited with status {status}"
            if bot.state == "running":
                self.died(bot)

    def died(self, bot):
        bot.exits += 1
        bot.run += 1
        bot.ends.append(dict(at=time.time(), exit=bot.last_exit, status=None, signal=None, reason=None, requested=False, ran_for=time.time() - bot.since, pid=bot.pid, lines=[line["text"] for line in bot.lines[-5:]]))
        bot.counted("exit")
        bot.next_start = time.time() + 1
        self.change(bot.name, "backing-off")
        self.after(1, lambda: bot.state == "backing-off" and self.start(bot))

    def start(self, bot):
        bot.counted("restart" if bot.exits else "start")
        self.change(bot.name, "starting")

    def stop(self, bot):
        self.change(bot.name, "stopping")
        process, bot.process = bot.process, None
        if process:
            process.terminate()
        self.after(0.3, lambda: self.change(bot.name, "stopped"))

    def after(self, seconds, act):
        def run():
            with self.lock:
                if not self.ending:
                    act()

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()

    def change(self, name, state, reason=None):
        bot = self.bots[name]
        bot.state, bot.reason, bot.since = state, reason, time.time()
        if state != "backing-off":
            bot.next_start = None
        if state == "starting":
            bot.pid = None
            self.after(0.3, lambda: bot.state == "starting" and self.change(name, "running"))
        if state == "running" and bot.process is None:
            self.born(bot)
        self.publish("bot", bot.says())

    def publish(self, event, data):
        for stream in list(self.streams):
            stream.put((event, data))

    def print(self, bot, text):
        line = dict(time=time.time(), stream=stream_of(text), run=bot.run, bot=bot.name, text=text)
        bot.lines = (bot.lines + [line])[-500:]
        for follower in bot.followers:
            follower.put(("entry", line))

    def live(self, many):
        """Ten times a second: somebody counts, somebody prints; among many, somebody dies too."""
        ticks = 0
        while True:
            time.sleep(0.1)
            ticks += 1
            with self.lock:
                running = [bot for bot in self.bots.values() if bot.state == "running"]
                for bot in self.chance.sample(running, min(len(running), 4 + many // 20)):
                    bot.cpu = max(0.1, bot.cpu * 0.8 + self.chance.random())
                    if len(bot.events) > 4:
                        event = bot.events[4]
                        often = 600 * (4 + many // 20) / len(running)
                        more = int(sum(event["minutes"][:59]) / 59 / often + self.chance.random())
                        if more:
                            self.publish("counts", dict(name=bot.name, events=[bot.counted(event["name"], more)]))
                for bot in self.chance.sample(running, min(len(running), 3)):
                    if bot.words:
                        self.print(bot, self.chance.choice(bot.words))
                ticker = self.bots["ticker"]
                if ticks % 5 == 0 and ticker.state == "running":
                    self.print(ticker, f"tick {ticks // 5} <b>bold</b> \x1b[31mred\x1b[0m \x1b[2J\u202egnp\u200b")
                if many:
                    for bot in self.chance.sample(running, min(len(running), 2)):
                        if bot.process is None:
                            bot.last_exit = "exited with status 1"
                            self.died(bot)

    def command(self, name, verb):
        """Carries it out and returns what is answered."""
        with self.lock:
            bot = self.bots.get(name)
            if bot is None:
                return dict(success=False, message=f"failed to {verb} `{name}`: there is no such bot")
            if verb == "start" and name == "importer":
                return dict(success=False, message="failed to start `importer`: failed to execute `/opt/import/run`: Permission denied (os error 13)")
            if verb in ("stop", "restart") and bot.state not in ("stopped", "exited"):
                self.stop(bot)
        if verb in ("stop", "restart"):
            self.until(bot, "stopped")
        if verb in ("start", "restart"):
            with self.lock:
                if bot.state not in ("running", "starting"):
                    bot.exits = 0
                    self.start(bot)
            self.until(bot, "running")
        with self.lock:
            return dict(success=True, bot=bot.says())

    def until(self, bot, state):
        deadline = time.monotonic() + 5
        while bot.state != state and time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self):
        with self.lock:
            self.ending = True
            process = self.bots["ticker"].process
        if process:
            process.kill()


def stream_of(text):
    return "stderr" if re.search("retry|failed|bold", text) else "stdout"


HTTP_WORDS = ["GET /orders/8812 200 14 ms", "GET /orders 200 31 ms", "POST /orders 201 48 ms", "GET /health 200 1 ms",
              "GET /assets/app.css 304 1 ms", "GET /orders/9919 \x1b[33m404\x1b[0m 3 ms",
              "\x1b[1;31merror\x1b[0m upstream failed: connection reset by peer, retry 1 of 3"]
WORK_WORDS = ["job 4471 taken from `orders`", "job 4471 done in 212 ms", "job 4472 taken from `orders`",
              "job 4472: retry 1 of 5, connection reset by peer", "job 4472 done in 1.8 s"]


def cast(chance):
    """The bots of the screenshot."""
    bots = []

    def bot(name, state="running", events=(), words=(), mega=20.0, **more):
        made = Bot(name, chance, mega + chance.random() * mega / 4, events, list(words))
        made.state, made.cpu = state, chance.random() * 3
        made.counted("start")
        for key, value in more.items():
            setattr(made, key, value)
        if made.exits:
            made.counted("exit", made.exits)
            made.counted("restart", made.exits)
        ago, made.run = 0, 3
        for at in range(40 if words else 0):
            ago += chance.expovariate(0.3)
            text = chance.choice(made.words)
            made.lines.insert(0, dict(time=time.time() - ago, stream=stream_of(text), run=made.run - at // 12, bot=name, text=text))
        for at in range(made.exits):
            made.ends.append(dict(at=time.time() - 40 * (made.exits - at), exit=made.last_exit, status=2, signal=None, reason=None, requested=False, ran_for=12.5, pid=4000 + at,
                                  lines=["reading /etc/import.toml", "\x1b[31mfatal\x1b[0m: no such table `orders_2026`"]))
        bots.append(made)

    for number in range(1, 5):
        bot(f"web:{number}", events=[("request", 420), ("error", 2)], words=HTTP_WORDS, mega=84, group="shop", depends_on=["session-cleaner"])
    for number in range(1, 7):
        bot(f"worker:{number}", events=[("job", 36), ("retry", 1)], words=WORK_WORDS, mega=41, group="shop")
    bot("scheduler", events=[("tick", 60)], words=["next run in 59 s", "3 jobs enqueued"], mega=18, group="jobs")
    bot("mailer", events=[("sent", 11), ("bounced", 0)], words=["sent 4 messages", "queue is empty"], mega=26)
    bot("importer", state="gave-up", reason="ended 6 times within 60s, the last time by status 2", last_exit="exited with status 2", exits=6, words=["reading /etc/import.toml"], group="jobs")
    bot("ticker", state="stopped", events=[("tick", 2)], mega=2)
    bot("feed", state="running", events=[("reply", 140)], words=["142 replies"], mega=33, exits=2)
    bot("exchange-rates", state="backing-off", last_exit="killed by signal 11", exits=3, next_start=time.time() + 420)
    bot("indexer", events=[("document", 210)], words=["segment 118 merged"], mega=310, health="failing", reason="failed 2 of 3 checks: connection refused", last_check=dict(time=time.time() - 4, ok=False, reason="connection refused", failures=2), memory_max=512_000_000)
    bot("thumbnails", events=[("image", 22)], words=["1024x768 in 88 ms"], mega=122)
    bot("replica", state="suspended", events=[("row", 95)], pid=20871, mega=64)
    bot("session-cleaner", state="stopped", autostart=False, next_run=time.time() + 1450, group="jobs")
    bot("migrate", state="exited", last_exit="exited with status 0")
    bot("metrics", events=[("scrape", 4)], words=["scraped in 9 ms"], mega=15)
    bot("chat:1", events=[("message", 75)], words=["room 12: 3 people"], mega=37)
    bot("chat:2", events=[("message", 62)], words=["room 40: 8 people"], mega=36)
    return bots


def crowd(chance, many):
    """A thousand or so, of which some die all the time."""
    bots = [Bot("ticker", chance, 2, [("tick", 2)], [])]
    for number in range(1, many):
        # A fifth of them are instances of one bot.
        made = Bot(f"pool:{number}" if number % 5 == 0 else f"bot-{number}", chance, 10 + chance.random() * 50, [("reply", 20)], WORK_WORDS)
        made.state, made.cpu = "running", chance.random() * 3
        bots.append(made)
    return bots


def told(bot, lines):
    """The events of a log: the lines, and between them the ends of runs."""
    events = []
    for at, line in enumerate(lines):
        if at > 0 and lines[at - 1]["run"] != line["run"]:
            end = dict(bot=bot.name, run=lines[at - 1]["run"], pid=4000, began=line["time"] - 1834, ended=line["time"], exit="status 1")
            events.append(("run", end))
        events.append(("entry", line))
    return events


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    monitor = document = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", more=()):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refused(self):
        """Whether the request may not be; then it is answered."""
        said = self.headers.get("Authorization")
        if not self.monitor.token or said in (f"Bearer {self.monitor.token}", f"Bearer {self.monitor.session}"):
            return False
        self.answer(401, dict(success=False, message="the token is missing or wrong"), more=[("WWW-Authenticate", "Bearer")])
        return True

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/" and "text/html" in self.headers.get("Accept", ""):
            more = [("Content-Security-Policy", policy(self.document)), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer")]
            return self.answer(200, self.document, "text/html; charset=utf-8", more)
        if self.refused():
            return None
        if url.path == "/bots":
            with self.monitor.lock:
                about = dict(name="orders", pid=os.getpid(), uptime=time.time() - self.monitor.began, version="0.1.0",
                             config="/etc/daemonctl/orders.toml", problem=self.monitor.problem,
                             log_problem=self.monitor.log_problem)
                body = json.dumps(dict(success=True, monitor=about, bots=[bot.says() for bot in self.monitor.bots.values()]))
            return self.answer(200, body)
        if url.path == "/events":
            if self.monitor.mute:
                return self.answer(503, dict(success=False, message="the monitor is stopping"))
            return self.stream(self.monitor.streams, [])
        more = re.fullmatch(r"/bots/([^/]+)/(show|history)", url.path)
        if more and unquote(more.group(1)) in self.monitor.bots:
            bot, what = self.monitor.bots[unquote(more.group(1))], more.group(2)
            with self.monitor.lock:
                return self.answer(200, {"success": True, what: bot.history() if what == "history" else bot.detail(self.monitor)})
        log = re.fullmatch(r"/bots/([^/]+)/log", url.path)
        if log:
            bot = self.monitor.bots.get(unquote(log.group(1)))
            if bot is None:
                return self.answer(404, dict(success=False, message="there is no such bot"))
            asked = parse_qs(url.query)
            with self.monitor.lock:
                lines = [line for line in bot.lines if asked.get("stream", ["both"])[0] in ("both", line["stream"])]
                if "grep" in asked:
                    # A window loads the last lines alone.
                    old = dict(time=time.time() - 600_000, stream="stdout", run=1, bot=bot.name, text="tick 1 of last week")
                    lines = [line for line in [old, *lines] if re.search(asked["grep"][0], line["text"])]
                lines = lines[-int(asked.get("lines", ["100"])[0]):]
                if "download" in asked:
                    return self.answer(200, "".join(f"{line['text']}\n" for line in lines), "text/plain; charset=utf-8")
                if "follow" not in asked:
                    return self.answer(200, dict(success=True, lines=[line["text"] for line in lines], entries=lines, truncated="size"))
            return self.stream(bot.followers, told(bot, lines))
        return self.answer(404, dict(success=False, message="there is no such route"))

    def stream(self, listeners, first):
        mine = queue.Queue()
        for item in first:
            mine.put(item)
        with self.monitor.lock:
            listeners.append(mine)
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                try:
                    event, data = mine.get(timeout=5)
                    if event == "hangup":
                        self.wfile.write(b"0\r\n\r\n")
                        return
                    text = f"event: {event}\ndata: {json.dumps(data)}\n\n"
                except queue.Empty:
                    text = ": still here\n\n"
                piece = text.encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        except OSError:
            pass
        finally:
            self.close_connection = True
            with self.monitor.lock:
                listeners.remove(mine)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        if path == "/session" and self.monitor.code and self.headers.get("Authorization") == f"Bearer {self.monitor.code}":
            self.monitor.code, self.monitor.session = None, os.urandom(32).hex()
            return self.answer(200, dict(success=True, session=self.monitor.session))
        if self.refused():
            return None
        if path == "/session/end":
            self.monitor.session = None
            return self.answer(200, dict(success=True))
        if self.headers.get("Content-Type") != "application/json":
            return self.answer(415, dict(success=False, message="the body must be application/json"))
        asked = re.fullmatch(r"/bots/([^/]+)/(start|stop|restart)", path)
        if asked:
            return self.answer(200, self.monitor.command(unquote(asked.group(1)), asked.group(2)))
        if path == "/command/plan":
            wish = json.loads(body)
            with self.monitor.lock:
                also = [bot.name for bot in self.monitor.bots.values() if wish["do"] != "start" and bot.state == "running" and bot.name not in wish["bots"] and set(bot.depends_on) & set(wish["bots"])]
            return self.answer(200, dict(success=True, bots=[], also=also, failures=[]))
        if path == "/command":
            wish = json.loads(body)
            with ThreadPoolExecutor(32) as pool:
                answers = dict(zip(wish["bots"], pool.map(lambda name: self.monitor.command(name, wish["do"]), wish["bots"])))
            failures = [dict(name=name, message=answer["message"]) for name, answer in answers.items() if not answer["success"]]
            return self.answer(200, dict(success=not failures, bots=[], failures=failures))
        if path == "/mock":
            return self.answer(200, self.play(json.loads(body)))
        return self.answer(404, dict(success=False, message="there is no such route"))

    def play(self, wish):
        """What a test wishes for: `problem`, `log_problem`, `token`, `code`, `evil`, `lagged`, `hangup`, `mute`, `add`, `remove`, `bot` with `state`."""
        with self.monitor.lock:
            if "evil" in wish:
                evil, bot = wish["evil"], self.monitor.bots["metrics"]
                bot.reason = bot.last_exit = bot.group = bot.evil = evil
                bot.ends = [dict(at=time.time(), exit=evil, reason=evil, ran_for=1, lines=[evil])]
                bot.events.append(dict(name=evil, total=1, hour=1, minutes=[0] * 59 + [1]))
                self.monitor.print(bot, evil)
                self.monitor.change("metrics", "gave-up", evil)
            if "problem" in wish:
                self.monitor.problem = wish["problem"]
            if "log_problem" in wish:
                self.monitor.log_problem = wish["log_problem"]
            if "code" in wish:
                self.monitor.code = wish["code"]
            if "token" in wish:
                self.monitor.token = wish["token"]
            if "mute" in wish:
                self.monitor.mute = wish["mute"]
            for more in wish.get("add", []):
                bot = self.monitor.bots[more["name"]] = Bot(more["name"], self.monitor.chance, 600, [("an_event_with_a_long_name", 90_000)], [])
                bot.pid, bot.cpu = 20_900, 99.5
                for key, value in more.items():
                    setattr(bot, key, value)
                self.monitor.publish("bot", bot.says())
            if "remove" in wish:
                del self.monitor.bots[wish["remove"]]
                self.monitor.publish("removed", dict(name=wish["remove"]))
            if "state" in wish:
                self.monitor.change(wish["bot"], wish["state"], wish.get("reason"))
            if "lagged" in wish:
                self.monitor.publish("lagged", dict(missed=wish["lagged"]))
            if "hangup" in wish:
                self.monitor.publish("hangup", None)
        return dict(success=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A page that leaves says nothing of it."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("="))
    parser.add_argument("--bots", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--problem")
    options = parser.parse_args()
    Handler.document = page()
    Handler.monitor = Monitor(options)
    server = Server(("127.0.0.1", options.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}/ {options.token}", flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    Handler.monitor.end()


if __name__ == "__main__":
    main()
