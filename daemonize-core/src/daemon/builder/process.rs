//! Builder methods for signals and for the properties of the process: detaching, working directory, umask, descriptors.

use crate::context::enable_reload_reports;
use crate::daemon::Daemon;
use crate::launch::enable_ends_with;
use crate::settings::{Close, Detach, EndsWith, List, Setting, set, set_optional};
use crate::signal::Signal;
use crate::signals::{Handler, Signals};
use std::fmt::Display;
use std::os::fd::RawFd;
use std::path::PathBuf;

impl<W> Daemon<W> {
    /// Adds actions of signals.
    #[must_use]
    pub fn signals(mut self, signals: impl Into<Option<Signals>>) -> Self {
        enable_reload_reports();
        self.settings.signals.merge(signals.into().unwrap_or_default());
        self
    }

    /// Adds a handler for a signal (a [`Signal`], a number or a name such as `"HUP"`): `FnMut()` or `FnMut(Signal)`.
    ///
    /// Handlers run one after another in a thread of their own, those of one signal in the order in which they were
    /// added. TERM, INT, QUIT and ABRT still stop the daemon, after their handlers. A daemon that calls `abort(3)` ends at
    /// once, without a handler.
    ///
    /// A handler may return a `Result`. An error, or a panic, is reported on stderr and in the log. At a stop it makes the exit
    /// status 1. At SIGHUP it is the error of [`reload`](Daemon::reload), and a warning in [`status`](Daemon::status) until a reload
    /// succeeds.
    #[must_use]
    pub fn handle<K>(self, signal: impl TryInto<Signal, Error: Display>, handler: impl Handler<K>) -> Self {
        self.signals(Signals::new().handle(signal, handler))
    }

    /// Ignores a signal (`SIG_IGN`).
    #[must_use]
    pub fn ignore(self, signal: impl TryInto<Signal, Error: Display>) -> Self {
        self.signals(Signals::new().ignore(signal))
    }

    /// Sets the default action of a signal (`SIG_DFL`, see `signal(7)`).
    #[must_use]
    pub fn default_action(self, signal: impl TryInto<Signal, Error: Display>) -> Self {
        self.signals(Signals::new().default_action(signal))
    }

    /// Sets whether the daemon detaches from the terminal; unless set, it does if no service manager or other supervisor runs
    /// this process.
    ///
    /// `Detach::Always` is refused in process 1 of a container if the program ends after the start ([`activate`](Daemon::activate),
    /// an annotated `main`), since the kernel would kill the daemon with it.
    #[must_use]
    pub fn detach(mut self, detach: impl Into<Option<Detach>>) -> Self {
        set(&mut self.settings.detach, detach);
        self
    }

    /// Stops the daemon when another process ends, as SIGTERM does: for helpers of editors, language servers and test runners, which
    /// must not outlive them. Unless set, the daemon outlives the process that starts it.
    ///
    /// The process is opened before the fork (`pidfd_open(2)`) and then watched without polling, also in the foreground and after
    /// [`restart`](crate::restart()) from inside. If it ends while the daemon starts, the start fails and is undone. A process that
    /// has several threads ends with the last of them.
    ///
    /// Process 1, whose end the daemon would not see, is a parent only if it is the init of a container, or systemd that has started
    /// this very process as a service.
    ///
    /// ```
    /// use daemon::Daemon;
    /// use daemon::settings::EndsWith;
    ///
    /// let helper = Daemon::new("indexer").ends_with(EndsWith::Parent);
    /// # drop(helper);
    /// ```
    ///
    /// # Errors
    /// The start fails if the parent has ended already (an init has adopted this process), or is in another pid namespace (in
    /// process 1 of a container, for example).
    #[must_use]
    pub fn ends_with(mut self, process: impl Into<Option<EndsWith>>) -> Self {
        enable_ends_with();
        set_optional(&mut self.settings.ends_with, process);
        self
    }

    /// Sets the working directory; `/` unless set (not detached: unchanged).
    #[must_use]
    pub fn working_directory<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        if let Some(path) = path.value() {
            self.settings.working_directory = self.path("working_directory", &path);
        }
        self
    }

    /// Sets the file mode creation mask (`umask(2)`); 0o077 unless set (not detached: unchanged).
    #[must_use]
    pub fn umask(mut self, umask: impl Into<Option<u32>>) -> Self {
        set_optional(&mut self.settings.umask, umask);
        self
    }

    /// Adds file descriptors that stay open in the daemon, whatever [`close`](Daemon::close) closes.
    #[must_use]
    pub fn inherit<K>(mut self, fds: impl Setting<List<RawFd>, K>) -> Self {
        self.settings.inherit.extend(fds.value().into_iter().flat_map(List::into_values));
        self
    }

    /// Sets which file descriptors from 3 on are closed in a daemon that detaches; those inherited through `execve(2)` unless set.
    #[must_use]
    pub fn close(mut self, close: impl Into<Option<Close>>) -> Self {
        set(&mut self.settings.close, close);
        self
    }
}
