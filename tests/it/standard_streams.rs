//! Standard streams of a daemon: the null device, log files, and a text as standard input.

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, lab, start, stop};
use nix::sys::signal::Signal;
use std::fs;
use std::time::Duration;

/// Promise 1.02.
#[test]
fn standard_streams_are_on_the_null_device() {
    let lab = lab();
    for closed in ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        lab.shell(&format!("$D start pidfile=d.pid {closed}")).run().ok();
        let open = lab.daemon(PIDFILE).descriptors();
        for stream in 0..3 {
            assert!(open.get(&stream).is_some_and(|fd| fd.is("/dev/null")), "started with {closed:?}: {open:?}");
        }
        let lock = open.iter().find(|(_, fd)| fd.is(lab.path(LOCK)));
        assert!(lock.is_some_and(|(number, _)| *number > 2), "started with {closed:?}: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.02.
#[test]
fn log_is_appended_to_and_never_truncated() {
    let lab = lab();
    lab.write("log", "from before\n");
    let daemon =
        start(&lab, &["stdout=log", "stderr=log", "ready=manual", "body=ready,say:out,complain:err,note:said,idle"]);
    lab.wait_for("said", EVENT_TIMEOUT, |said| !said.is_empty());
    let open = daemon.descriptors();
    assert!(open[&1].has(libc::O_APPEND) && open[&2].has(libc::O_APPEND), "{open:?}");
    stop(&lab);
    let log = lab.read("log");
    assert!(log.starts_with("from before\n") && log.contains("out") && log.contains("err"), "the log holds {log:?}");
}

#[test]
fn logs_in_one_or_two_directories_are_where_they_were_named() {
    let lab = lab();
    for directory in ["one", "two"] {
        fs::create_dir(lab.path(directory)).unwrap();
    }
    for (out, err) in [("one/out", "one/err"), ("one/out", "two/err"), ("two/out", "one/err")] {
        let daemon = start(&lab, &[&format!("stdout={out}"), &format!("stderr={err}")]);
        let open = daemon.descriptors();
        assert!(open[&1].is(lab.path(out)) && open[&2].is(lab.path(err)), "{open:?}");
        stop(&lab);
    }
}

/// Promise 6.45.
#[test]
fn dev_stdout_and_stderr_are_those_of_the_launcher() {
    let both = "stdin=/dev/stdin stdout";
    for (streams, log, out, err) in [
        (format!("{both}=/dev/stdout stderr=/dev/stderr"), "", "out", "err"),
        (format!("{both}=/dev/fd/1 stderr=/proc/self/fd/2"), "", "out", "err"),
        // `/dev/stdout` as stderr refers to the daemon's own stdout.
        ("stdout=log stderr=/dev/stdout".into(), "errout", "", ""),
        ("stdout=/dev/stdout stderr=/dev/stdout".into(), "", "errout", ""),
        ("stdout=/dev/stderr stderr=/dev/null".into(), "", "", "out"),
    ] {
        for verb in ["start", "foreground"] {
            let lab = lab();
            let script = format!("exec \"$D\" {verb} pidfile=d.pid {streams} body=complain:err,say:out > out 2> err");
            lab.shell(&script).run().ok();
            lab.quiet(EVENT_TIMEOUT).expect("nothing is left");
            // The launcher itself prints there, before or after.
            let said: String = ["err", "out"].into_iter().filter(|word| lab.read("out").contains(word)).collect();
            assert_eq!((&*lab.read("log"), &*said, &*lab.read("err")), (log, out, err), "{verb} {streams}");
        }
    }
}

#[test]
fn standard_input_can_be_a_text() {
    let lab = lab();
    let daemon = start(&lab, &["stdin=text:hello"]);
    let input = &daemon.descriptors()[&0];
    assert!(!input.is("/dev/null"), "{input:?}");
    daemon.signal(Signal::SIGTERM);
    daemon.died(Duration::from_secs(5)).expect("a stop");
}
