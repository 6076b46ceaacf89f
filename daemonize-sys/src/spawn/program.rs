//! The program of a child, and what the child is before it executes the program.

use super::resources::Resources;
use std::ffi::CStr;
use std::os::fd::{BorrowedFd, RawFd};

/// The number of streams: stdin, stdout, stderr and the event pipe. In the child the first three are 0 to 2, and the event pipe is the
/// first number after the [sockets](Program::sockets): 3 without any.
pub const STREAMS: usize = 4;

/// The number of the first socket in the child, as `sd_listen_fds(3)` has it.
pub const FIRST_SOCKET: RawFd = 3;

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
    /// The descriptors that become its streams; `/dev/null` for `None`.
    pub streams: [Option<BorrowedFd<'a>>; STREAMS],
    /// Listening sockets, which become [`FIRST_SOCKET`] and following. If there are any, `LISTEN_PID` is the child's number, which
    /// only the child knows; `LISTEN_FDS` and `LISTEN_FDNAMES` are left to `environment`.
    pub sockets: &'a [BorrowedFd<'a>],
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
