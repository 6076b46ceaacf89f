//! Looking at a pidfile without touching its lock.

use super::record::{LIMIT, Record};
use crate::process::{Identity, Life};
use nix::sys::stat::fstat;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

/// One look at the file: all that was read belongs together.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) record: Record,
    bytes: Vec<u8>,
    inode: (libc::dev_t, libc::ino_t),
    age: Duration,
}

/// What a look at the path found: no file, or a reading.
#[derive(Clone, Debug)]
pub(crate) struct Probe(pub(super) Option<Reading>);

/// Who a pidfile says holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// There is no file.
    Nothing,
    /// The file was emptied this long ago: a start is on its way, or died.
    Unsealed(Duration),
    /// The file names nobody.
    Nobody,
    /// The daemon that it names is dead.
    Dead(Identity),
    /// It was written in another pid namespace.
    Elsewhere,
    /// It is no pidfile.
    Foreign,
    /// The daemon that it names is alive.
    Alive(Identity),
}

impl Reading {
    /// Reads an open pidfile in one `pread(2)`.
    pub(crate) fn of(file: &File) -> io::Result<Reading> {
        let mut short = [0; 256];
        let length = file.read_at(&mut short, 0)?;
        let mut bytes = short[..length].to_vec();
        if bytes.len() == short.len() {
            // Longer than any of ours: somebody else's, as far as it is still read.
            bytes.resize(LIMIT + 1, 0);
            let length = file.read_at(&mut bytes, 0)?;
            bytes.truncate(length);
        }
        let status = fstat(file)?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(status.st_mtime.try_into().unwrap_or(0));
        let age = modified.elapsed().unwrap_or_default();
        Ok(Reading { record: Record::parse(&bytes), bytes, inode: (status.st_dev, status.st_ino), age })
    }

    /// Whom it names, and whether that very process lives.
    pub(crate) fn holder(&self) -> io::Result<Holder> {
        Ok(match &self.record {
            Record::Empty => Holder::Unsealed(self.age),
            Record::Unproven => Holder::Nobody,
            Record::Foreign => Holder::Foreign,
            Record::Complete(identity) => match identity.life()? {
                Life::Alive => Holder::Alive(identity.clone()),
                Life::Dead => Holder::Dead(identity.clone()),
                Life::Elsewhere => Holder::Elsewhere,
            },
        })
    }
}

impl Probe {
    pub(crate) fn nothing() -> Probe {
        Probe(None)
    }

    /// Whom the file names, and whether that very process lives.
    pub(crate) fn holder(&self) -> io::Result<Holder> {
        self.0.as_ref().map_or(Ok(Holder::Nothing), Reading::holder)
    }

    /// Where the daemon that the file names can be reached.
    pub(crate) fn addresses(&self) -> Vec<String> {
        match &self.0 {
            Some(Reading { record: Record::Complete(_), bytes, .. }) => Record::addresses(bytes),
            _ => Vec::new(),
        }
    }

    /// Whether both looks saw the same bytes in the same file.
    pub(crate) fn is_same(&self, other: &Probe) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => one.inode == other.inode && one.bytes == other.bytes,
            (None, None) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Nothing => f.write_str("there is no file"),
            Holder::Unsealed(_) => f.write_str("another start or stop is on its way"),
            Holder::Nobody => f.write_str("the file names no process for certain"),
            Holder::Dead(identity) => {
                write!(f, "the daemon it names (pid {}) is dead; perhaps a child of it kept the lock", identity.pid)
            }
            Holder::Elsewhere => f.write_str("the file was written in another pid namespace"),
            Holder::Foreign => f.write_str("the file holds something else than a pid"),
            Holder::Alive(identity) => write!(f, "pid {} lives", identity.pid),
        }
    }
}
