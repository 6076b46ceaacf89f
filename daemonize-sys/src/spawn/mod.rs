//! Forking a child and executing its program, without waiting for whatever its files are on.
//!
//! The child opens its directory and its program itself and reports a failure through a pipe that is close-on-exec: the end of that
//! pipe means that the program is executed. The parent reads the pipe when it is readable ([`PendingChild::poll`]), so a child that
//! hangs on a mount that does not answer keeps nothing waiting. For this the memory is copied (`fork(2)`, as far as the child is
//! concerned): a child that borrowed it (`vfork(2)`) would have the parent wait until the program is executed. A copy also keeps
//! a child that becomes another user from changing what the kernel lets others see of the parent.
//!
//! The table of descriptors is not copied, which takes longer than all the rest with thousands of pipes, and which would have each
//! child close a copy of every log, also of one on a mount where that hangs. Parent and child share the table (`CLONE_FILES`) until
//! `close_range(2)` gives the child one of its own, with the descriptors below a limit; the parent waits for that, which involves
//! no file. So whatever the child shall have lies below that limit: see [`FdTable`]. Where that call is missing (before Linux 5.9)
//! or forbidden (by the filter of an old container engine), the table is copied, and the child closes what is not its own one by
//! one.

mod child;
mod identity;
#[cfg(test)]
mod tests;

pub use identity::Identity;

use super::cvt;
use super::pidfd::{PidFd, timeout_until};
use super::table::{copy_from, has_close_range};
use crate::mask::Mask;
use crate::pid::Pid;
use crate::proc::ProcStat;
use crate::signal::Signal;
use child::{APART, Setup, in_child};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::{pipe2, read};
use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::{null, null_mut};
use std::task::Poll;
use std::time::{Duration, Instant};

/// stdin, stdout, stderr and the pipe of events: 0 to 3 in the child.
pub const STREAMS: usize = 4;

/// The lowest number that a slot of the table has: above those that they become in the child.
const FIRST_SLOT: RawFd = 10;

/// The size of the child's stack in bytes; it holds a few frames.
const STACK: usize = 64 * 1024;

/// The exit status of a child that could not set itself up or execute its program.
const FAILED: c_int = 127;

/// How long a child may take to leave the parent's table of descriptors: it only has to be scheduled for that.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a child that has reported a failure is waited for; it only has to exit.
const EXIT_TIMEOUT: Duration = Duration::from_millis(100);

/// The descriptors with low numbers through which children get theirs. They lead to `/dev/null` except while a child is forked.
pub struct FdTable {
    streams: [OwnedFd; STREAMS],
    /// The end of the pipe through which a child reports a failure.
    report: OwnedFd,
    null: OwnedFd,
    stack: Box<[u128]>,
    /// `true` if a child can share the parent's table of descriptors until it leaves that table by `close_range(2)`.
    shares_table: bool,
}

/// A child that has not executed its program yet, as far as is known. Its descriptor is readable when [`poll`](PendingChild::poll)
/// has an outcome. Dropping it neither ends nor reaps the child.
pub struct PendingChild {
    pid: Pid,
    handle: PidFd,
    report: OwnedFd,
}

/// The program of a child and what it is to be, in the form that the kernel takes.
pub struct Program<'a> {
    /// The paths at which the program may be, in the order to be tried.
    pub paths: &'a [&'a CStr],
    /// The arguments, the name of the program first.
    pub arguments: &'a [&'a CStr],
    /// The environment, as `NAME=VALUE`.
    pub environment: &'a [&'a CStr],
    /// The working directory; that of the parent for `None`.
    pub directory: Option<&'a CStr>,
    /// The umask; that of the parent for `None`.
    pub umask: Option<u32>,
    /// `true` if no program that it executes may give it more rights.
    pub no_new_privs: bool,
    /// The user and the groups; those of the parent for `None`.
    pub identity: Option<Identity<'a>>,
    /// Soft and hard `RLIMIT_NOFILE`, as before the monitor raised them.
    pub descriptors: Option<(libc::rlim_t, libc::rlim_t)>,
    /// Sent to the child when the thread that made it ends.
    pub death_signal: i32,
    /// The descriptors that become its streams, 0 to 3; `/dev/null` for `None`.
    pub streams: [Option<BorrowedFd<'a>>; STREAMS],
}

