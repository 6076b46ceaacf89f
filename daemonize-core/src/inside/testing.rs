//! Bodies in the tests of a program: no process is made, and the stop comes from here.

use super::{LOOKS, current};
use crate::body::Unwound;
#[cfg(feature = "tokio")]
use crate::body::{BodyResult, Runtime, RuntimePlan};
use crate::mutex::lock;
use crate::stopping;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long a body may take to end after its stop: the grace of a daemon, unless that is set.
const GRACE: Duration = Duration::from_secs(10);

/// The state of a stop is the process's: one body at a time.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    static IS_TESTED: Cell<bool> = const { Cell::new(false) };
}

/// How a body ended that was told to stop: see [`stop_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended<T> {
    /// It returned this before it was told to stop.
    Early(T),
    /// It was told to stop, and returned this.
    Stopped(T),
    /// It was told to stop and did not look, but slept on (`loop { daemon::sleep(…) }`), or, if it is async, waited on: it was
    /// ended where it slept or awaited, its locals were dropped, and a daemon would have ended with status 0.
    Unwound,
}

/// Runs `body` in a test as a daemon runs its body, tells it to stop after `time`, and returns how it ended.
///
/// Meanwhile [`stopping`](crate::stopping()), [`sleep`](crate::sleep), [`stopped`](crate::stopped) and
/// [`wait_handle`](crate::wait_handle) answer in every thread of this process as they do in a daemon. It runs in a thread of its own.
/// No process is made, and there are no signals. Bodies take turns; other tests of the same process that call these functions
/// at the same time without this one would see the stop as well.
///
/// ```
/// use daemon::testing::{Ended, stop_after};
/// use std::time::Duration;
///
/// fn count() -> u32 {
///     let mut beats = 0;
///     while daemon::sleep(Duration::from_millis(1)) {
///         beats += 1;
///     }
///     beats
/// }
///
/// let ended = stop_after(Duration::from_millis(50), count);
/// assert!(matches!(ended, Ended::Stopped(_)), "{ended:?}");
/// let ended = stop_after(Duration::ZERO, || loop { daemon::sleep(Duration::from_secs(3600)); });
/// assert_eq!(ended, Ended::<()>::Unwound);
/// ```
///
/// # Panics
/// With the panic of `body`; and when `body` has not ended 10 s after it was told to stop (it then runs on), or this process is a
/// daemon.
pub fn stop_after<T: Send + 'static>(time: Duration, body: impl FnOnce() -> T + Send + 'static) -> Ended<T> {
    run(time, move || Some(body()))
}

/// Does the same with an async body, in a runtime of one thread.
///
/// ```
/// use daemon::testing::{Ended, stop_after_async};
/// use std::future::pending;
/// use std::time::Duration;
///
/// let ended = stop_after_async(Duration::ZERO, async || daemon::stopped().await);
/// assert_eq!(ended, Ended::Stopped(()));
/// assert_eq!(stop_after_async(Duration::ZERO, pending::<()>), Ended::Unwound);
/// ```
///
/// # Panics
/// As [`stop_after`], and where no runtime can be built.
#[cfg(feature = "tokio")]
pub fn stop_after_async<B>(time: Duration, body: impl FnOnce() -> B + Send + 'static) -> Ended<B::Output>
where
    B: Future<Output: Send + 'static>,
{
    run(time, move || {
        let plan = RuntimePlan { runtime: Runtime::CurrentThread, worker_threads: None };
        let mut value = None;
        let ending = plan.run(async {
            value = Some(body().await);
            BodyResult::success()
        });
        assert_eq!(ending.error(), None);
        value
    })
}

/// Returns `true` if the body that runs in this thread is under test, and is to be unwound if it sleeps on.
pub(super) fn is_tested() -> bool {
    IS_TESTED.get()
}

/// Runs a body that returns nothing where it was ended.
fn run<T: Send + 'static>(time: Duration, body: impl FnOnce() -> Option<T> + Send + 'static) -> Ended<T> {
    assert!(current().is_none(), "this process is a daemon: its body cannot be tested in it");
    let _turn = lock(&TURN);
    let _reset = Reset;
    let (sender, ended) = sync_channel(1);
    let in_its_thread = move || {
        stopping::be_the_body();
        IS_TESTED.set(true);
        let _ = sender.send(catch_unwind(AssertUnwindSafe(body)));
    };
    thread::Builder::new().name("body".into()).spawn(in_its_thread).expect("a thread for the body");
    let (outcome, early) = match ended.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => {
            stopping::mark();
            let outcome = ended.recv_timeout(GRACE);
            (outcome.unwrap_or_else(|_| panic!("the body has not ended {GRACE:?} after it was told to stop")), false)
        }
        outcome => (outcome.expect("the body's thread says how it ended"), true),
    };
    match outcome {
        Ok(Some(value)) if early => Ended::Early(value),
        Ok(Some(value)) => Ended::Stopped(value),
        Ok(None) => Ended::Unwound,
        Err(payload) if payload.is::<Unwound>() => Ended::Unwound,
        Err(payload) => resume_unwind(payload),
    }
}

/// Makes the process what it was before a body was told to stop.
struct Reset;

impl Drop for Reset {
    fn drop(&mut self) {
        stopping::reset();
        LOOKS.store(false, SeqCst);
        super::sleeping::forget_stop();
    }
}
