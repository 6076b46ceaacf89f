//! Builder methods for the name and the pidfile.

use crate::daemon::Daemon;
use crate::daemon::caller_pidfile::CallerPidFile;
use crate::pidfile::PidFile;
use crate::settings::{Setting, expand, set};
use std::path::{Path, PathBuf};
use std::time::Duration;

impl<W> Daemon<W> {
    /// Sets the name, which appears in messages, in syslog and in the path of the default pidfile.
    #[must_use]
    pub fn name<K>(mut self, name: impl Setting<String, K>) -> Self {
        set(&mut self.settings.name, name.value());
        self
    }

    /// Sets the path of the pidfile. `~` and `$VAR` are expanded; a relative path is made absolute at once.
    ///
    /// Unset: `/run/NAME.pid` for root, else `.local/state/NAME@HOST.pid` in the home of the passwd entry; in a process that
    /// systemd started, `NAME.pid` in its `RuntimeDirectory=`. `docs/places.md` lists all default paths. See also
    /// [`no_pidfile`](Daemon::no_pidfile) and [`with_pidfile`](Daemon::with_pidfile).
    #[must_use]
    pub fn pidfile<K>(mut self, path: impl Setting<PathBuf, K>) -> Self {
        if let Some(path) = path.value() {
            self.settings.pidfile = self.path("pidfile", &path);
            self.settings.no_pidfile = false;
            self.caller_pidfile = CallerPidFile::default();
        }
        self
    }

    /// Sets the mode of the pidfile, 0o644 unless set. Only the owner may have write permission.
    #[must_use]
    pub fn pidfile_mode(mut self, mode: impl Into<Option<u32>>) -> Self {
        set(&mut self.settings.pidfile_mode, mode);
        self
    }

    /// Sets how long a start waits for a locked pidfile; unless set, it fails at once.
    #[must_use]
    pub fn lock_timeout(mut self, time: impl Into<Option<Duration>>) -> Self {
        set(&mut self.settings.lock_timeout, time);
        self
    }

    /// Runs the daemon without a pidfile, for programs that store its pid themselves.
    ///
    /// Nothing prevents a second instance then, and no verb finds the daemon: from outside, `stop`, `send`, `restart` and `pid`
    /// fail with that reason, and [`status`](Daemon::status) is [`Unknown`](crate::status::State::Unknown). [`Started::pid`](crate::Started)
    /// is its process. From inside, [`stop`](crate::stop()) works as always, and [`restart`](crate::restart) does not.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// let started = Daemon::new("helper").no_pidfile().run(|| ()).start()?;
    /// println!("helper runs as pid {}", started.pid);
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn no_pidfile(mut self) -> Self {
        (self.settings.pidfile, self.settings.no_pidfile) = (None, true);
        self.caller_pidfile = CallerPidFile::default();
        self
    }

    /// Gives the daemon a pidfile that this process has locked already, in place of [`pidfile`](Daemon::pidfile). A program that
    /// locks the pidfile, prepares, and then becomes a daemon never lets a second instance start in between.
    ///
    /// The start empties the file and passes the lock to the daemon; a failed start removes both files. The first start
    /// of all clones of this `Daemon` takes the pidfile; a later one locks the path itself. The start fails if the lock
    /// file was moved or removed meanwhile, or if the pidfile was [sealed](PidFile::seal_as) for another process. Such a
    /// program cannot [`restart`](crate::restart) itself from inside, because the old daemon holds the lock until it ends.
    ///
    /// ```no_run
    /// use daemon::{Daemon, PidFile};
    ///
    /// let pidfile = PidFile::lock("/run/import.pid")?; // or: already running as pid 4711
    /// println!("preparing what may take a while");
    /// Daemon::new("import").with_pidfile(pidfile).run(|| ()).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn with_pidfile(mut self, pidfile: PidFile) -> Self {
        (self.settings.pidfile, self.settings.no_pidfile) = (Some(pidfile.path().to_owned()), false);
        self.caller_pidfile = CallerPidFile::new(pidfile);
        self
    }

    /// Expands a path. Records a mistake, for the next verb to report.
    pub(super) fn path(&mut self, key: &str, path: &Path) -> Option<PathBuf> {
        expand(key, path).map_err(|mistake| self.settings.record_mistake(mistake)).ok()
    }
}
