//! Builder methods for the body: a function, a step or a message handler, and the settings of steps and messages.

use crate::body::{
    Ack, BodyResult, Fetched, IntoControlFlow, IntoExit, Messages, Retry, Run, Step, Work, handle_messages,
};
use crate::daemon::caller_pidfile::CallerPidFile;
use crate::daemon::{Daemon, MessageDaemon, RunDaemon, StepDaemon};
use crate::settings::{Settings, set_optional};
use crate::sys::outlined::Outlined;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

impl Daemon {
    /// Creates a daemon with this name. The name is also that of its pidfile, unless [`pidfile`](Daemon::pidfile) is set.
    pub fn new(name: impl Into<String>) -> Daemon {
        Daemon {
            settings: Outlined::new(Settings::new(name.into())),
            work: (),
            caller_pidfile: CallerPidFile::default(),
        }
    }

    /// Runs `body` once. The daemon ends when `body` returns.
    pub fn run<F, R, K>(self, body: F) -> RunDaemon<impl FnOnce() -> BodyResult>
    where
        F: FnOnce() -> R,
        R: IntoExit<K>,
    {
        let mut daemon = self.work(Run(move || body().into_exit()));
        daemon.settings.refuse_pace("a body that runs once has none");
        daemon.settings.refuse_pool();
        daemon.settings.refuse_runtime();
        daemon
    }

    /// Runs `step` repeatedly until the daemon stops; at an interval, with [`every`](Daemon::every).
    pub fn step<F, R, K>(self, mut step: F) -> StepDaemon<impl FnMut() -> ControlFlow<BodyResult>>
    where
        F: FnMut() -> R,
        R: IntoControlFlow<K>,
    {
        let every = self.settings.every;
        let mut daemon = self.work(Step { step: move || step().into_control_flow(), every });
        daemon.settings.refuse_pool();
        daemon.settings.refuse_runtime();
        daemon
    }

    /// Fetches messages one after another, and handles up to [`pool_size`](Daemon::pool_size) of them at the same time,
    /// until the daemon stops.
    ///
    /// `fetch` is called in the main thread and returns a type that implements [`Fetched`]: a message, or `None` if there is
    /// none now; it is called again after [`idle_time`](Daemon::idle_time). `fetch` is called only when a worker is free, so
    /// messages that are not being handled stay at their source. `handle` is called in the threads of the workers, and returns a
    /// type that implements [`IntoExit`].
    ///
    /// **A failure costs one message.** An error or panic of `handle` is reported, and its worker goes on with the
    /// next message. An error or panic of `fetch` is reported (at once, and a repeated one once a minute), and `fetch` is called
    /// again after `idle_time`, since the source may recover; to end the daemon, call [`stop`](crate::stop()).
    ///
    /// **A stop** ends the fetching at once, and waits up to [`grace`](Daemon::grace) for the messages in flight. Messages that are
    /// not handled by then are counted in one line of the log, reported to their [`Delivery`](crate::messages::Delivery) within
    /// [`nack_timeout`](Daemon::nack_timeout), and make the exit status 1. A `fetch` that blocks should do so for less than the
    /// grace, or check [`stopping`](crate::stopping) or [`wait_handle`](crate::wait_handle): a message that it fetches after the
    /// stop is handled, too.
    ///
    /// With [`Ready::Manual`](crate::settings::Ready), `fetch` calls [`ready`](crate::ready()) once it is connected to its source.
    /// In a program built with `panic = "abort"`, a panic ends the daemon.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use std::sync::mpsc;
    ///
    /// let (sender, receiver) = mpsc::channel();
    /// sender.send("a job").expect("the receiver is here");
    /// let worker = Daemon::new("worker").pool_size(4);
    /// worker.messages(move || receiver.try_recv().ok(), |job| println!("working on {job}")).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    pub fn messages<F, R, K, H, O, J>(self, mut fetch: F, handle: H) -> MessageDaemon<impl FnOnce() -> BodyResult>
    where
        F: FnMut() -> R,
        R: Fetched<K>,
        R::Receipt: Ack,
        H: Fn(R::Message) -> O + Send + Sync + 'static,
        O: IntoExit<J>,
    {
        let settings = self.settings.handling();
        let (fetch, handle) = (move || fetch().into_result(), move |message| handle(message).into_exit());
        let mut daemon = self.work(Run(move || handle_messages(fetch, handle, settings)));
        daemon.settings.refuse_pace(MESSAGES_HAVE_NO_PACE);
        daemon.settings.refuse_runtime();
        daemon
    }

