//! Builder methods for async bodies, steps and message handlers.

use super::body::MESSAGES_HAVE_NO_PACE;
use crate::body::{
    AckAsync, BodyResult, FetchAsync, IntoControlFlow, IntoExit, Run, Runtime, handle_messages_async, steps,
};
use crate::daemon::{Daemon, MessageDaemon, RunDaemon};
use crate::settings::set_optional;
use std::future::Future;

impl Daemon {
    /// Runs `body` once, in a tokio runtime that is built in the daemon. The daemon ends when `body` returns.
    ///
    /// Await [`stopped`](crate::stopped()) or [`sleep_async`](crate::sleep_async) to end in time. A body that awaits neither is
    /// dropped at its next await point when the daemon stops. Tasks that it has spawned are dropped after its end. A task that
    /// blocks its thread is waited for: after a stop within [`grace`](Daemon::grace), else for ten seconds.
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

    /// Runs `step` repeatedly, in a tokio runtime that is built in the daemon, until the daemon stops; at an interval,
    /// with [`every`](Daemon::every). A stop waits up to [`grace`](Daemon::grace) for a step that has begun.
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
    /// runtime that is built in the daemon: [`messages`](Daemon::messages) for async handlers.
    ///
    /// `fetch` is a function or an async function that returns a type which implements [`Fetched`](crate::messages::Fetched). It is dropped at
    /// its next await point when the daemon stops, so it should not await after it has received a message. A receipt in a
    /// [`Delivery`](crate::messages::Delivery) may be async, too: see [`AckAsync`].
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use std::time::Duration;
    ///
    /// let mut ticks = None;
    /// let next_job = async move || {
    ///     // Created in the daemon, inside the runtime.
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
        let mut daemon = self.work(Run(move || plan.run_uncancelled(handle_messages_async(fetch, handle, settings))));
        daemon.settings.awaits = true;
        daemon.settings.refuse_pace(MESSAGES_HAVE_NO_PACE);
        daemon
    }

    /// Sets the runtime that is built for an async body; multi-threaded unless set.
    #[must_use]
    pub fn runtime(mut self, runtime: impl Into<Option<Runtime>>) -> Daemon {
        set_optional(&mut self.settings.runtime, runtime);
        self
    }

    /// Sets the number of threads that run the tasks of an async body (`Builder::worker_threads` of tokio); the number of
    /// processors unless set.
    #[must_use]
    pub fn worker_threads(mut self, count: impl Into<Option<usize>>) -> Daemon {
        set_optional(&mut self.settings.worker_threads, count);
        self
    }
}
