//! Readiness with `ready = auto`: the first poll of the stop flag by the body, or the delay after its begin, makes the daemon
//! ready.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};

/// Set from [`arm`] until the daemon becomes ready.
static PENDING: AtomicBool = AtomicBool::new(false);
/// Set while the panic hook runs in the body's thread.
static PANICKING: AtomicBool = AtomicBool::new(false);
/// Set when the panic hook has returned in the body's thread.
static PANICKED: AtomicBool = AtomicBool::new(false);
/// Set once a panic that had been printed has delayed readiness.
static HAS_DELAYED: AtomicBool = AtomicBool::new(false);
/// Sends READY; set by [`arm`].
static ANNOUNCE: OnceLock<fn()> = OnceLock::new();

/// Makes the first [`trigger`] call `announce`.
pub(crate) fn arm(announce: fn()) {
    let _ = ANNOUNCE.set(announce);
    PENDING.store(true, SeqCst);
}

/// Returns `true` if this daemon has `ready = auto`: [`arm`] was called.
pub(crate) fn is_enabled() -> bool {
    ANNOUNCE.get().is_some()
}

/// Returns `true` from [`arm`] until [`trigger`] or [`disarm`]: the daemon is not ready yet.
pub(crate) fn is_pending() -> bool {
    PENDING.load(Relaxed)
}

/// Makes later triggers do nothing: the caller announces readiness itself. Returns `false` if readiness was not pending.
pub(crate) fn disarm() -> bool {
    is_pending() && PENDING.swap(false, SeqCst)
}

/// Announces that the daemon is ready, once. Called when the body polls the stop flag.
pub(crate) fn trigger() {
    if disarm() {
        if let Some(announce) = ANNOUNCE.get() {
            announce();
        }
    }
}

/// Records that the panic hook runs in the body's thread. Printing a panic takes long with a backtrace.
pub(crate) fn begin_panic() {
    PANICKING.store(true, SeqCst);
}

/// Records that the panic hook has returned: the body's thread unwinds.
pub(crate) fn end_panic() {
    PANICKED.store(true, SeqCst);
    PANICKING.store(false, SeqCst);
}

/// Returns `true` if the body may be about to end by a panic: while one is printed, and once after the first one.
///
/// Only after the first one, because a body may catch its panics: a function that fetches messages may panic repeatedly.
pub(crate) fn may_end_by_panic() -> bool {
    PANICKING.load(SeqCst) || (PANICKED.swap(false, SeqCst) && !HAS_DELAYED.swap(true, SeqCst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Promise 1.31.
    #[test]
    fn trigger_announces_once() {
        static ANNOUNCED: AtomicUsize = AtomicUsize::new(0);
        trigger();
        assert!(!is_enabled() && !disarm(), "nothing is armed");
        arm(|| ANNOUNCED.store(ANNOUNCED.load(SeqCst) + 1, SeqCst));
        assert!(is_enabled() && is_pending());
        trigger();
        trigger();
        assert_eq!(ANNOUNCED.load(SeqCst), 1);
        assert!(!is_pending() && !disarm());
    }

    #[test]
    fn panic_of_the_body_delays_readiness_until_it_has_ended_the_body_or_not() {
        assert!(!may_end_by_panic());
        begin_panic();
        assert!(may_end_by_panic() && may_end_by_panic());
        end_panic();
        assert!(may_end_by_panic() && !may_end_by_panic());
        begin_panic();
        assert!(may_end_by_panic());
        end_panic();
        assert!(!may_end_by_panic(), "a body that panics repeatedly becomes ready, too");
    }
}
