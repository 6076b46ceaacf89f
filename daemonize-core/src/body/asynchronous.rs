//! Bodies that await: an async runtime is built in the daemon, after every fork.

use super::step::next_beat;
use super::{Ending, Runtime, StepOutcome, guarded};
use crate::stopping::{self, UntilStopped};
use std::future::{Future, poll_fn};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime as Built};

/// What is to be built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuntimePlan {
    pub(crate) runtime: Runtime,
    /// As many as there are processors, unless set.
    pub(crate) worker_threads: Option<usize>,
}

impl RuntimePlan {
    /// Builds the runtime and runs a body in it to its end; a body that never looks is cancelled by a stop.
    pub(crate) fn run(self, body: impl Future<Output = Ending>) -> Ending {
        match self.build() {
            Ok(runtime) => runtime.block_on(until_cancelled(body)),
            Err(error) => Ending::failure(format!("no async runtime could be built: {error}")),
        }
    }

    fn build(self) -> std::io::Result<Built> {
        let mut builder = match self.runtime {
            Runtime::MultiThread => Builder::new_multi_thread(),
            Runtime::CurrentThread => Builder::new_current_thread(),
        };
        if let Some(count) = self.worker_threads {
            builder.worker_threads(count);
        }
        builder.enable_all().build()
    }
}

/// Awaits `body`; when the daemon is to stop and the body has never asked about it, or will not end although it has been
/// told, it is dropped where it awaits, and its locals with it.
async fn until_cancelled(body: impl Future<Output = Ending>) -> Ending {
    stopping::see_to_the_end();
    let mut body = pin!(body);
    let mut stopped = pin!(UntilStopped::unasked());
    let mut asleep = None;
    poll_fn(|context| {
        // Between two polls it waits for something; within one that never returns it hangs.
        drop(asleep.take());
        if let Poll::Ready(ending) = stopping::as_the_body(|| body.as_mut().poll(context)) {
            return Poll::Ready(ending);
        }
        let told = stopped.as_mut().poll(context).is_ready();
        if told && (!stopping::was_asked() || stopping::has_resigned()) {
            return Poll::Ready(Ending::success());
        }
        asleep = Some(stopping::Asleep::fall());
        Poll::Pending
    })
    .await
}

/// [`guarded`] for what awaits.
pub(crate) async fn guarded_async(what: &str, f: impl Future<Output = Ending>) -> Ending {
    let mut f = pin!(f);
    let outcome = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| f.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(ending)) => Poll::Ready(Ok(ending)),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await;
    guarded(what, || outcome.unwrap_or_else(|payload| resume_unwind(payload)))
}

/// Steps that await, one after another.
pub(crate) async fn steps<R: StepOutcome<K>, K>(mut step: impl AsyncFnMut() -> R, every: Option<Duration>) -> Ending {
    let mut beat = Instant::now();
    while !stopping::look() {
        if let ControlFlow::Break(ending) = step().await.proceed() {
            return ending;
        }
        match every {
            Some(pace) => {
                beat = next_beat(beat, Instant::now(), pace);
                let _ = tokio::time::timeout_at(beat.into(), UntilStopped::unasked()).await;
            }
            // A step that never has to wait lets the tasks it has spawned run all the same.
            None => tokio::task::yield_now().await,
        }
    }
    Ending::success()
}
