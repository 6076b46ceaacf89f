"""System calls of processes by name, read from traces of strace."""

import collections
import glob
import re


class Traces:
    """What `strace -ff -o PREFIX` writes: a file for each thread, a line for each call.

    A line is there as soon as the call begins, so that the last one of a thread that sleeps is what it sleeps in.
    """

    def __init__(self, prefix):
        self.prefix = prefix

    def threads(self):
        """Returns the lines of calls of each thread so far."""
        files = {int(path.rpartition(".")[2]): open(path).read().splitlines() for path in glob.glob(f"{self.prefix}.*")}
        return {thread: [line for line in lines if re.match(r"\w+\(", line)] for thread, lines in files.items()}

    def first(self):
        """Returns the process that strace started, or none if it has not executed the program yet."""
        return next((thread for thread, lines in self.threads().items() if lines and lines[0].startswith("execve(")), None)

    def descent(self):
        """Returns the first process, its child, the child's child and so on: each as its threads."""
        threads, process, line_of_descent = self.threads(), self.first(), []
        while process is not None:
            members, children = [process], []
            for member in members:
                for line in threads.get(member, []):
                    if forked := re.match(r"(?:clone3?|v?fork)\(.* = (\d+)$", line):
                        (members if "CLONE_THREAD" in line else children).append(int(forked[1]))
            line_of_descent.append(members)
            process = children[0] if children else None
        return line_of_descent


# The kernel repeats an interrupted call by the one, and threads wait for each other by the other.
BY_TIMING = ("restart_syscall", "futex")


def names(lines):
    """Counts calls by their names, but for those whose number depends on timing."""
    called = (line.partition("(")[0] for line in lines)
    return collections.Counter(name for name in called if name not in BY_TIMING)


def before_and_after_main(lines):
    """Splits the calls of a process at the first `getpid`, by which the measured programs mark the begin of `main`."""
    begin = next(number for number, line in enumerate(lines) if line.startswith("getpid("))
    return lines[:begin], lines[begin:]
