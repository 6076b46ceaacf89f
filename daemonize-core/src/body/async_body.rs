//! Bodies that await: an async runtime is built in the daemon, after every fork.

use super::step::next_beat;
use super::{BodyResult, IntoControlFlow, Runtime, guarded, panic_text};
use crate::auto_ready;
use crate::counters::COUNTS;
use crate::mutex;
use crate::report;
use crate::stop_flag::{self, StopFuture};
use std::future::{Future, poll_fn};
use std::io;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime as Built};

/// How long a thread that is busy may take when the body has ended by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuntimePlan {
    pub(crate) runtime: Runtime,
    /// As many as there are processors, unless set.
    pub(crate) worker_threads: Option<usize>,
}

impl RuntimePlan {
    /// Builds the runtime and runs a body in it to its end; a body that never looks is cancelled by a stop.
    pub(crate) fn run(self, body: impl Future<Output = BodyResult>) -> BodyResult {
        self.run_to_the_end(until_cancelled(body))
    }

    /// The same for a body that comes to its end when the daemon is to stop, whatever the user's code in it calls.
    pub(crate) fn run_to_the_end(self, body: impl Future<Output = BodyResult>) -> BodyResult {
        let runtime = match self.build() {
            Ok(runtime) => runtime,
            Err(error) => return BodyResult::failure(format!("failed to build the async runtime: {error}")),
        };
        stop_flag::set_cancels_body();
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(watched(body, self.runtime))));
        // The body is over, though its tasks may take long to end.
        match &outcome {
            Ok(ending) if ending.error().is_none() => auto_ready::trigger(),
            _ => drop(auto_ready::disarm()),
        }
        wind_down(runtime);
        outcome.unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn build(self) -> io::Result<Built> {
        let mut builder = match self.runtime {
            Runtime::MultiThread => {
                prove_room(self.worker_threads.or_else(|| Some(thread::available_parallelism().ok()?.get())))?;
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

/// So many threads can be made. Where tokio cannot make one it panics, and then waits for ever for those that it has made.
fn prove_room(count: Option<usize>) -> io::Result<()> {
    let gate = Mutex::new(());
    let closed = mutex::lock(&gate);
    thread::scope(|scope| {
        let make = |_| thread::Builder::new().spawn_scoped(scope, || drop(mutex::lock(&gate)));
        let threads: io::Result<Vec<_>> = (0..count.unwrap_or(1)).map(make).collect();
        drop(closed);
        threads?.into_iter().try_for_each(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked")))
    })
}

/// Tasks are dropped where they await. What keeps a thread busy is waited for: after a stop until the grace is over, which
/// the signal thread sees to; else for a while.
fn wind_down(runtime: Built) {
    if stop_flag::is_stop_requested() {
        return drop(runtime);
    }
    let begin = Instant::now();
    runtime.shutdown_timeout(PATIENCE);
    if begin.elapsed() >= PATIENCE {
        report::error("a task still blocks its thread 10 s after the body ended; no longer waiting for it");
    }
}

/// Awaits `body`, and shows that it lives: between two polls it waits for something; within one that never returns it hangs.
/// Where its tasks share the thread, one of them may hang, too: then only what still runs now and then shows it.
async fn watched(body: impl Future<Output = BodyResult>, runtime: Runtime) -> BodyResult {
    let mut body = pin!(body);
    let mut asleep = None;
    let interval = stop_flag::watchdog_interval().filter(|_| runtime == Runtime::CurrentThread);
    let mut beats = interval.map(|interval| tokio::time::interval(interval / 4));
    poll_fn(|context| {
        drop(asleep.take());
        while beats.as_mut().is_some_and(|beats| beats.poll_tick(context).is_ready()) {
            stop_flag::record_heartbeat();
        }
        let poll = stop_flag::while_polling_body(|| body.as_mut().poll(context));
        if poll.is_pending() && beats.is_none() {
            asleep = Some(stop_flag::SleepGuard::new());
        }
        poll
    })
    .await
}

/// Awaits `body`; when the daemon is to stop and the body has never asked about it, or will not end although it has been
/// told, it is dropped where it awaits, and its locals with it.
async fn until_cancelled(body: impl Future<Output = BodyResult>) -> BodyResult {
    let mut body = pin!(body);
    let mut stopped = pin!(StopFuture::for_runner());
    poll_fn(|context| {
        if let Poll::Ready(ending) = body.as_mut().poll(context) {
            return Poll::Ready(ending);
        }
        let told = stopped.as_mut().poll(context).is_ready();
        if told && !stop_flag::body_may_know() {
            stop_flag::set_body_cancelled();
            return Poll::Ready(BodyResult::success());
        }
        if told && stop_flag::is_body_parked() {
            return Poll::Ready(BodyResult::success());
        }
        Poll::Pending
    })
    .await
}

/// [`guarded`] for what awaits; pinned by the caller, since a future that is moved into another one is in there twice.
pub(crate) fn guarded_async(
    what: &'static str,
    mut f: Pin<&mut impl Future<Output = BodyResult>>,
) -> impl Future<Output = BodyResult> {
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| f.as_mut().poll(context))) {
        Ok(poll) => poll.map(|ending| guarded(what, || ending)),
        Err(payload) => Poll::Ready(guarded(what, || resume_unwind(payload))),
    })
}

/// Steps that await, one after another.
pub(crate) async fn steps<R: IntoControlFlow<K>, K>(
    mut step: impl AsyncFnMut() -> R,
    every: Option<Duration>,
) -> BodyResult {
    let mut beat = Instant::now();
    let mut steps = 0;
    let mut is_over = stop_flag::poll_stop_before_ready();
    while !is_over {
        if let ControlFlow::Break(ending) = step().await.into_control_flow() {
            return ending;
        }
        steps += 1;
        COUNTS.stepped(steps);
        // After a step that succeeded, the daemon is ready.
        stop_flag::poll_stop();
        match every {
            Some(pace) => {
                beat = next_beat(beat, Instant::now(), pace);
                let _ = tokio::time::timeout_at(beat.into(), StopFuture::for_runner()).await;
            }
            // A step that never has to wait lets the tasks it has spawned run all the same.
            None => tokio::task::yield_now().await,
        }
        is_over = stop_flag::poll_stop();
    }
    BodyResult::success()
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
            assert_eq!(plan.run_to_the_end(body), BodyResult::success());
        }
    }

    #[test]
    fn what_fails_is_told_with_its_name() {
        let told = |ending: BodyResult| ending.error().unwrap_or_default().to_owned();
        let failing = async { BodyResult::failure("no paper") };
        assert_eq!(told(block_on(guarded_async("it", pin!(failing)))), "it failed: no paper");
        let panicking = async {
            tokio::task::yield_now().await;
            panic!("no ink")
        };
        assert_eq!(told(block_on(guarded_async("it", pin!(panicking)))), "it panicked: no ink");
    }

    #[test]
    fn a_break_ends_the_steps() {
        for every in [None, Some(Duration::from_millis(1))] {
            let mut left = 3;
            let step = async || {
                left -= 1;
                tokio::task::yield_now().await;
                if left == 0 { ControlFlow::Break(BodyResult::with_status(9)) } else { ControlFlow::Continue(()) }
            };
            assert_eq!(block_on(steps(step, every)), BodyResult::with_status(9));
        }
    }

    #[test]
    fn room_is_proven_by_threads() {
        assert!(prove_room(Some(3)).is_ok());
    }
}
