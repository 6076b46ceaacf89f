//! The program of a child, and what the child is before it executes the program.

use super::resources::Resources;
use std::ffi::CStr;
use std::os::fd::BorrowedFd;

/// The number of streams: stdin, stdout, stderr and the event pipe, 0 to 3 in the child.
pub const STREAMS: usize = 4;

/// The program of a child and its settings, as the system calls take them.
pub struct Program<'a> {
    /// The paths of the program, in the order to try.
    pub paths: &'a [&'a CStr],
    /// The arguments, the name of the program first.
    pub arguments: &'a [&'a CStr],
    /// The environment, as `NAME=VALUE`.
    pub environment: &'a [&'a CStr],
    /// The working directory; that of the parent for `None`.
    pub directory: Option<&'a CStr>,
    /// The umask; that of the parent for `None`.
    pub umask: Option<u32>,
    /// `true` for `PR_SET_NO_NEW_PRIVS`: programs that the child executes cannot gain privileges.
    pub no_new_privs: bool,
    /// The user and the groups; those of the parent for `None`.
    pub identity: Option<Identity<'a>>,
    /// Soft and hard `RLIMIT_NOFILE`, as before the monitor raised them.
    pub descriptors: Option<(libc::rlim_t, libc::rlim_t)>,
    /// The resources that the child may use.
    pub resources: Resources<'a>,
    /// The signal that the child receives when the parent thread ends (`PR_SET_PDEATHSIG`).
    pub death_signal: i32,
    /// The descriptors that become its streams, 0 to 3; `/dev/null` for `None`.
    pub streams: [Option<BorrowedFd<'a>>; STREAMS],
}

/// The user and the groups that a child is to have.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The user id; unchanged for `None`.
    pub user: Option<u32>,
    /// The group id; unchanged for `None`.
    pub group: Option<u32>,
    /// The supplementary groups, sorted, each once; unchanged for `None`.
    pub groups: Option<&'a [u32]>,
}
