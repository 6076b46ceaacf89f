//! Reading a pidfile without touching its lock.

use super::place::Place;
use super::record::{LIMIT, Record};
use crate::error::Result;
use crate::pid::Pid;
use crate::process::{Identity, Liveness, runs_as};
use crate::sys::account::describe;
use crate::sys::proc::{ProcStat, after_boot};
use crate::sys::trust::FileId;
use nix::sys::stat::{FileStat, fstat};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Uid;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

/// A pidfile that is empty for longer is not likely one of a start under way.
const LONG_START: Duration = Duration::from_secs(60);

/// One reading of the file: content, inode and age belong together.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) record: Record,
    bytes: Vec<u8>,
    file: FileId,
    modified: SystemTime,
    /// The other user that owns the file's directory, if root reads the file.
    pub(crate) foreign: Option<u32>,
}

/// The result of a look at the path: a reading, or no file.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The file's place, with its open directory; `None` without a directory.
    place: Option<Place>,
    reading: Option<Reading>,
}

/// The state of a daemon as its pidfile shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// There is no file.
    Nothing,
    /// The file was emptied this long ago: a start is under way, or died.
    Unsealed(Duration),
    /// The file names no process for certain.
    Nobody,
    /// Another program's pidfile: a bare number, and the process of that number is older than the file.
    Unproven(Pid),
    /// The daemon that the file names is dead.
    Dead(Identity),
    /// It cannot be said whether the daemon lives, for this reason.
    Unknown(&'static str),
    /// The file is not a pidfile.
    Foreign,
    /// It lies in a directory of this user, and names a living process that does not run as that user.
    Stranger(Pid, u32),
    /// The daemon that the file names is alive.
    Alive(Identity),
}

impl Reading {
    /// Reads an open pidfile with one `pread(2)`.
    pub(crate) fn of(file: &File) -> io::Result<Reading> {
        let mut short = [0; 256];
        let length = file.read_at(&mut short, 0)?;
        let mut bytes = short[..length].to_vec();
        if bytes.len() == short.len() {
            // Longer than the identity alone: with addresses, or another program's.
            bytes.resize(LIMIT + 1, 0);
            let length = file.read_at(&mut bytes, 0)?;
            bytes.truncate(length);
        }
        let status = fstat(file)?;
        let seconds = Duration::from_secs(status.st_mtime.try_into().unwrap_or(0));
        let modified = SystemTime::UNIX_EPOCH + seconds;
        let file = FileId::of(&status);
        Ok(Reading { record: Record::parse(&bytes), bytes, file, modified, foreign: None })
    }

    /// Returns `true` if this is the file that was read.
    pub(super) fn is_of(&self, file: &FileStat) -> bool {
        self.file == FileId::of(file)
    }

    /// Returns the state of the process that the file names.
    pub(crate) fn holder(&self) -> io::Result<Holder> {
        Ok(match &self.record {
            Record::Empty => Holder::Unsealed(self.modified.elapsed().unwrap_or_default()),
            Record::Unproven(pid) if self.is_older(*pid) => Holder::Unproven(*pid),
            Record::Unproven(_) => Holder::Nobody,
            Record::Foreign => Holder::Foreign,
            Record::Complete(identity) => match identity.liveness()? {
                Liveness::Alive => match self.foreign {
                    Some(user) if !runs_as(identity.pid, user)? => Holder::Stranger(identity.pid, user),
                    _ => Holder::Alive(identity.clone()),
                },
                Liveness::Dead => Holder::Dead(identity.clone()),
                Liveness::Unknown(why) => Holder::Unknown(why),
            },
        })
    }

    /// Returns `true` if a start, stop or cleaner that holds the lock may remove the file: it is `own`, or names no
    /// process that may live, and is a pidfile at all.
    pub(super) fn is_disposable(&self, own: Option<&Identity>) -> bool {
        match &self.record {
            Record::Complete(identity) if Some(identity) == own => true,
            _ => !matches!(self.holder(), Ok(Holder::Alive(_) | Holder::Foreign | Holder::Unproven(_)) | Err(_)),
        }
    }

    /// Returns `true` if the process `pid` lives and was there before the file was written, in this boot: the number may
    /// then be its. A younger process has the number by chance, and so has any process after a reboot.
    fn is_older(&self, pid: Pid) -> bool {
        let Ok(stat) = ProcStat::of(pid) else { return false };
        let Ok(uptime) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return true };
        let Some(booted) = SystemTime::now().checked_sub(Duration::from(uptime)) else { return true };
        // The file's time has whole seconds here.
        let written = self.modified + Duration::from_secs(1);
        !stat.is_zombie() && written >= booted && booted + after_boot(stat.start_time) <= written
    }
}

impl Probe {
    /// Returns the result where there is no directory.
    pub(crate) fn nothing() -> Probe {
        Probe { place: None, reading: None }
    }

    /// Reads the pidfile of this place.
    pub(super) fn of(place: Place) -> Result<Probe> {
        let reading = place.read()?;
        Ok(Probe { place: Some(place), reading })
    }

    /// Returns the place of the file; `None` without a directory.
    pub(super) fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Returns the reading; `None` without a file.
    pub(super) fn reading(&self) -> Option<&Reading> {
        self.reading.as_ref()
    }

    /// Returns the state of the process that the file names.
    pub(crate) fn holder(&self) -> io::Result<Holder> {
        self.reading.as_ref().map_or(Ok(Holder::Nothing), Reading::holder)
    }

    /// Returns the addresses of the daemon that the file names.
    pub(crate) fn addresses(&self) -> Vec<String> {
        match &self.reading {
            Some(Reading { record: Record::Complete(_), bytes, .. }) => Record::addresses(bytes),
            _ => Vec::new(),
        }
    }

    /// Returns `true` if neither the file nor its lock file is in the directory any more.
    pub(crate) fn is_nothing_left(&self) -> bool {
        self.place.as_ref().is_some_and(Place::is_bare)
    }

    /// Reads the file again in the same directory. Returns `true` if it is the same one with the same bytes.
    pub(crate) fn is_unchanged(&self) -> Result<bool> {
        let Some(place) = &self.place else { return Ok(false) };
        Ok(match (&self.reading, place.read()?) {
            (Some(before), Some(now)) => before.file == now.file && before.bytes == now.bytes,
            (None, None) => true,
            _ => false,
        })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Nothing => f.write_str("there is no pidfile"),
            Holder::Unsealed(age) if *age > LONG_START => f.write_str(
                "another start or stop is under way, or a hook replaced the stage `PidFile` of a daemon, which no verb can reach then",
            ),
            Holder::Unsealed(_) => f.write_str("another start or stop is under way"),
            Holder::Nobody => f.write_str("the pidfile names no process for certain"),
            Holder::Unproven(pid) => write!(
                f,
                "it names the living process {pid}, but another program wrote it: end that process first, or remove the file"
            ),
            Holder::Dead(identity) => write!(f, "the daemon it names (pid {}) is dead", identity.pid),
            Holder::Unknown(why) => f.write_str(why),
            Holder::Foreign => f.write_str("it holds something else than a pid"),
            Holder::Stranger(pid, user) => write!(
                f,
                "its directory belongs to {}, but pid {pid}, which it names, does not run as that user",
                describe(Uid::from_raw(*user))
            ),
            Holder::Alive(identity) => write!(f, "pid {} is alive", identity.pid),
        }
    }
}
