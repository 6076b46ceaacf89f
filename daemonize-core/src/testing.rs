//! Runs bodies in the tests of a program: without a new process, and with a stop that the test requests.

use crate::api;
use crate::body::Unwound;
#[cfg(feature = "tokio")]
use crate::body::{BodyResult, Runtime, RuntimePlan};
use crate::context::current;
use crate::mutex::lock;
use crate::stop_flag;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// How long a body may take to end after the stop: the default `grace` of a daemon.
const GRACE: Duration = Duration::from_secs(10);

/// Held while a body runs: the stop flag belongs to the process, so bodies take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The end of a body under test: see [`stop_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended<T> {
    /// The body returned this value before the stop.
    Early(T),
    /// The body returned this value after the stop.
    Stopped(T),
    /// The body ignored the stop and slept again (`loop { daemon::sleep(…) }`), or, if it is async, awaited something else. It
    /// was ended where it slept or awaited, and its locals were dropped. A daemon would have ended with status 0.
    Unwound,
}

/// Runs `body` in a test as a daemon runs its body, requests a stop after `time`, and returns how the body ended.
///
/// The body runs in a thread of its own. Meanwhile [`stopping`](crate::stopping()), [`sleep`](crate::sleep),
/// [`stopped`](crate::stopped) and [`wait_handle`](crate::wait_handle) answer in every thread of this process as they do in a
/// daemon. No process is started, and no signal is sent. Calls of this function take turns. Other tests in the same process
/// that call those functions at the same time see the stop as well.
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
/// Panics if `body` panics (with the same payload), if `body` has not ended 10 s after the stop (it then continues in its
/// thread), or if this process is a daemon.
pub fn stop_after<T: Send + 'static>(time: Duration, body: impl FnOnce() -> T + Send + 'static) -> Ended<T> {
    run(time, move || Some(body()))
}

/// Runs an async body as [`stop_after`] does, in a runtime of one thread.
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
/// As [`stop_after`], and if no runtime can be built.
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

/// Runs a body that returns `None` if its runtime cancelled it.
fn run<T: Send + 'static>(time: Duration, body: impl FnOnce() -> Option<T> + Send + 'static) -> Ended<T> {
    assert!(current().is_none(), "this process is a daemon: its body cannot be tested in it");
    let _turn = lock(&TURN);
    let _reset = Reset;
    let (sender, ended) = sync_channel(1);
    let in_its_thread = move || {
        stop_flag::enter_body_thread();
        api::unwind_without_daemon();
        let _ = sender.send(catch_unwind(AssertUnwindSafe(body)));
    };
    thread::Builder::new().name("body".into()).spawn(in_its_thread).expect("a thread for the body");
    let (outcome, early) = match ended.recv_timeout(time) {
        Err(RecvTimeoutError::Timeout) => {
            stop_flag::request_stop();
            let outcome = ended.recv_timeout(GRACE);
            (outcome.unwrap_or_else(|_| panic!("the body has not ended {GRACE:?} after the stop")), false)
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

/// Clears the stop at the end of a test.
struct Reset;

impl Drop for Reset {
    fn drop(&mut self) {
        stop_flag::reset_for_test();
        api::reset_for_test();
    }
}
