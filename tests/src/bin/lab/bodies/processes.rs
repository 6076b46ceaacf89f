//! Processes that the tests' daemons kill, start or fork.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use look::actions::{Fallible, await_file, idle, note};
use nix::sys::signal::{Signal, raise};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![
    abort,
    abort_on_go,
    exec_sleep,
    ready_and_exec_sleep,
    fork_sleeper,
    fork_sleeper_and_idle,
    fork_into_own_session_and_exit;
    kill,
    kill_on_go,
    note_and_freeze,
    freeze_child,
    spawn_sleeper,
    spawn_sleeper_and_idle,
    spawn_sleeper_and_end,
    ignore,
    return_from_forked_child,
];

fn abort() {
    std::process::abort();
}

fn abort_on_go() -> Fallible {
    await_file("go")?;
    std::process::abort();
}

/// Sends a signal to this process: `KILL`, `STOP`, …
fn kill(name: &str) -> Fallible {
    let signal: Signal = format!("SIG{name}").parse()?;
    raise(signal)?;
    // Rust's own handler of SEGV and BUS, which looks for an overflow of the stack, lets the first one pass.
    if matches!(signal, Signal::SIGSEGV | Signal::SIGBUS) {
        raise(signal)?;
    }
    Ok(())
}

/// Has this process ignore a signal: `USR2`, …
fn ignore(name: &str) -> Fallible {
    let signal: Signal = format!("SIG{name}").parse()?;
    Ok(look::sys::ignore(signal as i32)?)
}

fn kill_on_go(name: &str) -> Fallible {
    await_file("go")?;
    kill(name)?;
    idle();
    Ok(())
}

/// Stops this process, as SIGSTOP does, until the test continues or kills it.
fn note_and_freeze(file: &str) -> Fallible {
    note(file)?;
    raise(Signal::SIGSTOP)?;
    Ok(())
}

/// Has a process stop itself before it does anything else: the child that this one forks (`1`), or the child of that (`2`).
fn freeze_child(generation: &str) -> Fallible {
    /// How many forks further down the process is that stops; every process counts for itself.
    static GENERATION: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn freeze_the_last() {
        if GENERATION.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = raise(Signal::SIGSTOP);
        }
    }
    GENERATION.store(generation.parse()?, Ordering::Relaxed);
    look::sys::at_fork(freeze_the_last);
    Ok(())
}

/// Becomes another program.
fn exec_sleep() -> std::io::Result<()> {
    Err(Command::new("sleep").arg("1000").exec())
}

fn ready_and_exec_sleep() -> Fallible {
    daemon::ready()?;
    Ok(exec_sleep()?)
}

/// Starts a program that shares the daemon's standard streams, and leaves it alone.
fn spawn_sleeper(file: &str) -> Fallible {
    Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn()?;
    note(file)?;
    Ok(())
}

fn spawn_sleeper_and_idle(file: &str) -> Fallible {
    spawn_sleeper(file)?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Ends before a program that it has started: by an error, an exit, a signal or its return.
fn spawn_sleeper_and_end(how: &str) -> Fallible {
    spawn_sleeper("spawned")?;
    match how {
        "error" => Err("no paper".into()),
        "exit" => std::process::exit(3),
        "success" => std::process::exit(0),
        "kill" => kill("KILL"),
        "return" => Ok(()),
        _ => Err(format!("`{how}` is not an end").into()),
    }
}

/// Forks a child that never executes a program, so that it keeps every descriptor, and sleeps until it is killed.
fn fork_sleeper() -> std::io::Result<()> {
    look::sys::fork_a_sleeper(false)
}

fn fork_sleeper_and_idle() -> Fallible {
    fork_sleeper()?;
    note("forked")?;
    idle();
    Ok(())
}

/// Leaves a child behind that has left the daemon's session.
fn fork_into_own_session_and_exit() -> std::io::Result<()> {
    look::sys::fork_a_sleeper(true)?;
    std::process::exit(7)
}

/// Forks, hangs in the parent, and comes back from the body in the child: by a panic, an error, or after it was ready or told
/// to stop; `late-…` forks when the daemon has long been ready.
fn return_from_forked_child(how: &str) -> Fallible {
    if how.starts_with("late-") {
        thread::sleep(Duration::from_millis(200));
    }
    look::sys::fork_on()?;
    note("forked")?;
    match how.trim_start_matches("late-") {
        "panic" => panic!("lost"),
        "error" => return Err("lost".into()),
        "ready" => daemon::ready()?,
        "stop" => daemon::stop(),
        _ => return Err(format!("`{how}` is not an end").into()),
    }
    print!("bye");
    Ok(())
}
