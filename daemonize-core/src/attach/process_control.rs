//! The control that attachments have of their process.

use std::error::Error;

/// Control of the process that an [`Attachment`](super::Attachment) runs in. In a daemon the library implements it; a program that is not a daemon
/// implements it itself.
pub trait ProcessControl: Send + Sync + 'static {
    /// Requests a stop; returns at once.
    fn stop(&self);

    /// Returns `true` if the process is to stop.
    fn is_stopping(&self) -> bool;

    /// Starts the program again, which takes over from this process. Returns when the new program waits to do so. The default fails.
    ///
    /// # Errors
    /// The restart is not possible, or the new program failed to start. This process continues then.
    fn restart(&self) -> Result<(), Box<dyn Error>> {
        Err("failed to restart: this process is not a daemon".into())
    }

    /// Requests a reload, as SIGHUP does; returns at once. The default fails.
    ///
    /// # Errors
    /// The reload is not possible.
    fn reload(&self) -> Result<(), Box<dyn Error>> {
        Err("failed to reload: this process is not a daemon".into())
    }
}

/// A control that does nothing, for a daemon without attachments, where none can call it.
pub(crate) struct NoControl;

impl ProcessControl for NoControl {
    fn stop(&self) {}

    fn is_stopping(&self) -> bool {
        false
    }
}
