//! The pidfile: a lock that keeps two daemons from owning one name, and an identity that says which process lives.
//!
//! Two files. `NAME.pid.lock` (mode 0600) carries the lock (`flock(2)`) and nothing else: a file that others could open
//! they could lock, and so keep every start and stop waiting. Its description is opened read-only and stays open for the
//! daemon's life. `NAME.pid` (mode 0644) is never locked; it is empty while a start is under way and is replaced once, by
//! `rename(2)` under the lock, so that a reader sees nothing, an empty file, or all of it. Both are removed under the
//! lock, the lock file last. The rules are in `docs/rules.md` (P1 to P13).

mod clean;
mod held;
mod last_words;
mod lock_holder;
mod place;
mod probe;
mod record;
mod refusal;

pub(crate) use clean::{Forget, clean, clean_lock};
pub(crate) use last_words::{ExitReport, Statement, read_last_words};
pub(crate) use probe::{Holder, Probe};
pub(crate) use record::Record;
pub(crate) use refusal::already_running;

use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::process::Identity;
use crate::sys::error::errno;
use fs2::FileExt;
use nix::errno::Errno;
use place::{Place, distrusted, inaccessible};
use probe::Reading;
use refusal::{find_living, locked, locking_failed};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The least time for which a lock that no daemon holds is waited for: another start, stop or cleaner in passing.
pub(crate) const PASSING: Duration = Duration::from_millis(200);

/// The mode of a pidfile: other users may see which process runs.
const MODE: u32 = 0o644;

/// A pidfile that this process holds: locked, and removed when the value is dropped.
///
/// Alone, it makes a program one of its kind:
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("daemonize-core-doc-{}", std::process::id()));
/// # std::fs::create_dir(&directory)?;
/// # let path = directory.join("once.pid");
/// use daemon::PidFile;
///
/// let once = PidFile::lock(&path)?;               // or: already running as pid 4711
/// assert_eq!(once.pid(), Some(daemon::Pid::this()));
/// drop(once);                                     // removes the file
/// assert!(!path.exists());
/// # std::fs::remove_dir(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Line 1 is the pid, line 2 the identity: start time (clock ticks after boot), boot id, pid and time namespace; further
/// lines, if any, are addresses. The number alone never decides anything. Beside it lies `NAME.pid.lock`, which this
/// process has locked (`flock(2)`), and which is removed with it.
#[derive(Debug)]
pub struct PidFile {
    place: Place,
    mode: u32,
    /// Read-only; carries the lock, which is free as soon as the last copy is closed. Never `LOCK_UN`: that would free
    /// it for all copies at once.
    lock: File,
    /// The process that the file names, once it is written.
    sealed: Option<Identity>,
    /// The process that removes the files when this is dropped: not a forked copy of it.
    owner: Option<Pid>,
    /// The prepared file for the daemon's last words, where the daemon itself could not make it.
    last_words: Option<File>,
}

impl PidFile {
    /// Takes the pidfile for this process at once: [`acquire`](PidFile::acquire) and [`seal`](PidFile::seal).
    ///
    /// # Errors
    /// `AlreadyRunning` with the pid of the daemon that has it; `Locked` if another process holds its lock; otherwise why a
    /// file or the directory cannot be opened or trusted.
    pub fn lock(path: impl AsRef<Path>) -> Result<PidFile> {
        PidFile::acquire(path, Duration::ZERO)?.seal()
    }

    /// Takes the lock and empties the file; waits up to `timeout` (at least 0.2 s for a process that is no daemon) until
    /// the lock is free.
    ///
    /// # Errors
    /// As [`lock`](PidFile::lock).
    pub fn acquire(path: impl AsRef<Path>, timeout: Duration) -> Result<PidFile> {
        PidFile::acquire_with(path.as_ref(), MODE, timeout)
    }

    /// Writes this process's identity: the file is complete from then on.
    ///
    /// # Errors
    /// When the identity cannot be read or written (disk full); the file is removed then.
    pub fn seal(self) -> Result<PidFile> {
        self.seal_as(Pid::this())
    }

    /// As [`seal`](PidFile::seal), for the process `pid`, which has to live: a child that will hold a copy of the lock.
    ///
    /// # Errors
    /// As [`seal`](PidFile::seal).
    pub fn seal_as(self, pid: Pid) -> Result<PidFile> {
        self.seal_for(pid, &[])
    }

    /// As [`seal`](PidFile::seal), with addresses to reach this process at: URLs without spaces, from the third line on.
    ///
    /// # Errors
    /// As [`seal`](PidFile::seal), and when one of them is no URL.
    pub fn seal_with(self, addresses: &[String]) -> Result<PidFile> {
        self.seal_for(Pid::this(), addresses)
    }

    fn seal_for(mut self, pid: Pid, addresses: &[String]) -> Result<PidFile> {
        let identity = Identity::of(pid)
            .map_err(|error| Error::failed(ErrorKind::PidFile, "identify process", pid, cause(&error)))?;
        self.write(&identity, addresses)?;
        self.renew_last_words();
        self.owner = Some(pid);
        Ok(self)
    }

