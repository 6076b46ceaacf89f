//! What a daemon does: the way from its configuration to its work, and what can be said of the work alone.

use super::{Daemon, Held, MessageDaemon, RunDaemon, StepDaemon};
use crate::body::{
    Ack, BodyResult, Fetched, IntoControlFlow, IntoExit, Messages, Retry, Run, Step, Work, handle_messages,
};
use crate::settings::{Settings, set_optional};
use crate::sys::outlined::Outlined;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

impl Daemon {
    /// A daemon of this name, which is that of its pidfile unless [`pidfile`](Daemon::pidfile) is set.
    pub fn new(name: impl Into<String>) -> Daemon {
        Daemon { settings: Outlined::new(Settings::new(name.into())), work: (), held: Held::default() }
    }

    /// Runs `body` once; the daemon ends as it returns.
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

    /// Runs `step` again and again, until the daemon is to stop; at a pace, with [`every`](Daemon::every).
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
    /// until the daemon is to stop.
    ///
    /// `fetch` is called in one thread, the daemon's first, and returns what [`Fetched`] allows: a message, or `None` when
    /// there is none now; then it is asked again after [`idle_time`](Daemon::idle_time). It is called only when there is a
    /// worker for the message, so whatever is not in work stays where it comes from. `handle` is called in the threads of
    /// the workers, and returns what [`IntoExit`] allows.
    ///
    /// **What fails costs one message.** An error or panic of `handle` is reported, and its worker goes on with the
    /// next message. One of `fetch` is reported (at once, and the same again once a minute), and it is called again after
    /// `idle_time`, since whoever is on the other side may come back; to end the daemon, call [`stop`](crate::stop()).
    ///
    /// **A stop** ends the fetching at once, and waits up to [`grace`](Daemon::grace) for the messages in flight. What is
    /// not handled by then is counted in one line of the log, told to its [`Delivery`](crate::messages::Delivery) within
    /// [`nack_timeout`](Daemon::nack_timeout), and makes the exit status 1. A `fetch`
    /// that waits by itself should do so for less than the grace, or look at [`stopping`](crate::stopping) or
    /// [`wait_handle`](crate::wait_handle): what it fetches after the stop is handled too.
    ///
    /// With [`Ready::Manual`](crate::settings::Ready), `fetch` calls [`ready`](crate::ready()) once it has reached whoever has the
    /// messages. In a program built with `panic = "abort"`, a panic ends the daemon.
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

    /// As [`messages`](Daemon::messages), with one value that fetches and handles.
    pub fn messages_of<M, K>(self, messages: M) -> MessageDaemon<impl FnOnce() -> BodyResult>
    where
        M: Messages,
        M::Fetched: Fetched<K, Message = M::Message, Receipt: Ack>,
    {
        let messages = Arc::new(messages);
        let source = Arc::clone(&messages);
        self.messages(move || source.fetch(), move |message| messages.handle(message))
    }

    /// Does work of your own kind.
    pub fn work<W: Work>(self, work: W) -> Daemon<W> {
        Daemon { settings: self.settings, work, held: self.held }
    }

    /// The pace of the steps, from one beginning to the next. A step that takes longer skips the beats it missed.
    ///
    /// Unset, each step begins when the last one has ended.
    #[must_use]
    pub fn every(mut self, pace: impl Into<Option<Duration>>) -> Daemon {
        set_optional(&mut self.settings.every, pace);
        self
    }

    /// How many messages are handled at the same time, each in a thread of its own; 100 unless set.
    ///
    /// The threads are made as they are needed, and leave when they have had nothing to do for a while. Messages that
    /// keep the processor busy want about as many as there are processors; those that wait for others, many more. With 1
    /// they are handled one after another, in their order.
    #[must_use]
    pub fn pool_size(mut self, size: impl Into<Option<usize>>) -> Daemon {
        set_optional(&mut self.settings.pool_size, size);
        self
    }

    /// How long it takes until messages are fetched again after there was none, or after an error; 100 ms unless set. A
    /// stop does not wait for it.
    #[must_use]
    pub fn idle_time(mut self, time: impl Into<Option<Duration>>) -> Daemon {
        set_optional(&mut self.settings.idle_time, time);
        self
    }

    /// Sets how long receipts may take when messages are cut: the time between the end of the [`grace`](Daemon::grace) (or a
    /// second stop signal) and the end of the process, in which the receipts of all messages in flight are told
    /// [`Unfinished`](crate::messages::Nack::Unfinished), up to 16 at the same time. Receipts that have not returned by then are
    /// counted in the log. A fifth of the grace unless set, at least 1 s and at most 2 s.
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

    /// Sets when a message whose handler failed is handled again, and how often; after 1 s, then 2 s, 4 s, … up to 1 min, and
    /// for ever, unless set. It concerns messages with a receipt: see [`Delivery`](crate::messages::Delivery) and
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

    /// Lets a function say more, or something that has no key.
    #[must_use]
    pub fn configure(self, f: impl FnOnce(Daemon) -> Daemon) -> Daemon {
        f(self)
    }
}

/// See [`Settings::refuse_pace`].
pub(super) const MESSAGES_HAVE_NO_PACE: &str = "messages are handled as they come";
