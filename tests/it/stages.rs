//! The nine stages: their failures, and the order of hooks.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, STAGES, each, lab, letters, nothing_left, run, start, stop};

/// A fault, and the exit status and text that follow.
const WRONGS: [(&str, &str); 7] = [
    ("err:the hook refuses", "the hook refuses"),
    ("panic:the hook panics", "the hook panics"),
    ("exit:3", "exited with status 3"),
    ("abort", "killed by signal 6"),
    ("kill:KILL", "killed by signal 9"),
    ("kill:STOP", "not ready within"),
    ("hang", "not ready within"),
];

/// Promise 1.08. L4, L8, L12: every stage after the first fork, and every way to fail there.
#[test]
fn failure_in_a_stage_is_reported_and_leaves_nothing() {
    let places = STAGES[1..].iter().map(|stage| ("before", *stage)).chain([("after", "Detach"), ("after", "Stdio")]);
    each(places.flat_map(|place| WRONGS.map(|wrong| (place, wrong))), |((when, stage), (act, text))| {
        let lab = lab();
        let hook = format!("{when}={stage}:{act}");
        let outcome = run(&lab, "start", &[&hook, "start_timeout=700", "body=note:ran,idle"]).exits(2).says(&[text]);
        assert!(outcome.took < Duration::from_secs(5), "{hook}: {outcome}");
        let blamed =
            !act.starts_with("err") && !act.starts_with("panic") || letters(&outcome.stderr).contains(&letters(stage));
        assert!(blamed, "{hook}: the stage is not named: {outcome}");
        nothing_left(&lab);
        assert!(!lab.path("ran").exists(), "{hook}: the body ran nevertheless");
    });
}

/// Promise 4.05.
#[test]
fn panic_in_a_stage_ends_that_process_only() {
    let places = STAGES.iter().flat_map(|stage| ["before", "after"].map(|when| (when, *stage)));
    each(places.flat_map(|place| [true, false].map(|unwinds| (place, unwinds))), |((when, stage), unwinds)| {
        let lab = lab();
        let hook = format!("{when}={stage}:panic:the hook panics");
        let first = if unwinds { "first=" } else { "first=abort_on_panic" };
        let outcome = run(&lab, "start", &[&hook, first, "last=note:came-back"]);
        assert_ne!(outcome.code(), 0, "{hook}: {outcome}");
        if unwinds {
            outcome.clone().says(&["the hook panics"]);
        }
        // Before the first fork, the launcher itself aborts: only its empty pidfile can be left.
        let aborted_itself = outcome.status.code().is_none();
        assert!(!aborted_itself || !unwinds && hook.starts_with("before=Detach"), "{hook}: {outcome}");
        if aborted_itself {
            lab.quiet(EVENT_TIMEOUT).expect("no process left");
            assert_eq!(lab.read(PIDFILE), "");
        } else {
            nothing_left(&lab);
        }
        let back = lab.read("came-back");
        let lines: Vec<&str> = back.lines().collect();
        let launcher = format!("was here {} ", outcome.pid);
        assert!(lines.len() <= 1 && lines.iter().all(|line| line.starts_with(&launcher)), "{hook}: {lines:?}");
        assert!(lines.len() == 1 || aborted_itself, "{hook}: the launcher did not come back: {outcome}");
        start(&lab, &[]);
    });
}

/// Promise 4.05.
#[test]
fn panic_before_readiness_returns_in_one_process() {
    let lab = lab();
    let settings = ["ready=manual", "body=panic:at the first step", "last=note:came-back"];
    let outcome = run(&lab, "start", &settings).exits(4).says(&["at the first step"]);
    nothing_left(&lab);
    assert!(lab.read("came-back").starts_with(&format!("was here {} ", outcome.pid)));
    assert_eq!(lab.read("came-back").lines().count(), 1);
}

/// Text printed between two stages belongs to the launcher, also without a newline.
#[test]
fn text_printed_between_stages_does_not_go_to_the_log() {
    let lab = lab();
    run(&lab, "staged", &["between=say:half", "stdout=log"]).ok().prints(&["half"]);
    assert_eq!(lab.read("log"), "");
    stop(&lab);
}

#[test]
fn hooks_run_in_the_order_of_the_stages() {
    let lab = lab();
    let hooks: Vec<String> = STAGES.iter().map(|stage| format!("before={stage}:note:{stage},note:order")).collect();
    let hooks: Vec<&str> = hooks.iter().map(String::as_str).collect();
    start(&lab, &hooks);
    stop(&lab);
    let pids: Vec<String> = STAGES.iter().map(|stage| lab.read(stage)).collect();
    assert!(pids.iter().all(|line| line.lines().count() == 1), "one note from each stage: {pids:?}");
    assert_eq!(lab.read("order").lines().count(), 9);
    assert_eq!(lab.read("order"), pids.concat(), "in their order");
}

#[test]
fn replaced_stage_does_not_run() {
    let lab = lab();
    let daemon = start(&lab, &["replace=WorkingDirectory:note:instead", "before=Stdio:note:next"]);
    assert_eq!(lab.read("instead"), lab.read("next"));
    assert_eq!(daemon.directory().as_deref(), Some(lab.directory()));
    stop(&lab);
}

#[test]
fn stage_hooks_run_in_their_process() {
    let lab = lab();
    let daemon = start(&lab, &["after=Detach:note:first", "after=Stdio:note:last"]);
    let this_daemon = format!("was here {} ", daemon.id());
    assert!(lab.read("first").starts_with(&this_daemon) && lab.read("last").starts_with(&this_daemon));
}

/// Promise 1.03. A program that becomes a daemon in two parts runs its own code between two stages.
#[test]
fn signal_ignored_between_two_stages_has_its_default_action_in_the_daemon() {
    let lab = lab();
    run(&lab, "activate", &["run_to=CoreDumps:ignore:USR2", "body=idle"]).ok();
    let ignored = lab.daemon(PIDFILE).signals("SigIgn");
    assert!(!ignored.contains(&(Signal::SIGUSR2 as i32)), "{ignored:?}");
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn text_printed_between_two_stages_reaches_the_stdout_of_its_time() {
    let lab = lab();
    let settings = ["run_to=CoreDumps:say:halfway", "stdout=log", "body=note:begun,idle"];
    run(&lab, "activate", &settings).ok().prints(&["halfway"]);
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert_eq!(lab.read("log"), "");
    stop(&lab);
    nothing_left(&lab);
}
