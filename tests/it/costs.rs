//! `scripts/costs`: reads traces and compares costs.

use std::path::{Path, PathBuf};

use look::Outcome;

use crate::common::lab;

const COMMITTED: &str = r#"
[versions]
rustc = "1.95.0"
libc = "glibc 2.36"
kernel = "6.18"
machine = "x86_64"
[system_calls."start: launcher"]
close = 15
mmap = 2
[system_calls."start: launcher before main"]
openat = 4
[page_faults]
launcher = 100
[text]
hello = 1000
[instructions]
step = 7.0
message = 665.0
"#;

fn costs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around this package").join("benches/costs")
}

/// Compares the committed costs with a copy in which the first text of each pair is replaced by the second.
fn compare(changes: &[(&str, &str)]) -> Outcome {
    let lab = lab();
    let measured = changes.iter().fold(COMMITTED.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the costs");
        text.replacen(old, new, 1)
    });
    let (committed, measured) = (lab.write("committed", COMMITTED), lab.write("measured", measured));
    lab.command("/usr/bin/python3", &["-B"]).arg(costs().join("compare.py")).arg(committed).arg(measured).run()
}

#[test]
fn costs_within_their_tolerances_pass() {
    let same = compare(&[]).ok();
    assert!(same.stdout.is_empty(), "{same}");
    let near = [("launcher = 100", "launcher = 102"), ("hello = 1000", "hello = 1005"), ("665.0", "632.0")];
    let near = compare(&near).ok();
    assert!(near.stdout.is_empty(), "{near}");
}

#[test]
fn system_call_more_or_less_fails_and_is_named() {
    compare(&[("close = 15", "close = 16")]).exits(1).says(&["start: launcher: 16 calls of `close`, not 15"]);
    compare(&[("close = 15", "close = 14")]).exits(1).says(&["start: launcher: 14 calls of `close`, not 15"]);
    compare(&[("close = 15", "close = 15\ngetcwd = 1")]).exits(1).says(&["1 calls of `getcwd`, not 0"]);
    compare(&[("openat = 4", "openat = 5")]).exits(1).says(&["start: launcher before main: 5 calls of `openat`"]);
    compare(&[("[system_calls.\"start: launcher\"]\nclose = 15\nmmap = 2", "")]).exits(1).says(&["0 calls of `close`"]);
}

#[test]
fn costs_beyond_their_tolerances_fail_and_are_named() {
    compare(&[("launcher = 100", "launcher = 103")]).exits(1).says(&["page faults, launcher: 103, not 100 (+3.0%)"]);
    compare(&[("launcher = 100", "launcher = 97")]).exits(1).says(&["page faults, launcher: 97, not 100"]);
    compare(&[("hello = 1000", "hello = 1006")]).exits(1).says(&["text, hello: 1006, not 1000 (+0.6%)"]);
    compare(&[("step = 7.0", "step = 7.7")]).exits(1).says(&["instructions, step: 7.7, not 7.0 (+10.0%)"]);
    compare(&[("step = 7.0\n", "")]).exits(1).says(&["instructions, step: None, not 7.0"]);
}

#[test]
fn costs_of_another_libc_fail_only_for_calls_of_the_library() {
    let libc = ("glibc 2.36", "glibc 2.41");
    let of_the_system =
        [libc, ("mmap = 2", "mmap = 3"), ("openat = 4", "openat = 6"), ("launcher = 100", "launcher = 150")];
    compare(&of_the_system).ok().prints(&[
        "note: libc is glibc 2.41, the committed costs are of glibc 2.36",
        "note: start: launcher: 3 calls of `mmap`, not 2",
        "note: start: launcher before main: 6 calls of `openat`",
        "note: page faults, launcher: 150",
    ]);
    compare(&[libc, ("close = 15", "close = 16")]).exits(1).says(&["start: launcher: 16 calls of `close`, not 15"]);
}

#[test]
fn costs_of_another_machine_never_fail() {
    let changes = [("x86_64", "aarch64"), ("close = 15", "close = 16")];
    compare(&changes).ok().prints(&["note: start: launcher: 16 calls of `close`, not 15"]);
}

#[test]
fn traces_give_each_process_its_threads_and_calls() {
    let lab = lab();
    lab.write("t.9", "execve(\"./hello\") = 0\nopenat(\"getpid(\") = 3\ngetpid() = 9\nclone(flags=SIGCHLD) = 7\n");
    lab.write("t.7", "setsid() = 7\nfork() = 8\n--- SIGCHLD {si_signo=SIGCHLD} ---\nclose(3) = 0\nclose(4) = 0\n");
    lab.write("t.8", "clone3({flags=CLONE_VM|CLONE_THREAD} => {parent_tid=[6]}, 88) = 6\nfutex(0x1) = 0\nread(0x1, ");
    lab.write(
        "t.6",
        "poll([], 0) = ? ERESTART_RESTARTBLOCK\nrestart_syscall(<... resuming interrupted poll ...>) = 0\n",
    );
    let script = "
import sys
from traces import Traces, before_and_after_main, names
traces = Traces('t')
threads, descent = traces.threads(), traces.descent()
print(descent)
for process in descent:
    print(dict(names([line for thread in process for line in threads[thread]])))
print([len(part) for part in before_and_after_main(threads[9])])";
    let read = lab.command("/usr/bin/python3", &["-B", "-c", script]).env("PYTHONPATH", costs()).run().ok();
    read.prints(&[
        "[[9], [7], [8, 6]]",
        "{'execve': 1, 'openat': 1, 'getpid': 1, 'clone': 1}",
        "{'setsid': 1, 'fork': 1, 'close': 2}",
        "{'clone3': 1, 'read': 1, 'poll': 1}",
        "[2, 2]",
    ]);
}
