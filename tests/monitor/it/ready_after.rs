//! Bots that are ready when they have run for a while, and what does not make a bot ready.

use crate::common::{lab, lines, process, refused, start, state, stop, tell, wait_for};
use nix::sys::signal::Signal;

/// Promise 6.36.
#[test]
fn dependents_wait_until_a_bot_has_run_for_its_time_or_says_that_it_is_ready() {
    let lab = lab();
    start(
        &lab,
        &[
            "timed ready=after:600 : BOT stamp:LAB/stamps idle",
            "behind depends=timed : BOT stamp:LAB/stamps idle",
            "says ready=after:3600000 : BOT ready idle",
            "heard depends=says : BOT idle",
            "dies ready=after:3600000 restart=never : BOT exit:7",
            "never depends=dies : BOT idle",
        ],
    );
    wait_for(&lab, "heard", "running");
    wait_for(&lab, "behind", "running");
    let stamp = |line: &String| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    let stamps = lines(&lab, "stamps", 2);
    let apart = stamp(&stamps[1]) - stamp(&stamps[0]);
    // The first one was written a moment after its process was made.
    assert!(apart > 400_000_000, "{apart} ns");
    assert!(refused(&lab, "start dies 20000").contains("it has failed: ended by status 7"));
    assert_eq!((state(&lab, "dies"), state(&lab, "never")), ("failed".to_owned(), "waiting".to_owned()));
    stop(&lab);
}

/// Promise 6.17.
#[test]
fn bot_that_is_suspended_while_it_starts_is_shown_as_suspended() {
    let lab = lab();
    start(&lab, &["web ready=after:1000 : BOT idle"]);
    process(&lab, "web").signal(Signal::SIGSTOP);
    wait_for(&lab, "web", "suspended");
    tell(&lab, "signal web CONT");
    wait_for(&lab, "web", "running");
    stop(&lab);
}

/// Promise 6.39.
#[test]
fn file_of_an_earlier_run_does_not_make_a_bot_ready() {
    let lab = lab();
    lab.write("ready", "left by an earlier monitor\n");
    start(
        &lab,
        &[
            "file ready=file:LAB/ready : BOT sleep:400 append:LAB/order:file touch:LAB/ready idle",
            "behind depends=file : BOT append:LAB/order:behind idle",
        ],
    );
    wait_for(&lab, "behind", "running");
    assert_eq!(lines(&lab, "order", 2), ["file", "behind"]);
    // So it is for the next run of the same monitor.
    tell(&lab, "restart file 20000");
    wait_for(&lab, "behind", "running");
    assert_eq!(lines(&lab, "order", 4), ["file", "behind", "file", "behind"]);
    stop(&lab);
}

/// Promise 6.38.
#[test]
fn dependency_that_does_not_start_by_itself_is_started() {
    let lab = lab();
    start(
        &lab,
        &[
            "deep autostart=no : BOT idle",
            "job autostart=no ready=exit depends=deep : BOT append:LAB/order:job exit:0",
            "app depends=job : BOT append:LAB/order:app idle",
            "other autostart=no : BOT idle",
        ],
    );
    wait_for(&lab, "app", "running");
    assert_eq!(lines(&lab, "order", 2), ["job", "app"]);
    assert_eq!((state(&lab, "deep"), state(&lab, "other")), ("running".to_owned(), "stopped".to_owned()));
    // A bot that comes with a reload starts what it needs, too.
    let bots = lab.read("bots") + "late depends=other : /bin/sleep 1000\n";
    lab.write("bots", bots);
    tell(&lab, "reload");
    wait_for(&lab, "late", "running");
    assert_eq!(state(&lab, "other"), "running");
    stop(&lab);
}
