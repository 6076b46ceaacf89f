//! `Daemon::into_parts`: separates the settings from the work.

use super::Daemon;

impl<W> Daemon<W> {
    /// Separates the daemon from its work, for code that changes settings without knowing the type of the work. [`work`](Daemon::work) puts
    /// them together again.
    ///
    /// ```
    /// use daemon::Daemon;
    ///
    /// let (web, work) = Daemon::new("web").run(|| ()).into_parts();
    /// let web = web.pidfile("/run/web.pid").work(work);
    /// assert_eq!(web.pidfile_path(), std::path::Path::new("/run/web.pid"));
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (Daemon, W) {
        (Daemon { settings: self.settings, work: (), caller_pidfile: self.caller_pidfile }, self.work)
    }
}