    /// Runs one value that fetches and handles messages: see [`messages`](Daemon::messages).
    pub fn messages_of<M, K>(self, messages: M) -> MessageDaemon<impl FnOnce() -> BodyResult>
    where
        M: Messages,
        M::Fetched: Fetched<K, Message = M::Message, Receipt: Ack>,
    {
        let messages = Arc::new(messages);
        let source = Arc::clone(&messages);
        self.messages(move || source.fetch(), move |message| messages.handle(message))
    }

    /// Runs work of a custom type.
    pub fn work<W: Work>(self, work: W) -> Daemon<W> {
        Daemon { settings: self.settings, work, caller_pidfile: self.caller_pidfile }
    }

    /// Sets the interval of the steps, from one start to the next. A step that takes longer skips the ticks it has missed.
    ///
    /// Unless set, each step begins when the previous one has ended.
    #[must_use]
    pub fn every(mut self, pace: impl Into<Option<Duration>>) -> Daemon {
        set_optional(&mut self.settings.every, pace);
        self
    }

    /// Sets how many messages are handled at the same time, each in a thread of its own; 100 unless set.
    ///
    /// Threads are spawned on demand, and exit after they have been idle for a while. For CPU-bound handlers, set about
    /// the number of processors; for handlers that wait for I/O, many more. With 1, messages are handled one after another, in
    /// their order.
    #[must_use]
    pub fn pool_size(mut self, size: impl Into<Option<usize>>) -> Daemon {
        set_optional(&mut self.settings.pool_size, size);
        self
    }

    /// Sets the pause before messages are fetched again when there was none, or after an error; 100 ms unless set. A
    /// stop interrupts the pause.
    #[must_use]
    pub fn idle_time(mut self, time: impl Into<Option<Duration>>) -> Daemon {
        set_optional(&mut self.settings.idle_time, time);
        self
    }

    /// Sets how long receipts may take when unfinished messages are abandoned: the time between the end of the
    /// [`grace`](Daemon::grace) (or a second stop signal) and the end of the process, in which the receipts of all messages in
    /// flight are called with [`Unfinished`](crate::messages::Nack::Unfinished), up to 16 at the same time. Receipts that have not returned
    /// by then are counted in the log. A fifth of the grace unless set, at least 1 s and at most 2 s.
    ///
    /// [`stop_timeout`](Daemon::stop_timeout) has to be longer than both together; unless set, it is.
    ///
    /// ```
    /// use daemon::Daemon;
    /// use std::time::Duration;
    ///
    /// let slow_broker = Daemon::new("worker").nack_timeout(Duration::from_secs(5));
    /// # drop(slow_broker);
    /// ```
    #[must_use]
    pub fn nack_timeout(mut self, time: impl Into<Option<Duration>>) -> Daemon {
        set_optional(&mut self.settings.nack_timeout, time);
        self
    }

    /// Sets when, and how often, a message whose handler failed is handled again; unless set, after 1 s, then 2 s, 4 s, … up to
    /// 1 min, without a limit. It concerns messages with a receipt: see [`Delivery`](crate::messages::Delivery) and
    /// [`Ack::retry`](crate::messages::Ack::retry).
    ///
    /// ```
    /// use daemon::Daemon;
    /// use daemon::messages::Retry;
    ///
    /// let patient = Daemon::new("worker").retry(Retry::new().attempts(5));
    /// # drop(patient);
    /// ```
    #[must_use]
    pub fn retry(mut self, retry: impl Into<Option<Retry>>) -> Daemon {
        set_optional(&mut self.settings.retry, retry);
        self
    }

    /// Applies a function to the builder, for settings that have no key.
    #[must_use]
    pub fn configure(self, f: impl FnOnce(Daemon) -> Daemon) -> Daemon {
        f(self)
    }
}

/// The reason why messages have no interval: see [`Settings::refuse_pace`].
pub(super) const MESSAGES_HAVE_NO_PACE: &str = "messages are handled as they come";
