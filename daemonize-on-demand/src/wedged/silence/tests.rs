use super::*;
use daemonize_core::Pid;

const TIMEOUT: Duration = Duration::from_secs(10);

/// The time of a daemon that was left alone at each of a thousand looks.
const NEVER: u128 = u128::MAX;

/// A process that waits.
fn waiting(pid: i32) -> ProcessSample {
    let pid = Pid::from_raw(pid).unwrap();
    ProcessSample { pid, start_time: 9, is_starting: false, is_stopped: false, tracer: None, user_ticks: 5 }
}

/// Looks at each time that `Silence` asks for, until it does anything but wait. Returns the action, and the milliseconds until then.
fn run(mut seen: impl FnMut(Duration) -> Sighting) -> (Action, u128) {
    let began = Instant::now();
    let mut silence = Silence::new(TIMEOUT, began);
    for _ in 0..1000 {
        let now = silence.next_look();
        match silence.look(now, &seen(now - began)) {
            Action::Wait(_) => {}
            action => return (action, (now - began).as_millis()),
        }
    }
    (Action::Wait(WaitReason::Early), NEVER)
}

#[test]
fn waiting_process_is_ended_at_the_timeout() {
    assert_eq!(run(|_| Sighting::Process(waiting(7))), (Action::End, 10_000));
}

#[test]
fn process_that_works_is_never_ended() {
    let working = |time: Duration| ProcessSample { user_ticks: time.as_secs(), ..waiting(7) };
    assert_eq!(run(|time| Sighting::Process(working(time))).1, NEVER);
}

#[test]
fn process_that_has_stopped_working_is_ended_a_timeout_later() {
    let worked = |time: Duration| ProcessSample { user_ticks: time.as_secs().min(7), ..waiting(7) };
    assert_eq!(run(|time| Sighting::Process(worked(time))), (Action::End, 20_000));
}

#[test]
fn process_that_is_starting_or_traced_is_never_ended() {
    for seen in [Sighting::Starting, Sighting::Unknown] {
        assert_eq!(run(|_| seen.clone()).1, NEVER);
    }
    let starting = ProcessSample { is_starting: true, ..waiting(7) };
    assert_eq!(run(|_| Sighting::Process(starting.clone())).1, NEVER);
    let traced = ProcessSample { tracer: Pid::from_raw(1), is_stopped: true, ..waiting(7) };
    assert_eq!(run(|_| Sighting::Process(traced.clone())).1, NEVER);
}

#[test]
fn timeout_begins_when_the_start_or_the_tracing_is_over() {
    let traced = ProcessSample { tracer: Pid::from_raw(1), ..waiting(7) };
    let starting = ProcessSample { is_starting: true, ..waiting(7) };
    for busy in [Sighting::Starting, Sighting::Unknown, Sighting::Process(traced), Sighting::Process(starting)] {
        let seen = |time: Duration| if time.as_secs() < 5 { busy.clone() } else { Sighting::Process(waiting(7)) };
        let (action, time) = run(seen);
        assert_eq!(action, Action::End);
        assert!((14_500..=15_500).contains(&time), "{time}");
    }
}

#[test]
fn daemon_is_started_if_none_was_named_for_the_timeout() {
    let (action, time) = run(|_| Sighting::Absent);
    assert_eq!(action, Action::Start);
    assert!((10_000..=10_500).contains(&time), "{time}");
    // A daemon that was seen meanwhile exits.
    let seen = |time: Duration| if time.as_secs() < 4 { Sighting::Starting } else { Sighting::Absent };
    let (action, time) = run(seen);
    assert_eq!(action, Action::Start);
    assert!((14_000..=14_600).contains(&time), "{time}");
}

#[test]
fn another_process_has_a_timeout_of_its_own() {
    let seen = |time: Duration| Sighting::Process(waiting(if time.as_secs() < 5 { 7 } else { 8 }));
    assert_eq!(run(seen), (Action::End, 20_000));
    // A pid that was reused is another process.
    let seen = |time: Duration| ProcessSample { start_time: time.as_secs() / 5, ..waiting(7) };
    assert_eq!(run(|time| Sighting::Process(seen(time))).1, NEVER);
}

#[test]
fn stopped_process_is_continued_and_gets_the_timeout_again() {
    let stopped = ProcessSample { is_stopped: true, ..waiting(7) };
    assert_eq!(run(|_| Sighting::Process(stopped.clone())), (Action::Resume, 10_000));
    let began = Instant::now();
    let mut silence = Silence::new(TIMEOUT, began);
    let mut actions = Vec::new();
    while actions.last() != Some(&Action::End) {
        actions.push(silence.look(silence.next_look(), &Sighting::Process(stopped.clone())));
    }
    assert_eq!(actions, [Action::Wait(WaitReason::Early), Action::Resume, Action::End]);
    assert_eq!(silence.since, began + TIMEOUT);
}
