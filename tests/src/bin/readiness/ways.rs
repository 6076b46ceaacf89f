//! The ways in which a body fails before its daemon is ready, or succeeds.

use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, raise};

/// The return type of bodies, steps and functions that fetch.
pub(crate) type Fallible = Result<(), Box<dyn Error + Send + Sync>>;

/// Performs one of the ways:
///
/// * `err`, `late-err`: returns an error, at once or after 30 ms
/// * `busy-err`: as `err`, while a thread of its runtime is busy for 300 ms
/// * `panic`, `abort`, `segv`, `kill`: ends the process that way
/// * `exit-7`, `exit-0`: calls `exit(3)`
/// * `ok`: returns
/// * `port`: listens on the port in the file `port`, which is in use
/// * `file`: reads a file that is missing
/// * `term`: raises SIGTERM, and never returns
/// * `hang`: notes that in the file `hangs`, and never returns
/// * `ready-exit`: calls `ready()`, and `exit(9)` after it has returned
/// * `extend`: asks for more time, is ready after a second, and parks
/// * `stop`: stops the daemon, and returns
/// * `other-look`: calls `exit(9)` after another thread or task has asked about the stop
/// * `look-exit`: asks about the stop after 10 ms, then calls `exit(9)`
pub(crate) fn perform(way: &str) -> Fallible {
    match way {
        "err" | "busy-err" => return Err("no such table".into()),
        "late-err" => {
            thread::sleep(Duration::from_millis(30));
            return Err("no such table".into());
        }
        "panic" => panic!("no such table"),
        "abort" => std::process::abort(),
        // Rust's handler of SEGV checks for a stack overflow, and ignores the first signal.
        "segv" => (0..2).try_for_each(|_| raise(Signal::SIGSEGV))?,
        "kill" => raise(Signal::SIGKILL)?,
        "exit-7" => std::process::exit(7),
        "exit-0" => std::process::exit(0),
        "ok" => {}
        "port" => drop(TcpListener::bind(("localhost", port()?))?),
        "file" => {
            fs::read(look::in_lab("missing.toml")).map_err(|error| format!("missing.toml: {error}"))?;
        }
        "term" => {
            raise(Signal::SIGTERM)?;
            park();
        }
        "hang" => {
            note()?;
            park();
        }
        "ready-exit" => {
            daemon::ready()?;
            std::process::exit(9);
        }
        "extend" => {
            daemon::extend_start(Duration::from_secs(60));
            thread::sleep(Duration::from_secs(1));
            daemon::ready()?;
            park();
        }
        "stop" => daemon::stop(),
        "other-look" => {
            thread::spawn(daemon::stopping).join().map_err(|_| "it panicked")?;
            std::process::exit(9);
        }
        "look-exit" => {
            thread::sleep(Duration::from_millis(10));
            daemon::stopping();
            std::process::exit(9);
        }
        _ => return Err(format!("unknown way `{way}`").into()),
    }
    Ok(())
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Returns the port that another process has bound.
pub(crate) fn port() -> Result<u16, Box<dyn Error + Send + Sync>> {
    Ok(fs::read_to_string(look::in_lab("port"))?.trim().parse()?)
}

/// Notes that the body hangs.
pub(crate) fn note() -> std::io::Result<()> {
    fs::write(look::in_lab("hangs"), "hangs\n")
}
