//! Watchdog messages of a daemon to its service manager.

use crate::common::{each, lab, times};
use crate::sd_notify::NEVER;
use crate::service_manager::{ServiceManager, spawn};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};

/// Promise 1.12.
#[test]
fn watchdog_is_fed_at_half_its_interval() {
    let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
    let daemon = spawn(&lab, &manager.address, &["body=poll"], &[("WATCHDOG_USEC", "1000000")]);
    manager.receives("READY=1\n");
    for _ in 0..times(4, 20) {
        let begin = Instant::now();
        manager.receives("WATCHDOG=1\n");
        let gap = begin.elapsed();
        assert!(Duration::from_millis(250) < gap && gap < Duration::from_millis(800), "fed after {gap:?}");
    }
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    manager.receives("STOPPING=1\n");
}

/// Promise 1.12.
#[test]
fn watchdog_of_another_process_is_not_fed() {
    let cases = [
        ("body=poll", &[("WATCHDOG_USEC", "50000"), ("WATCHDOG_PID", "1")][..]),
        ("body=poll", &[("WATCHDOG_USEC", "50000"), ("WATCHDOG_PID", "")]),
        ("body=poll", &[("WATCHDOG_USEC", "0")]),
        ("body=poll", &[("WATCHDOG_USEC", "-50000")]),
        ("body=poll", &[("WATCHDOG_USEC", "50000 ")]),
        ("body=poll", &[("WATCHDOG_USEC", "18446744073709551615")]),
        ("body=poll", &[]),
        // Addressed to this process, which does not send.
        ("body=hang", &[("WATCHDOG_USEC", "50000")]),
        ("body=ask_in_thread_and_hang", &[("WATCHDOG_USEC", "50000")]),
    ];
    each(cases, |(body, variables)| {
        let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
        let daemon = spawn(&lab, &manager.address, &["grace=500", body], variables);
        manager.receives("READY=1\n");
        assert_eq!(manager.recv(NEVER), None, "{body} {variables:?}");
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
        manager.receives("STOPPING=1\n");
    });
}
