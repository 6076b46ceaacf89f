//! Reads, sets and restores signal dispositions (`sigaction(2)`), which nix sets only through `unsafe`.

use crate::signal::Signal;
use crate::syscall::syscall_result;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// The action of a signal without a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The default action of the signal (`SIG_DFL`).
    Default,
    /// Nothing (`SIG_IGN`).
    Ignore,
}

/// Returns `true` if the signal is ignored, or if it is `SIGCHLD` with `SA_NOCLDWAIT`: in both cases `waitpid(2)` reports no status.
pub fn is_ignored(signal: Signal) -> bool {
    current(signal).is_some_and(|action| {
        action.sa_sigaction == libc::SIG_IGN || (signal == Signal::SIGCHLD && action.sa_flags & libc::SA_NOCLDWAIT != 0)
    })
}

/// Returns the signals for which [`is_ignored`] returns `true`, by one system call per signal.
pub fn ignored() -> Vec<Signal> {
    Signal::all().filter(|signal| is_ignored(*signal)).collect()
}

/// Returns `true` if the signal has its default action.
pub fn is_default(signal: Signal) -> bool {
    current(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_DFL)
}

/// Sets the disposition, and returns the previous action for [`restore`].
pub fn set(signal: Signal, disposition: Disposition) -> Option<SavedAction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: an all-zero sigaction is a valid one (SIG_DFL, empty mask, no flags).
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    let mut old = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both pointers are to sigactions of ours; no handler function is installed.
    let result = unsafe { libc::sigaction(signal.as_raw(), action, old.as_mut_ptr()) };
    // SAFETY: sigaction filled it in when it answered 0.
    (result == 0).then(|| SavedAction(signal, unsafe { old.assume_init() }))
}

/// A previous action, saved for [`restore`].
pub struct SavedAction(Signal, libc::sigaction);

/// Restores a saved action, including its handler and flags.
pub fn restore(saved: &SavedAction) {
    // SAFETY: the action was in force in this process before, so its handler is a valid one.
    unsafe { libc::sigaction(saved.0.as_raw(), &raw const saved.1, ptr::null_mut()) };
}

/// Installs an action. Its handler, if it has one, must be a static function that is async-signal-safe (`signal-safety(7)`).
pub(super) fn set_action(signal: Signal, action: &libc::sigaction) -> io::Result<()> {
    // SAFETY: the action is initialised and only read; its handler is what `sys` has made for that or has found in force.
    syscall_result(unsafe { libc::sigaction(signal.as_raw(), action, ptr::null_mut()) }.into()).map(drop)
}

/// Returns the current action; `None` for a number that is not a signal.
pub(super) fn current(signal: Signal) -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only reads the current action into our memory.
    let result = unsafe { libc::sigaction(signal.as_raw(), ptr::null(), action.as_mut_ptr()) };
    // SAFETY: sigaction filled it in when it answered 0.
    (result == 0).then(|| unsafe { action.assume_init() })
}
