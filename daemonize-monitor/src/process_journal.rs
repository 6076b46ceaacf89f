//! The process journal: a state file beside the pidfile (`NAME.journal`) that lists the running processes of bots, so that the
//! next monitor can stop the processes that a killed monitor left behind.
//!
//! The first line names the monitor, the boot and the pid namespace; each further line records a start or an exit, and ends with
//! a checksum. Lines are appended once per turn of the engine, into space that is reserved in advance (`fallocate(2)`). A truncated
//! file is read up to its last whole line. A file that is not a journal, belongs to another user, or is from another boot is
//! ignored.
//!
//! Processes that the journal lacks are found by the secret of the monitor, which each bot has in its environment. A copy of the
//! first line in `NAME.secret` keeps that secret if the journal is lost.

mod format;
mod leftover_processes;

use crate::error::{Error, Result, cause};
use crate::process::Facts;
use crate::secret::Secret;
use daemonize_core::Pid;
use daemonize_sys::trust::SAFE_FLAGS;
use format::{JournalHeader, ParsedJournal, ProcessRecord, line};
use nix::fcntl::{FallocateFlags, fallocate};
use nix::unistd::geteuid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The maximum size of a journal.
const MAX_BYTES: u64 = 64 << 20;

/// How often a failed write is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The space that is reserved in advance, in case the disk fills up: some thousand lines.
const RESERVED_BYTES: u64 = 64 * 1024;

/// The number of lines about exited processes at which the file is rewritten.
const MAX_STALE_LINES: usize = 1024;

/// The journal of this monitor.
pub(crate) struct ProcessJournal {
    path: Option<PathBuf>,
    file: Option<File>,
    /// The length of the file, and the length up to which space is reserved.
    length: u64,
    room: u64,
    header: JournalHeader,
    /// The users of bots that are not the monitor's own.
    users: BTreeSet<u32>,
    /// `true` if the copy of the secret lacks a user.
    copy_is_stale: bool,
    running: BTreeMap<Pid, ProcessRecord>,
    /// Lines to write at the end of this turn.
    pending: String,
    lines: usize,
    /// The file is not what it should be; when to try again.
    retry_at: Option<Instant>,
}

impl ProcessJournal {
    /// Stops the processes that an earlier monitor left, according to the journal at `path`, and creates a new journal.
    ///
    /// # Errors
    /// A process does not exit: a second copy of it must not be started. Or the identity of this monitor cannot be determined or
    /// written: the next monitor could not stop its processes.
    pub(crate) fn begin(path: Option<PathBuf>) -> Result<ProcessJournal> {
        let header = JournalHeader::new().map_err(|error| Error::system("identify this monitor", &error))?;
        if let Some(path) = &path {
            let earlier = [path, &secret_copy_path(path)].into_iter().filter_map(|path| read_or_warn(path)).collect();
            leftover_processes::end(earlier, &header)?;
        }
        let (running, pending) = (BTreeMap::new(), String::new());
        let (file, length, room, lines, retry_at) = (None, 0, 0, 0, None);
        let (users, copy_is_stale) = (BTreeSet::new(), true);
        let mut journal = ProcessJournal {
            path,
            file,
            length,
            room,
            header,
            users,
            copy_is_stale,
            running,
            pending,
            lines,
            retry_at,
        };
        let written = journal.copy_secret().and_then(|()| journal.replace());
        let path = journal.path.as_deref().unwrap_or(Path::new("")).display();
        written.map_err(|error| Error::system(&format!("write `{path}`"), &error))?;
        Ok(journal)
    }

    /// Returns the secret that all bots of this monitor have in their environment.
    pub(crate) fn secret(&self) -> &Secret {
        &self.header.secret
    }

    /// When a file that could not be written is tried again.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Records that a process was started.
    pub(crate) fn started(&mut self, pid: Pid, identity: Option<u64>, user: u32, grace: Duration) {
        if self.path.is_none() {
            return;
        }
        if user != geteuid().as_raw() && self.users.insert(user) {
            line(&mut self.pending, &format!("u {user}"));
            self.copy_is_stale = true;
        }
        // Without a start time the process could not be told from one that reuses its pid.
        let Some(facts) = Facts::of(pid) else { return };
        let entry = ProcessRecord { start_time: facts.start_time, identity, grace };
        self.running.insert(pid, entry);
        line(&mut self.pending, &entry.text(pid));
        self.lines += 1;
    }

