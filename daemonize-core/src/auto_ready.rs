//! The first look of the body: with `ready = auto` a body that asks whether it should stop has begun its work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst};

static AWAITED: AtomicBool = AtomicBool::new(false);
/// The body's thread is in a panic hook, and was in one.
static PANICKING: AtomicBool = AtomicBool::new(false);
static PANICKED: AtomicBool = AtomicBool::new(false);
/// A panic that had been printed has delayed readiness.
static HAS_DELAYED: AtomicBool = AtomicBool::new(false);
static ANNOUNCE: OnceLock<fn()> = OnceLock::new();

/// Has [`happen`] call `announce`, once.
pub(crate) fn await_with(announce: fn()) {
    let _ = ANNOUNCE.set(announce);
    AWAITED.store(true, SeqCst);
}

/// Returns `true` if the first look, or the time for it, makes this daemon ready: it has `ready = auto`.
pub(crate) fn is_automatic() -> bool {
    ANNOUNCE.get().is_some()
}

/// Returns `true` while the body has not looked.
pub(crate) fn is_awaited() -> bool {
    AWAITED.load(Relaxed)
}

/// Takes the place of the first look. Returns `false` if it has happened, or nothing waits for it.
pub(crate) fn take() -> bool {
    is_awaited() && AWAITED.swap(false, SeqCst)
}

/// The body has looked: announces that the daemon is ready, if nothing has before.
pub(crate) fn happen() {
    if take() {
        if let Some(announce) = ANNOUNCE.get() {
            announce();
        }
    }
}

/// A panic of the body's thread is being printed, which takes long with a backtrace.
pub(crate) fn begin_panic() {
    PANICKING.store(true, SeqCst);
}

/// It has been printed; the body is being unwound.
pub(crate) fn end_panic() {
    PANICKED.store(true, SeqCst);
    PANICKING.store(false, SeqCst);
}

/// Returns `true` while a panic is printed, and once more after the first one: the body may be about to end by it. Not after
/// each, since a function that fetches messages may panic again and again, and a body may catch its panics.
pub(crate) fn may_end_by_panic() -> bool {
    PANICKING.load(SeqCst) || (PANICKED.swap(false, SeqCst) && !HAS_DELAYED.swap(true, SeqCst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Promise 1.31.
    #[test]
    fn first_look_is_announced_once() {
        static ANNOUNCED: AtomicUsize = AtomicUsize::new(0);
        happen();
        assert!(!is_automatic() && !take(), "nothing waits for it");
        await_with(|| ANNOUNCED.store(ANNOUNCED.load(SeqCst) + 1, SeqCst));
        assert!(is_automatic() && is_awaited());
        happen();
        happen();
        assert_eq!(ANNOUNCED.load(SeqCst), 1);
        assert!(!is_awaited() && !take());
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
        assert!(!may_end_by_panic(), "a body that panics again and again is ready, too");
    }
}
