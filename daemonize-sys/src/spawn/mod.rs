//! Making a child and executing its program.
//!
//! The child borrows the memory of the monitor until it executes its program (`CLONE_VM`), while the thread that made it
//! waits (`CLONE_VFORK`): nothing is copied, however large the monitor is, and the outcome is known when the call returns.
//! Nor is the table of descriptors copied, which with thousands of pipes takes longer than all the rest: parent and child
//! share it (`CLONE_FILES`) until `close_range(2)` leaves the child those below a limit. So whatever the child shall have
//! lies below that limit, in slots; see [`Slots`]. Where that call is missing (before Linux 5.9) or forbidden (by the filter
//! of an old container engine), the table is copied, and the child closes what is not its own one by one. Who is to become another user is given a copy of the memory: the
//! kernel would otherwise take the monitor for one who has changed its rights.
//!
//! Each thread that makes children has slots of its own. A child copies those of others, with what is in them, into its
//! own table, and closes them at once.

mod child;
mod identity;
mod memory;

pub use identity::Identity;
pub use memory::Newborn;

use super::cvt;
use super::pidfd::PidFd;
use super::table::{copy_from, has_close_range};
use crate::mask::Mask;
use crate::pid::Pid;
use child::{Order, in_child};
use memory::Stack;
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read};
use std::cell::Cell;
use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::{null, null_mut};

/// stdin, stdout, stderr and the pipe of events: 0 to 3 in the child.
pub const STREAMS: usize = 4;

/// The first number that a slot may have: above those that they become in the child.
const FIRST_SLOT: RawFd = 10;

/// What the stack of the child must hold: a few frames, in memory of its own.
const STACK: usize = 64 * 1024;

/// The child could not set itself up or execute its program.
const FAILED: c_int = 127;

/// Descriptors with low numbers, through which children get theirs, and the pipe by which they say what failed.
pub struct Slots {
    streams: [OwnedFd; STREAMS],
    verdict: OwnedFd,
    failed: OwnedFd,
    null: OwnedFd,
    stack: Stack,
    /// `true` if a child can share the monitor's table of descriptors until it leaves that table by `close_range(2)`.
    shares_table: bool,
}

/// The program of a child and what it is to be, in the form that the kernel takes.
pub struct Program<'a> {
    /// Where the program may be, in the order to be tried.
    pub paths: &'a [&'a CStr],
    pub arguments: &'a [&'a CStr],
    pub environment: &'a [&'a CStr],
    pub directory: Option<&'a CStr>,
    pub umask: Option<u32>,
    /// Whether no program that it executes may give it more rights.
    pub no_new_privs: bool,
    pub identity: Option<Identity<'a>>,
    /// What `RLIMIT_NOFILE` was before the monitor raised it.
    pub descriptors: Option<(libc::rlim_t, libc::rlim_t)>,
    /// Sent to the child when the thread that made it ends.
    pub death_signal: i32,
    /// What its streams shall be; `/dev/null` for `None`.
    pub streams: [Option<BorrowedFd<'a>>; STREAMS],
}

/// What the child was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub doing: &'static str,
    pub errno: i32,
}

const DOING: [&str; 13] = [
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
];
const CLONE: u8 = 0;
const SESSION: u8 = 1;
const PASS: u8 = 2;
const LIMITS: u8 = 3;
const GROUP: u8 = 4;
const USER: u8 = 5;
const DIRECTORY: u8 = 6;
const TIE: u8 = 7;
const EXECUTE: u8 = 8;
const BAR: u8 = 9;
const KEYRING: u8 = 10;
const VERIFY: u8 = 11;
const RIGHTS: u8 = 12;

impl Slots {
    pub fn new() -> io::Result<Slots> {
        let null = OwnedFd::from(std::fs::File::options().read(true).write(true).open("/dev/null")?);
        let (verdict, failed) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let slot = || copy_from(&null, FIRST_SLOT);
        let streams = [slot()?, slot()?, slot()?, slot()?];
        let (failed, null) = (copy_from(failed, FIRST_SLOT)?, copy_from(&null, FIRST_SLOT)?);
        Ok(Slots { streams, verdict, failed, null, stack: Stack::new()?, shares_table: has_close_range() })
    }

