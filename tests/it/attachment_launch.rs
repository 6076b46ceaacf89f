//! Attachments around the forks: `launching` in the launcher before the first one, `launched` there when the start has ended.

use look::{Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab, nothing_left, run, start, stop};

/// An attachment that notes `PID SIZE` of the pidfile in `launching`, and `PID pidfile|free OUTCOME` in `launched`.
const NOTING: [&str; 4] =
    ["attach=launching:note:begun", "attach=launched:note:over", "attach=prepare:note:prepared", "attach=end:note:end"];

/// Returns the pid in the line that the attachment has noted in this file.
fn pid_in(lab: &Lab, file: &str) -> String {
    let text = lab.read(file);
    assert_eq!(text.lines().count(), 1, "{file}: {text}");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Starts a daemon, which must fail with this exit status and text, and leave nothing.
#[track_caller]
fn fail(lab: &Lab, settings: &[&str], code: i32, text: &str) -> Outcome {
    let outcome = run(lab, "start", settings).exits(code).says(&[text]);
    nothing_left(lab);
    outcome
}

/// The launcher calls both, with an empty pidfile before and with the daemon at work after.
/// D1, D2: see `docs/rules.md`.
#[test]
fn launching_comes_before_the_fork_and_launched_after_go() {
    for ready in ["ready=entered", "ready=auto", "ready=manual"] {
        let lab = lab();
        let daemon = start(&lab, &[&NOTING[..], &[ready, "body=ready,idle", "last=note:last"]].concat());
        let launcher = pid_in(&lab, "launching");
        assert_ne!(launcher, daemon.id().to_string());
        assert_eq!(lab.read("launching"), format!("{launcher} 0\n"), "{ready}");
        assert_eq!(lab.read("launched"), format!("{launcher} pidfile success\n"), "{ready}");
        assert!(lab.read("prepared").contains(&format!("was here {} ", daemon.id())), "{ready}");
        stop(&lab);
        nothing_left(&lab);
        assert_eq!(lab.read("launched").lines().count(), 1, "{ready}");
    }
}

/// A launcher that exits with the start, as that of an annotated `main` does, calls it as well.
#[test]
fn launched_is_called_before_a_launcher_exits_with_the_start() {
    let lab = lab();
    run(&lab, "activate", &[&NOTING[..], &["body=idle"]].concat()).ok();
    let launcher = pid_in(&lab, "launching");
    assert_eq!(lab.read("launched"), format!("{launcher} pidfile success\n"));
    stop(&lab);
    nothing_left(&lab);
}

/// A start may fail in the launcher, in a stage or in the body: `launched` gets the error that the caller gets.
/// D2: see `docs/rules.md`.
#[test]
fn start_that_fails_after_launching_calls_launched_with_its_error_once() {
    let failures = [
        ("attach=launching:start_thread:late", 2, "thread"),
        ("attach=prepare:err:no rights", 2, "failed to prepare an attachment of the daemon"),
        ("after=Identity:err:refused", 2, "refused"),
        ("attach=start:panic:no idea", 2, "no idea"),
        ("body=err:no table", 4, "no table"),
        ("body=exit:7", 2, "7"),
        ("start_timeout=300", 2, "was not ready within 300ms"),
    ];
    for (failure, code, text) in failures {
        let lab = lab();
        let outcome = fail(&lab, &[&NOTING[..], &["ready=manual", failure]].concat(), code, text);
        let launcher = pid_in(&lab, "launching");
        let noted = lab.read("launched");
        let cause = noted.strip_prefix(&format!("{launcher} free ")).unwrap_or_else(|| panic!("{failure}: {noted}"));
        let cause = cause.lines().next().unwrap_or_default();
        assert!(outcome.stderr.contains(cause) && cause.contains(text), "{failure}: {cause}: {outcome}");
        assert_eq!(lab.read("over").lines().count(), 1, "{failure}");
    }
}

/// The body of the daemon exits with status 0 before it is ready, which is a success.
#[test]
fn launched_gets_a_success_of_a_daemon_that_is_done_at_once() {
    let lab = lab();
    run(&lab, "start", &[&NOTING[..], &["body=exit:0"]].concat()).ok();
    assert_eq!(lab.read("launched"), format!("{} free success\n", pid_in(&lab, "launching")));
    nothing_left(&lab);
}

#[test]
fn launching_that_fails_is_the_error_of_the_start_and_launched_is_not_called() {
    for (what, text) in [("err:the address is taken", "the address is taken"), ("panic:off the end", "off the end")] {
        for detach in ["detach=always", "detach=never"] {
            let lab = lab();
            let launching = format!("attach=launching:{what}");
            let settings = [&launching, "attach=launched:note:over", "attach=prepare:note:prepared", detach];
            fail(&lab, &settings, 2, "failed to launch an attachment of the daemon").says(&[text]);
            assert!(!lab.path("over").exists() && !lab.path("prepared").exists(), "{what}, {detach}");
        }
    }
}

/// Without a launcher the process that calls `launching` is the daemon: it calls `launched` for a failure alone, after `end`.
#[test]
fn launched_without_a_launcher_is_called_for_a_failure_only() {
    for (failure, code, text) in [
        ("attach=prepare:err:no rights", 2, "no rights"),
        ("replace=Stdio:err:refused", 2, "refused"),
        ("attach=start:err:no thread left", 2, "no thread left"),
    ] {
        let lab = lab();
        fail(&lab, &[&NOTING[..], &["detach=never", failure]].concat(), code, text);
        let process = pid_in(&lab, "launching");
        assert!(lab.read("launched").starts_with(&format!("{process} free failed to ")), "{failure}");
        assert_eq!(lab.read("over").lines().count(), 1, "{failure}");
    }
    let lab = lab();
    let daemon = lab.helper(&["start", "pidfile=d.pid", "detach=never", "body=note:works,idle"]).args(NOTING).spawn();
    lab.wait_for("works", EVENT_TIMEOUT, |text| !text.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    nothing_left(&lab);
    assert!(lab.path("begun").exists() && !lab.path("launched").exists());
}

/// A launcher that is killed while it launches leaves an empty pidfile, which the next start takes.
#[test]
fn start_after_a_launcher_that_was_killed_while_launching_succeeds() {
    let lab = lab();
    let launcher = lab.helper(&["start", "pidfile=d.pid", "attach=launching:note:begun,await:never"]).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |text| !text.is_empty());
    launcher.signal(Signal::SIGKILL);
    lab.quiet(EVENT_TIMEOUT).expect("it is dead");
    start(&lab, &NOTING);
    stop(&lab);
    nothing_left(&lab);
}