    /// Records that a process and its descendants are gone.
    pub(crate) fn ended(&mut self, pid: Pid) {
        if self.running.remove(&pid).is_some() {
            line(&mut self.pending, &format!("- {pid}"));
            self.lines += 1;
        }
    }

    /// Writes the lines of this turn.
    pub(crate) fn flush(&mut self) {
        if self.copy_is_stale {
            // The journal has the same line: on a full disk, one of the files is enough.
            let _ = self.copy_secret();
        }
        if self.retry_at.is_some_and(|again| Instant::now() >= again)
            || self.lines > self.running.len() * 2 + MAX_STALE_LINES
        {
            return self.rewrite();
        }
        if self.pending.is_empty() || self.retry_at.is_some() {
            return;
        }
        let Some(file) = &mut self.file else { return };
        let outcome = file.write_all(self.pending.as_bytes());
        self.length += self.pending.len() as u64;
        self.pending.clear();
        match outcome {
            Ok(()) => self.reserve(),
            Err(error) => self.schedule_retry(&error),
        }
    }

    /// Removes the files: every process has been stopped.
    pub(crate) fn end(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = fs::remove_file(secret_copy_path(&path));
            let _ = fs::remove_file(path);
        }
    }

    /// Writes the copy of the secret and the users, in case the journal is lost.
    fn copy_secret(&mut self) -> io::Result<()> {
        self.copy_is_stale = false;
        let Some(path) = &self.path else { return Ok(()) };
        replace(&secret_copy_path(path), self.preamble().as_bytes()).map(drop)
    }

    /// Returns the lines before those of processes.
    fn preamble(&self) -> String {
        let mut text = String::new();
        line(&mut text, &self.header.text());
        for user in &self.users {
            line(&mut text, &format!("u {user}"));
        }
        text
    }

    /// Rewrites the whole file, or schedules a retry.
    fn rewrite(&mut self) {
        if let Err(error) = self.replace() {
            self.schedule_retry(&error);
        }
    }

    /// Writes the whole file under another name, and renames it over the old one.
    fn replace(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut text = self.preamble();
        for (pid, entry) in &self.running {
            line(&mut text, &entry.text(*pid));
        }
        self.pending.clear();
        self.file = Some(replace(path, text.as_bytes())?);
        self.lines = self.running.len();
        self.retry_at = None;
        (self.length, self.room) = (text.len() as u64, 0);
        self.reserve();
        Ok(())
    }

    /// Reserves space for the next lines. Without it, a full disk delays them.
    fn reserve(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.room < self.length + RESERVED_BYTES / 2) else { return };
        for ahead in [RESERVED_BYTES, RESERVED_BYTES / 16] {
            self.room = self.length + ahead;
            let Ok(end) = self.room.try_into() else { return };
            if fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, end).is_ok() {
                return;
            }
        }
    }

    fn schedule_retry(&mut self, error: &io::Error) {
        if let Some(path) = self.path.as_ref().filter(|_| self.retry_at.is_none()) {
            log::warn!("failed to write `{}`: {}", path.display(), cause(error));
        }
        self.retry_at = Some(Instant::now() + RETRY_INTERVAL);
    }
}

/// Returns the path of the copy of the secret.
fn secret_copy_path(journal: &Path) -> PathBuf {
    journal.with_extension("secret")
}

fn read_or_warn(path: &Path) -> Option<ParsedJournal> {
    read(path).unwrap_or_else(|error| {
        log::warn!("failed to read `{}`: {}", path.display(), cause(&error));
        None
    })
}

/// Reads the journal of an earlier monitor, if no other user can have written it.
fn read(path: &Path) -> io::Result<Option<ParsedJournal>> {
    let mut file = match File::options().read(true).custom_flags(SAFE_FLAGS.bits()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if !metadata.is_file() || !is_ours || metadata.len() > MAX_BYTES {
        // A user who could write the journal could make this monitor kill any process.
        return Err(io::Error::other("it is not a regular file that only this user can write"));
    }
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(MAX_BYTES).read_to_end(&mut text)?;
    Ok(format::parse(&text))
}

/// Writes a file beside `path` and renames it, so that readers see either the old or the new contents.
fn replace(path: &Path, text: &[u8]) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let _ = fs::remove_file(&beside);
    let mut file = File::options().append(true).create_new(true).mode(0o600).open(&beside)?;
    // Not to the disk itself (`fdatasync(2)`), which may take many seconds while others write, and during which nothing is
    // started: after a crash of the machine the journal counts as none, since it is of another boot.
    file.write_all(text)?;
    fs::rename(&beside, path)?;
    Ok(file)
}
