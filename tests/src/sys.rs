//! The calls that std and nix lack, and the only `unsafe` of this package.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// `pidfd_open(pid, 0)`: a handle of a process that no other process can ever get.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers and touches no memory of ours.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = RawFd::try_from(checked(answer)?).expect("a descriptor fits into an int");
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// `pidfd_send_signal(pidfd, signal, NULL, 0)`.
pub fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo is what the call takes for "as kill does"; nothing else is a pointer.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, 0) };
    checked(answer).map(drop)
}

/// `signal(…, SIG_DFL)` of SIGHUP, SIGINT and SIGQUIT: this process and those that it starts hear them.
pub fn hear_interrupts() -> io::Result<()> {
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT].into_iter().try_for_each(|signal| {
        // SAFETY: no handler function is installed.
        let before = unsafe { libc::signal(signal, libc::SIG_DFL) };
        if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
    })
}

/// `atexit(function)`: what an ordinary exit of this process runs.
///
/// # Panics
/// When there is no room for another function.
pub fn at_exit(function: extern "C" fn()) {
    // SAFETY: the function lives for ever and takes no argument.
    let answer = unsafe { libc::atexit(function) };
    assert_eq!(answer, 0, "atexit has no room left");
}

/// `pthread_atfork(NULL, NULL, function)`: what the child of a `fork` runs before anything else.
///
/// # Panics
/// When there is no memory for it.
pub fn at_fork(function: extern "C" fn()) {
    // SAFETY: as `atexit`; what it may do in a child of a process with one thread is anything.
    let answer = unsafe { libc::pthread_atfork(None, None, Some(function)) };
    assert_eq!(answer, 0, "pthread_atfork has no memory");
}

/// `fork()` without an exec: the child keeps every descriptor, and sleeps until it is killed; in a session of its own,
/// if it is to escape, which it has when this returns.
pub fn fork_a_sleeper(escapes: bool) -> io::Result<()> {
    // SAFETY: the child calls nothing but setsid(2) and pause(2), which are async-signal-safe.
    match checked(i64::from(unsafe { libc::fork() }))? {
        0 => {
            if escapes {
                // SAFETY: takes and touches nothing.
                unsafe { libc::setsid() };
            }
            loop {
                // SAFETY: takes and touches nothing.
                unsafe { libc::pause() };
            }
        }
        child => {
            let child = libc::pid_t::try_from(child).expect("a pid");
            // SAFETY: takes integers, and touches no memory of ours.
            while escapes && unsafe { libc::getsid(child) == libc::getsid(0) } {
                std::thread::yield_now();
            }
            Ok(())
        }
    }
}

/// `fork()` without an exec; returns in the child, which has the calling thread only. That thread hangs in the parent.
pub fn fork_on() -> io::Result<()> {
    // SAFETY: what the child calls then is what a careless program calls: the tests are about that.
    match checked(i64::from(unsafe { libc::fork() }))? {
        0 => Ok(()),
        _ => loop {
            std::thread::park();
        },
    }
}

/// Joins a new session keyring and puts a key of this name into it, which nothing but possession of it opens.
pub fn add_key(name: &CStr) -> io::Result<()> {
    let (join, anonymous) = (libc::KEYCTL_JOIN_SESSION_KEYRING, 0_usize);
    // SAFETY: takes integers: without a name no memory of ours is read.
    checked(unsafe { libc::syscall(libc::SYS_keyctl, join, anonymous) })?;
    let (kind, secret) = (c"user", b"secret");
    // SAFETY: reads two strings of ours and as many bytes as are said.
    checked(unsafe {
        libc::syscall(
            libc::SYS_add_key,
            kind.as_ptr(),
            name.as_ptr(),
            secret.as_ptr(),
            secret.len(),
            libc::KEY_SPEC_SESSION_KEYRING,
        )
    })
    .map(drop)
}

/// Returns `true` if a key of this name is in the session keyring.
pub fn finds_key(name: &CStr) -> bool {
    let (search, kind, nowhere) = (libc::KEYCTL_SEARCH, c"user", 0_usize);
    let keyring = libc::KEY_SPEC_SESSION_KEYRING;
    // SAFETY: reads two strings of ours.
    let key = unsafe { libc::syscall(libc::SYS_keyctl, search, keyring, kind.as_ptr(), name.as_ptr(), nowhere) };
    key > 0
}

/// How often a handler of [`catch`] has run.
static CAUGHT: AtomicUsize = AtomicUsize::new(0);

/// Returns how often a handler of [`catch`] has run.
pub fn caught() -> usize {
    CAUGHT.load(Ordering::SeqCst)
}

/// Installs a handler of this program's own, in place of the one there is (`signal(2)`, as C programs do).
pub fn catch(signal: i32) -> io::Result<()> {
    // SAFETY: the handler only touches an atomic.
    let before = unsafe { libc::signal(signal, count as extern "C" fn(i32) as *const () as libc::sighandler_t) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Installs a handler that gets more information and runs once (`SA_SIGINFO`, `SA_RESETHAND`).
pub fn catch_once(signal: i32) -> io::Result<()> {
    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);
    // SAFETY: a sigaction of zeros is a valid one; the handler only reads what the kernel hands it, and touches an atomic.
    let answer = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count_info as Handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESETHAND;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    checked(answer.into()).map(drop)
}

/// Has a signal do nothing.
pub fn ignore(signal: i32) -> io::Result<()> {
    // SAFETY: installs no function.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

extern "C" fn count(_: i32) {
    CAUGHT.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn count_info(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands over a siginfo with this flag, if the caller says the truth; null is checked.
    let is_told = unsafe { info.as_ref() }.is_some_and(|info| info.si_signo == signal) && !context.is_null();
    CAUGHT.fetch_add(usize::from(is_told), Ordering::SeqCst);
}

/// The result of a system call, or errno.
fn checked(answer: i64) -> io::Result<i64> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
