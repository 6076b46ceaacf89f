//! System calls that fail, and errors that no process reads.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::time::Duration;

use look::{Lab, Outcome};

use crate::common::{LOCK, PIDFILE, lab, letters, needs, needs_root, nothing_left, run, shared_lab, start, stop};

/// The injection by strace, the cause in the error message, and the stage or file that the message names.
const FAILURES: [(&str, &str, &str); 9] = [
    ("clone,clone3,?fork,?vfork:error=EAGAIN", "resource temporarily unavailable", "detach"),
    ("setsid:error=EPERM", "operation not permitted", "detach"),
    ("chdir:error=ENOENT", "no such file or directory", "working directory"),
    ("socketpair:error=EMFILE", "too many open files", ""),
    ("dup2,dup3:error=EBUSY", "device or resource busy", "stdio"),
    ("flock:error=ENOLCK", "no locks available", PIDFILE),
    ("fchmod:error=EIO:when=1", "input/output error", LOCK),
    ("fchmod:error=EIO:when=2", "input/output error", PIDFILE),
    ("renameat:error=ENOSPC", "no space left on device", PIDFILE),
];

/// Promise 1.22.
#[test]
fn each_failed_call_has_its_own_error() {
    needs(&["strace"]);
    let mut texts = BTreeMap::new();
    for (injection, cause, place) in FAILURES {
        let lab = lab();
        let outcome = injected(&lab, injection).says(&[cause]);
        assert!([2, 6, 7].contains(&outcome.code()), "{injection}: {outcome}");
        assert!(letters(&outcome.stderr).contains(&letters(place)), "{injection}: `{place}` is not named: {outcome}");
        assert!(!lab.path(PIDFILE).exists(), "{injection}: a pidfile left behind, holding {:?}", lab.read(PIDFILE));
        nothing_left(&lab);
        if let Some(other) = texts.insert(outcome.stderr.replace(&lab.directory().display().to_string(), ""), injection)
        {
            panic!("the same text for {injection} and {other}: {outcome}");
        }
    }
}

/// Promise 1.22. `-P` limits the injection to `/dev/null`, which cannot be opened.
#[test]
fn null_device_that_cannot_be_opened_is_named() {
    needs(&["strace"]);
    let lab = lab();
    let strace =
        ["-f", "-qq", "-o", "trace", "-P", "/dev/null", "-e", "trace=openat", "-e", "inject=openat:error=EMFILE"];
    let outcome = lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"]).run();
    assert_eq!(outcome.exits(2).says(&["/dev/null", "too many open files"]).code(), 2);
    nothing_left(&lab);
}

/// Promise 1.22. The first fork succeeds, the second exceeds the user's limit of processes (root has no such limit).
#[test]
fn failed_second_fork_is_reported() {
    needs(&["setpriv", "prlimit"]);
    needs_root();
    let lab = shared_lab();
    // A uid of its own, so that no other process counts.
    let someone = nix::unistd::Uid::from_raw(45_671);
    let home = lab.path("home");
    fs::create_dir(&home).unwrap();
    nix::unistd::chown(&home, Some(someone), None).expect("a directory of ours");
    let limited = ["--reuid=45671", "--regid=45671", "--clear-groups", "prlimit", "--nproc=2:2"];
    let launch =
        lab.command("setpriv", &limited).arg(lab.program()).args(["start", "pidfile=d.pid"]).in_directory(&home);
    let outcome = launch.run().exits(2).says(&["resource temporarily unavailable"]);
    assert!(letters(&outcome.stderr).contains("detach"), "the stage is not named: {outcome}");
    nothing_left(&lab);
    assert!(!home.join(PIDFILE).exists());
}

/// Promise 1.22.
#[test]
fn start_after_a_failed_start_works() {
    needs(&["strace"]);
    let lab = lab();
    injected(&lab, "setsid:error=EPERM").exits(2);
    start(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
}

fn injected(lab: &Lab, injection: &str) -> Outcome {
    let calls = injection.split(':').next().unwrap_or_default();
    let trace = format!("trace={calls}");
    let inject = format!("inject={injection}");
    let strace = ["-f", "-qq", "-o", "trace", "-e", &trace, "-e", &inject];
    let outcome = lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"]).run();
    assert!(lab.read("trace").contains("INJECTED"), "{injection}: this call is never made");
    outcome
}

/// Promise 5.18. In a private mount namespace, `/dev/log` belongs to the test.
#[test]
fn start_that_fails_with_control_text_shows_it_escaped() {
    let lab = lab();
    let wild = "gone\x1b]0;owned\x07\u{9b}2J\u{202e}x\u{61c}\u{200b}\u{e0041}\rover";
    let outcome = run(&lab, "start", &["ready=manual", &format!("body=err:{wild}")]).exits(4);
    let shown = "gone\\u{1b}]0;owned\\u{7}\\u{9b}2J\\u{202e}x\\u{61c}\\u{200b}\\u{e0041}\\rover";
    assert!(outcome.stderr.contains(shown), "{outcome}");
    assert!(outcome.stderr.chars().all(|letter| matches!(letter, ' '..='~' | '\n')), "{:?}", outcome.stderr);
    nothing_left(&lab);
}

/// Promise 5.18.
#[test]
fn status_of_a_pidfile_with_control_text_shows_it_escaped() {
    let lab = lab();
    for verb in ["status", "stop"] {
        let outcome = lab.helper(&[verb, "pidfile=a\x1b[2J\u{202e}\u{200b}.pid"]).run();
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains("a\\u{1b}[2J\\u{202e}\\u{200b}.pid"), "{said:?}");
        assert!(said.chars().all(|letter| matches!(letter, ' '..='~' | '\n')), "{said:?}");
    }
}

