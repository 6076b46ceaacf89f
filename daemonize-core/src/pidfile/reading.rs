//! One reading of a pidfile, and what it says about the process that it names (rule P7).

use super::format::{LIMIT, Record};
use super::holder::Holder;
use crate::pid::Pid;
use crate::process::{Identity, Liveness, runs_as};
use crate::sys::proc::{ProcStat, after_boot};
use crate::sys::trust::FileId;
use nix::sys::stat::{FileStat, fstat};
use nix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

/// One reading of the file: content, inode and age of the same file.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) record: Record,
    pub(super) bytes: Vec<u8>,
    pub(super) file: FileId,
    modified: SystemTime,
    /// The other user that owns the file's directory, if root reads the file.
    pub(crate) foreign: Option<u32>,
}

impl Reading {
    /// Reads an open pidfile with one `pread(2)`.
    pub(crate) fn of(file: &File) -> io::Result<Reading> {
        let mut short = [0; 256];
        let length = file.read_at(&mut short, 0)?;
        let mut bytes = short[..length].to_vec();
        if bytes.len() == short.len() {
            // More than an identity: it has addresses, or is not a pidfile of this library.
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
            Record::Unproven(_) => Holder::Unidentified,
            Record::Foreign => Holder::Foreign,
            Record::Complete(identity) => match identity.liveness()? {
                Liveness::Alive => match self.foreign {
                    Some(user) if !runs_as(identity.pid, user)? => Holder::WrongUser(identity.pid, user),
                    _ => Holder::Alive(identity.clone()),
                },
                Liveness::Dead => Holder::Dead(identity.clone()),
                Liveness::Unknown(why) => Holder::Unknown(why),
            },
        })
    }

    /// Returns `true` if a start, stop or cleaner that holds the lock may remove the file: it is `own`, or names no
    /// process that may be alive, and is a pidfile.
    pub(super) fn is_removable(&self, own: Option<&Identity>) -> bool {
        match &self.record {
            Record::Complete(identity) if Some(identity) == own => true,
            _ => !matches!(self.holder(), Ok(Holder::Alive(_) | Holder::Foreign | Holder::Unproven(_)) | Err(_)),
        }
    }

    /// Returns `true` if the process `pid` is alive and was started before the file was written, in this boot: the file may
    /// mean it. A younger process has reused the pid, and so has any process after a reboot.
    fn is_older(&self, pid: Pid) -> bool {
        let Ok(stat) = ProcStat::of(pid) else { return false };
        let Ok(uptime) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return true };
        let Some(booted) = SystemTime::now().checked_sub(Duration::from(uptime)) else { return true };
        // The time of the file is cut to whole seconds here.
        let written = self.modified + Duration::from_secs(1);
        !stat.is_zombie() && written >= booted && booted + after_boot(stat.start_time) <= written
    }
}
