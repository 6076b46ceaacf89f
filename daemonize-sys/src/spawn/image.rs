//! Executes a program by its open file, from any thread of a process with any number of threads.
//!
//! The child shares the memory of its parent until `execveat(2)` (`CLONE_VM`, as `posix_spawn(3)` does), and its thread waits
//! (`CLONE_VFORK`): copying the page tables of a large process would take longer than the start. The rules of [`super::child`] apply:
//! no allocation, no lock, no panic, only system calls.

use super::child::{reset_signals, unblock_all};
use super::steps::{Failed, SpawnError, check, errno};
use crate::attributes::reset_layout;
use crate::fd_table::{close_all, copy_from};
use crate::pid::Pid;
use crate::pidfd::PidFd;
use crate::signal_mask::Mask;
use crate::syscall::syscall_result;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::{null, null_mut};

/// The number of the link in the child: the first one after its standard streams.
pub const LINK: RawFd = 3;

/// The number of the image in the child, until the program is executed.
const IMAGE: RawFd = 4;

/// The lowest number of the parent's copies, so that none is overwritten before it is copied.
const FIRST_COPY: RawFd = 5;

/// The size of the child's stack in bytes; it holds a few frames.
const STACK: usize = 64 * 1024;

/// The exit status of a child that could not execute the program.
const FAILED: c_int = 127;

/// The names of the steps, by number.
const STEPS: [&str; 5] = [
    "make a process",
    "begin a session in the new process",
    "tie the new process to this thread",
    "pass descriptors to the new process",
    "execute the program",
];
const CLONE: u8 = 0;
const SESSION: u8 = 1;
const DEATH_SIGNAL: u8 = 2;
const DESCRIPTORS: u8 = 3;
const EXECUTE: u8 = 4;

/// A program by its open file, and the descriptors of the child.
pub struct Image<'a> {
    /// The program; `O_PATH` is enough. An interpreter script cannot be executed in this way.
    pub file: BorrowedFd<'a>,
    /// The arguments, the name of the program first.
    pub arguments: &'a [&'a CStr],
    /// The environment, as `NAME=VALUE`.
    pub environment: &'a [&'a CStr],
    /// The descriptor that becomes [`LINK`], open across `execve(2)`. All others except the standard streams are closed.
    pub link: BorrowedFd<'a>,
    /// The standard streams.
    pub streams: [BorrowedFd<'a>; 3],
    /// `true` if neither the personality nor the stack limit of this process is to decide the layout of the child's address space.
    pub resets_layout: bool,
}

/// The data of the child, prepared before the clone, and its failure.
struct ImageSetup<'a> {
    arguments: &'a [*const c_char],
    environment: &'a [*const c_char],
    /// Of the standard streams, the link and the image.
    copies: [RawFd; 5],
    parent: libc::pid_t,
    resets_layout: bool,
    failed: Option<Failed>,
}

impl Image<'_> {
    /// Executes the program in a session of its own, with empty signal mask and all signals at their default action. The kernel kills it
    /// (SIGKILL) when the calling thread ends (`PR_SET_PDEATHSIG`). Returns once the program is executed.
    ///
    /// # Errors
    /// The step that failed; there is no child then.
    pub fn execute(&self) -> Result<(Pid, PidFd), SpawnError> {
        let pointers = |texts: &[&CStr]| texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>();
        let (arguments, environment) = (pointers(self.arguments), pointers(self.environment));
        let copies = self.copies().map_err(|error| failure(DESCRIPTORS, &error))?;
        let mut setup = ImageSetup {
            arguments: &arguments,
            environment: &environment,
            copies: [0, 1, 2, 3, 4].map(|at: usize| copies[at].as_raw_fd()),
            // SAFETY: takes and touches nothing.
            parent: unsafe { libc::getpid() },
            resets_layout: self.resets_layout,
            failed: None,
        };
        let (pid, process) = clone(&mut setup).map_err(|error| failure(CLONE, &error))?;
        match setup.failed {
            None => Ok((pid, process)),
            Some((step, errno)) => {
                // SAFETY: takes integers; with no pointer nothing is written. The child ends without any further work.
                unsafe { libc::waitpid(pid.as_raw(), null_mut(), 0) };
                Err(SpawnError { step: STEPS[usize::from(step)], errno, resource: None })
            }
        }
    }

    /// Copies the descriptors to numbers that the child does not assign.
    fn copies(&self) -> io::Result<Vec<OwnedFd>> {
        self.streams.iter().chain([&self.link, &self.file]).map(|fd| copy_from(fd, FIRST_COPY)).collect()
    }
}

