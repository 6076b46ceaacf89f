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
    // Rust's handler of SEGV and BUS checks for a stack overflow, and ignores the first signal.
    if matches!(signal, Signal::SIGSEGV | Signal::SIGBUS) {
        raise(signal)?;
    }
    Ok(())
}

/// Ignores a signal: `USR2`, …
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

/// Makes a later process stop itself before it does anything else: the child that this one forks (`1`), or the
/// grandchild (`2`).
fn freeze_child(generation: &str) -> Fallible {
    /// The number of forks after which the process stops; each process has its own copy.
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

/// Executes another program.
fn exec_sleep() -> std::io::Result<()> {
    Err(Command::new("sleep").arg("1000").exec())
}

fn ready_and_exec_sleep() -> Fallible {
    daemon::ready()?;
    Ok(exec_sleep()?)
}

/// Starts a program that shares the daemon's standard streams, and does not wait for it.
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

/// Ends before a program that it has started, by an error, an exit, a signal or a return.
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

/// Forks a child that never executes a program, keeps every descriptor, and sleeps until it is killed.
fn fork_sleeper() -> std::io::Result<()> {
    look::sys::fork_sleeper_process(false)
}

fn fork_sleeper_and_idle() -> Fallible {
    fork_sleeper()?;
    note("forked")?;
    idle();
    Ok(())
}

/// Exits and leaves a child in a session of its own.
fn fork_into_own_session_and_exit() -> std::io::Result<()> {
    look::sys::fork_sleeper_process(true)?;
    std::process::exit(7)
}

/// Forks, hangs in the parent, and returns from the body in the child: by a panic, by an error, or after it called
/// `ready` or was stopped. With `late-…`, forks long after the daemon became ready.
fn return_from_forked_child(how: &str) -> Fallible {
    if how.starts_with("late-") {
        thread::sleep(Duration::from_millis(200));
    }
    look::sys::fork_and_continue_in_child()?;
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
