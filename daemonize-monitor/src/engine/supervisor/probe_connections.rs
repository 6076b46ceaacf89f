//! Connections and sockets of readiness probes.

use crate::notify;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// Connections and sockets by which bots become ready.
pub(super) struct Probes {
    /// Connections that probe the bots' ports, by bot.
    pub(super) connections: HashMap<usize, OwnedFd>,
    /// The directory of the sockets on which bots report; `None` if it could not be created.
    pub(super) sockets: Option<notify::Directory>,
}

impl Probes {
    pub(super) fn new(sockets: Option<notify::Directory>) -> Probes {
        Probes { connections: HashMap::new(), sockets }
    }
}
