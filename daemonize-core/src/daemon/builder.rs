//! What can be said of a daemon before it is one: each method is the attribute key of the same name, but for what is said
//! so rarely that `configure` will do. Each takes an `Option` as well, where `None` leaves the setting as it is.

use super::{Daemon, Held};
use crate::attach::Attachment;
use crate::capability::Capability;
use crate::inside::ThisDaemon;
use crate::launch::{enable_identity, enable_streams};
use crate::settings::{Account, Close, Detach, Hook, Hooks, List, Ready, Setting, Stdio, expand, set, set_optional};
use crate::signal::Signal;
use crate::signals::{Handler, Signals};
use crate::stage::Stage;
use std::fmt::Display;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

impl<W> Daemon<W> {
    /// The name: in messages, in syslog, and of the default pidfile.
    #[must_use]
    pub fn name<K>(mut self, name: impl Setting<String, K>) -> Self {
        set(&mut self.settings.name, name.value());
        self
    }

    /// Where the pidfile is; `~` and `$VAR` are expanded, a relative path is made absolute at once.
    ///
    /// Unset: `/run/NAME.pid` for root, else `.local/state/NAME@HOST.pid` in the home of the passwd entry; in a process that
    /// systemd started, `NAME.pid` in its `RuntimeDirectory=`. All places are in the table of `docs/places.md`. See also
    /// [`no_pidfile`](Daemon::no_pidfile) and [`with_pidfile`](Daemon::with_pidfile).
    #[must_use]
    pub fn pidfile<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        if let Some(path) = path.value() {
            self.settings.pidfile = self.path("pidfile", &path);
            self.settings.no_pidfile = false;
            self.held = Held::default();
        }
        self
    }

    /// The mode of the pidfile, 0o644 unless set; nobody but its owner may be able to write it.
    #[must_use]
    pub fn pidfile_mode(mut self, mode: impl Into<Option<u32>>) -> Self {
        set(&mut self.settings.pidfile_mode, mode);
        self
    }

    /// How long a start waits for a pidfile that is held, instead of failing at once.
    #[must_use]
    pub fn lock_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set(&mut self.settings.lock_timeout, time);
        self
    }

    /// What signals do; adds to what was said before.
    #[must_use]
    pub fn signals(mut self, signals: impl Into<Option<Signals>>) -> Self {
        self.settings.signals.merge(signals.into().unwrap_or_default());
        self
    }

    /// Adds a handler for a signal (a [`Signal`], a number or a name such as `"HUP"`): `FnMut()` or `FnMut(Signal)`.
    ///
    /// Handlers run one after another in a thread of their own, those of one signal in the order in which they were
    /// added. TERM, INT, QUIT and ABRT stop the daemon all the same, after their handlers; an `abort(3)` of its own ends it at
    /// once, and none is called.
    #[must_use]
    pub fn handle<K>(self, signal: impl TryInto<Signal, Error: Display>, handler: impl Handler<K>) -> Self {
        self.signals(Signals::new().handle(signal, handler))
    }

    /// The signal does nothing.
    #[must_use]
    pub fn ignore(self, signal: impl TryInto<Signal, Error: Display>) -> Self {
        self.signals(Signals::new().ignore(signal))
    }

    /// The signal does what it does to a program that never heard of it, see `signal(7)`.
    #[must_use]
    pub fn default_action(self, signal: impl TryInto<Signal, Error: Display>) -> Self {
        self.signals(Signals::new().default_action(signal))
    }

    /// Whether to leave the terminal behind; unless set, wherever nobody watches over the process already.
    ///
    /// `Detach::Always` in process 1 of a container is refused where the program ends after the start ([`activate`](Daemon::activate),
    /// an annotated `main`), since the kernel would end the daemon with it.
    #[must_use]
    pub fn detach(mut self, detach: impl Into<Option<Detach>>) -> Self {
        set(&mut self.settings.detach, detach);
        self
    }

    /// The directory to work in; `/` unless set (not detached: where it was started).
    #[must_use]
    pub fn working_directory<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        if let Some(path) = path.value() {
            self.settings.working_directory = self.path("working_directory", &path);
        }
        self
    }

    /// The `umask(2)`; 0o077 unless set (not detached: as it was).
    #[must_use]
    pub fn umask(mut self, umask: impl Into<Option<u32>>) -> Self {
        set_optional(&mut self.settings.umask, umask);
        self
    }

    /// Sets the user to change to, by name or number. Only root can change to another user, and the change is final.
    /// `HOME`, `USER`, `LOGNAME` and `SHELL` become those of that user's passwd entry, or are unset if there is none;
    /// root's session keyring is left.
    #[must_use]
    pub fn user<K>(mut self, user: impl Setting<Account, K>) -> Self {
        enable_identity();
        set_optional(&mut self.settings.user, user.value().map(Account::into_name));
        self
    }

    /// The group, by name or number; the user's own unless set.
    #[must_use]
    pub fn group<K>(mut self, group: impl Setting<Account, K>) -> Self {
        enable_identity();
        set_optional(&mut self.settings.group, group.value().map(Account::into_name));
        self
    }

    /// Whether the user's supplementary groups are taken on (`initgroups(3)`), true unless set; those of the launcher
    /// are given up in any case.
    #[must_use]
    pub fn init_groups(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.init_groups, yes);
        self
    }

    /// The new root (`chroot(2)`); needs a [`user`](Daemon::user), since root can leave any.
    #[must_use]
    pub fn chroot<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        enable_identity();
        if let Some(path) = path.value() {
            self.settings.chroot = self.path("chroot", &path);
        }
        self
    }

    /// Root's capabilities that are kept when the [`user`](Daemon::user) changes, also for the programs that the daemon
    /// executes; none unless set. Not `SETUID` or `SETGID`: with them the change could be undone.
    #[must_use]
    pub fn capabilities<K>(mut self, kept: impl Setting<List<Capability>, K>) -> Self {
        enable_identity();
        self.settings.capabilities.extend(kept.value().into_iter().flat_map(List::into_values));
        self
    }

    /// Whether no program that the daemon executes may give it more rights (`PR_SET_NO_NEW_PRIVS`), so that `sudo` and the
    /// like gain nothing; unless set, true when the [`user`](Daemon::user) changes, else as it was.
    #[must_use]
    pub fn no_new_privs(mut self, yes: impl Into<Option<bool>>) -> Self {
        enable_identity();
        set_optional(&mut self.settings.no_new_privs, yes);
        self
    }

    /// Whether the daemon may dump core, false unless set. After a change of user, that also lets other processes of the
    /// user look inside (`PR_SET_DUMPABLE`).
    #[must_use]
    pub fn core_dumps(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.core_dumps, yes);
        self
    }

    /// Descriptors that stay open in the daemon although they leaked in, or although all are closed.
    #[must_use]
    pub fn inherit<K>(mut self, fds: impl Setting<List<RawFd>, K>) -> Self {
        self.settings.inherit.extend(fds.value().into_iter().flat_map(List::into_values));
        self
    }

    /// Which descriptors from 3 on are closed in a daemon that detaches; those that leaked in, unless set.
    #[must_use]
    pub fn close(mut self, close: impl Into<Option<Close>>) -> Self {
        set(&mut self.settings.close, close);
        self
    }

    /// Where stdin comes from; `/dev/null` unless set (not detached: as it was).
    #[must_use]
    pub fn stdin<K>(mut self, stdin: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stdin.value() {
            self.settings.stdin = self.stream("stdin", stream);
        }
        self
    }

    /// Where stdout goes; `/dev/null` unless set (not detached: as it was).
    #[must_use]
    pub fn stdout<K>(mut self, stdout: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stdout.value() {
            self.settings.stdout = self.stream("stdout", stream);
        }
        self
    }

    /// Where stderr goes; `/dev/null` unless set (not detached: as it was). Errors go to syslog, too, when nobody
    /// could see them there.
    #[must_use]
    pub fn stderr<K>(mut self, stderr: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stderr.value() {
            self.settings.stderr = self.stream("stderr", stream);
        }
        self
    }

    /// Sets when the daemon counts as started, so that `start` returns; [`Ready::Auto`] unless set.
    ///
    /// ```
    /// use daemon::Daemon;
    /// use daemon::settings::Ready;
    ///
    /// // It loads for seconds before it calls `daemon::ready()`.
    /// let slow = Daemon::new("index").ready(Ready::Manual);
    /// # drop(slow);
    /// ```
    #[must_use]
    pub fn ready(mut self, ready: impl Into<Option<Ready>>) -> Self {
        set(&mut self.settings.ready, ready);
        self
    }

    /// How long a start may take before it is taken back, 60 s unless set.
    #[must_use]
    pub fn start_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set(&mut self.settings.start_timeout, time);
        self
    }

    /// How long `stop` waits before it kills; unless set, [`grace`](Daemon::grace) and 5 s, or 3 s more than a longer
    /// [`nack_timeout`](Daemon::nack_timeout).
    ///
    /// A daemon that a monitor started may have a longer grace than the process that calls `stop` knows of. Set this where
    /// such a daemon is stopped by `stop` and not by its monitor.
    #[must_use]
    pub fn stop_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set_optional(&mut self.settings.stop_timeout, time);
        self
    }

    /// How long the daemon gives its handlers and its body to end after a stop signal; unless set, 10 s, or 8 s as process 1 of
    /// a container, which is killed 10 s after the signal by default.
    ///
    /// A monitor says to the daemons that it starts how long it waits before it kills (`DAEMON_STOP_TIMEOUT`, in seconds).
    /// There the grace is 80 % of that, without the [`nack_timeout`](Daemon::nack_timeout) if that is set. A grace that is set
    /// stays, and is warned of on stderr if it does not fit into that time.
    #[must_use]
    pub fn grace(mut self, time: impl Into<Option<Duration>>) -> Self {
        set_optional(&mut self.settings.grace, time);
        self
    }

    /// Whether `stop` kills what does not end in time, true unless set.
    #[must_use]
    pub fn kill(mut self, yes: impl Into<Option<bool>>) -> Self {
        set(&mut self.settings.kill, yes);
        self
    }

    /// Adds hooks to the stages of the launch.
    #[must_use]
    pub fn hooks(mut self, hooks: impl Into<Option<Hooks>>) -> Self {
        self.settings.hooks.merge(hooks.into().unwrap_or_default());
        self
    }

    /// Runs `hook` before a stage: see [`Hooks::before`].
    #[must_use]
    pub fn before<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().before(stage, hook))
    }

    /// Runs `hook` after a stage: see [`Hooks::after`].
    #[must_use]
    pub fn after<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().after(stage, hook))
    }

    /// Runs `hook` instead of a stage: see [`Hooks::replace`].
    #[must_use]
    pub fn replace<K>(self, stage: Stage, hook: impl Hook<K>) -> Self {
        self.hooks(Hooks::new().replace(stage, hook))
    }

    /// Lets something live beside the body: see [`Attachment`].
    #[must_use]
    pub fn attach(mut self, attachment: impl Attachment) -> Self {
        self.settings.attachments.push(Arc::new(attachment));
        self.settings.process_control = Arc::new(ThisDaemon);
        self
    }

    pub(super) fn path(&mut self, key: &str, path: &Path) -> Option<PathBuf> {
        expand(key, path).map_err(|mistake| self.settings.mistaken(mistake)).ok()
    }

    pub(super) fn stream(&mut self, key: &str, stream: Stdio) -> Option<Stdio> {
        enable_streams();
        match stream {
            Stdio::File(path) => self.path(key, &path).map(Stdio::File),
            other => Some(other),
        }
    }
}
