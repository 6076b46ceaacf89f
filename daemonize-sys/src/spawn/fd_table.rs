//! The file descriptors through which children get theirs, and the fork.

use super::child::{Setup, in_child};
use super::listen_pid::ListenPid;
use super::pending::PendingChild;
use super::program::{Program, STREAMS};
use super::steps::{self, SpawnError};
use crate::fd_table::{copy_from, has_close_range};
use crate::pid::Pid;
use crate::pidfd::PidFd;
use crate::signal_mask::Mask;
use crate::syscall::syscall_result;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use std::ffi::{CStr, c_int};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::ptr::null;

/// The lowest number that a slot of the table has: above those that they become in the child.
const FIRST_SLOT: RawFd = 10;

/// The size of the child's stack in bytes; it holds a few frames.
const STACK: usize = 64 * 1024;

/// The descriptors with low numbers through which children get theirs. They lead to `/dev/null` except while a child is forked.
pub struct FdTable {
    streams: [OwnedFd; STREAMS],
    /// For the sockets of a child; as many as one of them has had.
    sockets: Vec<OwnedFd>,
    /// The end of the pipe through which a child reports a failure.
    pub(super) report: OwnedFd,
    null: OwnedFd,
    stack: Box<[u128]>,
    /// `true` if a child can share the parent's table of descriptors until it leaves that table by `close_range(2)`.
    shares_table: bool,
}

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
        Ok(FdTable { streams, sockets: Vec::new(), report, null: slot()?, stack, shares_table: has_close_range() })
    }

    /// Makes room for this number of sockets of one child. Called before there are many descriptors, it gives the room low numbers, so
    /// that a child has less to copy and to close.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn reserve_sockets(&mut self, count: usize) -> io::Result<()> {
        while self.sockets.len() < count {
            self.sockets.push(copy_from(&self.null, FIRST_SLOT)?);
        }
        Ok(())
    }

    /// Forks a child that executes a program in a session of its own. Returns as soon as the child has its own descriptors; what
    /// the parent has of those that were passed can be closed then.
    ///
    /// # Errors
    /// There is no child.
    pub fn spawn(&mut self, program: &Program<'_>) -> Result<PendingChild, SpawnError> {
        let failed = |error: io::Error| SpawnError::at(steps::CLONE, error.raw_os_error().unwrap_or(libc::EIO));
        // Non-blocking for the child, too, which writes less than the pipe holds.
        let pipe = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
        let (report, theirs) = pipe.map_err(|errno| failed(errno.into()))?;
        let streams = program.streams.map(|stream| stream.map_or(self.null.as_raw_fd(), |stream| stream.as_raw_fd()));
        self.reserve_sockets(program.sockets.len()).map_err(failed)?;
        let sockets = program.sockets.iter().map(AsRawFd::as_raw_fd);
        let sources = streams.into_iter().chain([theirs.as_raw_fd()]).chain(sockets);
        let filled: io::Result<()> = sources.zip(self.slots()).try_for_each(|(source, slot)| replace(slot, source));
        drop(theirs);
        let child = filled.and_then(|()| self.fork(program)).and_then(|(pid, handle)| {
            let child = PendingChild::new(pid, handle, report);
            match child.wait_until_unshared() {
                Ok(()) => Ok(child),
                Err(error) => {
                    child.kill();
                    child.reap();
                    Err(error)
                }
            }
        });
        for slot in self.slots().take(STREAMS + 1 + program.sockets.len()) {
            // A copy of a pipe's end that is kept would keep the pipe. It cannot fail for want of a descriptor.
            let _ = replace(slot, self.null.as_raw_fd());
        }
        child.map_err(failed)
    }

    /// The slots of the streams, of the report pipe and of sockets.
    fn slots(&self) -> impl Iterator<Item = &OwnedFd> {
        self.streams.iter().chain([&self.report]).chain(&self.sockets)
    }

    fn fork(&mut self, program: &Program<'_>) -> io::Result<(Pid, PidFd)> {
        let pointers = |texts: &[&CStr]| texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>();
        let (paths, arguments) = (pointers(program.paths), pointers(program.arguments));
        let mut environment = pointers(program.environment);
        if !program.sockets.is_empty() {
            // Before the null pointer that ends the list: room for `LISTEN_PID`.
            environment.push(null());
        }
        let mut scratch = vec![0; program.identity.and_then(|identity| identity.groups).map_or(0, <[u32]>::len) + 1];
        let [stdin, stdout, stderr, events] = &self.streams;
        let sockets = self.sockets.iter().take(program.sockets.len());
        let slots = [stdin, stdout, stderr].into_iter().chain(sockets).chain([events]);
        let mut slots: Vec<RawFd> = slots.map(AsRawFd::as_raw_fd).collect();
        let report = self.report.as_raw_fd();
        let mut setup = Setup {
            program,
            paths: &paths,
            arguments: &arguments,
            environment: &mut environment,
            listen_pid: ListenPid::new(),
            limit: slots.iter().copied().max().unwrap_or(FIRST_SLOT).max(report) + 1,
            slots: &mut slots,
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
        let outcome = syscall_result(pid.into());
        old.set();
        outcome?;
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        Ok((pid, PidFd::own(handle)))
    }
}

/// Makes a slot lead to the same file as another descriptor.
fn replace(slot: &OwnedFd, source: RawFd) -> io::Result<()> {
    // SAFETY: takes integers; the number that it replaces is the slot's, which stays open.
    syscall_result(unsafe { libc::dup3(source, slot.as_raw_fd(), libc::O_CLOEXEC) }.into()).map(drop)
}
