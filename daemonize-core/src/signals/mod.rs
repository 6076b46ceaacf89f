//! Signals: what the user wants done about them, and who does it.
//!
//! The handler only raises flags and an event, and calls the handler that was there before it, so that others who listen
//! (tokio, the user's own flags) keep working; the signal thread waits for the event. No thread blocks anything: a program
//! that the daemon starts inherits the mask of the thread that starts it, and must be able to hear a SIGTERM. The signal
//! thread runs no code of the user: handlers run in a second thread, made when the first one is needed, so that one that
//! hangs cannot make the daemon deaf to SIGTERM. Signals that do not stop the daemon and have handlers of the user are direct:
//! while that thread is idle, they wake it and not the signal thread.
//!
//! If another handler takes a stop signal, too, the body may end by it: the body then has its grace, as one that asks.

mod handlers;
mod registered;
mod service;

pub(crate) use handlers::Handlers;
pub(crate) use registered::Registered;
pub(crate) use service::{End, Service, THREAD_OF_STOPPING, Undecided};

use crate::body::{BodyResult, IntoExit};
use crate::signal::Signal;
#[doc(inline)]
pub use crate::signal::UnknownSignal;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex};

/// These stop a daemon, unless the user says otherwise.
const STOPS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGABRT];

/// A handler as it is kept: shared by all copies of a `Daemon`, called by one thread at a time.
pub(crate) type SharedHandler = Arc<Mutex<dyn FnMut(Signal) -> BodyResult + Send>>;

/// What a function or closure must be to handle a signal: `FnMut()` or `FnMut(Signal)`, returning what
/// [`IntoExit`] allows.
///
/// `Kind` only tells the implementations apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle a signal",
    label = "not a signal handler",
    note = "a handler is a `FnMut()` or `FnMut(Signal)`, `Send + 'static`, that returns `()` or a `Result`"
)]
pub trait Handler<Kind>: Send + 'static {
    /// Runs the handler for one signal.
    fn handle(&mut self, signal: Signal) -> BodyResult;
}

/// Tells [`Handler`]'s implementations apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithoutSignal<Kind>(Kind);
/// Tells [`Handler`]'s implementations apart.
#[doc(hidden)]
#[derive(Debug)]
pub struct WithSignal<Kind>(Kind);

impl<F, R, K> Handler<WithoutSignal<(R, K)>> for F
where
    F: FnMut() -> R + Send + 'static,
    R: IntoExit<K>,
{
    fn handle(&mut self, _: Signal) -> BodyResult {
        self().into_exit()
    }
}

impl<F, R, K> Handler<WithSignal<(R, K)>> for F
where
    F: FnMut(Signal) -> R + Send + 'static,
    R: IntoExit<K>,
{
    fn handle(&mut self, signal: Signal) -> BodyResult {
        self(signal).into_exit()
    }
}

/// What a daemon does about signals: see [`Daemon::signals`](crate::Daemon::signals).
///
/// ```
/// use daemon::Signal;
/// use daemon::signals::Signals;
///
/// let signals = Signals::new()
///     .handle(Signal::SIGUSR1, || println!("one"))
///     .handle(Signal::SIGUSR1, |signal| println!("and again: {signal}"))
///     .ignore(Signal::SIGUSR2)
///     .default_action(Signal::SIGQUIT);
/// # drop(signals);
/// ```
#[derive(Clone, Default)]
pub struct Signals {
    reactions: Vec<(Signal, Reaction)>,
    /// The error of the first name that is not a signal's.
    mistake: Option<String>,
}

#[derive(Clone)]
enum Reaction {
    Handle(Vec<SharedHandler>),
    Ignore,
    Default,
}

impl Signals {
    /// Nothing said yet: TERM, INT, QUIT and ABRT stop, HUP reopens the log files.
    pub fn new() -> Signals {
        Signals::default()
    }

