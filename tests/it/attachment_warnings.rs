//! Warnings of attachments about a start that succeeds: on stderr, in `Started` and in the status.

use look::{Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab, needs_root, nothing_left, run, start, stop};
use crate::last_words::{WORDS, status};

const WARNINGS: [&str; 2] = ["warning=ends with session 4", "warning=two\\nlines\\e[2J"];

/// The text in the status, in which line ends and control characters are replaced.
const SAID: &str = "; it says: ends with session 4; two lines\\u{1b}[2J\n";

/// Returns the status once the daemon has reported its warnings, which it does after GO.
fn reported_status(lab: &Lab, warning: &str) -> Outcome {
    lab.wait_for(WORDS, EVENT_TIMEOUT, |words| words.contains(warning));
    status(lab).ok()
}

#[test]
fn warnings_about_the_start_are_printed_and_stay_in_the_status_until_the_daemon_ends() {
    for ready in ["ready=entered", "ready=auto", "ready=manual"] {
        let lab = lab();
        let settings = [&WARNINGS[..], &[ready, "body=ready,idle", "handle=HUP:note:reloaded"]].concat();
        let started = run(&lab, "start", &settings).ok();
        assert!(started.stderr.contains("warning: ends with session 4\nwarning: two lines\\u{1b}[2J\n"), "{started}");
        assert!(started.stdout.contains("warns [\"ends with session 4\", \"two lines\\u{1b}[2J\"]"), "{started}");
        let daemon = lab.daemon("d.pid");
        let told = reported_status(&lab, "session 4");
        assert!(told.stdout.ends_with(SAID), "{ready}: {told}");
        // A reload that succeeds withdraws the warnings of reloads, not these.
        daemon.signal(Signal::SIGHUP);
        lab.wait_for("reloaded", EVENT_TIMEOUT, |text| !text.is_empty());
        run(&lab, "reload", &[]).ok();
        assert!(status(&lab).ok().stdout.ends_with(SAID), "{ready}");
        stop(&lab);
        nothing_left(&lab);
        assert!(!lab.path(WORDS).exists(), "{ready}: the warning outlives the daemon");
        start(&lab, &[]);
        assert!(!status(&lab).ok().stdout.contains("session 4"), "the next daemon has no warning");
        stop(&lab);
    }
}

#[test]
fn warnings_about_the_start_survive_a_change_of_user() {
    needs_root();
    let lab = crate::common::shared_lab();
    run(&lab, "start", &[&WARNINGS[..], &["user=nobody"]].concat()).ok();
    assert!(reported_status(&lab, "session 4").stdout.ends_with(SAID));
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn warnings_without_a_launcher_are_printed_and_in_the_status() {
    let lab = lab();
    let daemon = lab
        .helper(&["start", "pidfile=d.pid", "detach=never", "stderr=log", "body=note:works,idle"])
        .args(WARNINGS)
        .spawn();
    lab.wait_for("works", EVENT_TIMEOUT, |text| !text.is_empty());
    assert!(reported_status(&lab, "session 4").stdout.ends_with(SAID));
    daemon.signal(Signal::SIGTERM);
    lab.quiet(EVENT_TIMEOUT).expect("it ends");
    nothing_left(&lab);
}

#[test]
fn warnings_that_are_too_many_or_too_long_are_truncated() {
    let lab = lab();
    let long = format!("warning={}", "w".repeat(5000));
    let settings = vec![long.as_str(); 40];
    let started = run(&lab, "start", &settings).ok();
    let lines: Vec<&str> = started.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!((lines.len(), lines[0].len()), (16, "warning: ".len() + 1024));
    assert!(reported_status(&lab, "www").stdout.contains("it says: www"));
    stop(&lab);
    nothing_left(&lab);
}
