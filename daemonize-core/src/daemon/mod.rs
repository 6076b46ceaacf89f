//! A daemon as its user sees it: configured by a builder, started, stopped and asked after by verbs.

#[cfg(feature = "tokio")]
mod asynchronous;
mod bodies;
mod builder;
mod held;
mod records;
mod start;
mod verbs;

pub use verbs::StagedLaunch;

use crate::body::{Run, Step};
use crate::settings::Settings;
use crate::signal::Signal;
use crate::sys::outlined::Outlined;
use held::Held;
use std::fmt;

/// A daemon: its configuration, and, once it has a body, its work.
///
/// `Daemon::new(name)` carries the configuration and the verbs that need no body: [`stop`](Daemon::stop),
/// [`status`](Daemon::status), [`send`](Daemon::send), [`pid`](Daemon::pid). With [`run`](Daemon::run),
/// [`step`](Daemon::step) or [`messages`](Daemon::messages) it can [`start`](Daemon::start), [`restart`](Daemon::restart) and run in the
/// [`foreground`](Daemon::foreground).
///
/// ```no_run
/// use daemon::{Daemon, Signal};
/// use std::time::Duration;
///
/// let sleepy = Daemon::new("sleepy").pidfile("~/sleepy.pid").handle(Signal::SIGHUP, || println!("reload"));
/// let started = sleepy.clone().run(|| while daemon::sleep(Duration::from_secs(20)) {}).start()?;
/// println!("runs as pid {}", started.pid);
/// sleepy.stop()?;
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// Nothing a builder method is given is lost or fails there: the first mistake is reported by the first verb, before
/// anything happens.
pub struct Daemon<W = ()> {
    settings: Outlined<Settings>,
    work: W,
    /// A pidfile that the caller has locked.
    held: Held,
}

/// A daemon that runs one function: see [`Daemon::run`].
pub type RunDaemon<F> = Daemon<Run<F>>;

/// A daemon that repeats one function: see [`Daemon::step`].
pub type StepDaemon<F> = Daemon<Step<F>>;

/// A daemon that handles messages: see [`Daemon::messages`].
pub type MessageDaemon<F> = Daemon<Run<F>>;

impl<W> Daemon<W> {
    /// Returns a daemon that is found where this one is, without its work and its other settings: for clients and companions,
    /// whose verbs (`status`, `stop`, `send`) reach the same process.
    ///
    /// ```
    /// use daemon::Daemon;
    ///
    /// let sleepy = Daemon::new("sleepy").pidfile("/run/sleepy/sleepy.pid").run(|| ());
    /// assert_eq!(sleepy.without_work().pidfile_path(), sleepy.pidfile_path());
    /// ```
    #[must_use]
    pub fn without_work(&self) -> Daemon {
        let Settings { name, pidfile, no_pidfile, start_timeout, mistake, .. } = &*self.settings;
        let mut settings = Outlined::new(Settings::new(name.clone()));
        (settings.pidfile, settings.mistake) = (pidfile.clone(), mistake.clone());
        (settings.no_pidfile, settings.start_timeout) = (*no_pidfile, *start_timeout);
        Daemon { settings, work: (), held: Held::default() }
    }

    /// Returns `true` if the settings say what this signal does: by a handler, or that it is ignored or has its default action.
    ///
    /// ```
    /// use daemon::{Daemon, Signal};
    ///
    /// let daemon = Daemon::new("sleepy").ignore(Signal::SIGHUP);
    /// assert!(daemon.mentions(Signal::SIGHUP) && !daemon.mentions(Signal::SIGUSR1));
    /// ```
    pub fn mentions(&self, signal: Signal) -> bool {
        self.settings.signals.mentions(signal)
    }
}

impl<W: Clone> Clone for Daemon<W> {
    fn clone(&self) -> Daemon<W> {
        Daemon { settings: self.settings.copy(), work: self.work.clone(), held: self.held.clone() }
    }
}

impl<W> fmt::Debug for Daemon<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon")
            .field("name", &self.settings.name)
            .field("pidfile", &self.settings.pidfile)
            .finish_non_exhaustive()
    }
}
