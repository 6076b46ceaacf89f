//! The disposition of each signal (`signal(7)`): handled by the user's functions, ignored, or the default action.

use super::handler::{Handler, SharedHandler, shared};
use crate::signal::Signal;
use std::fmt::{self, Display};

/// The signals that stop a daemon, unless the user sets another disposition.
const STOPS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGABRT];

/// The dispositions of a daemon's signals: see [`Daemon::signals`](crate::Daemon::signals).
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
    dispositions: Vec<(Signal, Disposition)>,
    /// The error of the first value that is not a signal.
    mistake: Option<String>,
}

#[derive(Clone)]
enum Disposition {
    Handle(Vec<SharedHandler>),
    Ignore,
    Default,
}

impl Signals {
    /// Returns the defaults: SIGTERM, SIGINT, SIGQUIT and SIGABRT stop the daemon, SIGHUP reopens its log files.
    pub fn new() -> Signals {
        Signals::default()
    }

    /// Adds a handler. Several handlers of one signal run in the order in which they were added. A signal is a [`Signal`], a
    /// number or a name (`"HUP"`). A value that is not a signal is reported when the daemon starts.
    #[must_use]
    pub fn handle<K>(self, signal: impl TryInto<Signal, Error: Display>, handler: impl Handler<K>) -> Signals {
        let shared = shared(handler);
        self.with(signal, |disposition| match disposition {
            Disposition::Handle(handlers) => handlers.push(shared),
            other => *other = Disposition::Handle(vec![shared]),
        })
    }

    /// Adds a handler before and one after those of the signal, unless its disposition is not to be handled.
    pub(crate) fn wrap(
        mut self,
        signal: Signal,
        before: impl FnMut() + Send + 'static,
        after: impl FnMut() + Send + 'static,
    ) -> Signals {
        self.wrap_boxed(signal, Box::new(before), Box::new(after));
        self
    }

    fn wrap_boxed(&mut self, signal: Signal, before: Box<dyn FnMut() + Send>, after: Box<dyn FnMut() + Send>) {
        if let Disposition::Handle(handlers) = self.disposition(signal) {
            handlers.insert(0, shared(before));
            handlers.push(shared(after));
        }
    }

    /// Ignores the signal.
    #[must_use]
    pub fn ignore(self, signal: impl TryInto<Signal, Error: Display>) -> Signals {
        self.with(signal, |disposition| *disposition = Disposition::Ignore)
    }

    /// Restores the default action of the signal (`signal(7)`): SIGTERM then kills the daemon at once.
    #[must_use]
    pub fn default_action(self, signal: impl TryInto<Signal, Error: Display>) -> Signals {
        self.with(signal, |disposition| *disposition = Disposition::Default)
    }

    /// Changes the disposition of a signal; records the mistake if the value is not a signal.
    fn with(mut self, signal: impl TryInto<Signal, Error: Display>, change: impl FnOnce(&mut Disposition)) -> Signals {
        match signal.try_into() {
            Ok(signal) => change(self.disposition(signal)),
            Err(unknown) => _ = self.mistake.get_or_insert_with(|| format!("{unknown}")),
        }
        self
    }

    /// Merges `other` into these: handlers add up, any other disposition of `other` replaces the one here.
    pub(crate) fn merge(&mut self, other: Signals) {
        self.mistake = self.mistake.take().or(other.mistake);
        for (signal, disposition) in other.dispositions {
            match (self.disposition(signal), disposition) {
                (Disposition::Handle(handlers), Disposition::Handle(more)) => handlers.extend(more),
                (current, disposition) => *current = disposition,
            }
        }
    }

    /// Returns the disposition of a signal; inserts an empty list of handlers if none is set.
    fn disposition(&mut self, signal: Signal) -> &mut Disposition {
        let known = self.dispositions.iter().position(|(of, _)| *of == signal);
        let index = known.unwrap_or(self.dispositions.len());
        if known.is_none() {
            self.dispositions.push((signal, Disposition::Handle(Vec::new())));
        }
        &mut self.dispositions[index].1
    }

