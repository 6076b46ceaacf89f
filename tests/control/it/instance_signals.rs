//! The signals of a program that has had an instance: they have their previous effect.

use std::net::TcpListener;

use look::Lab;
use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, PIDFILE, lab, times_in_log, wait_for_state};

/// The guard is dropped, and the program continues: a signal kills it as it kills any other program.
#[test]
fn signal_after_the_end_of_the_instance_kills_the_program() {
    let lab = lab();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        dies_of(&lab, &["then=drop_and_live_on"], signal);
        assert!(!lab.path(PIDFILE).exists());
    }
    assert_eq!(times_in_log(&lab, "on_stop"), 3);
}

#[test]
fn signal_after_a_failed_start_kills_the_program() {
    let lab = lab();
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("address={}", stranger.local_addr().expect("an address"));
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        dies_of(&lab, &["then=live_on_without", &address], signal);
    }
    assert_eq!(times_in_log(&lab, "on_start"), 3);
    assert_eq!(times_in_log(&lab, "on_stop"), 0);
}

/// The second instance of one process receives the signals as the first did.
#[test]
fn signal_to_a_second_instance_kills_the_program() {
    let lab = lab();
    dies_of(&lab, &["then=drop_and_start_again"], Signal::SIGTERM);
    assert_eq!(times_in_log(&lab, "on_stop"), 2);
    assert!(!lab.path(PIDFILE).exists());
}

/// A signal that arrives while the dropped instance ends is not lost.
#[test]
fn signal_during_the_shutdown_takes_effect_afterwards() {
    let lab = lab();
    let program = lab.helper(&["hold", "app", "then=drop_and_live_on", "on_stop=waits"]).spawn();
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("on_stop begins"));
    program.signal(Signal::SIGTERM);
    lab.write("go", "");
    let outcome = program.finish();
    assert_eq!(outcome.code(), 128 + Signal::SIGTERM as i32, "{outcome}");
    assert!(!lab.path(PIDFILE).exists(), "it died before its end");
}

/// Two instances of one process receive the same signal, and both end before the process does.
#[test]
fn signal_ends_all_instances_of_a_program() {
    let lab = lab();
    dies_of(&lab, &["then=start_another"], Signal::SIGINT);
    assert_eq!(times_in_log(&lab, "on_stop"), 2);
    assert!(!lab.path(PIDFILE).exists() && !lab.path("other/.pid").exists());
}

/// Runs a program until it continues, with or without an instance, and sends it a signal that must kill it.
#[track_caller]
fn dies_of(lab: &Lab, settings: &[&str], signal: Signal) {
    let before = if lab.path("log").exists() { times_in_log(lab, "goes on") } else { 0 };
    let program = lab.helper(&["hold", "app"]).args(settings).spawn();
    lab.wait_for("log", EVENT_TIMEOUT, |log| log.lines().filter(|line| *line == "goes on").count() > before);
    wait_for_state(program.process(), 'S');
    program.signal(signal);
    let outcome = program.finish();
    assert_eq!(outcome.code(), 128 + signal as i32, "{signal}: {outcome}");
}
