//! The engine's state.

use super::outsiders::Outsiders;
use super::stray_signals::StraySignalLog;
use super::supervisor::Supervisor;
use crate::bot::Bot;
use crate::command_queue::{CommandReceiver, Responder};
use crate::error::Result;
use crate::settings::Settings;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

/// The engine's state. Its methods are in the files beside this one, by behaviour.
pub(crate) struct Engine {
    pub(super) bots: Supervisor,
    pub(super) receiver: CommandReceiver,
    pub(super) stray_signals: StraySignalLog,
    pub(super) stopping: Option<BorrowedFd<'static>>,
    pub(super) ready: Option<Box<dyn FnOnce() -> Result<()>>>,
    pub(super) settings: Settings,
    /// The configured bots, one for each instance. A reload is compared with them.
    pub(super) configured: Vec<Arc<Bot>>,
    pub(super) shutdown: Option<Shutdown>,
}

/// A shutdown that has begun.
pub(super) struct Shutdown {
    /// The time at which the remaining bots are killed; `None` afterwards.
    pub(super) deadline: Option<Instant>,
    /// Commands that are answered when the shutdown is complete.
    pub(super) waiting: Vec<Responder>,
    pub(super) outsiders: Outsiders,
}