    fn get(&self, signal: Signal) -> Option<&Disposition> {
        self.dispositions.iter().find(|(of, _)| *of == signal).map(|(_, disposition)| disposition)
    }

    /// Validates the dispositions. An error says which signal cannot have its disposition, and why.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.mistake.clone().map_or(Ok(()), Err)?;
        self.dispositions.iter().try_for_each(|(signal, disposition)| match (signal.uncatchable(), disposition) {
            _ if !signal.exists() => Err(format!("there is no {signal}")),
            (None, _) => Ok(()),
            (Some(_), Disposition::Default) if !signal.is_beyond_control() => Ok(()),
            (Some(why), Disposition::Handle(_)) => Err(format!("{signal} cannot be handled: {why}")),
            (Some(why), _) => Err(format!("{signal} cannot have another disposition: {why}")),
        })
    }

    /// Returns the user handlers of a signal.
    pub(crate) fn handlers(&self, signal: Signal) -> &[SharedHandler] {
        match self.get(signal) {
            Some(Disposition::Handle(handlers)) => handlers,
            _ => &[],
        }
    }

    /// Returns the signals with user handlers, and those that every daemon handles.
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
        for (signal, disposition) in &self.dispositions {
            if matches!(disposition, Disposition::Handle(_)) {
                handled.push(*signal);
            }
        }
        handled
    }

    /// Returns the signals to be ignored.
    pub(crate) fn ignored(&self) -> impl Iterator<Item = Signal> + '_ {
        self.dispositions
            .iter()
            .filter(|(_, disposition)| matches!(disposition, Disposition::Ignore))
            .map(|(signal, _)| *signal)
    }

    /// Returns the signals to be reset to their default action.
    pub(crate) fn with_default_action(&self) -> impl Iterator<Item = Signal> + '_ {
        self.dispositions
            .iter()
            .filter(|(_, disposition)| matches!(disposition, Disposition::Default))
            .map(|(signal, _)| *signal)
    }

    /// Returns `true` if the user has set a disposition for the signal.
    pub(crate) fn mentions(&self, signal: Signal) -> bool {
        self.get(signal).is_some()
    }

    /// Returns the signals that have user handlers and do not stop the daemon.
    pub(crate) fn direct(&self) -> Vec<Signal> {
        let own = self.dispositions.iter().filter(|(_, disposition)| matches!(disposition, Disposition::Handle(_)));
        own.map(|(signal, _)| *signal).filter(|signal| !STOPS.contains(signal)).collect()
    }

    /// Returns the signals that stop this daemon.
    pub(crate) fn stops(&self) -> Vec<Signal> {
        STOPS.into_iter().filter(|signal| matches!(self.get(*signal), None | Some(Disposition::Handle(_)))).collect()
    }
}

impl fmt::Debug for Signals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.dispositions.iter().map(|(signal, disposition)| (signal, disposition))).finish()
    }
}

impl fmt::Debug for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disposition::Handle(handlers) => write!(f, "{} handlers", handlers.len()),
            Disposition::Ignore => f.write_str("ignore"),
            Disposition::Default => f.write_str("default"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_handlers_add_up_and_last_disposition_wins() {
        let mut signals = Signals::new().handle(Signal::SIGUSR1, || ()).ignore(Signal::SIGTERM);
        signals.merge(Signals::new().handle(Signal::SIGUSR1, |_: Signal| ()).default_action(Signal::SIGQUIT));
        assert_eq!(signals.handlers(Signal::SIGUSR1).len(), 2);
        assert_eq!(signals.stops(), [Signal::SIGINT, Signal::SIGABRT]);
        assert!(signals.handled().contains(&Signal::SIGUSR1) && !signals.handled().contains(&Signal::SIGTERM));
        assert_eq!(signals.ignored().collect::<Vec<_>>(), [Signal::SIGTERM]);
    }

    #[test]
    fn signal_that_cannot_be_handled_is_refused_with_the_reason() {
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