    /// Adds a handler; several for one signal run in the order in which they were added. A signal is a [`Signal`], a number
    /// or a name (`"HUP"`); what is not a signal is reported when the daemon starts.
    #[must_use]
    pub fn handle<K>(self, signal: impl TryInto<Signal, Error: Display>, handler: impl Handler<K>) -> Signals {
        let shared = shared(handler);
        self.with(signal, |reaction| match reaction {
            Reaction::Handle(handlers) => handlers.push(shared),
            other => *other = Reaction::Handle(vec![shared]),
        })
    }

    /// As [`handle`](Signals::handle), around the handlers there are; unless the signal is not to be handled.
    pub(crate) fn around(
        mut self,
        signal: Signal,
        before: impl FnMut() + Send + 'static,
        after: impl FnMut() + Send + 'static,
    ) -> Signals {
        self.put_around(signal, Box::new(before), Box::new(after));
        self
    }

    fn put_around(&mut self, signal: Signal, before: Box<dyn FnMut() + Send>, after: Box<dyn FnMut() + Send>) {
        if let Reaction::Handle(handlers) = self.reaction(signal) {
            handlers.insert(0, shared(before));
            handlers.push(shared(after));
        }
    }

    /// The signal does nothing.
    #[must_use]
    pub fn ignore(self, signal: impl TryInto<Signal, Error: Display>) -> Signals {
        self.with(signal, |reaction| *reaction = Reaction::Ignore)
    }

    /// The signal does what it does to a program that never heard of it, see `signal(7)`: SIGTERM kills at once.
    #[must_use]
    pub fn default_action(self, signal: impl TryInto<Signal, Error: Display>) -> Signals {
        self.with(signal, |reaction| *reaction = Reaction::Default)
    }

    /// Changes what is said about a signal; keeps the mistake if it is not one.
    fn with(mut self, signal: impl TryInto<Signal, Error: Display>, change: impl FnOnce(&mut Reaction)) -> Signals {
        match signal.try_into() {
            Ok(signal) => change(self.reaction(signal)),
            Err(unknown) => _ = self.mistake.get_or_insert_with(|| format!("{unknown}")),
        }
        self
    }

    /// Adds what `other` says; handlers add up, anything else of `other` wins.
    pub(crate) fn merge(&mut self, other: Signals) {
        self.mistake = self.mistake.take().or(other.mistake);
        for (signal, reaction) in other.reactions {
            match (self.reaction(signal), reaction) {
                (Reaction::Handle(handlers), Reaction::Handle(more)) => handlers.extend(more),
                (current, reaction) => *current = reaction,
            }
        }
    }

    /// What is said about a signal, a handler's place if nothing is yet.
    fn reaction(&mut self, signal: Signal) -> &mut Reaction {
        let known = self.reactions.iter().position(|(of, _)| *of == signal);
        let index = known.unwrap_or_else(|| {
            self.reactions.push((signal, Reaction::Handle(Vec::new())));
            self.reactions.len() - 1
        });
        &mut self.reactions[index].1
    }

    fn get(&self, signal: Signal) -> Option<&Reaction> {
        self.reactions.iter().find(|(of, _)| *of == signal).map(|(_, reaction)| reaction)
    }

