//! Runs async bodies: builds a tokio runtime in the daemon, after the last fork, since threads do not survive `fork(2)`.

use super::{BodyResult, Runtime, guarded, panic_text};
use crate::auto_ready;
use crate::mutex;
use crate::report;
use crate::stop_flag::{self, StopFuture};
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime as Built};

/// The time for tasks that block their thread to end after the body has returned.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings of the runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuntimePlan {
    pub(crate) runtime: Runtime,
    /// The number of worker threads; `None` for one per processor.
    pub(crate) worker_threads: Option<usize>,
}

impl RuntimePlan {
    /// Builds the runtime and runs a body in it. A stop request cancels a body that never polls the stop flag.
    pub(crate) fn run(self, body: impl Future<Output = BodyResult>) -> BodyResult {
        self.run_uncancelled(with_cancellation(body))
    }

    /// As [`run`](RuntimePlan::run), for a body that returns after a stop request, whatever the code of the user in it calls.
    pub(crate) fn run_uncancelled(self, body: impl Future<Output = BodyResult>) -> BodyResult {
        let runtime = match self.build() {
            Ok(runtime) => runtime,
            Err(error) => return BodyResult::failure(format!("failed to build the async runtime: {error}")),
        };
        stop_flag::set_cancels_body();
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(with_watchdog(body, self.runtime))));
        // The body has returned, which counts for readiness, although its tasks may take long to end.
        match &outcome {
            Ok(result) if result.error().is_none() => auto_ready::trigger(),
            _ => drop(auto_ready::disarm()),
        }
        shut_down(runtime);
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn build(self) -> io::Result<Built> {
        let mut builder = match self.runtime {
            Runtime::MultiThread => {
                check_thread_limit(self.worker_threads.or_else(|| Some(thread::available_parallelism().ok()?.get())))?;
                Builder::new_multi_thread()
            }
            Runtime::CurrentThread => Builder::new_current_thread(),
        };
        if let Some(count) = self.worker_threads {
            builder.worker_threads(count);
        }
        catch_unwind(AssertUnwindSafe(|| builder.enable_all().build()))
            .unwrap_or_else(|payload| Err(io::Error::other(panic_text(payload.as_ref()).to_owned())))
    }
}

/// Checks that `count` threads can be spawned. If tokio cannot spawn one, it panics, and then waits forever for the threads that it
/// has spawned.
fn check_thread_limit(count: Option<usize>) -> io::Result<()> {
    let gate = Mutex::new(());
    let closed = mutex::lock(&gate);
    thread::scope(|scope| {
        let make = |_| thread::Builder::new().spawn_scoped(scope, || drop(mutex::lock(&gate)));
        let threads: io::Result<Vec<_>> = (0..count.unwrap_or(1)).map(make).collect();
        drop(closed);
        threads?.into_iter().try_for_each(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked")))
    })
}

/// Shuts the runtime down: tasks are dropped at their next `await`. Waits for tasks that block their thread: after a stop request
/// until the signal thread ends the process at the stop timeout, otherwise up to [`RUNTIME_SHUTDOWN_TIMEOUT`].
fn shut_down(runtime: Built) {
    if stop_flag::is_stop_requested() {
        return drop(runtime);
    }
    let begin = Instant::now();
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
    if begin.elapsed() >= RUNTIME_SHUTDOWN_TIMEOUT {
        report::error("a task still blocks its thread 10 s after the body ended; no longer waiting for it");
    }
}

/// Awaits `body`, and keeps the watchdog informed: between two polls the body waits; a poll that does not return hangs. In a
/// runtime of one thread, other tasks may hang as well, so there only a timer that still fires counts as a heartbeat.
async fn with_watchdog(body: impl Future<Output = BodyResult>, runtime: Runtime) -> BodyResult {
    let mut body = pin!(body);
    let mut asleep = None;
    let interval = stop_flag::watchdog_interval().filter(|_| runtime == Runtime::CurrentThread);
    let mut ticks = interval.map(|interval| tokio::time::interval(interval / 4));
    poll_fn(|context| {
        drop(asleep.take());
        while ticks.as_mut().is_some_and(|ticks| ticks.poll_tick(context).is_ready()) {
            stop_flag::record_heartbeat();
        }
        let poll = stop_flag::while_polling_body(|| body.as_mut().poll(context));
        if poll.is_pending() && ticks.is_none() {
            asleep = Some(stop_flag::SleepGuard::new());
        }
        poll
    })
    .await
}

/// Awaits `body`. After a stop request, cancels a body that has never polled the stop flag, or that waits forever although it
/// has: the body is dropped at its `await`, and its locals with it.
async fn with_cancellation(body: impl Future<Output = BodyResult>) -> BodyResult {
    let mut body = pin!(body);
    let mut stopped = pin!(StopFuture::for_runner());
    poll_fn(|context| {
        if let Poll::Ready(result) = body.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        let is_stopping = stopped.as_mut().poll(context).is_ready();
        if is_stopping && !stop_flag::body_may_know() {
            stop_flag::set_body_cancelled();
            return Poll::Ready(BodyResult::success());
        }
        if is_stopping && stop_flag::is_body_parked() {
            return Poll::Ready(BodyResult::success());
        }
        Poll::Pending
    })
    .await
}

/// As [`guarded`], for a future. The caller pins it, since a future that is moved into another one is stored there twice.
pub(crate) fn guarded_async(
    what: &'static str,
    mut f: Pin<&mut impl Future<Output = BodyResult>>,
) -> impl Future<Output = BodyResult> {
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| f.as_mut().poll(context))) {
        Ok(poll) => poll.map(|result| guarded(what, || result)),
        Err(payload) => Poll::Ready(guarded(what, || resume_unwind(payload))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    #[test]
    fn a_body_runs_to_its_end_in_either_runtime() {
        for (runtime, worker_threads) in [(Runtime::MultiThread, Some(2)), (Runtime::CurrentThread, None)] {
            let plan = RuntimePlan { runtime, worker_threads };
            let body = async { tokio::spawn(ready(BodyResult::with_status(7))).await.unwrap() };
            assert_eq!(plan.run(body), BodyResult::with_status(7));
            // Its tasks do not keep it.
            let body = async {
                tokio::spawn(pending::<()>());
                BodyResult::success()
            };
            assert_eq!(plan.run_uncancelled(body), BodyResult::success());
        }
    }

    #[test]
    fn failure_is_reported_with_its_name() {
        let error = |result: BodyResult| result.error().unwrap_or_default().to_owned();
        let failing = async { BodyResult::failure("no paper") };
        assert_eq!(error(block_on(guarded_async("it", pin!(failing)))), "it failed: no paper");
        let panicking = async {
            tokio::task::yield_now().await;
            panic!("no ink")
        };
        assert_eq!(error(block_on(guarded_async("it", pin!(panicking)))), "it panicked: no ink");
    }

    #[test]
    fn room_is_proven_by_threads() {
        assert!(check_thread_limit(Some(3)).is_ok());
    }
}
