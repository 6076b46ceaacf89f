//! The code of the child between `clone(2)` and `execve(2)`.
//!
//! The child is a copy of one thread of the parent, and another thread may hold any lock. So this code does not allocate, lock or panic,
//! and calls only system calls. Those that glibc applies to all threads (`setresuid(2)`, `nptl(7)`) are called directly.

use super::change_user;
use super::listen_pid::ListenPid;
use super::program::Program;
use super::resources;
use super::steps::{
    DEATH_SIGNAL, DESCRIPTORS, DIRECTORY, EXECUTE, Failed, LIMITS, NO_NEW_PRIVS, SESSION, UNSHARED, check, errno,
};
use crate::fd_table;
use std::ffi::{c_char, c_int, c_void};
use std::os::fd::RawFd;
use std::ptr::null_mut;

/// The exit status of a child that could not set itself up or execute its program.
const FAILED: c_int = 127;

/// The data of the child, prepared before the fork.
pub(super) struct Setup<'a> {
    pub(super) program: &'a Program<'a>,
    pub(super) paths: &'a [*const c_char],
    pub(super) arguments: &'a [*const c_char],
    /// With room for `LISTEN_PID` before the null pointer, if sockets are passed.
    pub(super) environment: &'a mut [*const c_char],
    pub(super) listen_pid: ListenPid,
    /// The descriptors that become 0 and following: stdin, stdout, stderr, the sockets, the event pipe.
    pub(super) slots: &'a mut [RawFd],
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
    // After `UNSHARED` the parent reuses the slot, so a failure before it is reported together with it, in one write.
    report(setup, if is_apart { record.split_at(1).1 } else { &record });
    // SAFETY: ends the child alone.
    unsafe { libc::_exit(FAILED) }
}

/// Writes into the pipe; less than `PIPE_BUF`, so it arrives whole.
fn report(setup: &Setup<'_>, bytes: &[u8]) {
    // SAFETY: reads bytes of ours.
    unsafe { libc::write(setup.report, bytes.as_ptr().cast(), bytes.len()) };
}

/// Resets signals, creates a session (`setsid(2)`), and leaves the table of file descriptors of the parent.
fn begin(setup: &Setup<'_>) -> Result<(), Failed> {
    reset_signals();
    // SAFETY: takes and touches nothing.
    check(SESSION, unsafe { libc::setsid() }.into())?;
    // SIGKILL until the program is executed: an incomplete child has nothing to shut down.
    tie(setup, libc::SIGKILL)?;
    resources::join_cgroup(&setup.program.resources)?;
    if !setup.shares_table {
        return Ok(());
    }
    let (limit, last) = (setup.limit.unsigned_abs(), u32::MAX);
    // SAFETY: from here on the table is the child's own, and all that is closed in it stays open in the parent's.
    check(DESCRIPTORS, unsafe { libc::syscall(libc::SYS_close_range, limit, last, libc::CLOSE_RANGE_UNSHARE) })
}

fn set_up(setup: &mut Setup<'_>) -> Result<(), Failed> {
    pass_descriptors(setup)?;
    name_process(setup);
    let program = setup.program;
    if let Some((soft, hard)) = program.descriptors {
        let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
        // SAFETY: reads a structure of ours.
        check(LIMITS, unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }.into())?;
    }
    resources::limit(&program.resources)?;
    if let Some(umask) = program.umask {
        // SAFETY: takes an integer; the mask is the child's own, since CLONE_FS is not given.
        unsafe { libc::umask(umask) };
    }
    if let Some(identity) = &program.identity {
        // The user is changed before the directory and the program are opened, so that its permissions apply.
        change_user::change(identity, setup.scratch)?;
    }
    if program.no_new_privs {
        let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: takes integers and touches no memory of ours; the flag is this process's own.
        check(NO_NEW_PRIVS, unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, unused, unused, unused) }.into())?;
    }
    // A change of the user clears the parent death signal (PR_SET_PDEATHSIG).
    tie(setup, libc::SIGKILL)?;
    if let Some(directory) = program.directory {
        // SAFETY: reads a string of ours; the directory is the child's own.
        check(DIRECTORY, unsafe { libc::chdir(directory.as_ptr()) }.into())?;
    }
    tie(setup, program.death_signal)?;
    unblock_all();
    Ok(())
}

/// Sets the signal that the child receives when the parent thread ends (`prctl(2)`, `PR_SET_PDEATHSIG`).
fn tie(setup: &Setup<'_>, signal: c_int) -> Result<(), Failed> {
    // SAFETY: takes integers and touches no memory of ours.
    check(DEATH_SIGNAL, unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) }.into())?;
    // SAFETY: takes and touches nothing.
    if unsafe { libc::getppid() } == setup.parent {
        return Ok(());
    }
    // The parent ended before the call, so the kernel will send no signal.
    Err((DEATH_SIGNAL, libc::ESRCH))
}

/// Resets all signals to their default action, including those that glibc reserves.
pub(super) fn reset_signals() {
    // Larger than the kernel's structure is anywhere; all zeroes are SIG_DFL, no flags, an empty mask.
    let default = [0_u64; 8];
    for signal in 1..=64 {
        let none: *mut c_void = null_mut();
        // SAFETY: reads memory of ours; the handlers are the child's own, since CLONE_SIGHAND is not given.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, size_of::<u64>()) };
    }
}

pub(super) fn unblock_all() {
    let empty = 0_u64;
    let none: *mut c_void = null_mut();
    // SAFETY: reads memory of ours; the mask is the child's own.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const empty, none, size_of::<u64>()) };
}

/// Writes the number of this process into `LISTEN_PID`, which sockets are passed with.
fn name_process(setup: &mut Setup<'_>) {
    if let ([.., room, _], false) = (&mut *setup.environment, setup.program.sockets.is_empty()) {
        // SAFETY: takes and touches nothing.
        *room = setup.listen_pid.write(unsafe { libc::getpid() });
    }
}

/// Moves the slots to 0 and following (`dup2(2)`), and closes all other file descriptors (`close_range(2)`), so that a child that hangs keeps
/// no file of the monitor or of other bots open.
fn pass_descriptors(setup: &mut Setup<'_>) -> Result<(), Failed> {
    let report = RawFd::try_from(setup.slots.len()).map_err(|_| (DESCRIPTORS, libc::EMFILE))?;
    for slot in setup.slots.iter_mut().chain([&mut setup.report]).filter(|slot| **slot <= report) {
        // With many sockets, a slot may have a number that another one is moved to before it.
        // SAFETY: takes integers; makes a number of the child's own table.
        let copy = unsafe { libc::fcntl(*slot, libc::F_DUPFD_CLOEXEC, report + 1) };
        check(DESCRIPTORS, copy.into())?;
        *slot = copy;
    }
    for (slot, number) in setup.slots.iter().zip(0..) {
        // SAFETY: takes integers; replaces numbers of the child's own table.
        check(DESCRIPTORS, unsafe { libc::dup2(*slot, number) }.into())?;
    }
    // SAFETY: as above.
    check(DESCRIPTORS, unsafe { libc::dup3(setup.report, report, libc::O_CLOEXEC) }.into())?;
    setup.report = report;
    if !setup.shares_table {
        return check(DESCRIPTORS, fd_table::close_all(|fd| fd > report));
    }
    let (first, last, flags) = (report.unsigned_abs() + 1, u32::MAX, 0);
    // SAFETY: as above.
    check(DESCRIPTORS, unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })
}

/// Executes the program at the first path where it exists, as `execvp(3)` does, but without a shell. Returns the most relevant `errno`.
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
