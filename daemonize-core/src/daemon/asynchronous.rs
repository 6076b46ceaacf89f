//! Bodies and steps that await.

use super::bodies::MESSAGES_HAVE_NO_PACE;
use super::{Daemon, MessageDaemon, RunDaemon};
use crate::body::{
    AckAsync, BodyResult, FetchAsync, IntoControlFlow, IntoExit, Run, Runtime, handle_messages_async, steps,
};
use crate::settings::set_optional;
use std::future::Future;

impl Daemon {
    /// Runs `body` once, in a tokio runtime that is built in the daemon; the daemon ends as it returns.
    ///
    /// Look at [`stopped`](crate::stopped()) or [`sleep_async`](crate::sleep_async) to end in time. A body that never does is
    /// dropped where it awaits when the daemon is to stop. Tasks that it has spawned are dropped when it has ended; one that
    /// blocks its thread is waited for, after a stop within [`grace`](Daemon::grace), else for ten seconds.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use tokio::net::TcpListener;
    ///
    /// async fn greet() -> std::io::Result<()> {
    ///     let listener = TcpListener::bind("127.0.0.1:4711").await?;
    ///     loop {
    ///         let (client, _) = listener.accept().await?;
    ///         client.try_write(b"hello\n")?;
    ///     }
    /// }
    ///
    /// Daemon::new("greeter").run_async(greet).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    pub fn run_async<F, B, K>(self, body: F) -> RunDaemon<impl FnOnce() -> BodyResult>
    where
        F: FnOnce() -> B,
        B: Future,
        B::Output: IntoExit<K>,
    {
        let plan = self.settings.runtime_plan();
        let mut daemon = self.work(Run(move || plan.run(async move { body().await.into_exit() })));
        daemon.settings.awaits = true;
        daemon.settings.refuse_pace("a body that runs once has none");
        daemon.settings.refuse_pool();
        daemon
    }

    /// Runs `step` again and again, in a tokio runtime that is built in the daemon, until the daemon is to stop; at a pace,
    /// with [`every`](Daemon::every). A stop lets a step that has begun come to its end, within [`grace`](Daemon::grace).
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use std::time::Duration;
    ///
    /// let mut beats = 0;
    /// let heart = Daemon::new("heart").every(Duration::from_secs(1)).step_async(async move || {
    ///     tokio::fs::write("/tmp/beats", format!("{beats}\n")).await?;
    ///     beats += 1;
    ///     Ok::<(), std::io::Error>(())
    /// });
    /// heart.start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    pub fn step_async<F, R, K>(self, step: F) -> RunDaemon<impl FnOnce() -> BodyResult>
    where
        F: AsyncFnMut() -> R,
        R: IntoControlFlow<K>,
    {
        let (plan, every) = (self.settings.runtime_plan(), self.settings.every);
        let mut daemon = self.work(Run(move || plan.run(steps(step, every))));
        daemon.settings.awaits = true;
        daemon.settings.refuse_pool();
        daemon
    }

    /// Fetches messages and handles up to [`pool_size`](Daemon::pool_size) of them at the same time, each in a task of a tokio
    /// runtime that is built in the daemon: [`messages`](Daemon::messages) for handlers that await.
    ///
    /// `fetch` returns what [`Fetched`](crate::messages::Fetched) allows, or is an async function that does. It is dropped where it awaits
    /// when the daemon is to stop, so a message that it already has should be its last word. A receipt in a [`Delivery`](crate::messages::Delivery) may await, too: see [`AckAsync`].
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use std::time::Duration;
    ///
    /// let mut ticks = None;
    /// let next_job = async move || {
    ///     // Made in the daemon, where the runtime is.
    ///     let ticks = ticks.get_or_insert_with(|| tokio::time::interval(Duration::from_secs(1)));
    ///     Some(ticks.tick().await.elapsed())
    /// };
    /// Daemon::new("worker").messages_async(next_job, async |job| println!("working on {job:?}")).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    pub fn messages_async<F, K, H, B, J>(self, fetch: F, handle: H) -> MessageDaemon<impl FnOnce() -> BodyResult>
    where
        F: FetchAsync<K>,
        F::Receipt: AckAsync,
        H: Fn(F::Message) -> B + Send + Sync + 'static,
        B: Future + Send + 'static,
        B::Output: IntoExit<J>,
        J: 'static,
    {
        let plan = self.settings.runtime_plan();
        let settings = self.settings.handling();
        let mut daemon = self.work(Run(move || plan.run_to_the_end(handle_messages_async(fetch, handle, settings))));
        daemon.settings.awaits = true;
        daemon.settings.refuse_pace(MESSAGES_HAVE_NO_PACE);
        daemon
    }

    /// Which runtime is built for an async body: one with several threads, unless set.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Into<Option<Runtime>>) -> Daemon {
        set_optional(&mut self.settings.runtime, runtime);
        self
    }

    /// How many threads run the tasks of an async body (`Builder::worker_threads` of tokio); as many as there are
    /// processors, unless set.
    #[must_use]
    pub fn worker_threads(mut self, count: impl Into<Option<usize>>) -> Daemon {
        set_optional(&mut self.settings.worker_threads, count);
        self
    }
}
