//! Builder methods for the standard streams.

use crate::daemon::Daemon;
use crate::launch::enable_streams;
use crate::settings::{OnOutput, Setting, Stdio};

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

    /// Sets the destination of both stdout and stderr of a daemon that detaches. Both share one file description, so that their
    /// lines stay in order; a file is reopened on SIGHUP. In the foreground, under systemd and wherever else the daemon does not
    /// detach, both stay unchanged: the service manager stores the output. [`stdout`](Daemon::stdout) and
    /// [`stderr`](Daemon::stderr) override this for one stream, detached or not.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// // Detached, the output goes to the file; under systemd, to the journal.
    /// Daemon::new("web").log("/var/log/web.log").run(|| println!("hello")).start()?;
    /// # Ok::<(), daemon::Error>(())
    /// ```
    #[must_use]
    pub fn log<K>(mut self, log: impl Setting<Stdio, K>) -> Self {
        if let Some(log) = log.value() {
            self.settings.log = self.stream("log", log);
        }
        self
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
