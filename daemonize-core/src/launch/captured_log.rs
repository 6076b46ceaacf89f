//! The log of a stream in the launcher, which writes to it what it has captured before the daemon is ready.

use crate::logs::ManagedLog;
use nix::unistd::write;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A log that gets what the launcher has captured.
pub(super) trait CapturedLog {
    /// Appends bytes. Errors are ignored: the start goes on, and the output is captured regardless.
    fn write(&self, bytes: &[u8]);
}

/// A log file, which the launcher never rotates.
pub(super) struct LogFile {
    pub(super) file: Arc<OwnedFd>,
    /// Set if the lines get timestamps.
    pub(super) managed: Option<Arc<dyn ManagedLog>>,
}

impl CapturedLog for LogFile {
    fn write(&self, bytes: &[u8]) {
        match &self.managed {
            Some(log) => log.write_captured(bytes),
            None => {
                let _ = write_all(&self.file, bytes);
            }
        }
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> nix::Result<()> {
    while !bytes.is_empty() {
        match write(file, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
