//! The connections and sockets through which it is found out whether bots are ready.

use crate::notify;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// How bots that are starting become ready.
pub(super) struct Probes {
    /// Connections by which bots are asked.
    pub(super) connections: HashMap<usize, OwnedFd>,
    /// The directory of the sockets on which bots report; `None` if no place was found for it.
    pub(super) sockets: Option<notify::Directory>,
}

impl Probes {
    pub(super) fn new(sockets: Option<notify::Directory>) -> Probes {
        Probes { connections: HashMap::new(), sockets }
    }
}