fn failure(step: u8, error: &io::Error) -> SpawnError {
    SpawnError { step: STEPS[usize::from(step)], errno: error.raw_os_error().unwrap_or(libc::EIO), resource: None }
}

/// Makes the child, and returns when it has executed the program or has failed.
fn clone(setup: &mut ImageSetup<'_>) -> io::Result<(Pid, PidFd)> {
    let mut stack = vec![0_u128; STACK / size_of::<u128>()].into_boxed_slice();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut handle: c_int = -1;
    // A handler of the parent's must not run in the child, which shares the memory.
    let old = Mask::all().set();
    let top = stack.as_mut_ptr_range().end;
    // SAFETY: the child runs on a stack of its own, and touches `setup` only, while this thread waits (CLONE_VFORK).
    let pid = unsafe { libc::clone(in_child, top.cast(), flags, (&raw mut *setup).cast(), &raw mut handle) };
    let outcome = syscall_result(pid.into());
    old.set();
    outcome?;
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
    Ok((pid, PidFd::own(handle)))
}

extern "C" fn in_child(setup: *mut c_void) -> c_int {
    // SAFETY: the parent passes an `ImageSetup`, and its thread waits until this process executes or ends.
    let setup = unsafe { &mut *setup.cast::<ImageSetup<'_>>() };
    let failed = match set_up(setup) {
        Ok(()) => (EXECUTE, execute(setup)),
        Err(failed) => failed,
    };
    setup.failed = Some(failed);
    // SAFETY: ends the child alone.
    unsafe { libc::_exit(FAILED) }
}

fn set_up(setup: &ImageSetup<'_>) -> Result<(), Failed> {
    reset_signals();
    // SAFETY: takes and touches nothing.
    check(SESSION, unsafe { libc::setsid() }.into())?;
    // SAFETY: takes integers and touches no memory of ours.
    check(DEATH_SIGNAL, unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }.into())?;
    // SAFETY: takes and touches nothing.
    if unsafe { libc::getppid() } != setup.parent {
        // The parent ended before the call, so the kernel will send no signal.
        return Err((DEATH_SIGNAL, libc::ESRCH));
    }
    for (copy, number) in setup.copies.into_iter().zip(0..) {
        let flags = if number == IMAGE { libc::O_CLOEXEC } else { 0 };
        // SAFETY: takes integers; replaces numbers of the child's own table. No copy has one of these numbers.
        check(DESCRIPTORS, unsafe { libc::dup3(copy, number, flags) }.into())?;
    }
    let (first, last, flags) = (IMAGE.unsigned_abs() + 1, u32::MAX, 0);
    // SAFETY: what is closed is closed in the child's own table.
    if unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) } < 0 {
        // Before Linux 5.9, or where seccomp blocks close_range(2).
        check(DESCRIPTORS, close_all(|fd| fd > IMAGE))?;
    }
    if setup.resets_layout {
        reset_layout();
    }
    unblock_all();
    Ok(())
}

/// Executes the image (`execveat(2)`, `AT_EMPTY_PATH`). Returns `errno`.
fn execute(setup: &ImageSetup<'_>) -> c_int {
    let (arguments, environment) = (setup.arguments.as_ptr(), setup.environment.as_ptr());
    let (path, flags) = (c"".as_ptr(), libc::AT_EMPTY_PATH);
    // SAFETY: both arrays end with a null pointer, and outlive the call in the waiting parent.
    unsafe { libc::syscall(libc::SYS_execveat, IMAGE, path, arguments, environment, flags) };
    errno()
}