/// The step at which a child failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step, as "failed to … `program`" names it.
    pub doing: &'static str,
    /// Its errno.
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

impl FdTable {
    /// Opens the descriptors, with the lowest numbers that are free: a child has less to copy and to close then.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn new() -> io::Result<FdTable> {
        let null = OwnedFd::from(std::fs::File::options().read(true).write(true).open("/dev/null")?);
        let slot = || copy_from(&null, FIRST_SLOT);
        let (streams, report) = ([slot()?, slot()?, slot()?, slot()?], slot()?);
        let stack = vec![0; STACK / size_of::<u128>()].into_boxed_slice();
        Ok(FdTable { streams, report, null: slot()?, stack, shares_table: has_close_range() })
    }

    /// Forks a child that executes a program in a session of its own. Returns as soon as the child has its own descriptors; what
    /// the parent has of those that were passed can be closed then.
    ///
    /// # Errors
    /// There is no child.
    pub fn spawn(&mut self, program: &Program<'_>) -> Result<PendingChild, Failure> {
        let failed = |error: io::Error| Failure {
            doing: DOING[usize::from(CLONE)],
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        };
        // Non-blocking for the child, too, which writes less than the pipe holds.
        let pipe = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
        let (report, theirs) = pipe.map_err(|errno| failed(errno.into()))?;
        let streams = program.streams.map(|stream| stream.map_or(self.null.as_raw_fd(), |stream| stream.as_raw_fd()));
        let sources = streams.into_iter().chain([theirs.as_raw_fd()]);
        let slots = self.streams.iter().chain([&self.report]);
        let filled: io::Result<()> = sources.zip(slots).try_for_each(|(source, slot)| replace(slot, source));
        drop(theirs);
        let child = filled.and_then(|()| self.fork(program)).and_then(|(pid, handle)| {
            let child = PendingChild { pid, handle, report };
            match child.wait_until_apart() {
                Ok(()) => Ok(child),
                Err(error) => {
                    child.kill();
                    child.reap();
                    Err(error)
                }
            }
        });
        for slot in self.streams.iter().chain([&self.report]) {
            // A copy of a pipe's end that is kept would keep the pipe. It cannot fail for want of a descriptor.
            let _ = replace(slot, self.null.as_raw_fd());
        }
        child.map_err(failed)
    }

    fn fork(&mut self, program: &Program<'_>) -> io::Result<(Pid, PidFd)> {
        let pointers = |texts: &[&CStr]| texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>();
        let (paths, arguments) = (pointers(program.paths), pointers(program.arguments));
        let environment = pointers(program.environment);
        let mut scratch = vec![0; program.identity.and_then(|identity| identity.groups).map_or(0, <[u32]>::len) + 1];
        let slots = [0, 1, 2, 3].map(|at: usize| self.streams[at].as_raw_fd());
        let report = self.report.as_raw_fd();
        let mut setup = Setup {
            program,
            paths: &paths,
            arguments: &arguments,
            environment: &environment,
            slots,
            limit: slots.into_iter().max().unwrap_or(FIRST_SLOT).max(report) + 1,
            report,
            // SAFETY: takes and touches nothing.
            parent: unsafe { libc::getpid() },
            shares_table: self.shares_table,
            scratch: &mut scratch,
        };
        let files = if self.shares_table { libc::CLONE_FILES } else { 0 };
        let flags = files | libc::CLONE_PIDFD | libc::SIGCHLD;
        let stack = self.stack.as_mut_ptr_range().end;
        let mut handle: c_int = -1;
        // A handler of the parent's must not run in the child, which shares descriptors with the parent.
        let old = Mask::all().set();
        // SAFETY: without CLONE_VM the child has copies of the stack, of `setup` and of all that it borrows.
        let pid = unsafe { libc::clone(in_child, stack.cast(), flags, (&raw mut setup).cast(), &raw mut handle) };
        let outcome = cvt(pid.into());
        old.set();
        outcome?;
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        Ok((pid, PidFd::own(handle)))
    }
}

