//! Threads of the tests' daemons, and locks that are never released.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use look::actions::{Fallible, hang, note};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![
    join_thread,
    ask_in_thread_and_hang,
    lock_output_and_hang,
    ask_lock_output_and_hang,
    ready_lock_mutex_and_hang,
    note_and_lock_mutex;
    start_thread,
];

/// Locked by the body, and awaited by a handler.
static MUTEX: Mutex<()> = Mutex::new(());

/// Starts a thread that never ends.
fn start_thread(name: &str) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(|| hang()).map(drop)
}

/// Starts a thread, and returns after it has ended.
fn join_thread() -> Fallible {
    thread::spawn(|| ()).join().map_err(|_| "the thread panicked".into())
}

/// Hangs, while another thread asks continually whether the daemon is to stop.
fn ask_in_thread_and_hang() -> std::io::Result<()> {
    let ask = || {
        while !daemon::stopping() {
            thread::sleep(Duration::from_millis(5));
        }
    };
    thread::Builder::new().name("elsewhere".into()).spawn(ask)?;
    hang()
}

/// Locks standard output and standard error forever.
fn lock_output_and_hang() -> std::io::Result<()> {
    note("seizing")?;
    let _locks = (std::io::stdout().lock(), std::io::stderr().lock());
    hang()
}

fn ask_lock_output_and_hang() -> std::io::Result<()> {
    daemon::stopping();
    lock_output_and_hang()
}

fn ready_lock_mutex_and_hang() -> Fallible {
    daemon::ready()?;
    let _lock = MUTEX.lock();
    hang()
}

/// Waits for the mutex that the body never releases.
fn note_and_lock_mutex() -> std::io::Result<()> {
    note("handling")?;
    drop(MUTEX.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(())
}