    /// Removes the pidfile and its lock file, if they are still this process's, and frees the lock.
    ///
    /// # Errors
    /// When a file cannot be removed (a read-only file system): it is stale then, and the next start takes it.
    pub fn release(self) -> Result<()> {
        let path = self.place.path().to_owned();
        self.remove()
            .map_err(|error| Error::failed(ErrorKind::PidFile, "remove pidfile", path.display(), cause(&error)))
    }

    /// Returns the process that the file names, whether it lives or not; `None` before it is sealed.
    pub fn pid(&self) -> Option<Pid> {
        self.sealed.as_ref().map(|identity| identity.pid)
    }

    /// Returns `true` if the lock file's path still leads to the file that this process has locked: no other process
    /// moved or removed it.
    pub fn is_held(&self) -> bool {
        self.place.is_current(&self.lock)
    }

    /// Returns `true` if the pidfile names this process and its lock is held.
    pub fn is_mine(&self) -> bool {
        let names_this = |reading: Reading| matches!(reading.record, Record::Complete(identity) if Some(&identity) == self.sealed.as_ref());
        self.pid() == Some(Pid::this()) && self.is_held() && self.place.read().ok().flatten().is_some_and(names_this)
    }

    /// Returns the path, as it was given.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// As [`acquire`](PidFile::acquire), with the mode of the pidfile.
    pub(crate) fn acquire_with(path: &Path, mode: u32, timeout: Duration) -> Result<PidFile> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let first = match PidFile::attempt(path, mode)? {
            Attempt::Taken(taken) => return Ok(*taken),
            other => other,
        };
        PidFile::acquire_again(path, mode, timeout, first)
    }

    /// Waits for a lock that was not free, or whose file was being replaced.
    fn acquire_again(path: &Path, mode: u32, timeout: Duration, first: Attempt) -> Result<PidFile> {
        let (start, mut first) = (Instant::now(), Some(first));
        let (mut pause, mut replaced) = (Duration::from_millis(1), false);
        loop {
            let busy = match first.take().map_or_else(|| PidFile::attempt(path, mode), Ok)? {
                Attempt::Taken(taken) => return Ok(*taken),
                // Removed between open and lock: no process holds it, so there is nothing to wait for. Once more even when
                // time is up: it may have passed while this process was not running.
                Attempt::Replaced if !replaced || start.elapsed() < timeout.max(PASSING) => {
                    replaced = true;
                    continue;
                }
                Attempt::Daemon(pid) if start.elapsed() >= timeout => return Err(already_running(path, pid)),
                busy => busy,
            };
            if start.elapsed() >= timeout.max(PASSING) {
                return Err(busy.error(path));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// P1 to P5: opens the lock file, locks it, looks whether its path still leads there, and empties the pidfile.
    fn attempt(path: &Path, mode: u32) -> Result<Attempt> {
        let place = Place::open(path)?;
        let (lock, created) = place.open_lock()?;
        let free = match try_lock(&lock) {
            Ok(free) => free,
            Err(error) => {
                // A file system without locks: no process can hold this one. Out of memory says nothing of that kind.
                if created && errno(&error) != Some(Errno::ENOMEM) {
                    place.remove_lock();
                }
                return Err(locking_failed(&place, &error));
            }
        };
        if !place.is_current(&lock) {
            return Ok(Attempt::Replaced);
        }
        if !free {
            let holder = place.read()?.map_or(Ok(Holder::Nothing), |reading| reading.holder());
            return Ok(match holder {
                Ok(Holder::Alive(identity)) => Attempt::Daemon(identity.pid),
                Ok(holder) => Attempt::Busy(place, lock, format!("{holder}")),
                Err(error) => Attempt::Busy(place, lock, cause(&error)),
            });
        }
        let refusal = PidFile::empty(&place, mode);
        if created && !matches!(refusal, Ok(None)) {
            // Only what this attempt has made.
            let _ = place.remove(&lock, false, |_| false);
        }
        if let Some(refusal) = refusal? {
            return Ok(refusal);
        }
        Ok(Attempt::Taken(Box::new(PidFile {
            place,
            mode,
            lock,
            sealed: None,
            owner: Some(Pid::this()),
            last_words: None,
        })))
    }

    /// The lock is held: makes the pidfile an empty one, or returns why it must not be replaced all the same.
    fn empty(place: &Place, mode: u32) -> Result<Option<Attempt>> {
        let stale = place.read()?;
        match find_living(place.path(), stale.as_ref(), "replacing")? {
            // It is just ending and could not remove its file; or its lock file was removed; or this file system's locks
            // keep no process out. (A program that has replaced itself by exec is no other process.)
            Some(pid) if pid != Pid::this() => Ok(Some(Attempt::Unlocked(pid))),
            _ => place.create_empty(stale.as_ref(), mode).map(|()| None),
        }
    }

    /// Refuses a file that no start replaces, before there is a lock. One that cannot be read is judged under the lock.
    pub(crate) fn check_replaceable(path: &Path) -> Result<()> {
        match PidFile::probe(path) {
            Ok(probe) => find_living(path, probe.reading(), "replacing").map(drop),
            Err(_) => Ok(()),
        }
    }

    /// Takes over the lock of which another process of this daemon's has given a copy, and empties the pidfile, which may
    /// name that process; `None` if the copy is not of this path's lock file, or does not hold its lock.
    pub(crate) fn inherit(path: &Path, mode: u32, lock: OwnedFd) -> Result<Option<PidFile>> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let (place, lock) = (Place::open(path)?, File::from(lock));
        // A description that holds the lock gets it once more; one of another file does not.
        if !place.is_current(&lock) || !try_lock(&lock).is_ok_and(|free| free) {
            return Ok(None);
        }
        place.judge_lock(&lock)?;
        let stale = place.read()?;
        find_living(path, stale.as_ref(), "replacing")?;
        place.create_empty(stale.as_ref(), mode)?;
        Ok(Some(PidFile { place, mode, lock, sealed: None, owner: Some(Pid::this()), last_words: None }))
    }

    /// Returns the descriptor whose copies hold the lock.
    pub(crate) fn holding(&self) -> BorrowedFd<'_> {
        self.lock.as_fd()
    }

    /// P6: writes the identity of a living process, and its addresses, with one rename. The lock is held.
    pub(crate) fn write(&mut self, identity: &Identity, addresses: &[String]) -> Result<()> {
        let failed = |why: &dyn std::fmt::Display| {
            Error::failed(ErrorKind::PidFile, "write pidfile", self.place.path().display(), why)
        };
        if self.sealed.is_some() {
            return Err(distrusted(self.path(), "it is sealed already"));
        }
        Record::check_addresses(addresses).map_err(|why| failed(&why))?;
        let mut text = Record::print(identity);
        for address in addresses {
            text.push_str(address);
            text.push('\n');
        }
        self.place.replace(text.as_bytes(), self.mode).map_err(|error| failed(&cause(&error)))?;
        self.sealed = Some(identity.clone());
        Ok(())
    }

    /// In the child of the process that took the lock and goes on without it: this process owns the files from now on.
    pub(crate) fn take_over(&mut self) {
        self.owner = Some(Pid::this());
    }

    /// In the daemon: the launcher has written the file, and this process owns it from now on.
    pub(crate) fn adopt(&mut self, identity: Identity) {
        self.owner = Some(identity.pid);
        self.sealed = Some(identity);
    }

    /// Closes every descriptor but that of the lock.
    pub(crate) fn keep_lock_only(&mut self) {
        self.place.close_directory();
    }

    /// Opens the directory, as the daemon is about to remove the files in it.
    pub(crate) fn open_directory(&mut self) {
        self.place.open_directory();
    }

    /// Reads the pidfile; takes no lock.
    pub(crate) fn probe(path: &Path) -> Result<Probe> {
        Probe::of(Place::open_existing(path)?)
    }

    /// Leaves the files to the process that has the other copy of the lock.
    pub(crate) fn disown(mut self) -> PidFile {
        self.owner = None;
        self
    }

    /// Returns the descriptors that must stay open while the lock is held.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        [Some(&self.lock), self.last_words.as_ref()].into_iter().flatten().map(AsRawFd::as_raw_fd).collect()
    }

    /// P9: removes both files under the lock.
    fn remove(mut self) -> io::Result<()> {
        self.owner = None;
        self.remove_files()
    }

    fn remove_files(&self) -> io::Result<()> {
        self.discard_prepared_last_words();
        self.place.remove(&self.lock, self.sealed.is_some(), |reading| reading.is_disposable(self.sealed.as_ref()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.owner.is_some_and(|owner| owner == Pid::this()) {
            let _ = self.remove_files();
        }
    }
}

/// The outcome of one try to take the lock.
enum Attempt {
    Taken(Box<PidFile>),
    Replaced,
    Daemon(Pid),
    /// A living daemon's, and yet the lock was free.
    Unlocked(Pid),
    /// The lock that another process holds, and what the pidfile says.
    Busy(Place, File, String),
}

impl Attempt {
    /// The error of a start that has waited long enough.
    fn error(self, path: &Path) -> Error {
        match self {
            Attempt::Daemon(pid) | Attempt::Unlocked(pid) => already_running(path, pid),
            Attempt::Busy(place, lock, why) => locked(&place, &lock, &why),
            Attempt::Replaced | Attempt::Taken(_) => Error::failed(
                ErrorKind::Locked,
                "lock pidfile",
                path.display(),
                "its lock file is being replaced repeatedly",
            ),
        }
    }
}

/// `flock(LOCK_EX | LOCK_NB)`; returns `true` if it was free. Never a blocking one, which starves and makes losers wait.
fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}
