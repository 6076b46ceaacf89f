//! `on_wait`: what a start waits for, and for how long.

use std::time::{Duration, Instant};

use look::Lab;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab, start, stop};

/// Returns elapsed milliseconds, the limit and the reason of each call, once there are `count`.
fn calls(lab: &Lab, count: usize) -> Vec<(u64, u64, String)> {
    let lines = lab.wait_for("waits", EVENT_TIMEOUT, |lines| lines.matches('\n').count() >= count);
    let call = |line: &str| {
        let words: Vec<_> = line.splitn(7, ' ').collect();
        (words[0].parse().expect("a number"), words[3].parse().expect("a number"), words[6].to_owned())
    };
    lines.split_terminator('\n').map(call).collect()
}

#[test]
fn waiting_start_says_what_it_waits_for_after_a_second_and_then_often() {
    for (settings, reason) in [
        (["ready=manual", "body=await:go,ready,idle"], "the daemon to call `daemon::ready()`"),
        (["after=Umask:await:go", "body=idle"], "the daemon to be ready"),
    ] {
        let lab = lab();
        let (began, own) = (Instant::now(), ["start", "pidfile=d.pid", "on_wait=waits", "start_timeout=40000"]);
        let starting = lab.helper(&own).args(settings).spawn();
        let calls = calls(&lab, 3);
        assert!(began.elapsed() >= Duration::from_millis(1200), "{calls:?}");
        assert!(calls[0].0 >= 1000 && calls.windows(2).all(|two| two[1].0 >= two[0].0 + 100), "{calls:?}");
        assert!(calls.iter().all(|call| call.1 == 40_000 && call.2 == reason), "{calls:?}");
        lab.write("go", "");
        starting.finish().ok();
        stop(&lab);
    }
}

#[test]
fn start_that_waits_for_the_lock_says_so_and_a_short_one_says_nothing() {
    let lab = lab();
    let daemon = start(&lab, &["on_wait=never"]);
    let second = lab.helper(&["start", "pidfile=d.pid", "on_wait=waits", "lock_timeout=30000"]).spawn();
    let calls = calls(&lab, 2);
    assert!(calls.iter().all(|call| call.1 == 30_000 && call.2 == "the lock of its pidfile"), "{calls:?}");
    // Not by `stop`, which would also end the second daemon if that has taken its place by then.
    daemon.signal(Signal::SIGTERM);
    second.finish().ok();
    stop(&lab);
    assert!(!lab.path("never").exists());
}