    /// Says which signal cannot be treated so, and why.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.mistake.clone().map_or(Ok(()), Err)?;
        self.reactions.iter().try_for_each(|(signal, reaction)| match (signal.uncatchable(), reaction) {
            _ if !signal.exists() => Err(format!("there is no {signal}")),
            (None, _) => Ok(()),
            (Some(_), Reaction::Default) if !signal.is_beyond_control() => Ok(()),
            (Some(why), Reaction::Handle(_)) => Err(format!("{signal} cannot be handled: {why}")),
            (Some(why), _) => Err(format!("nothing can be said about {signal}: {why}")),
        })
    }

    pub(crate) fn handlers(&self, signal: Signal) -> &[SharedHandler] {
        match self.get(signal) {
            Some(Reaction::Handle(handlers)) => handlers,
            _ => &[],
        }
    }

    /// Those with handlers, and those that mean something to every daemon.
    pub(crate) fn handled(&self) -> Vec<Signal> {
        let mut handled = Vec::new();
        for signal in STOPS {
            if !self.mentions(signal) {
                handled.push(signal);
            }
        }
        if !self.mentions(Signal::SIGHUP) {
            handled.push(Signal::SIGHUP);
        }
        for (signal, reaction) in &self.reactions {
            if matches!(reaction, Reaction::Handle(_)) {
                handled.push(*signal);
            }
        }
        handled
    }

    pub(crate) fn ignored(&self) -> impl Iterator<Item = Signal> + '_ {
        self.reactions.iter().filter(|(_, reaction)| matches!(reaction, Reaction::Ignore)).map(|(signal, _)| *signal)
    }

    pub(crate) fn wanting_default(&self) -> impl Iterator<Item = Signal> + '_ {
        self.reactions.iter().filter(|(_, reaction)| matches!(reaction, Reaction::Default)).map(|(signal, _)| *signal)
    }

    /// Whether this one was mentioned at all.
    pub(crate) fn mentions(&self, signal: Signal) -> bool {
        self.get(signal).is_some()
    }

    /// The signals that have handlers and do not stop the daemon.
    pub(crate) fn direct(&self) -> Vec<Signal> {
        let own = self.reactions.iter().filter(|(_, reaction)| matches!(reaction, Reaction::Handle(_)));
        own.map(|(signal, _)| *signal).filter(|signal| !STOPS.contains(signal)).collect()
    }

    /// The signals that stop this daemon.
    pub(crate) fn stops(&self) -> Vec<Signal> {
        STOPS.into_iter().filter(|signal| matches!(self.get(*signal), None | Some(Reaction::Handle(_)))).collect()
    }
}

fn shared<K>(mut handler: impl Handler<K>) -> SharedHandler {
    Arc::new(Mutex::new(move |signal| handler.handle(signal)))
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.reactions.iter().map(|(signal, reaction)| (signal, reaction))).finish()
    }
}

impl fmt::Debug for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reaction::Handle(handlers) => write!(f, "{} handlers", handlers.len()),
            Reaction::Ignore => f.write_str("ignore"),
            Reaction::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_add_up_in_order_and_the_last_word_counts() {
        let mut signals = Signals::new().handle(Signal::SIGUSR1, || ()).ignore(Signal::SIGTERM);
        signals.merge(Signals::new().handle(Signal::SIGUSR1, |_: Signal| ()).default_action(Signal::SIGQUIT));
        assert_eq!(signals.handlers(Signal::SIGUSR1).len(), 2);
        assert_eq!(signals.stops(), [Signal::SIGINT, Signal::SIGABRT]);
        assert!(signals.handled().contains(&Signal::SIGUSR1) && !signals.handled().contains(&Signal::SIGTERM));
        assert_eq!(signals.ignored().collect::<Vec<_>>(), [Signal::SIGTERM]);
    }

    #[test]
    fn what_cannot_be_handled_is_said_with_the_reason() {
        let check = |signal: i32| Signals::new().handle(signal, || ()).check();
        assert_eq!(Signals::new().default_action(Signal::SIGSEGV).check(), Ok(()));
        assert!(Signals::new().default_action(Signal::SIGSTOP).check().is_err());
        assert!(check(Signal::SIGKILL.as_raw()).unwrap_err().contains("no process can catch"));
        assert!(check(Signal::SIGSEGV.as_raw()).unwrap_err().contains("faulting instruction"));
        assert_eq!(check(99).unwrap_err(), "there is no signal 99");
        let mut merged = Signals::new();
        merged.merge(Signals::new().ignore("FOO").ignore("HUP").ignore("BAR"));
        assert!(merged.check().unwrap_err().starts_with("`FOO` is not a known signal; use "));
        assert_eq!(check("RTMIN".parse::<Signal>().unwrap().as_raw()), Ok(()));
    }
}
