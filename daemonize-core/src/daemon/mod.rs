//! The public type `Daemon`: a builder for the settings, and the verbs that start, stop and inspect the daemon.

mod builder;
mod caller_pidfile;
mod last_words;
mod parts;
mod process_signals;
mod reload;
mod restart_replacing;
mod running;
mod send;
mod sigterm_handler;
mod staged;
mod start;
mod status;
mod stop;
mod target;
mod unnamed_process;
mod verb_log;

pub use last_words::LastWords;
pub use reload::Reloaded;
pub use staged::StagedLaunch;
pub use status::{State, Status};
pub use stop::Stopped;

use crate::body::{Run, Step};
use crate::settings::{Settings, SettingsView};
use crate::signal::Signal;
use crate::sys::outlined::Outlined;
use caller_pidfile::CallerPidFile;
use std::fmt;

/// A daemon: its settings, and, once it has a body, its work.
///
/// `Daemon::new(name)` has the settings and the verbs that need no body: [`stop`](Daemon::stop),
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
/// Builder methods do not fail: the first verb reports the first mistake in the settings, before it does anything.
pub struct Daemon<W = ()> {
    settings: Outlined<Settings>,
    work: W,
    caller_pidfile: CallerPidFile,
}

/// A daemon that runs one function: see [`Daemon::run`].
pub type RunDaemon<F> = Daemon<Run<F>>;

/// A daemon that runs one function repeatedly: see [`Daemon::step`].
pub type StepDaemon<F> = Daemon<Step<F>>;

/// A daemon that handles messages: see [`Daemon::messages`].
pub type MessageDaemon<F> = Daemon<Run<F>>;

impl<W> Daemon<W> {
    /// Returns a `Daemon` with the name, the pidfile and the time limits of this one, without its work and its other settings: for clients
    /// and companions, whose verbs (`status`, `stop`, `send`) reach the same process.
    ///
    /// ```
    /// use daemon::Daemon;
    ///
    /// let sleepy = Daemon::new("sleepy").pidfile("/run/sleepy/sleepy.pid").run(|| ());
    /// assert_eq!(sleepy.without_work().pidfile_path(), sleepy.pidfile_path());
    /// ```
    #[must_use]
    pub fn without_work(&self) -> Daemon {
        let Settings { name, pidfile, no_pidfile, start_timeout, stop_timeout, grace, kill, mistake, .. } =
            &*self.settings;
        let mut settings = Outlined::new(Settings::new(name.clone()));
        (settings.pidfile, settings.mistake) = (pidfile.clone(), mistake.clone());
        (settings.no_pidfile, settings.start_timeout) = (*no_pidfile, *start_timeout);
        (settings.stop_timeout, settings.grace, settings.kill) = (*stop_timeout, *grace, *kill);
        Daemon { settings, work: (), caller_pidfile: CallerPidFile::default() }
    }

    /// Returns the settings that were given, for programs that describe the daemon to others, such as a service manager.
    ///
    /// ```
    /// use daemon::Daemon;
    ///
    /// assert_eq!(Daemon::new("web").user("www-data").settings().user(), Some("www-data"));
    /// ```
    pub fn settings(&self) -> SettingsView<'_> {
        SettingsView::new(&self.settings)
    }

    /// Returns `true` if the settings mention this signal: it has a handler, is ignored, or has its default action.
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
        Daemon { settings: self.settings.copy(), work: self.work.clone(), caller_pidfile: self.caller_pidfile.clone() }
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
