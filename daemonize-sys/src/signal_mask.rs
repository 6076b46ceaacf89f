//! Signal sets, the signal mask of a thread, and `ppoll(2)` with another mask. The sets of nix have no realtime signals.

use crate::signal::Signal;
use crate::syscall::syscall_result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

/// `POLLRDHUP` of `poll(2)`, which nix does not have: the peer of a stream socket has shut down writing.
pub const PEER_SHUTDOWN: PollFlags = PollFlags::from_bits_retain(libc::POLLRDHUP);

/// A set of signals (`sigsetops(3)`).
#[derive(Clone, Copy)]
pub struct Mask(libc::sigset_t);

impl Mask {
    /// Returns the set without signals.
    pub fn empty() -> Mask {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigemptyset initialises the set it is given.
        Mask(unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            set.assume_init()
        })
    }

    /// Returns the set of all signals except those that glibc reserves (`nptl(7)`).
    pub fn all() -> Mask {
        let mut set = MaybeUninit::uninit();
        // SAFETY: sigfillset initialises the set it is given.
        Mask(unsafe {
            libc::sigfillset(set.as_mut_ptr());
            set.assume_init()
        })
    }

    /// Returns the set of these signals.
    pub fn of(signals: impl IntoIterator<Item = Signal>) -> Mask {
        signals.into_iter().fold(Mask::empty(), Mask::with)
    }

    /// Returns the set with this signal in it.
    #[must_use]
    pub fn with(mut self, signal: Signal) -> Mask {
        // SAFETY: the set is initialised; an unknown number is refused by the call.
        unsafe { libc::sigaddset(&raw mut self.0, signal.as_raw()) };
        self
    }

    /// Returns the set without this signal.
    #[must_use]
    pub fn without(mut self, signal: Signal) -> Mask {
        // SAFETY: as in `with`.
        unsafe { libc::sigdelset(&raw mut self.0, signal.as_raw()) };
        self
    }

    /// Returns `true` if the signal is in the set.
    pub fn contains(&self, signal: Signal) -> bool {
        // SAFETY: the set is initialised and only read.
        unsafe { libc::sigismember(&raw const self.0, signal.as_raw()) == 1 }
    }

    /// Returns the set of the C library.
    pub(super) fn as_raw(&self) -> &libc::sigset_t {
        &self.0
    }

    /// Returns the mask of the calling thread (`pthread_sigmask(3)`).
    pub fn current() -> Mask {
        let mut mask = Mask::empty();
        // SAFETY: a null set changes nothing; the answer goes into a set of ours.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &raw mut mask.0) };
        mask
    }

    /// Sets the mask of the calling thread, and returns the previous one (`pthread_sigmask(3)`).
    #[allow(clippy::return_self_not_must_use)] // Not all callers restore the old one.
    pub fn set(&self) -> Mask {
        let mut old = Mask::empty();
        // SAFETY: both sets are initialised and ours.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, &raw mut old.0) };
        old
    }

    /// Returns the pending signals, which this thread blocks (`sigpending(2)`).
    pub fn pending() -> Mask {
        let mut pending = Mask::empty();
        // SAFETY: the answer goes into a set of ours.
        unsafe { libc::sigpending(&raw mut pending.0) };
        pending
    }

    /// Sleeps with this mask until a signal is handled, a file descriptor is ready, or `time` has elapsed (`ppoll(2)`).
    ///
    /// Returns the number of ready file descriptors; 0 after a signal or when `time` has elapsed.
    ///
    /// # Errors
    /// Returns an error if the kernel cannot wait, so that a retry would fail too.
    pub fn poll(&self, fds: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<usize> {
        match self.poll_atomically(fds, time) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            // The seccomp filter of a container may block ppoll(2), with ENOSYS or EPERM.
            Err(_) => self.poll_in_steps(fds, time),
            ready => ready,
        }
    }

    fn poll_atomically(&self, fds: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<usize> {
        let time = time.map(|time| libc::timespec {
            tv_sec: i32::try_from(time.as_secs()).unwrap_or(i32::MAX).into(),
            // Less than a billion, so it fits into the 32 bits that `c_long` has on some targets.
            tv_nsec: i32::try_from(time.subsec_nanos()).unwrap_or(0).into(),
        });
        let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: PollFd is a transparent pollfd; all pointers are to live values of ours.
        let count = unsafe { libc::ppoll(fds.as_mut_ptr().cast(), fds.len() as libc::nfds_t, time, &raw const self.0) };
        usize::try_from(syscall_result(count.into())?).map_err(io::Error::other)
    }

    /// Polls as `poll_atomically` does, but sets the mask and calls `poll(2)` in two steps. A signal that is handled between the two
    /// calls does not end the wait. Callers are not affected: their signals end the process, or stay pending and are checked afterwards.
    fn poll_in_steps(&self, fds: &mut [PollFd<'_>], time: Option<Duration>) -> io::Result<usize> {
        let millis = time.map(|time| time.as_micros().div_ceil(1000));
        let timeout = millis.map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
        let old = self.set();
        let outcome = poll(fds, timeout);
        old.set();
        match outcome {
            Ok(count) => usize::try_from(count).map_err(io::Error::other),
            Err(nix::Error::EINTR) => Ok(0),
            Err(errno) => Err(errno.into()),
        }
    }
}