/// Promise 1.26.
#[test]
fn error_of_detached_daemon_goes_to_the_system_log() {
    needs(&["unshare", "mount", "mknod"]);
    needs_root();
    for (act, cause) in [
        ("err:the disk is gone", "the disk is gone"),
        ("panic:index out of range", "index out of range"),
        // Promise 5.18.
        ("err:gone\x1b[2J\u{202e}\u{61c}\u{200b}", "gone\\u{1b}[2J\\u{202e}\\u{61c}\\u{200b}"),
    ] {
        let lab = lab();
        let log = UnixDatagram::bind(lab.path("log.socket")).expect("a socket");
        log.set_read_timeout(Some(Duration::from_secs(20))).expect("a deadline");
        let pid = start_with_own_log(&lab, &format!("ask,{act}"));
        let line = next_line(&log);
        assert!(line.starts_with("<27>"), "not daemon.err: {line:?}");
        for part in ["leaky", &pid.to_string(), cause] {
            assert!(line.contains(part), "{part:?} is missing: {line:?}");
        }
        assert!(line.chars().all(|letter| matches!(letter, ' '..='~')), "control text in {line:?}");
        nothing_left(&lab);
        log.set_nonblocking(true).expect("a socket");
        assert!(log.recv(&mut [0; 10]).is_err(), "more than one line");
    }
}

/// Starts a daemon called `leaky`, with `log.socket` as `/dev/log`; returns its pid.
fn start_with_own_log(lab: &Lab, body: &str) -> i32 {
    let script = format!(
        "mkdir dev && mount -t tmpfs none dev && mknod -m 666 dev/null c 1 3 && ln -s $LOOK_LAB/log.socket dev/log \
         && mount --bind dev /dev && $D start pidfile=d.pid name=leaky 'body={body}'"
    );
    let unshare = ["--mount", "bash", "-c", &script];
    lab.command("unshare", &unshare).env("D", lab.program()).run().ok().number("started")
}

/// Promise 1.26.
#[test]
fn daemon_ends_although_the_system_log_is_full() {
    needs_root();
    let lab = lab();
    let _deaf = UnixDatagram::bind(lab.path("log.socket")).expect("a socket");
    let fills = || {
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.set_nonblocking(true).expect("a socket");
        std::iter::repeat_with(|| sender.send_to(b"full", lab.path("log.socket"))).take_while(Result::is_ok).count()
    };
    // One sender cannot always fill the queue: it has a limit of its own.
    while fills() > 0 {}
    start_with_own_log(&lab, "await:go,err:the disk is gone");
    lab.write("go", "");
    nothing_left(&lab);
}

/// Promise 1.26. Older system logs listen on a stream socket.
#[test]
fn error_goes_to_a_stream_system_log() {
    needs_root();
    let lab = lab();
    let log = UnixListener::bind(lab.path("log.socket")).expect("a socket");
    let pid = start_with_own_log(&lab, "ask,err:the disk is gone");
    // The daemon has exited, and its messages are in the socket.
    nothing_left(&lab);
    log.set_nonblocking(true).expect("a socket");
    let mut line = String::new();
    log.accept().expect("a connection").0.read_to_string(&mut line).expect("a line");
    assert!(line.starts_with(&format!("<27>leaky[{pid}]: ")) && line.ends_with("the disk is gone\0"), "{line:?}");
}

/// Promise 1.26.
#[test]
fn error_with_log_file_is_in_the_file() {
    let lab = lab();
    start(&lab, &["stderr=log", "body=await:go,err:the disk is gone"]);
    lab.write("go", "");
    nothing_left(&lab);
    assert!(lab.read("log").contains("the disk is gone"), "the log holds {:?}", lab.read("log"));
}

fn next_line(log: &UnixDatagram) -> String {
    let mut bytes = [0; 2000];
    let length = log.recv(&mut bytes).expect("a line in the system log");
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}
