//! A daemon that notes when it was born and when it lived, so that a test can tell whether two of them ever lived at once.
//!
//! All times are of the one clock that all processes share.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use look::actions::{Fallible, append, idle};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![note_birth_and_seal; live_alone];

/// A hook that notes in `seals` when this process was made, and that it has come so far.
fn note_birth_and_seal() -> std::io::Result<()> {
    note_birth("seals")?;
    Interval::begin("seals").map(drop)
}

/// Has an abstract address to itself until it ends, and fails if another process has it.
fn live_alone(address: &str) -> Fallible {
    // A body that has asked is dropped before the pidfile is removed.
    daemon::stopping();
    let _listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(address)?)?;
    let _interval = Interval::begin("lives")?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Notes when this process was made, to the clock tick of `/proc/PID/stat`, rounded down.
fn note_birth(file: &str) -> std::io::Result<()> {
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
