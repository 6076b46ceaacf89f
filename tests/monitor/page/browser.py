"""A headless Chromium, spoken to in W3C WebDriver through Debian's chromedriver, with the standard library alone."""

import base64
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--disable-default-apps", "--disable-extensions", "--force-color-profile=srgb", "--hide-scrollbars",
    # Whatever asks for an address beyond this machine finds none.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "Down": "\ue015", "Up": "\ue013", "Home": "\ue011", "End": "\ue010"}

# No proxy stands between this machine and itself.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Late(Exception):
    """What was waited for did not come."""


class Browser:
    """One browser window; everything it started ends with `close`."""

    def __init__(self, width=1360, height=900):
        self.home = tempfile.TemporaryDirectory(prefix="browser-")
        environment = {**os.environ, "HOME": self.home.name, "TMPDIR": self.home.name}
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, env=environment, start_new_session=True,
        )
        self.session = None
        try:
            self.base = f"http://127.0.0.1:{self._port()}"
            options = {"args": [*FLAGS, f"--user-data-dir={self.home.name}/profile", f"--window-size={width},{height}"]}
            capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}}, 60)
            self.session = answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self.driver.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                return int(found.group(1))
        raise Late("chromedriver did not say its port")

    def _call(self, method, path, body=None, seconds=30):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with DIRECT.open(request, timeout=seconds) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError(f"{path}: {value['error']}: {value['message'].splitlines()[0]}") from None

    def call(self, method, path, body=None):
        return self._call(method, f"/session/{self.session}{path}", body)

    def close(self):
        try:
            if self.session:
                self._call("DELETE", f"/session/{self.session}")
        finally:
            # Its own session, and so its own group: nobody else is in it.
            try:
                os.killpg(self.driver.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.driver.wait()
            self.driver.stdout.close()
            self.home.cleanup()

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def windows(self):
        """All windows, the one that is spoken to first."""
        here = self.call("GET", "/window")
        return [here, *(window for window in self.call("GET", "/window/handles") if window != here)]

    def open_window(self):
        """Opens a window, as a tab, and speaks to it from now on."""
        self.switch_to(self.call("POST", "/window/new", {"type": "tab"})["handle"])

    def switch_to(self, window):
        self.call("POST", "/window", {"handle": window})

    def close_window(self):
        self.call("DELETE", "/window")

    def run(self, script, *arguments):
        """Runs the body of a function in the page, and returns what it returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def until(self, what, script, *arguments, seconds=15):
        """Waits for an event: the page itself calls back as soon as its document changes so that `script` is true."""
        watch = f"""
            const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);
            const ask = function () {{ {script} }};
            const look = () => {{ const found = ask.apply(null, given); if (found) {{ watcher.disconnect(); clearTimeout(end); done(found); }} return found; }};
            const watcher = new MutationObserver(look);
            const end = setTimeout(() => {{ watcher.disconnect(); done(null); }}, {int(seconds * 1000)});
            watcher.observe(document, {{ subtree: true, childList: true, attributes: true, characterData: true }});
            look();
        """
        self.call("POST", "/timeouts", {"script": int(seconds * 1000) + 5000})
        found = self.call("POST", "/execute/async", {"script": watch, "args": list(arguments)})
        if not found:
            raise Late(f"{what}: not within {seconds} s")
        return found

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        """A real click: it fails where something else lies above."""
        self.call("POST", f"/element/{self.find(selector)}/click", {})

    def press(self, *keys):
        """Presses keys, wherever the focus is: names of KEYS, or texts that are typed."""
        actions = []
        for key in keys:
            for letter in [KEYS[key]] if key in KEYS else key:
                actions += [{"type": "keyDown", "value": letter}, {"type": "keyUp", "value": letter}]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def point(self, x, y):
        moved = {"type": "pointerMove", "duration": 0, "x": x, "y": y}
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": [moved]}]})

    def devtools(self, command, parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, height, dark=False, phone=False, still=False):
        """How large the screen is, and what the person prefers."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        self.devtools("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.devtools("Emulation.setEmulatedMedia", {"features": features})

    def shoot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))

    def console(self):
        """What the browser has to complain about since the last time."""
        return [entry for entry in self.call("POST", "/se/log", {"type": "browser"}) if entry["level"] in ("SEVERE", "WARNING")]


def wait_for(what, look, seconds=10):
    """For what no page tells: looks until it is so."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Late(f"{what}: not within {seconds} s")
        time.sleep(0.02)
