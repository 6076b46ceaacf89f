//! Sends the receipts of the messages in flight before a forced end of the process, and decides which thread ends it.
//!
//! Three threads may end a daemon: the body's thread when the body has returned, the signal thread when the grace has elapsed,
//! and any thread of the user's code that calls `exit(3)`. None of them may cut off an end that another has begun. So once the
//! signal thread has begun, it alone ends the process. Messages in flight, which the body registers here, belong to the thread
//! that takes the registration: it sends their receipts.

use super::run_with_timeout::BackgroundCall;
use crate::mutex::lock;
use nix::unistd::gettid;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The interval between attempts to spawn a thread.
const SPAWN_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The messages in flight of one body.
pub(crate) trait InFlightMessages: Send + Sync {
    /// Waits until no message is in flight. Returns at once if the calling thread handles a message itself.
    fn wait_until_done(&self);
    /// Takes every message in flight away from its handler, and sends all receipts. Hangs if one of the receipts does.
    fn settle(&self);
    /// Returns the report about [`settle`](InFlightMessages::settle), which had this timeout.
    fn outcome(&self, timeout: Duration) -> SettlementReport;
}

/// The report about the messages that were in flight.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SettlementReport {
    /// `true` if a message was not fully handled, or a receipt was not sent in time.
    pub(crate) cut: bool,
    /// Lines for the log.
    pub(crate) lines: Vec<String>,
}

/// The owner of the last work before the process ends.
enum Registration {
    /// The body, which has no messages in flight.
    None,
    /// The body, which has these messages in flight.
    Body(Arc<dyn InFlightMessages>),
    /// The thread with this id, which ends the process instead of the body.
    Taken(nix::unistd::Pid),
}

static REGISTRATION: Mutex<Registration> = Mutex::new(Registration::None);

/// How long the receipts may take together.
static TIMEOUT: OnceLock<Duration> = OnceLock::new();

/// Sets, once, how long the receipts may take together.
pub(crate) fn set_timeout(timeout: Duration) {
    let _ = TIMEOUT.set(timeout);
}

/// Registers the messages of this process's body.
pub(crate) fn register(messages: Arc<dyn InFlightMessages>) {
    *lock(&REGISTRATION) = Registration::Body(messages);
}

/// Removes the registration: no message is in flight. Returns `false` if another thread ends the process, so that the body must
/// not.
#[must_use]
pub(crate) fn complete() -> bool {
    let mut registration = lock(&REGISTRATION);
    if let Registration::Taken(_) = *registration {
        return false;
    }
    *registration = Registration::None;
    true
}

/// Waits in the body's thread until no message is in flight.
pub(crate) fn drain() {
    let messages = match &*lock(&REGISTRATION) {
        Registration::Body(messages) => Some(Arc::clone(messages)),
        _ => None,
    };
    if let Some(messages) = messages {
        messages.wait_until_done();
    }
}

/// Parks the calling thread until another thread ends the process.
pub(crate) fn park_until_exit() -> ! {
    loop {
        thread::park();
    }
}

/// The receipts that are being sent.
pub(crate) enum Settlement {
    /// No message was in flight.
    None,
    /// The calling thread sends them, within this timeout.
    Here { messages: Arc<dyn InFlightMessages>, settling: BackgroundCall, begin: Instant, timeout: Duration },
    /// Another thread sends them, within this timeout.
    OtherThread(Duration),
}

impl Settlement {
    /// Begins to send the receipts of the messages in flight. From now on only the calling thread ends the process.
    pub(crate) fn force() -> Settlement {
        Settlement::of(mem::replace(&mut *lock(&REGISTRATION), Registration::Taken(gettid())))
    }

    /// Begins to send the receipts of the messages in flight, if there are any.
    pub(crate) fn begin() -> Settlement {
        let mut registration = lock(&REGISTRATION);
        let this = gettid();
        match *registration {
            Registration::None => return Settlement::None,
            // This thread has sent the receipts, and is here again through a handler of exit(3).
            Registration::Taken(thread) if thread == this => return Settlement::None,
            _ => {}
        }
        let taken = mem::replace(&mut *registration, Registration::Taken(this));
        drop(registration);
        Settlement::of(taken)
    }

    /// Starts a thread that sends the receipts, since one of them may hang.
    fn of(registration: Registration) -> Settlement {
        let timeout = TIMEOUT.get().copied().unwrap_or_default();
        let messages = match registration {
            Registration::None => return Settlement::None,
            Registration::Taken(_) => return Settlement::OtherThread(timeout),
            Registration::Body(messages) => messages,
        };
        let begin = Instant::now();
        // If the process has reached its limit of threads, a worker that exits meanwhile makes another attempt succeed.
        let settling = loop {
            let settling = Arc::clone(&messages);
            let running = BackgroundCall::spawn(Box::new(move || settling.settle()));
            if running.is_started() || begin.elapsed() >= timeout {
                break running;
            }
            thread::sleep(SPAWN_RETRY_INTERVAL);
        };
        Settlement::Here { messages, settling, begin, timeout }
    }

    /// Waits until every receipt is sent, or the timeout has elapsed. Returns the report.
    pub(crate) fn finish(self) -> SettlementReport {
        match self {
            Settlement::None => SettlementReport::default(),
            Settlement::Here { messages, settling, begin, timeout } => {
                settling.wait_until(begin + timeout);
                messages.outcome(timeout)
            }
            Settlement::OtherThread(timeout) => {
                thread::sleep(timeout);
                SettlementReport::default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Settled;

    impl InFlightMessages for Settled {
        fn wait_until_done(&self) {}
        fn settle(&self) {}
        fn outcome(&self, _: Duration) -> SettlementReport {
            SettlementReport::default()
        }
    }

    /// Promise 9.07: the thread that ends the process calls `exit(3)` at the end, whose handler begins a settlement again.
    #[test]
    fn settlement_blocks_every_thread_but_its_own() {
        set_timeout(Duration::from_secs(10));
        register(Arc::new(Settled));
        let settlement = Settlement::begin();
        assert!(matches!(settlement, Settlement::Here { .. }));
        assert_eq!(settlement.finish(), SettlementReport::default());
        assert!(matches!(Settlement::begin(), Settlement::None));
        let other = thread::spawn(|| matches!(Settlement::begin(), Settlement::OtherThread(_)));
        assert!(other.join().unwrap());
    }
}
