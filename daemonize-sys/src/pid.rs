//! The number of a process.

use std::fmt;
use std::num::NonZeroU32;

/// The number of a process: positive, so `Option<Pid>` says "or none" at no cost.
///
/// A number alone never identifies a process for longer than it lives; what the library acts on is the identity in
/// the pidfile (see `PidFile`).
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
    /// Returns the process with this number; `None` unless it is positive.
    pub fn from_raw(number: i32) -> Option<Pid> {
        u32::try_from(number).ok().and_then(NonZeroU32::new).map(Pid)
    }

    /// Returns this process (`getpid(2)`, never cached: it changes with every fork).
    ///
    /// # Panics
    /// Never: the kernel numbers processes from 1 to 4194304.
    pub fn this() -> Pid {
        // Not `std::process::id`: a forked process would touch a page of std for it alone.
        Pid::from_raw(nix::unistd::getpid().as_raw()).expect("a process has a positive number")
    }

    /// Returns the number, as system calls take it.
    ///
    /// # Panics
    /// Never: a `Pid` is only made from a number that fits.
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
