"""Measures what a start, a stop, a status, a step, a message and a request cost, and prints it as TOML:

    measure.py PROGRAMS LAB    the directory with the programs of this one, and the path of the tests' `control-lab`

All figures are counts, so that a busy machine does not change them. Where they vary with the order in which processes run (a
page that the other process of a fork has not written yet), the least of several is taken.
"""

import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import processes
from traces import Traces, before_and_after_main, names

sys.path.append(f"{os.path.dirname(os.path.abspath(__file__))}/../control")
import counts  # noqa: E402

TRACED_STARTS = 7
COUNTED_STARTS = 15
PROCESSES = ("launcher", "session leader", "daemon")
REQUESTS = 200
# Threads that take turns as they come: else what they wait for each other depends on the load.
CALLGRIND = ("valgrind", "--tool=callgrind", "--fair-sched=yes")


def pid_of_daemon():
    return int(open("hello.pid").readline())


def least(measurements):
    """Returns the least figure of each name that all measurements have."""
    names = set.intersection(*map(set, measurements))
    return {name: min(one[name] for one in measurements) for name in sorted(names)}


def traced(name, *command):
    """Starts a command under strace, and returns the tracer's pid and the traces."""
    return processes.spawn("strace", "-ff", "-qq", "-e", "signal=none", "-o", name, *command), Traces(name)


def system_calls_of_verb(directory, verb):
    tracer, traces = traced(f"{directory}/{verb}", "./costs_verbs", verb)
    processes.reap(tracer)
    (thread,), = traces.descent()
    return names(before_and_after_main(traces.threads()[thread])[1])


def system_calls():
    """Starts a daemon, asks for its status and stops it, and returns the calls of each process of each verb."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        tracer, traces = traced(f"{directory}/start", "./costs_hello")
        processes.wait_until(lambda: traces.first() and processes.has_ended(traces.first()), "the launcher does not end")
        processes.wait_for_rest(pid_of_daemon(), lambda: sum(map(len, traces.threads().values())))
        started = traces.threads()
        status, stop = (system_calls_of_verb(directory, verb) for verb in ("status", "stop"))
        processes.reap(tracer)
        ended, descent = traces.threads(), traces.descent()
    figures = {}
    for process, threads in zip(PROCESSES, descent, strict=True):
        calls = [line for thread in threads for line in started.get(thread, [])]
        if process == "launcher":
            loader, calls = before_and_after_main(calls)
            figures["start: launcher before main"] = names(loader)
        figures[f"start: {process}"] = names(calls)
    rest = [line for thread in descent[-1] for line in ended[thread][len(started.get(thread, [])):]]
    return figures | {"status": status, "stop": stop, "stop: daemon": names(rest)}


def copy_libraries(program):
    """Copies the shared libraries of a program into the directory `libraries`."""
    os.mkdir("libraries")
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    for path in re.findall("=> (/.*) ", listed):
        shutil.copy(path, "libraries")


def page_faults():
    """Starts a daemon, kills it, and returns the page faults of each process of the start.

    One fault maps what one folio of the page cache holds of a file, up to 64 KiB. On tmpfs a folio is a page; elsewhere its size
    comes of how the file was written or read, so that the libraries are taken from copies.
    """
    launcher = processes.spawn("./costs_hello", LD_LIBRARY_PATH="libraries")
    processes.wait_until(lambda: processes.has_ended(launcher), "the launcher does not end")
    daemon = pid_of_daemon()
    processes.wait_for_rest(daemon)
    os.kill(daemon, signal.SIGKILL)
    faults = {}
    # Whichever process reaped the session leader has it among the faults of its reaped children.
    while True:
        try:
            pid = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT).si_pid
        except ChildProcessError:
            return faults
        own, reaped = (int(field) for field in processes.fields(f"/proc/{pid}/stat")[7:9])
        process = {launcher: "launcher", daemon: "daemon"}.get(pid, "session leader")
        faults[process] = own
        if process == "launcher" and reaped:
            faults["session leader"] = reaped
        os.waitpid(pid, 0)


def instructions(kind, few, many):
    """Returns how many instructions outside of the kernel each further piece of work takes."""
    totals = []
    for count in (few, many):
        command = [*CALLGRIND, "--callgrind-out-file=/dev/null", "./costs_work", kind, str(count)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=processes.TIMEOUT, check=True)
        totals.append(int(re.search(r"Collected : (\d+)", run.stderr)[1]))
    return round((totals[1] - totals[0]) / (many - few), 1)


def instructions_of_request(lab):
    """Returns how many instructions a request takes in the tests' daemon, which is not optimised."""
    directory = os.getcwd()
    command = [*CALLGRIND, f"--callgrind-out-file={directory}/callgrind.%p", lab, "foreground", "pidfile=lab.pid"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        processes.wait_until(lambda: os.path.exists("lab.pid") and "unix://" in open("lab.pid").read(), "no endpoint")
        address = re.search("unix://(.*)", open("lab.pid").read())[1]
        connection = counts.Connection(address, "", counts.REQUESTS[0])
        connection.ask(50)
        return round(counts.instructions(server, connection, directory, REQUESTS) / REQUESTS)
    finally:
        server.terminate()
        server.wait(processes.TIMEOUT)


def text(program):
    return int(subprocess.run(["size", program], capture_output=True, text=True, check=True).stdout.split("\n")[1].split()[0])


def versions():
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    kernel = ".".join(platform.release().split(".")[:2])
    return {"rustc": rustc, "libc": " ".join(platform.libc_ver()), "kernel": kernel, "machine": platform.machine()}


def table(name, figures):
    print(f"\n[{name}]")
    for place, figure in figures.items():
        print(f"{json.dumps(place) if re.search('[^a-z0-9_]', place) else place} = {json.dumps(figure)}")


def main():
    programs, lab = (os.path.abspath(path) for path in sys.argv[1:3])
    print("# Written by `scripts/costs --update`, and compared by `scripts/costs`.")
    table("versions", versions())
    # The depth of a path is in the number of calls, its length on the stacks and in the endpoint's answer, and the file
    # system in the page faults (tmpfs).
    with tempfile.TemporaryDirectory(prefix="daemonic-costs-", dir="/dev/shm") as directory:
        for program in ("costs_hello", "costs_verbs", "costs_work"):
            shutil.copy(f"{programs}/{program}", directory)
        os.chdir(directory)
        copy_libraries("costs_hello")
        processes.make_reproducible()
        calls = [system_calls() for _ in range(TRACED_STARTS)]
        for place in calls[0]:
            table(f'system_calls."{place}"', least([one[place] for one in calls]))
        faults = least([page_faults() for _ in range(COUNTED_STARTS)])
        table("page_faults", {process: faults[process] for process in PROCESSES})
        table("text", {"hello": text("costs_hello")})
        table("instructions", {
            "step": instructions("step", 1000, 1_001_000),
            "message": instructions("message", 1000, 11_000),
            "request of the tests' endpoint": instructions_of_request(lab),
        })
        os.chdir("/")


if __name__ == "__main__":
    main()
