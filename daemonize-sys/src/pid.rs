//! Process ids.

use std::fmt;
use std::num::NonZeroU32;

/// A process id. It is positive, so `Option<Pid>` has the same size.
///
/// The kernel reuses pids, so a pid identifies a process only while the process exists. The library acts on the identity in the
/// pidfile instead (see `PidFile`).
///
/// ```
/// use daemon::Pid;
///
/// assert_eq!(Pid::this().as_raw(), std::process::id() as i32);
/// assert_eq!(Pid::from_raw(0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(NonZeroU32);

impl Pid {
    /// Converts a number to a pid; `None` unless it is positive.
    pub fn from_raw(number: i32) -> Option<Pid> {
        u32::try_from(number).ok().and_then(NonZeroU32::new).map(Pid)
    }

    /// Returns the pid of this process (`getpid(2)`; not cached, since a fork changes it).
    ///
    /// # Panics
    /// Never panics: the kernel uses pids from 1 to 4194304.
    pub fn this() -> Pid {
        // `std::process::id` would touch one more page of memory in each forked process.
        Pid::from_raw(nix::unistd::getpid().as_raw()).expect("a process has a positive number")
    }

    /// Returns the number of system calls.
    ///
    /// # Panics
    /// Never panics: a `Pid` is created only from a number that fits.
    pub fn as_raw(self) -> i32 {
        i32::try_from(self.0.get()).expect("a pid fits into i32")
    }

    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn as_nix(self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.as_raw())
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
