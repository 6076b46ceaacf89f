//! The settings of a start: which pidfile it takes, and where it prints.

use super::{Daemon, Held};
use crate::pidfile::PidFile;
use crate::settings::{OnOutput, Setting, Stdio};

impl<W> Daemon<W> {
    /// Sets where both stdout and stderr go when the daemon detaches, through one descriptor, so that their lines stay in
    /// order; a file is opened again on SIGHUP. In the foreground, under systemd and wherever else the daemon does not detach,
    /// both stay as they are: the manager keeps the output. For a stream that [`stdout`](Daemon::stdout) or
    /// [`stderr`](Daemon::stderr) sets, that counts, detached or not.
    ///
    /// ```no_run
    /// use daemon::Daemon;
    ///
    /// // Detached its output is in the file, under systemd in the journal.
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

    /// Runs the daemon without a pidfile, for programs that keep its pid themselves.
    ///
    /// Nothing keeps a second one from starting then, and no verb finds it: from outside `stop`, `send`, `restart` and `pid`
    /// fail and say why, and [`status`](Daemon::status) is [`Unknown`](crate::status::State::Unknown). [`Started::pid`](crate::Started) is its
    /// process; from inside, [`stop`](crate::stop()) works as always, and [`restart`](crate::restart) does not.
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
        self.held = Held::default();
        self
    }

    /// Gives the daemon a pidfile that this process holds already, in place of [`pidfile`](Daemon::pidfile): a program that
    /// makes itself the only one first, prepares, and then becomes a daemon lets no other one in between.
    ///
    /// The start empties the file and hands the lock on to the daemon; a start that fails removes both. Only the first start
    /// takes it, of all clones of this `Daemon`; a later one locks the path itself. It is an error of the start if the lock
    /// file was moved or removed meanwhile, or if the pidfile was [sealed](PidFile::seal_as) for another process. A program
    /// that does this cannot [`restart`](crate::restart) itself from inside, as the old daemon has the lock until it ends.
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
        self.held = Held::new(pidfile);
        self
    }

    /// Calls `callback` in the launcher with what the daemon prints on stdout or stderr while it starts, as it comes, in
    /// pieces of any length; what one writes in one go and in one piece of up to 4 KiB comes in one piece.
    ///
    /// It sees what the launcher sees: everything until [`ready`](crate::ready()) with [`Ready::Manual`](crate::settings::Ready), and what hooks
    /// and attachments print. What it has seen is not kept for [`Started::output`](crate::Started) or
    /// [`Error::output`](crate::Error::output). Not detached, there is no launcher and it is never called. The start goes on
    /// meanwhile, but its success is not reported before the callback returns. A callback that panics is not called again.
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
}