/// Makes a slot lead to the same file as another descriptor.
fn replace(slot: &OwnedFd, source: RawFd) -> io::Result<()> {
    // SAFETY: takes integers; the number that it replaces is the slot's, which stays open.
    cvt(unsafe { libc::dup3(source, slot.as_raw_fd(), libc::O_CLOEXEC) }.into()).map(drop)
}

impl PendingChild {
    /// Returns the number of the child, which is its own until the child is reaped.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Kills the child. It ends as soon as the kernel gives up what the child waits for.
    pub fn kill(&self) {
        // An error means that it has ended.
        let _ = self.handle.send(Signal::SIGKILL);
    }

    /// Returns the process. Its descriptor is readable when the child has ended.
    pub fn process(&self) -> &PidFd {
        &self.handle
    }

    /// Returns the outcome, once there is one: the program is executed, unless the child was killed before, which its status tells
    /// then; or the child has failed, and exits.
    pub fn poll(&self) -> Poll<Result<(), Failure>> {
        let outcome = self.read_report();
        if outcome.is_ready() || !(self.has_ended() || self.has_executed()) {
            return outcome;
        }
        // The pipe does not end while a process holds a copy that another thread has forked in the moment of this child's fork,
        // and that executes no program. What the child has reported is there by now.
        match self.read_report() {
            Poll::Pending => Poll::Ready(Ok(())),
            Poll::Ready(outcome) => Poll::Ready(outcome),
        }
    }

    fn read_report(&self) -> Poll<Result<(), Failure>> {
        let mut record = [0; 8];
        match read(&self.report, &mut record) {
            Err(Errno::EAGAIN | Errno::EINTR) => Poll::Pending,
            Ok(length) if length == record.len() => {
                let [doing, _, _, _, errno @ ..] = record;
                let doing = DOING.get(usize::from(doing)).copied().unwrap_or_default();
                Poll::Ready(Err(Failure { doing, errno: c_int::from_ne_bytes(errno) }))
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    fn has_ended(&self) -> bool {
        self.handle.wait(Instant::now()).unwrap_or(false)
    }

    fn has_executed(&self) -> bool {
        ProcStat::of(self.pid).is_ok_and(|stat| stat.has_executed)
    }

    /// Returns the process, which executes its program.
    pub fn into_process(self) -> (Pid, PidFd) {
        (self.pid, self.handle)
    }

    /// Reaps a child that has reported a failure or was killed. One that hangs even in its exit stays a child.
    pub fn reap(self) {
        if self.handle.wait(Instant::now() + EXIT_TIMEOUT).unwrap_or(false) {
            // SAFETY: takes integers; with no pointer nothing is written.
            unsafe { libc::waitpid(self.pid.as_raw(), null_mut(), libc::WNOHANG) };
        }
    }

    /// Waits until the child does not share the parent's descriptors any more, or has ended.
    fn wait_until_apart(&self) -> io::Result<()> {
        let deadline = Instant::now() + LEAVE_TIMEOUT;
        loop {
            let mut fds = [self.report.as_fd(), self.handle.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
            match poll(&mut fds, timeout_until(deadline)) {
                Err(Errno::EINTR) => {}
                Ok(0) if Instant::now() < deadline => {}
                Ok(1..) => break,
                // Another process has suspended it in this moment.
                Ok(_) => return Err(io::Error::from_raw_os_error(libc::EAGAIN)),
                Err(errno) => return Err(errno.into()),
            }
        }
        let mut byte = [0];
        let _ = read(&self.report, &mut byte);
        debug_assert!(matches!(byte, [0 | APART]));
        Ok(())
    }
}

impl AsFd for PendingChild {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.report.as_fd()
    }
}
