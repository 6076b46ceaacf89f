//! Async steps.

use crate::async_bodies::{AT_ONCE, RUNTIMES, begun, lab, stops, workers};
use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended};
use std::time::{Duration, Instant};

/// Promise 10.05.
#[test]
fn stop_interrupts_the_interval_and_no_step() {
    each(RUNTIMES, |runtime| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "every=3600000", "step=note:begun"]);
        assert!(stops(&lab, daemon, 0) < AT_ONCE);
        assert_eq!(lab.read("begun").lines().count(), 1);

        let lab = self::lab();
        let daemon = begun(&lab, &[runtime, "guard=left", "step=note:begun,pause:300,note:finished"]);
        stops(&lab, daemon, 0);
        let count = |file| lab.read(file).lines().count();
        assert_eq!((count("begun"), count("left")), (count("finished"), count("finished")));
    });
}

/// Promise 10.05.
#[test]
fn steps_keep_their_interval() {
    let lab = lab();
    let before = Instant::now();
    let daemon = begun(&lab, &["every=100", "step=count_steps"]);
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| notes.lines().count() >= 6);
    let took = before.elapsed();
    assert!((Duration::from_millis(490)..EVENT_TIMEOUT).contains(&took), "six steps came after {took:?}");
    let (done, begun) = (lab.read("steps"), lab.read("begun").lines().count());
    assert!((5..=begun).contains(&done.trim().parse().expect("a number")), "{done} of {begun}");
    stops(&lab, daemon, 0);
}

/// Promise 10.05.
#[test]
fn step_that_hangs_or_fails_ends_the_daemon() {
    let lab = lab();
    let daemon = begun(&lab, &["grace=500", "step=note:begun,hang"]);
    stops(&lab, daemon, 1);
    for (step, says) in [("err:no paper", "failed: no paper"), ("panic:no ink", "panicked: no ink")] {
        let lab = self::lab();
        let daemon = begun(&lab, &["every=1", &format!("step=note:begun,await:go,{step}")]);
        lab.write("go", "");
        ended(daemon, 4);
        assert!(lab.read("log").contains(says), "{}", lab.read("log"));
    }
}

/// Promise 10.05.
#[test]
fn step_borrows_state_across_awaits() {
    let lab = lab();
    lab.run(&["beat"]).ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    assert_eq!(workers(daemon), 0);
    ended(daemon, 0);
    let beats: Vec<String> = (0..100).map(|beat| format!("{beat} {} {}", beat + 1, daemon.id())).collect();
    assert_eq!(lab.read("beats").lines().collect::<Vec<_>>(), beats);
}
