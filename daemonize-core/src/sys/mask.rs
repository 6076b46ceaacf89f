//! Sets of signals, the mask of a thread, and waiting with another mask; nix's sets know no realtime signals.

use crate::signal::Signal;
use nix::poll::PollFd;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// A set of signals (`sigsetops(3)`).
#[derive(Clone, Copy)]
pub(crate) struct Mask(libc::sigset_t);

impl Mask {
    pub(crate) fn empty() -> Mask {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set it is given.
        Mask(unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        })
    }

    /// All signals, but those that glibc needs for itself.
    pub(crate) fn all() -> Mask {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigfillset initialises the set it is given.
        Mask(unsafe {
            libc::sigfillset(set.as_mut_ptr());
            set.assume_init()
        })
    }

    pub(crate) fn of(signals: impl IntoIterator<Item = Signal>) -> Mask {
        signals.into_iter().fold(Mask::empty(), Mask::with)
    }

    pub(crate) fn with(mut self, signal: Signal) -> Mask {
        // SAFETY: the set is initialised; an unknown number is refused by the call.
        unsafe { libc::sigaddset(&raw mut self.0, signal.as_raw()) };
        self
    }

    pub(crate) fn without(mut self, signal: Signal) -> Mask {
        // SAFETY: as in `with`.
        unsafe { libc::sigdelset(&raw mut self.0, signal.as_raw()) };
        self
    }

    pub(crate) fn contains(&self, signal: Signal) -> bool {
        // SAFETY: the set is initialised and only read.
        unsafe { libc::sigismember(&raw const self.0, signal.as_raw()) == 1 }
    }

    /// Makes this the mask of the calling thread (`pthread_sigmask(3)`) and returns the one before.
    pub(crate) fn set(&self) -> Mask {
        let mut old = Mask::empty();
        // SAFETY: both sets are initialised and ours.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, &raw mut old.0) };
        old
    }

    /// What was sent to this process and waits until it is open (`sigpending(2)`).
    pub(crate) fn pending() -> Mask {
        let mut pending = Mask::empty();
        // SAFETY: the answer goes into a set of ours.
        unsafe { libc::sigpending(&raw mut pending.0) };
        pending
    }

    /// Sleeps under this mask until a signal has been handled, a descriptor has something to say, or time is up
    /// (`ppoll(2)`); the descriptors' `revents` are meaningful when it answers more than 0.
    pub(crate) fn poll(&self, fds: &mut [PollFd<'_>], time: Option<Duration>) -> i32 {
        let time = time.map(|time| libc::timespec {
            tv_sec: i32::try_from(time.as_secs()).unwrap_or(i32::MAX).into(),
            // Fewer than a billion, so it fits; `c_long` has 32 bits on some targets.
            tv_nsec: i32::try_from(time.subsec_nanos()).unwrap_or(0).into(),
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: PollFd is a transparent pollfd; all pointers are to live values of ours.
        unsafe { libc::ppoll(fds.as_mut_ptr().cast(), fds.len() as libc::nfds_t, time, &raw const self.0) }
    }
}
