//! Making a child and executing its program.
//!
//! The child borrows the memory of the monitor until it executes its program (`CLONE_VM`), while the thread that made it
//! waits (`CLONE_VFORK`): nothing is copied, however large the monitor is, and the outcome is known when the call returns.
//! Nor is the table of descriptors copied, which with thousands of pipes takes longer than all the rest: parent and child
//! share it (`CLONE_FILES`) until `close_range(2)` leaves the child those below a limit. So whatever the child shall have
//! lies below that limit, in slots; see [`Slots`]. Who is to become another user is given a copy of the memory: the
//! kernel would otherwise take the monitor for one who has changed its rights.
//!
//! In the child no code runs but [`in_child`]: it allocates nothing, locks nothing, cannot panic, and calls nothing but
//! system calls; those that glibc applies to all threads at once (`setresuid(3)`) go to the kernel directly.

use super::cvt;
use super::pidfd::PidFd;
use daemonize_core::Pid;
use nix::fcntl::OFlag;
use nix::unistd::{pipe2, read};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{null, null_mut};

/// stdin, stdout, stderr and the pipe of events: 0 to 3 in the child.
pub(crate) const STREAMS: usize = 4;

/// The first number that a slot may have: above those that they become in the child.
const FIRST_SLOT: RawFd = 10;

/// What the stack of the child must hold: a few frames, in memory of its own.
const STACK: usize = 64 * 1024;

/// The child could not set itself up or execute its program.
const FAILED: c_int = 127;

/// Descriptors with low numbers, through which children get theirs, and the pipe by which they say what failed.
pub(crate) struct Slots {
    streams: [OwnedFd; STREAMS],
    verdict: OwnedFd,
    failed: OwnedFd,
    null: OwnedFd,
    stack: Stack,
}

/// The program of a child and what it is to be, in the form that the kernel takes.
pub(crate) struct Program<'a> {
    /// Where the program may be, in the order to be tried.
    pub(crate) paths: &'a [&'a CStr],
    pub(crate) arguments: &'a [&'a CStr],
    pub(crate) environment: &'a [&'a CStr],
    pub(crate) directory: Option<&'a CStr>,
    pub(crate) umask: Option<u32>,
    /// Whether no program that it executes may give it more rights.
    pub(crate) no_new_privs: bool,
    pub(crate) identity: Option<Identity<'a>>,
    /// What `RLIMIT_NOFILE` was before the monitor raised it.
    pub(crate) descriptors: Option<(u64, u64)>,
    /// Sent to the child when the thread that made it ends.
    pub(crate) death_signal: i32,
    /// What its streams shall be; `/dev/null` for `None`.
    pub(crate) streams: [Option<BorrowedFd<'a>>; STREAMS],
}

/// Whom the child is to become.
#[derive(Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) groups: Option<&'a [u32]>,
}

/// What the child was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) doing: &'static str,
    pub(crate) errno: i32,
}

