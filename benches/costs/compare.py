"""Compares measured costs with committed ones, and fails where they differ: compare.py COMMITTED MEASURED

System calls must be the same, page faults may differ by two, the text's size by 0.5 %, instructions by 5 %. Cheaper is a
difference, too: else the next change could cost as much unseen. Where the compiler, the C library, the kernel or the
processor's architecture is another one, a difference that may come from there is a note: whatever is no system call, those before
`main`, and those by which the C library manages memory and threads.
"""

import sys
import tomllib

TOLERANCES = {"page_faults": (2, 0), "text": (0, 0.005), "instructions": (0, 0.05)}
OF_THE_LIBC = {
    "arch_prctl", "brk", "clone", "clone3", "exit", "exit_group", "fork", "fstat", "futex", "getrandom", "gettid", "madvise",
    "mmap", "mprotect", "mremap", "munmap", "newfstatat", "rseq", "rt_sigprocmask", "sched_getaffinity", "set_robust_list",
    "sigaltstack", "statx",
}


def within(name, committed, measured):
    absolute, relative = TOLERANCES[name]
    return abs(measured - committed) <= absolute + relative * committed


def differences(committed, measured):
    """Yields each difference as its text and `True` if the system's part in it cannot be told from the library's."""
    tables = {"system_calls": {}} | {name: {} for name in TOLERANCES}
    old, new = tables | committed, tables | measured
    same_machine = old["versions"].get("machine") == new["versions"].get("machine")
    for place in sorted(old["system_calls"].keys() | new["system_calls"].keys()):
        before, after = (figures["system_calls"].get(place, {}) for figures in (old, new))
        for call in sorted(before.keys() | after.keys()):
            counts = before.get(call, 0), after.get(call, 0)
            if counts[0] != counts[1]:
                unclear = not same_machine or place.endswith("before main") or call in OF_THE_LIBC
                yield f"{place}: {counts[1]} calls of `{call}`, not {counts[0]}", unclear
    for name in TOLERANCES:
        for place in sorted(old[name].keys() | new[name].keys()):
            before, after = old[name].get(place), new[name].get(place)
            if before is None or after is None:
                yield f"{name.replace('_', ' ')}, {place}: {after}, not {before}", False
            elif not within(name, before, after):
                yield f"{name.replace('_', ' ')}, {place}: {after}, not {before} ({after / before - 1:+.1%})", True


def main():
    committed, measured = (tomllib.load(open(path, "rb")) for path in sys.argv[1:3])
    others = {name: version for name, version in measured["versions"].items() if committed["versions"].get(name) != version}
    for name, version in others.items():
        print(f"note: {name} is {version}, the committed costs are of {committed['versions'].get(name)}")
    failed = False
    for text, unclear in differences(committed, measured):
        is_note = unclear and bool(others)
        failed |= not is_note
        print(f"note: {text}" if is_note else f"scripts/costs: {text}", file=sys.stdout if is_note else sys.stderr)
    if others:
        print("note: only the system calls of `main` that are not the C library's were compared")
    return failed


if __name__ == "__main__":
    sys.exit(main())
