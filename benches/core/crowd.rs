//! A process with many open descriptors and a high limit of them, which all that it starts inherits.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::dup;

/// Many open descriptors; closed, and the limit as before, when dropped.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// The limit of descriptors: what was wanted, or the highest one that is allowed.
    pub(crate) limit: rlim_t,
    before: (rlim_t, rlim_t),
    _open: Vec<OwnedFd>,
}

impl Crowd {
    /// Raises the limit as far as it is allowed, and opens descriptors that programs inherit.
    pub(crate) fn new(wanted: rlim_t, open: usize) -> Result<Self, String> {
        let failed = |error| format!("failed to open {open} descriptors: {error}");
        let before = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
        let mut limit = wanted;
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, wanted).is_err() {
            limit = before.1;
            setrlimit(Resource::RLIMIT_NOFILE, limit, limit).map_err(failed)?;
        }
        let null = File::open("/dev/null").map_err(|error| format!("failed to open `/dev/null`: {error}"))?;
        // Unlike what `std` opens, a duplicate stays open in programs that are started.
        let open = (0..open).map(|_| dup(&null)).collect::<Result<_, _>>().map_err(failed)?;
        Ok(Self { limit, before, _open: open })
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // A limit that was raised can be lowered again.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, self.before.0, self.before.1);
    }
}
