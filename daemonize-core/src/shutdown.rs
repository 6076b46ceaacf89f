//! The end of the process: the thread that ends it, and the messages in flight, whose receipts are all told before.
//!
//! Three threads may end a daemon: the body's when the body has returned, the signal thread when the grace is over, and
//! any thread of the user's code that calls `exit(3)`. What one of them has begun must not be cut off by another that
//! happens to be ready meanwhile. So once the signal thread has begun, it alone ends the process; and messages in flight,
//! which the body registers here, belong to the thread that takes the registration, which tells their receipts.

use crate::mutex::lock;
use crate::thread::spawn;
use nix::unistd::gettid;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How often a thread is tried again where none can be made.
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Messages in flight.
pub(crate) trait InFlight: Send + Sync {
    /// Waits until no message is in flight; returns at once where this thread cannot wait for that.
    fn wait_until_done(&self);
    /// Takes every message that is in flight away from its handler, and tells all receipts. Hangs if one of them does.
    fn settle(&self);
    /// Returns what to report after [`settle`](InFlight::settle), which had this time, and whether any message was cut.
    fn outcome(&self, limit: Duration) -> Outcome;
}

/// The outcome for the messages that were in flight.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `true` if a message was not handled to its end, or a receipt was not told in time.
    pub(crate) cut: bool,
    /// Lines for the log.
    pub(crate) lines: Vec<String>,
}

/// The thread that is responsible for the work before the process ends.
enum Registration {
    /// The body, without messages in flight.
    None,
    /// The body, with messages.
    Body(Arc<dyn InFlight>),
    /// This thread, which ends the process in the body's place.
    Taken(nix::unistd::Pid),
}

static REGISTRATION: Mutex<Registration> = Mutex::new(Registration::None);

/// How long settling may take.
static LIMIT: OnceLock<Duration> = OnceLock::new();

/// Sets how long settling may take, once.
pub(crate) fn set_limit(limit: Duration) {
    let _ = LIMIT.set(limit);
}

/// Registers the messages of this process's body.
pub(crate) fn register(messages: Arc<dyn InFlight>) {
    *lock(&REGISTRATION) = Registration::Body(messages);
}

/// Ends the registration, since nothing is in flight any more. Returns `false` if another thread ends the process: then
/// the body must not.
#[must_use]
pub(crate) fn complete() -> bool {
    let mut registration = lock(&REGISTRATION);
    if let Registration::Taken(_) = *registration {
        return false;
    }
    *registration = Registration::None;
    true
}

/// Waits for the messages in flight, if there are any, in the body's thread.
pub(crate) fn drain() {
    let messages = match &*lock(&REGISTRATION) {
        Registration::Body(messages) => Some(Arc::clone(messages)),
        _ => None,
    };
    if let Some(messages) = messages {
        messages.wait_until_done();
    }
}

/// Waits for ever: another thread ends the process.
pub(crate) fn park_forever() -> ! {
    loop {
        thread::park();
    }
}

/// Messages that are being settled.
pub(crate) enum Settlement {
    /// There were none.
    Nothing,
    /// By this thread, within this time.
    Mine { messages: Arc<dyn InFlight>, settling: Running, begin: Instant, limit: Duration },
    /// By another thread, within this time.
    Theirs(Duration),
}

impl Settlement {
    /// Begins to settle the messages in flight. From now on no other thread ends the process.
    pub(crate) fn force() -> Settlement {
        Settlement::of(mem::replace(&mut *lock(&REGISTRATION), Registration::Taken(gettid())))
    }

    /// Begins to settle the messages in flight, if there are any.
    pub(crate) fn begin() -> Settlement {
        let mut registration = lock(&REGISTRATION);
        let this = gettid();
        match *registration {
            Registration::None => return Settlement::Nothing,
            // It has settled them, and comes here once more through exit(3).
            Registration::Taken(thread) if thread == this => return Settlement::Nothing,
            _ => {}
        }
        let taken = mem::replace(&mut *registration, Registration::Taken(this));
        drop(registration);
        Settlement::of(taken)
    }

    /// On a thread of its own.
    fn of(registration: Registration) -> Settlement {
        let limit = LIMIT.get().copied().unwrap_or_default();
        let messages = match registration {
            Registration::None => return Settlement::Nothing,
            Registration::Taken(_) => return Settlement::Theirs(limit),
            Registration::Body(messages) => messages,
        };
        let begin = Instant::now();
        // If no thread can be made, another attempt is worth it: a worker that ends meanwhile makes room for one.
        let settling = loop {
            let settling = Arc::clone(&messages);
            let running = Running::spawn(Box::new(move || settling.settle()));
            if running.is_started() || begin.elapsed() >= limit {
                break running;
            }
            thread::sleep(SPAWN_RETRY_INTERVAL);
        };
        Settlement::Mine { messages, settling, begin, limit }
    }

    /// Waits until every receipt has been told, or the time for that is over. Returns what to report.
    pub(crate) fn finish(self) -> Outcome {
        match self {
            Settlement::Nothing => Outcome::default(),
            Settlement::Mine { messages, settling, begin, limit } => {
                settling.wait_until(begin + limit);
                messages.outcome(limit)
            }
            Settlement::Theirs(limit) => {
                thread::sleep(limit);
                Outcome::default()
            }
        }
    }
}

/// Something that may hang, on a thread of its own.
pub(crate) struct Running {
    /// `None` where no thread could be made.
    done: Option<Arc<(Mutex<bool>, Condvar)>>,
}

impl Running {
    pub(crate) fn spawn(f: Box<dyn FnOnce() + Send>) -> Running {
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let signal = Arc::clone(&done);
        let thread = spawn("daemon-end", move || {
            f();
            *lock(&signal.0) = true;
            signal.1.notify_one();
        });
        Running { done: thread.is_ok().then_some(done) }
    }

    fn is_started(&self) -> bool {
        self.done.is_some()
    }

    fn wait_until(&self, deadline: Instant) {
        if let Some(done) = &self.done {
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = done.1.wait_timeout_while(lock(&done.0), left, |done| !*done);
        }
    }
}

/// Runs what may hang on a thread of its own, and waits for it no longer than `limit`.
pub(crate) fn within(limit: Duration, f: impl FnOnce() + Send + 'static) {
    Running::spawn(Box::new(f)).wait_until(Instant::now() + limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Settled;

    impl InFlight for Settled {
        fn wait_until_done(&self) {}
        fn settle(&self) {}
        fn outcome(&self, _: Duration) -> Outcome {
            Outcome::default()
        }
    }

    /// Promise 9.07: the thread that ends the process calls `exit(3)` at the end, which asks once more.
    #[test]
    fn settled_messages_hold_up_every_thread_but_the_one_that_settled_them() {
        set_limit(Duration::from_secs(10));
        register(Arc::new(Settled));
        let settlement = Settlement::begin();
        assert!(matches!(settlement, Settlement::Mine { .. }));
        assert_eq!(settlement.finish(), Outcome::default());
        assert!(matches!(Settlement::begin(), Settlement::Nothing));
        let other = thread::spawn(|| matches!(Settlement::begin(), Settlement::Theirs(_)));
        assert!(other.join().unwrap());
    }
}
