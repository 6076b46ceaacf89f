//! Waking a thread from a signal handler (`futex(2)`): one call on each side, and no descriptor that a program could close.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

/// Wakes the one thread that waits for it, once there is one.
#[derive(Debug, Default)]
pub struct Wakeup {
    /// How often the thread was woken, modulo 2³².
    count: AtomicU32,
    attended: AtomicBool,
}

impl Wakeup {
    /// Records that a thread exists which waits, or is going to.
    pub fn set_attended(&self) {
        self.attended.store(true, SeqCst);
    }

    /// Returns `true` after [`set_attended`](Wakeup::set_attended).
    pub fn is_attended(&self) -> bool {
        self.attended.load(SeqCst)
    }

    /// Wakes the thread, or has its next [`wait`](Wakeup::wait) return at once. Returns `false` if there is none.
    /// Async-signal-safe; changes `errno`.
    pub fn wake(&self) -> bool {
        if !self.is_attended() {
            return false;
        }
        self.count.fetch_add(1, SeqCst);
        // SAFETY: the kernel only compares the address of the counter, which outlives the call, with those that are waited at.
        unsafe { libc::syscall(libc::SYS_futex, self.count.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
        true
    }

    /// Returns how often the thread was woken so far: to be asked before it looks for work.
    pub fn count(&self) -> u32 {
        self.count.load(SeqCst)
    }

    /// Sleeps until the thread has been woken more often than `count`. A signal may end the sleep earlier.
    pub fn wait(&self, count: u32) {
        let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        let forever = ptr::null::<libc::timespec>();
        // SAFETY: the kernel reads the counter, which outlives the call; there is no timeout.
        unsafe { libc::syscall(libc::SYS_futex, self.count.as_ptr(), operation, count, forever) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn wait_after_a_wake_returns_at_once_and_a_wake_without_a_thread_is_refused() {
        let wakeup = Wakeup::default();
        assert!(!wakeup.wake());
        wakeup.set_attended();
        let seen = wakeup.count();
        assert!(wakeup.wake());
        wakeup.wait(seen);
        assert_eq!(wakeup.count(), seen + 1);
    }

    #[test]
    fn thread_that_waits_is_woken() {
        let wakeup = Wakeup::default();
        wakeup.set_attended();
        let seen = wakeup.count();
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                while wakeup.count() == seen {
                    wakeup.wait(seen);
                }
            });
            assert!(wakeup.wake());
            waits.join().unwrap();
        });
    }
}
