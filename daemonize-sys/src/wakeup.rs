//! Wakes a thread from a signal handler (`futex(2)`), by one system call and without a file descriptor that programs could close.

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

/// A wake-up counter on which one thread waits.
#[derive(Debug, Default)]
pub struct Wakeup {
    /// The number of wake-ups, modulo 2³².
    count: AtomicU32,
    idle: AtomicBool,
}

impl Wakeup {
    /// Records that the thread is idle: it only [`wait`](Wakeup::wait)s.
    pub fn set_idle(&self, idle: bool) {
        self.idle.store(idle, SeqCst);
    }

    /// Wakes the thread, or lets its next [`wait`](Wakeup::wait) return immediately. Async-signal-safe; changes `errno`.
    pub fn wake(&self) {
        self.count.fetch_add(1, SeqCst);
        // SAFETY: the kernel only compares the address of the counter, which outlives the call, with those that are waited at.
        unsafe { libc::syscall(libc::SYS_futex, self.count.as_ptr(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1) };
    }

    /// Wakes the thread if it is idle. Returns `false` if it is busy or does not exist.
    pub fn wake_if_idle(&self) -> bool {
        let is_idle = self.idle.load(SeqCst);
        if is_idle {
            self.wake();
        }
        is_idle
    }

    /// Returns the number of wake-ups. The thread reads it before it checks for work, and passes it to [`wait`](Wakeup::wait).
    pub fn count(&self) -> u32 {
        self.count.load(SeqCst)
    }

    /// Sleeps until the number of wake-ups differs from `count`. May return early after a signal.
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
    fn wait_after_a_wake_returns_at_once_and_a_busy_thread_is_not_woken() {
        let wakeup = Wakeup::default();
        assert!(!wakeup.wake_if_idle());
        wakeup.set_idle(true);
        let seen = wakeup.count();
        assert!(wakeup.wake_if_idle());
        wakeup.wait(seen);
        assert_eq!(wakeup.count(), seen + 1);
        wakeup.set_idle(false);
        assert!(!wakeup.wake_if_idle());
    }

    #[test]
    fn thread_that_waits_is_woken() {
        let wakeup = Wakeup::default();
        let seen = wakeup.count();
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                while wakeup.count() == seen {
                    wakeup.wait(seen);
                }
            });
            wakeup.wake();
            waits.join().unwrap();
        });
    }
}
