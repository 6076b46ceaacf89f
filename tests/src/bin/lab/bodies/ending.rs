//! Bodies that stop their daemon, exit or panic.

use std::thread;
use std::time::Duration;

use look::actions::{Fallible, append, await_file, idle, note};
use look::in_lab;
use nix::sys::signal::{SigSet, Signal};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![
    poll,
    stop,
    stop_itself,
    stop_itself_later,
    stop_itself_with_the_signal_blocked,
    note_at_exit,
    abort_on_panic,
    print_panics_slowly;
    note_and_poll,
    ready_and_poll,
    poll_then_fail,
    fail_unless,
    fail_first,
    stop_on_go,
];

/// Works in a loop until the daemon is to stop.
fn poll() {
    while !daemon::stopping() {
        thread::sleep(Duration::from_millis(5));
    }
}

fn note_and_poll(file: &str) -> Fallible {
    note(file)?;
    poll();
    Ok(())
}

fn ready_and_poll(file: &str) -> Fallible {
    note(file)?;
    daemon::ready()?;
    poll();
    Ok(())
}

/// Fails unless the file exists.
fn fail_unless(file: &str) -> Fallible {
    if in_lab(file).exists() { Ok(()) } else { Err(format!("no {file}").into()) }
}

/// Fails unless the file exists, and creates it.
fn fail_first(file: &str) -> Fallible {
    let outcome = fail_unless(file);
    note(file)?;
    outcome
}

/// Fails at the stop.
fn poll_then_fail(text: &str) -> Fallible {
    poll();
    Err(text.into())
}

/// Stops the daemon from inside.
fn stop() {
    daemon::stop();
}

fn stop_itself() {
    daemon::stop();
    idle();
}

/// Stops long after the launcher has returned.
fn stop_itself_later() {
    thread::sleep(Duration::from_millis(1500));
    stop_itself();
}

/// Stops from a thread that blocks the signal which the daemon sends itself.
fn stop_itself_with_the_signal_blocked() -> Fallible {
    await_file("go")?;
    SigSet::from(Signal::SIGTERM).thread_block()?;
    stop_itself();
    Ok(())
}

/// Stops the daemon from a handler, and returns later.
fn stop_on_go(file: &str) -> Fallible {
    await_file("go")?;
    daemon::stop();
    note(file)?;
    Ok(())
}

/// Notes in `atexit` that this process called `exit(3)`.
fn note_at_exit() {
    extern "C" fn note_exit() {
        let _ = append("atexit", &format!("atexit {} {}\n", std::process::id(), nix::unistd::getppid()));
    }
    look::sys::at_exit(note_exit);
}

/// Aborts at every later panic, as a program built with `panic = "abort"` does.
fn abort_on_panic() {
    std::panic::set_hook(Box::new(|_| std::process::abort()));
}

/// Spends 300 ms in every later panic, as printing a backtrace does.
fn print_panics_slowly() {
    std::panic::set_hook(Box::new(|_| thread::sleep(Duration::from_millis(300))));
}
