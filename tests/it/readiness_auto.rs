//! Effects of `ready = auto` on the launcher, on programs that the body starts, and on a start that is undone.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, lab, nothing_left, run, start, stop};
use crate::faults::held_system_call::look_until;
use crate::readiness::whole_or_nothing;

/// Promise 4.12. The streams are in place before the body begins, and no signal is blocked.
#[test]
fn program_started_before_the_first_look_has_the_log_and_no_blocked_signals() {
    let lab = lab();
    let daemon = start(&lab, &["stdout=log", "stderr=log", "body=spawn_sleeper_and_idle:spawned"]);
    let child = lab.processes().into_iter().find(|process| *process != daemon).expect("a child");
    let descriptors = child.descriptors();
    for stream in [1, 2] {
        assert!(descriptors.get(&stream).is_some_and(|fd| fd.is(lab.path("log"))), "{descriptors:?}");
    }
    assert!(child.signals("SigBlk").is_empty(), "{:?}", child.signals("SigBlk"));
    stop(&lab);
}

/// Promise 4.12.
#[test]
fn program_started_before_ready_ends_with_a_failed_start_and_outlives_an_exit_with_success() {
    for (end, code) in [("error", 4), ("exit", 2), ("kill", 2)] {
        let lab = lab();
        run(&lab, "start", &[&format!("body=spawn_sleeper_and_end:{end}")]).exits(code);
        nothing_left(&lab);
    }
    for end in ["return", "success"] {
        let lab = lab();
        run(&lab, "start", &[&format!("body=spawn_sleeper_and_end:{end}")]).ok();
        let body = lab.read("spawned");
        let is_body = |process: &look::Process| body.split(' ').any(|word| word == process.id().to_string());
        look::until(lab.directory(), look::Deadline::after(EVENT_TIMEOUT), || {
            (!lab.processes().iter().any(is_body)).then_some(())
        })
        .expect("the daemon ends");
        assert_eq!(lab.processes().len(), 1, "{end}: the child is left alone");
        assert!(!lab.path("d.pid").exists(), "{end}");
    }
}

/// Promise 1.31. The process lives, and is distinguished from a dead one.
#[test]
fn body_that_executes_another_program_before_ready_gets_advice() {
    let lab = lab();
    run(&lab, "start", &["body=exec_sleep"]).exits(2).says(&["executes another program", "`ready = entered`"]);
    nothing_left(&lab);
    for body in ["body=ready_and_exec_sleep", "body=exec_sleep"] {
        let lab = crate::common::lab();
        let daemon = start(&lab, &[body, if body.contains("ready") { "ready=auto" } else { "ready=entered" }]);
        // Before that, SIGTERM goes to the daemon.
        let comm = format!("/proc/{}/comm", daemon.id());
        look_until("it does not become a `sleep`", || fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n"));
        adopt(daemon).signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("a `sleep` dies of it");
    }
}

/// Promise 1.31. The time after which a body counts as ready stops while its panic is printed.
#[test]
fn panic_that_takes_long_to_print_fails_the_start() {
    let lab = lab();
    run(&lab, "start", &["first=print_panics_slowly", "body=panic:no such table"]).exits(4).says(&["no such table"]);
    nothing_left(&lab);
}

/// Promise 1.31. A panic of a fetch function does not end the body, so that each one after the first delays nothing.
#[test]
fn fetch_that_panics_each_time_is_ready_soon() {
    for kind in ["messages", "messages-async"] {
        let lab = look::Lab::new(env!("CARGO_BIN_EXE_readiness"));
        let begin = Instant::now();
        lab.helper(&[kind, "panic"]).run().ok();
        assert!(begin.elapsed() < Duration::from_secs(2), "{kind}: {:?}", begin.elapsed());
        let daemon = lab.daemon(PIDFILE);
        daemon.signal(Signal::SIGTERM);
        daemon.died(EVENT_TIMEOUT).expect("it stops");
        nothing_left(&lab);
    }
}

/// Promise 1.31. A failure of the body after its first look is an end of the daemon, and reported there.
#[test]
fn body_that_fails_after_its_first_look_was_started() {
    let lab = lab();
    let daemon = start_with_log(&lab, "body=ask,await:go,err:no such table");
    lab.write("go", "");
    ended(adopt(daemon), 4);
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("the body failed: no such table"));
    nothing_left(&lab);
}

/// Promise 1.31. A hook or an attachment has looked before.
#[test]
fn first_look_of_a_body_counts_that_follows_one_of_another() {
    for before in ["after=Stdio:ask", "attach=start:ask"] {
        let lab = lab();
        run(&lab, "start", &[before, "body=ask,err:late"]).ok();
        lab.quiet(EVENT_TIMEOUT).expect("the daemon ends");
        let said = run(&lab, "status", &[]).exits(3);
        assert!(said.stdout.contains("it said: the body failed: late"), "{before}: {said}");
        nothing_left(&lab);
    }
}

/// Promise 1.32, rule L13: the daemon has sent READY, its launcher runs the user's code, and only the grace delays the
/// daemon's end.
#[test]
fn daemon_of_a_busy_launcher_ends_within_its_grace() {
    for (ready, body) in
        [("auto", "note:begun,pause:60000"), ("auto", "note_and_poll:begun"), ("manual", "ready_and_poll:begun")]
    {
        let lab = lab();
        let settings =
            ["start", "pidfile=d.pid", "grace=200", "attach=start:say:hello", "on_output=note:seen,await:go"];
        let (ready, body) = (format!("ready={ready}"), format!("body={body}"));
        let start = lab.helper(&settings).args([&ready, &body]).spawn();
        lab.wait_for("seen", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let begun = lab.wait_for("begun", EVENT_TIMEOUT, |notes| notes.ends_with('\n'));
        let daemon = lab.daemon(PIDFILE);
        assert!(begun.contains(&format!(" {} ", daemon.id())));
        // With `auto`, READY was sent by now.
        std::thread::sleep(Duration::from_millis(300));
        daemon.signal(Signal::SIGTERM);
        daemon.died(Duration::from_secs(4)).unwrap_or_else(|_| panic!("{ready} {body}: the stop is not treated"));
        lab.write("go", "");
        assert_eq!(start.finish().code(), 2, "{ready} {body}");
        nothing_left(&lab);
    }
}

fn start_with_log(lab: &look::Lab, body: &str) -> look::Process {
    start(lab, &["stdout=log", "stderr=log", body])
}

/// Promise 1.25. As with `ready = manual`, at every 10 ms of a start whose body takes 60 ms to its first look.
#[test]
fn start_whose_launcher_dies_during_the_body_is_undone_or_complete() {
    let moments = (0..=100).step_by(10).map(Duration::from_millis);
    each(
        moments.flat_map(|after| [Signal::SIGINT, Signal::SIGKILL].map(|signal| (after, signal))),
        |(after, signal)| {
            let lab = lab();
            let launcher = lab.helper(&["start", "pidfile=d.pid", "body=pause:60,ask,note:working,idle"]).spawn();
            std::thread::sleep(after);
            launcher.signal(signal);
            let outcome = launcher.finish();
            let whole = whole_or_nothing(&lab).unwrap_or_else(|| {
                panic!("{signal} after {after:?}: neither undone nor whole: {:?}, {outcome}", lab.processes())
            });
            assert!(whole || outcome.code() != 0, "{signal} after {after:?}: success, but no daemon: {outcome}");
            if whole {
                stop(&lab);
            }
            lab.quiet(EVENT_TIMEOUT).expect("no process left");
        },
    );
}
