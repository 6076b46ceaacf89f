//! A service manager stops the monitor and all bots together, as systemd does with `KillMode=control-group`.

use crate::common::{EVENT_TIMEOUT, begin, lab, lines, process, start, status, stop, tell};
use nix::sys::signal::Signal;

/// Promise 6.41.
#[test]
fn bots_that_end_with_their_monitor_are_not_started_again() {
    const BOTS: usize = 6;
    let lab = lab();
    // Half of them end by the signal, the other half with a status.
    let bots: Vec<String> = (0..BOTS)
        .map(|number| match number % 2 {
            0 => format!(r#"b{number} = {{ command = "/bin/sh", args = ["-c", "echo b{number} >> LAB/starts; exec sleep 999"] }}"#),
            _ => {
                format!(r#"b{number} = {{ command = "/bin/sh", args = ["-c", "trap 'exit 3' TERM; echo b{number} >> LAB/starts; while :; do sleep 0.02; done"] }}"#)
            }
        })
        .collect();
    let monitor = start(&lab, &bots.iter().map(String::as_str).collect::<Vec<_>>());
    lines(&lab, "starts", BOTS);
    let processes: Vec<_> = (0..BOTS).map(|number| process(&lab, &format!("b{number}"))).collect();
    // While the monitor is suspended, its own signal and the exits of the bots accumulate, and are handled in any
    // order.
    monitor.signal(Signal::SIGSTOP);
    for bot in &processes {
        bot.signal(Signal::SIGTERM);
    }
    for bot in &processes {
        let deadline = look::Deadline::after(EVENT_TIMEOUT);
        look::until(lab.directory(), deadline, || bot.stat().is_none_or(|stat| stat.state == 'Z').then_some(()))
            .expect("it ends");
    }
    monitor.signal(Signal::SIGTERM);
    monitor.signal(Signal::SIGCONT);
    monitor.died(EVENT_TIMEOUT).expect("the monitor ends");
    crate::common::nothing_left(&lab);
    assert_eq!(lines(&lab, "starts", BOTS).len(), BOTS, "{}\n{}", lab.read("starts"), lab.read("m.log"));
}

/// Promise 6.41. The first signal is sent by the service manager, the second one later by the monitor.
#[test]
fn signal_of_the_monitor_does_not_shorten_a_stop() {
    let lab = lab();
    let program = env!("CARGO_BIN_EXE_slow_bot");
    let calm = format!(
        r#"calm = {{ command = "{program}", args = ["LAB/calm.pid", "2500"], stop = {{ signal = "TERM", timeout = "30s" }}, stdout = "LAB/calm.log" }}"#
    );
    // A bot that knew the time of the next step would exit before it.
    let late = format!(
        r#"late = {{ command = "/bin/sh", args = ["-c", "DAEMON_STOP_TIMEOUT=60 exec {program} LAB/late.pid 2500"], stop = [{{ signal = "TERM", timeout = "700ms" }}, {{ signal = "INT", timeout = "30s" }}], stdout = "LAB/late.log" }}"#
    );
    start(&lab, &[&calm, &late]);
    for name in ["calm", "late"] {
        lab.wait_for(&format!("{name}.log"), EVENT_TIMEOUT, |text| text.contains("up\n"));
    }
    process(&lab, "calm").signal(Signal::SIGTERM);
    lab.wait_for("calm.log", EVENT_TIMEOUT, |text| text.contains("stopping\n"));
    begin(&lab, "stop late");
    // Longer than the time within which a daemon of the library counts two signals as one.
    lab.shell("sleep 0.7").run().ok();
    tell(&lab, "stop --wait=20s calm");
    let log = lab.read("calm.log");
    assert!(log.ends_with("clean\n"), "{log}");
    // A later step of a stop still shortens the cleanup.
    tell(&lab, "stop --wait=20s late");
    let log = lab.read("late.log");
    assert!(!log.contains("clean") && log.contains("received a second stop signal"), "{log}\n{}", status(&lab, "late"));
    stop(&lab);
}
