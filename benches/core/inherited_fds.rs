//! Many open file descriptors and a high `RLIMIT_NOFILE`, which the measured programs inherit.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::dup;

/// Many open file descriptors. Dropping them closes them and restores the limit.
#[derive(Debug)]
pub(crate) struct InheritedFds {
    /// The limit: the wanted one, or the highest that is allowed.
    pub(crate) limit: rlim_t,
    before: (rlim_t, rlim_t),
    _open: Vec<OwnedFd>,
}

impl InheritedFds {
    /// Raises the limit as far as allowed, and opens file descriptors without close-on-exec (`dup(2)`).
    pub(crate) fn new(wanted: rlim_t, open: usize) -> Result<Self, String> {
        let failed = |error| format!("failed to open {open} descriptors: {error}");
        let before = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
        let mut limit = wanted;
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
            limit = before.1;
            setrlimit(Resource::RLIMIT_NOFILE, limit, limit).map_err(failed)?;
        }
        let null = File::open("/dev/null").map_err(|error| format!("failed to open `/dev/null`: {error}"))?;
        // Unlike files of std, a duplicate has no close-on-exec.
        let open = (0..open).map(|_| dup(&null)).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { limit, before, _open: open })
    }
}

impl Drop for InheritedFds {
    fn drop(&mut self) {
        // A limit that was raised can be lowered again.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.before.0, self.before.1);
    }
}
