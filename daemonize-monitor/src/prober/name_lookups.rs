//! Looks up names on threads. A name service may take long or never answer, so few look-ups go on at once: those that wait for
//! their turn are given up at the deadlines of their probes.

use super::probe_failure::ProbeFailure;
use crate::error::cause;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many names may be looked up at once.
pub(super) const MAX_LOOKUPS: usize = 8;

/// How many addresses of a name are tried.
const MAX_ADDRESSES: usize = 8;

/// The beginning of an error of a look-up, as std writes it.
const STD_PREFIX: &str = "failed to lookup address information: ";

/// See the module.
#[derive(Clone)]
pub(super) struct NameLookups(Arc<Semaphore>);

impl Default for NameLookups {
    fn default() -> NameLookups {
        NameLookups(Arc::new(Semaphore::new(MAX_LOOKUPS)))
    }
}

impl NameLookups {
    /// Returns the addresses of a name.
    pub(super) async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, ProbeFailure> {
        let failed = |why: String| ProbeFailure::OfBot(format!("failed to look up `{name}`: {why}"));
        let place = Arc::clone(&self.0).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let question = name.to_owned();
        // The place is kept until the name service has answered, also when the probe was given up.
        let found = spawn_blocking(move || {
            let _place = place;
            let found = (question.as_str(), port).to_socket_addrs()?;
            Ok(found.take(MAX_ADDRESSES).collect())
        });
        let found: io::Result<Vec<SocketAddr>> = found.await.map_err(|error| failed(error.to_string()))?;
        found.map_err(|error| {
            let why = cause(&error);
            failed(why.strip_prefix(STD_PREFIX).unwrap_or(&why).to_lowercase())
        })
    }
}
