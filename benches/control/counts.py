"""Counts what a request costs exactly, beside a bare axum server: `scripts/bench control` runs it at its end.

    counts.py DIRECTORY [TEXT]    the directory with `endpoint` and `bare_axum`; only requests with this text in the name

System calls are counted by strace, instructions outside of the kernel by valgrind: unlike times, both are the same on a busy
machine. Each is asked over one connection. A request that is handled in a thread of its own is counted, but has no limit: the
endpoint starts a thread for each, the bare server has a pool.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

AT_MOST = 1.15
TIMEOUT = 60
REQUESTS = [
    ("GET /", "GET", "/", ""),
    ("GET of a user's route", "GET", "/hello", ""),
    ("POST of an event", "POST", "/event", '{"name":"ack","number":7}'),
    ("POST of an event, handled in a thread", "POST", "/event", '{"name":"work","number":7}'),
]


class Connection:
    def __init__(self, address, headers, request):
        if address.startswith("/"):
            self.socket, host = socket.socket(socket.AF_UNIX), "localhost"
            self.socket.connect(address)
        else:
            name, port = address.rsplit(":", 1)
            self.socket, host = socket.create_connection((name, int(port))), address
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(TIMEOUT)
        _, method, path, body = request
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self.request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}\r\n{body}".encode()

    def ask(self, count):
        for _ in range(count):
            self.socket.sendall(self.request)
            reply = b""
            while not is_whole(reply):
                piece = self.socket.recv(65536)
                assert piece, f"the server hung up after {reply}"
                reply += piece
            assert reply.startswith(b"HTTP/1.1 200 "), reply


def is_whole(reply):
    end = reply.find(b"\r\n\r\n")
    return end >= 0 and len(reply) >= end + 4 + int(re.search(rb"content-length: (\d+)", reply[:end].lower())[1])


class Servers:
    """A daemon with an endpoint and two bare servers, all started by the same command."""

    def __init__(self, programs, directory, runner):
        def start(*arguments):
            return subprocess.Popen([*runner, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

        pidfile, path = f"{directory}/endpoint.pid", f"{directory}/bare"
        daemon = start(f"{programs}/endpoint", "foreground", pidfile)
        unix, tcp = start(f"{programs}/bare_axum", "unix", path), start(f"{programs}/bare_axum", "tcp")
        unix.stdout.readline()
        port = tcp.stdout.readline().decode().strip()
        begun, lines = time.monotonic(), []
        while len(lines) < 4:
            assert time.monotonic() < begun + TIMEOUT, "no daemon"
            time.sleep(0.05)
            lines = open(pidfile).read().splitlines() if os.path.exists(pidfile) else []
        own, own_port = lines[2].removeprefix("unix://"), lines[3].removeprefix("http://")
        token = open(f"{os.path.dirname(own)}/token").read().strip()
        self.all = [daemon, unix, tcp]
        self.pairs = [
            ("Unix", (daemon, own, ""), (unix, path, "")),
            ("TCP", (daemon, own_port, f"Authorization: Bearer {token}\r\n"), (tcp, port, "")),
        ]

    def end(self):
        for server in self.all:
            server.terminate()
            server.wait(TIMEOUT)


def calls(server, connection, directory, count):
    output = f"{directory}/calls"
    command = ["strace", "-c", "-f", "-o", output, "-p", str(server.pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE)
    tracer.stderr.readline()
    connection.ask(count)
    tracer.send_signal(signal.SIGINT)
    tracer.communicate()
    total = [line for line in open(output) if line.rstrip().endswith("total")]
    return int(total[-1].split()[3])


def instructions(server, connection, directory, count):
    def control(what):
        subprocess.run(["callgrind_control", what, str(server.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)

    control("--zero")
    connection.ask(count)
    control("--dump")
    dumps = [name for name in os.listdir(directory) if name.startswith(f"callgrind.{server.pid}.")]
    dump = open(f"{directory}/{max(dumps, key=lambda name: int(name.split('.')[2]))}").read()
    return int(re.search(r"^(?:totals|summary): (\d+)", dump, re.MULTILINE)[1])


def compare(programs, only, what, runner, count_of):
    missed = 0
    with tempfile.TemporaryDirectory() as directory:
        servers = Servers(programs, directory, [argument.format(directory) for argument in runner])
        for transport, ours, theirs in servers.pairs:
            for request in REQUESTS:
                name = f"{transport}: {request[0]}"
                if only not in name:
                    continue
                figures = []
                for server, address, headers in (ours, theirs):
                    connection = Connection(address, headers, request)
                    connection.ask(50)
                    figures.append(count_of(server, connection, directory, 500) / 500)
                ratio = figures[0] / figures[1]
                is_missed = ratio > AT_MOST and "thread" not in name
                missed += is_missed
                print(f"{f'{what}, {name}':<70}{figures[0]:>10.1f}{figures[1]:>10.1f}{ratio:>8.2f}{'  missed' * is_missed}")
        servers.end()
    return missed


def main():
    programs, only = sys.argv[1], "".join(sys.argv[2:3])
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--callgrind-out-file={}/callgrind.%p"]
    print(f"{'for each request, at most ' + str(AT_MOST) + ' of the bare server':<70}{'ours':>10}{'theirs':>10}{'ratio':>8}")
    missed = compare(programs, only, "system calls", [], calls)
    missed += compare(programs, only, "instructions", valgrind, instructions)
    print(f"{missed} missed")
    return missed > 0


if __name__ == "__main__":
    sys.exit(main())