const DOING: [&str; 10] = [
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

/// A mapping for the child's stack, with a page below it that nobody may touch.
struct Stack(*mut c_void);

// SAFETY: only the address of a mapping, which any thread may use.
unsafe impl Send for Stack {}

const GUARD: usize = 64 * 1024;

impl Stack {
    fn new() -> io::Result<Stack> {
        let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK | libc::MAP_NORESERVE;
        // SAFETY: a new mapping wherever the kernel likes touches no memory there is.
        let base = unsafe { libc::mmap(null_mut(), GUARD + STACK, libc::PROT_READ | libc::PROT_WRITE, kind, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Stack(base);
        // SAFETY: the first pages of our own mapping, which nobody uses yet.
        cvt(unsafe { libc::mprotect(base, GUARD, libc::PROT_NONE) }.into())?;
        Ok(stack)
    }

    fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of the mapping, from where the stack grows down; page-aligned, so aligned enough.
        unsafe { self.0.byte_add(GUARD + STACK) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: our own mapping; no child uses it any more, since each is waited for until it executes.
        unsafe { libc::munmap(self.0, GUARD + STACK) };
    }
}

impl Slots {
    pub(crate) fn new() -> io::Result<Slots> {
        let null = OwnedFd::from(std::fs::File::options().read(true).write(true).open("/dev/null")?);
        let low = |fd: RawFd| {
            // SAFETY: takes integers and touches no memory of ours.
            let fd = cvt(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, FIRST_SLOT) }.into())?;
            // SAFETY: the kernel just made this descriptor for us alone.
            Ok::<_, io::Error>(unsafe { OwnedFd::from_raw_fd(RawFd::try_from(fd).map_err(io::Error::other)?) })
        };
        let (verdict, failed) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let slot = || low(null.as_raw_fd());
        let streams = [slot()?, slot()?, slot()?, slot()?];
        let (failed, null) = (low(failed.as_raw_fd())?, low(null.as_raw_fd())?);
        Ok(Slots { streams, verdict, failed, null, stack: Stack::new()? })
    }

    /// Descriptors from this number on are nothing to a child.
    fn limit(&self) -> RawFd {
        let slots = self.streams.iter().chain([&self.failed]);
        slots.map(AsRawFd::as_raw_fd).max().unwrap_or(FIRST_SLOT) + 1
    }

    /// Makes a child, in a session of its own, and has it execute its program, before this returns.
    ///
    /// # Errors
    /// What failed, in the parent or in the child, which is gone then.
    pub(crate) fn spawn(&self, program: &Program<'_>) -> Result<(Pid, PidFd), Failure> {
        let failed = |error: io::Error| Failure {
            doing: DOING[usize::from(CLONE)],
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        };
        for (slot, stream) in self.streams.iter().zip(program.streams) {
            let source = stream.map_or(self.null.as_raw_fd(), |stream| stream.as_raw_fd());
            // SAFETY: takes integers; the number it replaces is a slot of ours.
            cvt(unsafe { libc::dup3(source, slot.as_raw_fd(), libc::O_CLOEXEC) }.into()).map_err(failed)?;
        }
        let outcome = self.clone_and_exec(program).map_err(failed);
        for slot in &self.streams {
            // A copy of a pipe's end that is kept would keep the pipe.
            // SAFETY: as above; a replacement by a descriptor that is open cannot fail for want of room.
            unsafe { libc::dup3(self.null.as_raw_fd(), slot.as_raw_fd(), libc::O_CLOEXEC) };
        }
        let (pid, handle) = outcome?;
        match self.verdict() {
            None => Ok((pid, handle)),
            Some(failure) => {
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

    fn clone_and_exec(&self, program: &Program<'_>) -> io::Result<(Pid, PidFd)> {
        let pointers = |texts: &[&CStr]| texts.iter().map(|text| text.as_ptr()).chain([null()]).collect::<Vec<_>>();
        let (paths, arguments) = (pointers(program.paths), pointers(program.arguments));
        let environment = pointers(program.environment);
        let order = Order {
            program,
            paths: &paths,
            arguments: &arguments,
            environment: &environment,
            slots: [0, 1, 2, 3].map(|at: usize| self.streams[at].as_raw_fd()),
            limit: self.limit(),
            failed: self.failed.as_raw_fd(),
            // SAFETY: takes and touches nothing.
            parent: unsafe { libc::getpid() },
        };
        let memory = if program.identity.is_some() { 0 } else { libc::CLONE_VM };
        let flags = memory | libc::CLONE_VFORK | libc::CLONE_FILES | libc::CLONE_PIDFD | libc::SIGCHLD;
        let mut handle: c_int = -1;
        let mask = block_all()?;
        // SAFETY: the stack is ours and nobody else's until the child has executed or ended, which CLONE_VFORK waits for;
        // so `order` and all that it borrows outlive the child's use of them.
        let pid = unsafe {
            libc::clone(in_child, self.stack.top(), flags, (&raw const order).cast_mut().cast(), &raw mut handle)
        };
        let outcome = cvt(pid.into());
        // SAFETY: puts back what was there; reads memory of ours.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, null_mut()) };
        outcome?;
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH))?;
        Ok((pid, PidFd::own(handle)))
    }
}

/// Blocks all signals in this thread; what was blocked before. A handler must not run in the child, in our memory.
fn block_all() -> io::Result<libc::sigset_t> {
    let (mut all, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: sigfillset initialises the set it is given, pthread_sigmask the one for the old mask.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        match libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }
}

/// Everything that the child needs to know, made before there is one.
struct Order<'a> {
    program: &'a Program<'a>,
    paths: &'a [*const c_char],
    arguments: &'a [*const c_char],
    environment: &'a [*const c_char],
    slots: [RawFd; STREAMS],
    limit: RawFd,
    failed: RawFd,
    parent: libc::pid_t,
}

/// What runs in the child.
extern "C" fn in_child(order: *mut c_void) -> c_int {
    // SAFETY: the parent passes the `Order` and waits until we are done with it.
    let order = unsafe { &*order.cast::<Order<'_>>() };
    let (doing, errno) = match set_up(order) {
        Ok(()) => (EXECUTE, execute(order)),
        Err(failed) => failed,
    };
    let [a, b, c, d] = errno.to_ne_bytes();
    let words = [doing, 0, 0, 0, a, b, c, d];
    // SAFETY: writes eight bytes of ours; less than PIPE_BUF, so they arrive whole. `_exit` ends the child alone.
    unsafe {
        libc::write(order.failed, words.as_ptr().cast(), words.len());
        libc::_exit(FAILED)
    }
}

fn errno() -> c_int {
    // SAFETY: errno's address is valid in every thread, and in a child that borrows one's memory.
    unsafe { *libc::__errno_location() }
}

/// What failed, and errno.
type Failed = (u8, c_int);

/// Whether the last call of a step failed.
fn step(step: u8, answer: libc::c_long) -> Result<(), Failed> {
    if answer < 0 { Err((step, errno())) } else { Ok(()) }
}

fn set_up(order: &Order<'_>) -> Result<(), Failed> {
    reset_signals();
    // SAFETY: takes and touches nothing.
    step(SESSION, unsafe { libc::setsid() }.into())?;
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
        change_identity(identity)?;
    }
    if program.no_new_privs {
        let (yes, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
        // SAFETY: takes integers and touches no memory of ours; the flag is this process's own.
        step(BAR, unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, unused, unused, unused) }.into())?;
    }
    if let Some(directory) = program.directory {
        // SAFETY: reads a string of the parent's; the directory is the child's own.
        step(DIRECTORY, unsafe { libc::chdir(directory.as_ptr()) }.into())?;
    }
    // After the change of user, which would clear it.
    // SAFETY: takes integers and touches no memory of ours.
    step(TIE, unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, program.death_signal) }.into())?;
    // SAFETY: takes and touches nothing.
    if unsafe { libc::getppid() } != order.parent {
        // The monitor has died in between, and nobody would tell the child.
        return Err((TIE, libc::ESRCH));
    }
    unblock_all();
    Ok(())
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
    let (first, last, flags) = (order.limit.unsigned_abs(), u32::MAX, libc::CLOSE_RANGE_UNSHARE);
    // SAFETY: from here on the table is the child's own, and all that is closed in it stays open in the parent's.
    step(PASS, unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) })?;
    let mut number = 0;
    for slot in order.slots {
        // SAFETY: takes integers; replaces numbers of the child's own table.
        step(PASS, unsafe { libc::dup2(slot, number) }.into())?;
        number += 1;
    }
    // Whatever leaked into the monitor does not leak further.
    let (first, flags) = (number.unsigned_abs(), libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: as above. Linux 5.9 and 5.10 lack the flag; there, what leaks in leaks on.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) };
    Ok(())
}

fn change_identity(identity: &Identity<'_>) -> Result<(), Failed> {
    const UNCHANGED: u32 = u32::MAX;
    if let Some(groups) = identity.groups {
        // SAFETY: reads as many numbers of the parent's as are said; by the kernel, for this process alone.
        step(GROUP, unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    }
    if let Some(group) = identity.group {
        // SAFETY: takes integers; by the kernel, for this process alone.
        step(GROUP, unsafe { libc::syscall(libc::SYS_setresgid, group, group, group) })?;
    }
    if let Some(user) = identity.user {
        // SAFETY: takes integers; by the kernel, for this process alone.
        step(USER, unsafe { libc::syscall(libc::SYS_setresuid, user, user, user) })?;
        // SAFETY: as above. It must fail: root could be had back.
        if user != 0 && unsafe { libc::syscall(libc::SYS_setresuid, UNCHANGED, 0, UNCHANGED) } == 0 {
            return Err((USER, libc::EPERM));
        }
    }
    Ok(())
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
