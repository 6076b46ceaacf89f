//! The steps of a spawn, and how a child reports the one that failed.

use std::ffi::c_int;

/// The step at which a spawn failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnError {
    /// The step, as it stands in "failed to … `program`".
    pub step: &'static str,
    /// The `errno` of the system call.
    pub errno: i32,
    /// The number of the resource whose limit was refused, if it was one.
    pub resource: Option<u8>,
}

/// The first byte of the pipe: the child has left the parent's table of file descriptors.
pub(super) const UNSHARED: u8 = 0xff;

/// The names of the steps, by number.
const NAMES: [&str; 17] = [
    "make a process",
    "begin a session",
    "pass its descriptors to",
    "set the limits of",
    "change the group of",
    "change the user of",
    "enter the directory of",
    "tie to the monitor",
    "execute",
    "bar from more rights",
    "join a new session keyring for",
    "verify the user and the groups of",
    "drop the capabilities of",
    "join the control group of",
    "set the nice value of",
    "set the OOM score of",
    "limit a resource of",
];
pub(super) const CLONE: u8 = 0;
pub(super) const SESSION: u8 = 1;
pub(super) const DESCRIPTORS: u8 = 2;
pub(super) const LIMITS: u8 = 3;
pub(super) const GROUP: u8 = 4;
pub(super) const USER: u8 = 5;
pub(super) const DIRECTORY: u8 = 6;
pub(super) const DEATH_SIGNAL: u8 = 7;
pub(super) const EXECUTE: u8 = 8;
pub(super) const NO_NEW_PRIVS: u8 = 9;
pub(super) const KEYRING: u8 = 10;
pub(super) const VERIFY: u8 = 11;
pub(super) const CAPABILITIES: u8 = 12;
pub(super) const CGROUP: u8 = 13;
pub(super) const NICE: u8 = 14;
pub(super) const OOM_SCORE: u8 = 15;
/// The first of the steps that limit a resource: one for each number of a resource.
pub(super) const RESOURCES: u8 = 16;

impl SpawnError {
    /// Returns the failure of this step.
    pub(super) fn at(step: u8, errno: c_int) -> SpawnError {
        let name = NAMES.get(usize::from(step.min(RESOURCES))).copied().unwrap_or_default();
        SpawnError { step: name, errno, resource: step.checked_sub(RESOURCES) }
    }
}

/// Returns `errno`, by a call that is safe in the child.
pub(super) fn errno() -> c_int {
    // SAFETY: errno's address is valid in every thread, and in its copy.
    unsafe { *libc::__errno_location() }
}

/// The number of the step that failed, and `errno`.
pub(super) type Failed = (u8, c_int);

/// Returns an error if the system call of a step failed.
pub(super) fn check(step: u8, answer: libc::c_long) -> Result<(), Failed> {
    if answer < 0 { Err((step, errno())) } else { Ok(()) }
}
