//! The single-instance lock: `flock(2)` on the pidfile in the application's directory.

use super::Instance;
use super::app_dir::{self, configuration};
use crate::client::after;
use crate::client::error::{Error, ErrorKind, Result};
use daemonize_core::PidFile;
use daemonize_core::attach::{AttachContext, Attachment};
use std::path::Path;
use std::time::{Duration, Instant};

impl Instance {
    /// Locks the pidfile. Waits while another process holds the lock and cannot be reached yet.
    ///
    /// # Errors
    /// `AlreadyRunning` with the pidfile of the running instance; `Unresponsive` after [`lock_timeout`](Instance::lock_timeout).
    pub(super) fn acquire_lock(&self) -> Result<PidFile> {
        let pidfile = self.pid_file()?;
        let context = AttachContext::foreground(&self.name, &pidfile);
        self.endpoint.check(&context).map_err(configuration)?;
        app_dir::create(pidfile.parent().unwrap_or(Path::new("/")))?;
        let deadline = after(self.lock_timeout);
        loop {
            let error = match PidFile::acquire(&pidfile, Duration::ZERO) {
                Ok(lock) => return Ok(lock),
                Err(error) => error,
            };
            match error.kind() {
                daemonize_core::ErrorKind::AlreadyRunning { pid } => {
                    let error = Error::new(ErrorKind::AlreadyRunning { pid }, error.to_string());
                    return Err(error.with_pidfile(pidfile));
                }
                daemonize_core::ErrorKind::Locked if Instant::now() < deadline => {}
                daemonize_core::ErrorKind::Locked => {
                    return Err(Error::new(ErrorKind::Unresponsive, error.to_string()));
                }
                _ => return Err(Error::new(ErrorKind::Start, error.to_string())),
            }
        }
    }
}
