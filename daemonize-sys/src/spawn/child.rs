//! The code of the child, until it executes its program.
//!
//! No code runs here but [`in_child`]: the child is a copy of one thread of the parent, so another thread may hold any lock. It
//! allocates nothing, locks nothing, cannot panic, and calls nothing but system calls; those that glibc applies to all threads at
//! once (`setresuid(3)`) go to the kernel directly.

use super::change_user;
use super::program::{Program, STREAMS};
use super::steps::{
    DEATH_SIGNAL, DESCRIPTORS, DIRECTORY, EXECUTE, Failed, LIMITS, NO_NEW_PRIVS, SESSION, UNSHARED, check, errno,
};
use crate::fd_table;
use std::ffi::{c_char, c_int, c_void};
use std::os::fd::RawFd;
use std::ptr::null_mut;

/// The number that the pipe has in the child by which it reports a failure: beside its streams.
const REPORT: RawFd = 4;
const _: () = assert!(STREAMS == 4, "it would be one of its streams");

/// The exit status of a child that could not set itself up or execute its program.
const FAILED: c_int = 127;

/// The data that the child needs, made before the fork.
pub(super) struct Setup<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) paths: &'a [*const c_char],
    pub(super) arguments: &'a [*const c_char],
    pub(super) environment: &'a [*const c_char],
    pub(super) slots: [RawFd; STREAMS],
    /// Descriptors from this number on are not passed.
    pub(super) limit: RawFd,
    pub(super) report: RawFd,
    pub(super) parent: libc::pid_t,
    /// `true` if the child shares its parent's table of descriptors until `close_range(2)` gives it one of its own.
    pub(super) shares_table: bool,
    /// Room for the groups that it has then, and for one more.
    pub(super) scratch: &'a mut [u32],
}

/// Sets up the child and executes its program, or reports what failed.
pub(super) extern "C" fn in_child(setup: *mut c_void) -> c_int {
    // SAFETY: the parent passes a `Setup`, of which the child has a copy.
    let setup = unsafe { &mut *setup.cast::<Setup<'_>>() };
    let begun = begin(setup);
    let is_apart = begun.is_ok();
    if is_apart {
        report(setup, &[UNSHARED]);
    }
    let (doing, errno) = match begun.and_then(|()| set_up(setup)) {
        Ok(()) => (EXECUTE, execute(setup)),
        Err(failed) => failed,
    };
    let [a, b, c, d] = errno.to_ne_bytes();
    let record = [UNSHARED, doing, 0, 0, 0, a, b, c, d];
    // Once apart, the parent may have given the slot another file: what is written before has to say so at once.
    report(setup, if is_apart { record.split_at(1).1 } else { &record });
    // SAFETY: ends the child alone.
    unsafe { libc::_exit(FAILED) }
}

/// Writes into the pipe; less than `PIPE_BUF`, so it arrives whole.
fn report(setup: &Setup<'_>, bytes: &[u8]) {
    // SAFETY: reads bytes of ours.
    unsafe { libc::write(setup.report, bytes.as_ptr().cast(), bytes.len()) };
}

/// Leaves the session, the signals and the descriptors of the parent.
fn begin(setup: &Setup<'_>) -> Result<(), Failed> {
    reset_signals();
    // SAFETY: takes and touches nothing.
    check(SESSION, unsafe { libc::setsid() }.into())?;
    // A child that is not set up has nothing to end in setup.
    tie(setup, libc::SIGKILL)?;
    if !setup.shares_table {
        return Ok(());
    }
    let (limit, last) = (setup.limit.unsigned_abs(), u32::MAX);
    // SAFETY: from here on the table is the child's own, and all that is closed in it stays open in the parent's.
    check(DESCRIPTORS, unsafe { libc::syscall(libc::SYS_close_range, limit, last, libc::CLOSE_RANGE_UNSHARE) })
}

fn set_up(setup: &mut Setup<'_>) -> Result<(), Failed> {
    pass_descriptors(setup)?;
    let program = setup.program;
    if let Some((soft, hard)) = program.descriptors {
        let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
        // SAFETY: reads a structure of ours.
        check(LIMITS, unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }.into())?;
    }
    if let Some(umask) = program.umask {
        // SAFETY: takes an integer; the mask is the child's own, since CLONE_FS is not given.
        unsafe { libc::umask(umask) };
    }
    if let Some(identity) = &program.identity {
        // Before any file of the user's is opened: its directory and its program may be such.
        change_user::change(identity, setup.scratch)?;
    }
    if program.no_new_privs {
        let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: takes integers and touches no memory of ours; the flag is this process's own.
        check(NO_NEW_PRIVS, unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, unused, unused, unused) }.into())?;
    }
    // The change of user has cleared it.
    tie(setup, libc::SIGKILL)?;
    if let Some(directory) = program.directory {
        // SAFETY: reads a string of ours; the directory is the child's own.
        check(DIRECTORY, unsafe { libc::chdir(directory.as_ptr()) }.into())?;
    }
    tie(setup, program.death_signal)?;
    unblock_all();
    Ok(())
}

/// Has the kernel send the child this signal when the thread ends that forked it.
fn tie(setup: &Setup<'_>, signal: c_int) -> Result<(), Failed> {
    // SAFETY: takes integers and touches no memory of ours.
    check(DEATH_SIGNAL, unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) }.into())?;
    // SAFETY: takes and touches nothing.
    if unsafe { libc::getppid() } == setup.parent {
        return Ok(());
    }
    // The monitor has died before, so no signal will come.
    Err((DEATH_SIGNAL, libc::ESRCH))
}

/// Gives all signals their default action, also those that glibc keeps for itself.
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

/// Makes the slots 0, 1, 2 and 3, and closes all other descriptors: nothing of the monitor's or of other bots' stays open in a
/// child that hangs, and what has leaked into the monitor leaks no further.
fn pass_descriptors(setup: &mut Setup<'_>) -> Result<(), Failed> {
    for (slot, number) in setup.slots.into_iter().zip(0..) {
        // SAFETY: takes integers; replaces numbers of the child's own table.
        check(DESCRIPTORS, unsafe { libc::dup2(slot, number) }.into())?;
    }
    // SAFETY: as above.
    check(DESCRIPTORS, unsafe { libc::dup3(setup.report, REPORT, libc::O_CLOEXEC) }.into())?;
    setup.report = REPORT;
    if !setup.shares_table {
        return check(DESCRIPTORS, fd_table::close_all(|fd| fd > REPORT));
    }
    let (first, last, flags) = (REPORT.unsigned_abs() + 1, u32::MAX, 0);
    // SAFETY: as above.
    check(DESCRIPTORS, unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })
}

/// Tries each path, as `execvp(3)` does, but never a shell; errno of the one that says most.
fn execute(setup: &Setup<'_>) -> c_int {
    let mut denied = false;
    for path in setup.paths.iter().take_while(|path| !path.is_null()) {
        // SAFETY: the string and both arrays, which end with a null pointer, are copies of the parent's.
        unsafe { libc::execve(*path, setup.arguments.as_ptr(), setup.environment.as_ptr()) };
        match errno() {
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR => {}
            other => return other,
        }
    }
    if denied { libc::EACCES } else { libc::ENOENT }
}
