//! The supervisor's state.

use super::pending_starts::Starts;
use super::probe_connections::Probes;
use crate::engine::children::Children;
use crate::engine::reactor::Reactor;
use crate::engine::streams::Streams;
use crate::engine::subscribers::Subscribers;
use crate::engine::units::Units;
use crate::process_journal::ProcessJournal;
use crate::spawner::Spawner;
use std::time::{Duration, Instant};

/// The bots, and everything that belongs to them. Its methods are in the files beside this one, by behaviour.
pub(in crate::engine) struct Supervisor {
    pub(in crate::engine) reactor: Reactor,
    pub(in crate::engine) units: Units,
    pub(in crate::engine) streams: Streams,
    pub(in crate::engine) subscribers: Subscribers,
    pub(in crate::engine) journal: ProcessJournal,
    pub(super) children: Children,
    pub(super) spawner: Spawner,
    pub(super) starts: Starts,
    pub(super) probes: Probes,
    pub(super) unsettled: Unsettled,
    /// The deadline of a shutdown, from its beginning.
    pub(in crate::engine) stop_timeout: Duration,
    /// `true` when no bot may start any longer.
    pub(super) is_shutting_down: bool,
    /// The time of this turn of the loop.
    pub(in crate::engine) now: Instant,
    pub(super) chance: u64,
}

/// Bots that have changed, and whose effects on other bots are not settled yet.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Bots whose state or reason may have changed.
    pub(super) changed: Vec<usize>,
    /// Bots that are marked to stop, and that perhaps no dependent needs any longer.
    pub(super) released: Vec<usize>,
    /// `true` if bots were removed.
    pub(super) has_removed: bool,
}