    /// Descriptors from this number on are nothing to a child.
    fn limit(&self) -> RawFd {
        let slots = self.streams.iter().chain([&self.failed]);
        slots.map(AsRawFd::as_raw_fd).max().unwrap_or(FIRST_SLOT) + 1
    }

    /// Makes a child, in a session of its own, and has it execute its program, before this returns; meanwhile it can be
    /// seen as `newborn`. Signals must be blocked in this thread, see [`block_signals`].
    ///
    /// # Errors
    /// What failed, in the parent or in the child, which is gone then.
    pub fn spawn(&self, program: &Program<'_>, newborn: &Newborn) -> Result<(Pid, PidFd), Failure> {
        let failed = |error: io::Error| Failure {
            doing: DOING[usize::from(CLONE)],
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        };
        for (slot, stream) in self.streams.iter().zip(program.streams) {
            let source = stream.map_or(self.null.as_raw_fd(), |stream| stream.as_raw_fd());
            // SAFETY: takes integers; the number it replaces is a slot of ours.
            cvt(unsafe { libc::dup3(source, slot.as_raw_fd(), libc::O_CLOEXEC) }.into()).map_err(failed)?;
        }
        let outcome = self.clone_and_exec(program, newborn).map_err(failed);
        for slot in &self.streams {
            // A copy of a pipe's end that is kept would keep the pipe.
            // SAFETY: as above; a replacement by a descriptor that is open cannot fail for want of room.
            unsafe { libc::dup3(self.null.as_raw_fd(), slot.as_raw_fd(), libc::O_CLOEXEC) };
        }
        let (pid, handle) = outcome?;
        match self.verdict() {
            None => Ok((pid, handle)),
            Some(failure) => {
                newborn.clear();
                // SAFETY: a child of ours that is ending; with no pointer nothing is written.
                unsafe { libc::waitpid(pid.as_raw(), null_mut(), 0) };
                Err(failure)
            }
        }
    }

    /// What the child that has just been made said, if it failed.
    fn verdict(&self) -> Option<Failure> {
        let mut words = [0; 8];
        let length = read(&self.verdict, &mut words).ok()?;
        let [doing, _, _, _, errno @ ..] = words;
        let doing = DOING.get(usize::from(doing)).copied().unwrap_or_default();
        (length == words.len()).then(|| Failure { doing, errno: c_int::from_ne_bytes(errno) })
    }

    fn clone_and_exec(&self, program: &Program<'_>, newborn: &Newborn) -> io::Result<(Pid, PidFd)> {
        let pointers = |texts: &[&CStr]| texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>();
        let (paths, arguments) = (pointers(program.paths), pointers(program.arguments));
        let environment = pointers(program.environment);
        let mut scratch = vec![0; program.identity.and_then(|identity| identity.groups).map_or(0, <[u32]>::len) + 1];
        let order = Order {
            program,
            paths: &paths,
            arguments: &arguments,
            environment: &environment,
            slots: [0, 1, 2, 3].map(|at: usize| self.streams[at].as_raw_fd()),
            limit: self.limit(),
            failed: Cell::new(self.failed.as_raw_fd()),
            // SAFETY: takes and touches nothing.
            parent: unsafe { libc::getpid() },
            newborn: newborn.cell(),
            shares_table: self.shares_table,
            scratch: &raw mut *scratch,
        };
        let memory = if program.identity.is_some() { 0 } else { libc::CLONE_VM };
        let table = if self.shares_table { libc::CLONE_FILES } else { 0 };
        let flags = memory | table | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        let mut handle: c_int = -1;
        // SAFETY: the stack is ours and nobody else's until the child has executed or ended, which CLONE_VFORK waits for;
        // so `order` and all that it borrows outlive the child's use of them.
        let pid = unsafe {
            libc::clone(in_child, self.stack.top(), flags, (&raw const order).cast_mut().cast(), &raw mut handle)
        };
        cvt(pid.into())?;
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        Ok((pid, PidFd::own(handle)))
    }
}

/// Blocks all signals in this thread, for ever: a handler must not run in a child of it, in our memory.
pub fn block_signals() {
    Mask::all().set();
}
