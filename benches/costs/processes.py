"""Starts processes that are the same on each machine, as far as that is up to their parent."""

import ctypes
import os
import resource
import signal
import time

TIMEOUT = 60
PR_SET_CHILD_SUBREAPER = 36
ADDR_NO_RANDOMIZE = 0x0040000


def make_reproducible():
    """Sets what children inherit of this process to fixed values, and adopts the daemons that they start.

    Addresses are not randomised: which data shares a page, and so the number of page faults, would differ by start.
    """
    os.closerange(3, 65536)
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    libc = ctypes.CDLL(None, use_errno=True)
    for call, arguments in ((libc.prctl, (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)), (libc.personality, (ADDR_NO_RANDOMIZE,))):
        if call(*arguments) == -1:
            raise OSError(ctypes.get_errno(), "failed to make processes reproducible")


def spawn(*command, **variables):
    """Starts a command with these variables as its environment and without input and output, and returns its pid."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1, 2)]
    signals = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    environment = {"PATH": "/usr/bin:/bin"} | variables
    return os.posix_spawnp(command[0], command, environment, file_actions=null, setsigdef=signals, setsigmask=[])


def reap(pid):
    """Waits for the end of child `pid`, and fails unless it succeeded."""
    wait_until(lambda: has_ended(pid), f"process {pid} does not end")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, f"process {pid} ended with {code}"


def fields(path):
    """Returns the fields of a `stat` file of /proc from the state on, or none if its process has been reaped."""
    try:
        return open(path).read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def has_ended(pid):
    return fields(f"/proc/{pid}/stat")[:1] in ([], ["Z"])


def wait_until(condition, complaint):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.01)


def wait_for_rest(pid, activity=lambda: None):
    """Waits until all threads of process `pid` have slept for a tenth of a second in which `activity` returned the same."""
    last, unchanged = None, 0

    def rests():
        nonlocal last, unchanged
        threads = os.listdir(f"/proc/{pid}/task")
        now = [(thread, fields(f"/proc/{pid}/task/{thread}/stat")[:1]) for thread in threads], activity()
        sleeps = all(state == ["S"] for _, state in now[0])
        unchanged = unchanged + 1 if sleeps and now == last else 0
        last = now
        return unchanged == 10

    wait_until(rests, f"process {pid} does not come to rest")
