//! What runs in the child until it executes its program.
//!
//! No code runs here but [`in_child`]: it allocates nothing, locks nothing, cannot panic, and calls nothing but system
//! calls; those that glibc applies to all threads at once (`setresuid(3)`) go to the kernel directly.

use super::identity;
use super::{BAR, DIRECTORY, EXECUTE, FAILED, LIMITS, PASS, Program, SESSION, STREAMS, TIE};
use crate::table;
use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::os::fd::RawFd;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

/// Where the child has the pipe by which it says what failed: beside its streams.
const VERDICT: RawFd = 4;
const _: () = assert!(STREAMS == 4, "it would be one of its streams");

/// Everything that the child needs to know, made before there is one.
pub(super) struct Order<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) paths: &'a [*const c_char],
    pub(super) arguments: &'a [*const c_char],
    pub(super) environment: &'a [*const c_char],
    pub(super) slots: [RawFd; STREAMS],
    pub(super) limit: RawFd,
    /// The child's own, once it has its own table.
    pub(super) failed: Cell<RawFd>,
    pub(super) parent: libc::pid_t,
    /// Where it writes its number.
    pub(super) newborn: &'a AtomicI32,
    /// `true` if the child shares its parent's table of descriptors until `close_range(2)` gives it one of its own.
    pub(super) shares_table: bool,
    /// Room for the groups that it has then, and for one more.
    pub(super) scratch: *mut [u32],
}

/// What runs in the child.
pub(super) extern "C" fn in_child(order: *mut c_void) -> c_int {
    // SAFETY: the parent passes the `Order` and waits until we are done with it.
    let order = unsafe { &*order.cast::<Order<'_>>() };
    // SAFETY: takes and touches nothing.
    order.newborn.store(unsafe { libc::getpid() }, SeqCst);
    let (doing, errno) = match set_up(order) {
        Ok(()) => (EXECUTE, execute(order)),
        Err(failed) => failed,
    };
    let [a, b, c, d] = errno.to_ne_bytes();
    let words = [doing, 0, 0, 0, a, b, c, d];
    // SAFETY: writes eight bytes of ours; less than PIPE_BUF, so they arrive whole. `_exit` ends the child alone.
    unsafe {
        libc::write(order.failed.get(), words.as_ptr().cast(), words.len());
        libc::_exit(FAILED)
    }
}

pub(super) fn errno() -> c_int {
    // SAFETY: errno's address is valid in every thread, and in a child that borrows one's memory.
    unsafe { *libc::__errno_location() }
}

/// What failed, and errno.
pub(super) type Failed = (u8, c_int);

/// Whether the last call of a step failed.
pub(super) fn step(step: u8, answer: libc::c_long) -> Result<(), Failed> {
    if answer < 0 { Err((step, errno())) } else { Ok(()) }
}

fn set_up(order: &Order<'_>) -> Result<(), Failed> {
    reset_signals();
    // SAFETY: takes and touches nothing.
    step(SESSION, unsafe { libc::setsid() }.into())?;
    // Who is not yet what it shall be has nothing to end in order.
    tie(order, libc::SIGKILL)?;
    pass_descriptors(order)?;
    let program = order.program;
    if let Some((soft, hard)) = program.descriptors {
        let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
        // SAFETY: reads a structure of ours.
        step(LIMITS, unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }.into())?;
    }
    if let Some(umask) = program.umask {
        // SAFETY: takes an integer; the mask is the child's own, since CLONE_FS is not given.
        unsafe { libc::umask(umask) };
    }
    if let Some(identity) = &program.identity {
        // SAFETY: the parent made it for this child, of which this is the only user.
        identity::change(identity, unsafe { &mut *order.scratch })?;
    }
    if program.no_new_privs {
        let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: takes integers and touches no memory of ours; the flag is this process's own.
        step(BAR, unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, unused, unused, unused) }.into())?;
    }
    // The change of user has cleared it.
    tie(order, libc::SIGKILL)?;
    if let Some(directory) = program.directory {
        // SAFETY: reads a string of the parent's; the directory is the child's own.
        step(DIRECTORY, unsafe { libc::chdir(directory.as_ptr()) }.into())?;
    }
    tie(order, program.death_signal)?;
    unblock_all();
    Ok(())
}

/// The child is sent this signal when the thread ends that has made it.
fn tie(order: &Order<'_>, signal: c_int) -> Result<(), Failed> {
    // SAFETY: takes integers and touches no memory of ours.
    step(TIE, unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) }.into())?;
    // SAFETY: takes and touches nothing.
    if unsafe { libc::getppid() } == order.parent {
        return Ok(());
    }
    // The monitor has died before, and nobody would tell the child.
    Err((TIE, libc::ESRCH))
}

/// The default for all, also for those of which glibc lets nobody speak.
fn reset_signals() {
    // Larger than the kernel's structure is anywhere; all zeroes are SIG_DFL, no flags, an empty mask.
    let default = [0_u64; 8];
    for signal in 1..=64 {
        let none: *mut c_void = null_mut();
        // SAFETY: reads memory of ours; the handlers are the child's own, since CLONE_SIGHAND is not given.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, size_of::<u64>()) };
    }
}

fn unblock_all() {
    let empty = 0_u64;
    let none: *mut c_void = null_mut();
    // SAFETY: reads memory of ours; the mask is the child's own.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const empty, none, size_of::<u64>()) };
}

/// Leaves the table of descriptors to the parent, and makes the slots 0, 1, 2 and 3 of an own one.
fn pass_descriptors(order: &Order<'_>) -> Result<(), Failed> {
    let (limit, last) = (order.limit.unsigned_abs(), u32::MAX);
    if order.shares_table {
        // SAFETY: from here on the table is the child's own, and all that is closed in it stays open in the parent's.
        step(PASS, unsafe { libc::syscall(libc::SYS_close_range, limit, last, libc::CLOSE_RANGE_UNSHARE) })?;
    }
    for (slot, number) in order.slots.into_iter().zip(0..) {
        // SAFETY: takes integers; replaces numbers of the child's own table.
        step(PASS, unsafe { libc::dup2(slot, number) }.into())?;
    }
    // SAFETY: as above.
    step(PASS, unsafe { libc::dup3(order.failed.get(), VERDICT, libc::O_CLOEXEC) }.into())?;
    order.failed.set(VERDICT);
    // Nothing of the monitor's or of other bots' stays open in a child whose start hangs, and what has leaked into the
    // monitor leaks no further.
    if !order.shares_table {
        return step(PASS, table::close_all(|fd| fd > VERDICT));
    }
    let (first, flags) = (VERDICT.unsigned_abs() + 1, 0);
    // SAFETY: as above.
    step(PASS, unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })
}

/// Tries each path, as `execvp(3)` does, but never a shell; errno of the one that says most.
fn execute(order: &Order<'_>) -> c_int {
    let mut denied = false;
    for path in order.paths.iter().take_while(|path| !path.is_null()) {
        // SAFETY: the string and both arrays, which end with a null pointer, are the parent's, who waits.
        unsafe { libc::execve(*path, order.arguments.as_ptr(), order.environment.as_ptr()) };
        match errno() {
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR => {}
            other => return other,
        }
    }
    if denied { libc::EACCES } else { libc::ENOENT }
}
