//! A daemon that records its creation and its running time, so that a test sees whether two of them ever ran at once.
//!
//! All times are of `CLOCK_MONOTONIC`, which all processes share.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use look::actions::{Fallible, append, idle};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![note_creation_and_seal; run_exclusively];

/// Appends the creation time of this process to `seals`, from a hook.
fn note_creation_and_seal() -> std::io::Result<()> {
    note_creation("seals")?;
    Interval::begin("seals").map(drop)
}

/// Binds an abstract address until it ends, and fails if another process has bound it.
fn run_exclusively(address: &str) -> Fallible {
    // A body that has asked about the stop is dropped before the pidfile is removed.
    daemon::stopping();
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(address)?)?;
    let _interval = Interval::begin("lives")?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Notes the creation time of this process, rounded down to the clock tick of `/proc/PID/stat`.
fn note_creation(file: &str) -> std::io::Result<()> {
    let this = look::Process::new(std::process::id().try_into().expect("a pid fits into an int"));
    let ticks = this.stat().ok_or(std::io::ErrorKind::NotFound)?.start;
    append(file, &format!("born {} {}\n", this.id(), u128::from(ticks) * 10_000_000))
}

/// Notes `in` when it begins, and `out` when it is dropped.
struct Interval(&'static str);

impl Interval {
    fn begin(file: &'static str) -> std::io::Result<Interval> {
        note_time(file, "in")?;
        Ok(Interval(file))
    }
}

impl Drop for Interval {
    fn drop(&mut self) {
        let _ = note_time(self.0, "out");
    }
}

fn note_time(file: &str, what: &str) -> std::io::Result<()> {
    append(file, &format!("{what} {} {}\n", std::process::id(), look::now().as_nanos()))
}
