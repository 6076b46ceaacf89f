#!/usr/bin/env python3
"""Runs a bot of the original monitor, `dundergifflin.monitor`: a Python file with `main(conn, logger)`.

    run_original.py BOT.py

As a bot of a configuration:

    [bot.greeter]
    command = "/usr/local/bin/run_original.py"
    args = ["/srv/bots/greeter.py"]

or, for the `AUTOSTART=` lines of the original's own configuration, as the first line of an executable BOT.py:

    #!/usr/local/bin/run_original.py

`conn.send("reply sent")` counts the events `reply` and `sent`. What `logger` and `print` say goes to the bot's log. A file
without `main`, an exception in it and its return end the process, which the monitor starts again as its limit allows.
"""

import importlib.machinery
import importlib.util
import logging
import os
import sys
import threading
import time


class Connection:
    """The bot's end of what was a `multiprocessing.Pipe`: names of events go to the monitor, and nothing comes from it."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, events):
        """Counts events: names, separated by white space."""
        lines = "".join(f"{name}\n" for name in events.split()).encode()
        with self._lock:
            if self._descriptor is None:
                raise OSError("handle is closed")
            while lines:
                lines = lines[os.write(self._descriptor, lines):]

    def poll(self, timeout=0.0):
        """Waits for `timeout` seconds, or for ever if that is None. Nothing ever arrives."""
        if timeout is None:
            threading.Event().wait()
        time.sleep(max(0.0, timeout))
        return False

    def recv(self):
        """Waits for ever."""
        self.poll(None)

    def close(self):
        """Sends nothing any more."""
        with self._lock:
            self._descriptor = None


def events():
    """The descriptor to which events are written; without a monitor, they are dropped."""
    number = os.environ.get("DAEMON_EVENTS")
    return int(number) if number else os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def logger():
    """The original's logger, with its default format, at every level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)8s %(process)05d: %(message)s"))
    named = logging.getLogger("dunder-gifflin")
    named.addHandler(handler)
    named.setLevel(logging.DEBUG)
    named.propagate = False
    return named


def load(path):
    """Imports the bot, whatever its file is called; it finds what lies beside it."""
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    specification = importlib.util.spec_from_loader(name, importlib.machinery.SourceFileLoader(name, path))
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def run(path):
    sys.stdout.reconfigure(line_buffering=True)
    try:
        bot = load(path)
    except OSError as error:
        sys.exit(f"failed to read `{path}`: {error.strerror or error}")
    if not callable(getattr(bot, "main", None)):
        sys.exit(f"failed to run `{path}`: it has no function `main(conn, logger)`")
    bot.main(Connection(events()), logger())


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: run_original.py BOT.py")
    # What the bot sees is what it would see as the program.
    del sys.argv[0]
    run(sys.argv[0])
