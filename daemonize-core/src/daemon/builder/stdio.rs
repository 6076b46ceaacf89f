//! Builder methods for the standard streams.

use crate::daemon::Daemon;
use crate::launch::enable_streams;
use crate::logs::{enable_bounds, enable_default_path};
use crate::settings::{Log, OnOutput, Setting, Stdio};
use std::path::PathBuf;

impl<W> Daemon<W> {
    /// Sets the source of stdin; `/dev/null` unless set (not detached: unchanged).
    #[must_use]
    pub fn stdin<K>(mut self, stdin: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stdin.value() {
            self.settings.stdin = self.stream("stdin", stream);
        }
        self
    }

    /// Sets the destination of stdout; `/dev/null` unless set (not detached: unchanged).
    #[must_use]
    pub fn stdout<K>(mut self, stdout: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stdout.value() {
            self.settings.stdout = self.stream("stdout", stream);
        }
        self
    }

    /// Sets the destination of stderr; `/dev/null` unless set (not detached: unchanged). Errors that the library reports also go
    /// to syslog if stderr is `/dev/null`.
    #[must_use]
    pub fn stderr<K>(mut self, stderr: impl Setting<Stdio, K>) -> Self {
        if let Some(stream) = stderr.value() {
            self.settings.stderr = self.stream("stderr", stream);
        }
        self
    }

    /// Sets the log of a daemon that detaches: the destination of both stdout and stderr. Both share one file description, so that
    /// their lines stay in order; a file is reopened on SIGHUP. In the foreground, under systemd and wherever else the daemon does
    /// not detach, both stay unchanged: the service manager stores the output. [`stdout`](Daemon::stdout) and
    /// [`stderr`](Daemon::stderr) override this for one stream, detached or not.
    ///
    /// A [`Log`] sets more than the path: the maximum size, the number of old files, and timestamps. Parts that it does not set
    /// keep the values of an earlier call.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use daemon::settings::Log;
    ///
    /// // Detached, the output goes to the file; under systemd, to the journal.
    /// let web = Daemon::new("web").log("/var/log/web.log");
    /// // The file is renamed to `/var/log/web.log.1` when it exceeds 10 MiB.
    /// web.log(Log::new().max_size(10 << 20)).run(|| println!("hello")).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn log<K>(mut self, log: impl Setting<Log, K>) -> Self {
        if let Some(mut log) = log.value() {
            log.target = log.target.and_then(|target| self.stream("log", target));
            enable_streams();
            self.settings.log.get_or_insert(Log::unset()).merge(log);
        }
        self
    }

    /// Gives a daemon that detaches a log at the default path unless [`log`](Daemon::log), or both [`stdout`](Daemon::stdout) and
    /// [`stderr`](Daemon::stderr), are set: `/var/log/NAME/NAME.log` for root, else `~/.local/state/NAME@HOST.log`. A log without
    /// a maximum size gets one of 10 MiB, and keeps one old file. The command line (`daemon::cli`) calls this.
    ///
    /// The directory is made if it is missing; in `/var/log` it gets the daemon's [`user`](Daemon::user) as its owner.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// let web = Daemon::new("web").default_log();
    /// println!("its log is {:?}", web.log_path());
    /// web.run(|| println!("hello")).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn default_log(mut self) -> Self {
        enable_streams();
        enable_default_path();
        enable_bounds();
        self.settings.default_log = true;
        self
    }

    /// Returns the path of the log file that the daemon writes to if it detaches: the file of stderr, or else that of stdout. `None`
    /// if neither leads to a file, or if the log has its default path and this process's user has no home directory.
    ///
    /// ```
    /// use daemon::Daemon;
    /// use std::path::Path;
    ///
    /// let web = Daemon::new("web").log("/var/log/web.log");
    /// assert_eq!(web.log_path().as_deref(), Some(Path::new("/var/log/web.log")));
    /// assert_eq!(Daemon::new("web").log_path(), None);
    /// ```
    pub fn log_path(&self) -> Option<PathBuf> {
        self.settings.log_path()
    }

    /// Calls `callback` in the launcher with the output of the starting daemon on stdout and stderr, as it arrives, in pieces of
    /// any length. A single write of up to 4 KiB arrives in one piece.
    ///
    /// The callback gets the output that the launcher captures: everything until [`ready`](crate::ready()) with
    /// [`Ready::Manual`](crate::settings::Ready), and the output of hooks and attachments. That output is not stored for
    /// [`Started::output`](crate::Started) or [`Error::output`](crate::Error::output). A daemon that does not detach has no
    /// launcher, so the callback is never called. The start goes on meanwhile, but its success is not reported before the
    /// callback returns. A callback that panics is not called again.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    /// use daemon::settings::Ready;
    /// use std::io::Write;
    ///
    /// let index = Daemon::new("index").ready(Ready::Manual).on_output(|text| {
    ///     let _ = std::io::stdout().write_all(text);
    /// });
    /// index.run(|| {
    ///     println!("reading 3 million documents");
    ///     let _ = daemon::ready();
    /// }).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn on_output(mut self, callback: impl FnMut(&[u8]) + Send + 'static) -> Self {
        self.settings.on_output = Some(OnOutput::new(callback));
        self
    }

    fn stream(&mut self, key: &str, stream: Stdio) -> Option<Stdio> {
        enable_streams();
        match stream {
            Stdio::File(path) => self.path(key, &path).map(Stdio::File),
            other => Some(other),
        }
    }
}
