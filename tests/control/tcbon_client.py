"""What the client of the original `tcbon` (Python, 0.1.0) asks over HTTP, in its order and byte for byte.

`tcbon` is in no package index, and its server half does not run with today's Flask. So this is a program of our own that does
what the methods `running`, `get`, `send` and `stop` of its class `Process` do with the library `requests` (2.34), header by
header: `Process('only', address)` and one call per line of the standard input.
"""

import http.client
import json
import sys


class Process:
    """A process at an address, as the original sees one that it has not started itself."""

    HEADERS = [
        ("User-Agent", "python-requests/2.34.2"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Accept", "*/*"),
        ("Connection", "keep-alive"),
    ]

    def __init__(self, name, address):
        self.name = name
        self.address = "http://" + address.replace("http://", "")

    def request(self, method, uri, payload=None):
        host, _, path = uri.removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.putrequest(method, "/" + path, skip_accept_encoding=True)
        for name, value in self.HEADERS:
            connection.putheader(name, value)
        body = None
        if payload is not None:
            body = json.dumps(payload).encode()
            connection.putheader("Content-Length", str(len(body)))
            connection.putheader("Content-Type", "application/json")
        connection.endheaders(body)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    @property
    def running(self):
        try:
            answer = self.request("GET", self.address)
        except ConnectionError:
            return False
        self.name, self.pid = answer["name"], answer["pid"]
        self.address, self.app_dir = answer["address"], answer["app_dir"]
        return True

    def get(self, route="/"):
        self.demand()
        return self.request("GET", self.address + "/" + route.lstrip("/"))

    def send(self, route, payload=None):
        self.demand()
        return self.request("POST", self.address + "/" + route.lstrip("/"), payload or {})

    def stop(self):
        self.demand()
        return self.send("stop")

    def demand(self):
        if not self.running:
            raise SystemExit("Can not find process.")


def main():
    process = Process("only", sys.argv[1])
    for line in sys.stdin:
        verb, *arguments = line.split(maxsplit=2)
        if verb == "running":
            print(process.running, flush=True)
        elif verb == "get":
            print(json.dumps(process.get(*arguments)), flush=True)
        elif verb == "send":
            print(json.dumps(process.send(arguments[0], *map(json.loads, arguments[1:]))), flush=True)
        elif verb == "stop":
            print(json.dumps(process.stop()), flush=True)


main()
