//! System calls that std and nix lack; the only `unsafe` code of this package.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Calls `pidfd_open(pid, 0)`: the descriptor never refers to a later process with the same pid.
pub fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: the call takes two integers and accesses no memory of this process.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = RawFd::try_from(checked(answer)?).expect("a descriptor fits into an int");
    // SAFETY: the kernel has just created this descriptor; no other code knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes ownership of a descriptor that this process was passed.
pub fn own_passed_fd(fd: RawFd) -> OwnedFd {
    // SAFETY: the caller takes each number once, which came through exec or from the kernel.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Calls `pidfd_send_signal(pidfd, signal, NULL, 0)`.
pub fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> io::Result<()> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null siginfo means "as kill(2)"; no other argument is a pointer.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, 0) };
    checked(answer).map(drop)
}

/// Resets SIGHUP, SIGINT and SIGQUIT to `SIG_DFL`, in this process and its later children.
pub fn reset_interrupts() -> io::Result<()> {
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT].into_iter().try_for_each(|signal| {
        // SAFETY: no handler function is installed.
        let before = unsafe { libc::signal(signal, libc::SIG_DFL) };
        if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
    })
}

/// Registers a function that an ordinary exit of this process runs (`atexit(3)`).
///
/// # Panics
/// If there is no room for another function.
pub fn at_exit(function: extern "C" fn()) {
    // SAFETY: the function has static lifetime and takes no argument.
    let answer = unsafe { libc::atexit(function) };
    assert_eq!(answer, 0, "atexit has no room left");
}

/// Registers a function that the child of a `fork` runs first (`pthread_atfork(NULL, NULL, function)`).
///
/// # Panics
/// If there is no memory for it.
pub fn at_fork(function: extern "C" fn()) {
    // SAFETY: as `atexit`; the child of a single-threaded process may call any function.
    let answer = unsafe { libc::pthread_atfork(None, None, Some(function)) };
    assert_eq!(answer, 0, "pthread_atfork has no memory");
}

/// Forks without exec: the child keeps every descriptor, and sleeps until it is killed. With `escapes`, the child has a
/// session of its own by the time this returns.
pub fn fork_sleeper_process(escapes: bool) -> io::Result<()> {
    // SAFETY: the child calls nothing but setsid(2) and pause(2), which are async-signal-safe.
    match checked(i64::from(unsafe { libc::fork() }))? {
        0 => {
            if escapes {
                // SAFETY: takes no arguments and accesses no memory.
                unsafe { libc::setsid() };
            }
            loop {
                // SAFETY: takes no arguments and accesses no memory.
                unsafe { libc::pause() };
            }
        }
        child => {
            let child = libc::pid_t::try_from(child).expect("a pid");
            // SAFETY: takes integers, and accesses no memory of this process.
            while escapes && unsafe { libc::getsid(child) == libc::getsid(0) } {
                std::thread::yield_now();
            }
            Ok(())
        }
    }
}

/// Forks without exec and returns in the child, which has the calling thread only. In the parent, that thread hangs.
pub fn fork_and_continue_in_child() -> io::Result<()> {
    // SAFETY: the child then calls what a careless program calls, which is the purpose of the tests.
    match checked(i64::from(unsafe { libc::fork() }))? {
        0 => Ok(()),
        _ => loop {
            std::thread::park();
        },
    }
}

/// Joins a new session keyring and adds a key of this name, which only its possessor may read.
pub fn add_key(name: &CStr) -> io::Result<()> {
    let (join, anonymous) = (libc::KEYCTL_JOIN_SESSION_KEYRING, 0_usize);
    // SAFETY: takes integers; without a name, no memory is read.
    checked(unsafe { libc::syscall(libc::SYS_keyctl, join, anonymous) })?;
    let (kind, secret) = (c"user", b"secret");
    // SAFETY: reads two valid strings and the given number of bytes.
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
    // SAFETY: reads two valid strings.
    let key = unsafe { libc::syscall(libc::SYS_keyctl, search, keyring, kind.as_ptr(), name.as_ptr(), nowhere) };
    key > 0
}

/// The number of times that a handler of [`catch`] has run.
static CAUGHT: AtomicUsize = AtomicUsize::new(0);

/// Returns the number of times that a handler of [`catch`] has run.
pub fn caught() -> usize {
    CAUGHT.load(Ordering::SeqCst)
}

/// Installs a handler in place of the existing one (`signal(2)`, as C programs do).
pub fn catch(signal: i32) -> io::Result<()> {
    // SAFETY: the handler only touches an atomic.
    let before = unsafe { libc::signal(signal, count as extern "C" fn(i32) as *const () as libc::sighandler_t) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Installs a handler that receives more information and runs once (`SA_SIGINFO`, `SA_RESETHAND`).
pub fn catch_once(signal: i32) -> io::Result<()> {
    type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);
    // SAFETY: a zeroed sigaction is valid; the handler reads only what the kernel passes, and accesses an atomic.
    let answer = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count_info as Handler as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESETHAND;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    checked(answer.into()).map(drop)
}

/// Ignores a signal.
pub fn ignore(signal: i32) -> io::Result<()> {
    // SAFETY: installs no function.
    let before = unsafe { libc::signal(signal, libc::SIG_IGN) };
    if before == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

extern "C" fn count(_: i32) {
    CAUGHT.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn count_info(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a siginfo with this flag, unless the caller is wrong; null is checked.
    let is_told = unsafe { info.as_ref() }.is_some_and(|info| info.si_signo == signal) && !context.is_null();
    CAUGHT.fetch_add(usize::from(is_told), Ordering::SeqCst);
}

/// Returns the result of a system call, or errno.
fn checked(answer: i64) -> io::Result<i64> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
