//! The pidfile: a lock that keeps two daemons from owning one name, and an identity that says who lives.
//!
//! The lock (`flock(2)`) sits on a description that can only read and stays open for the daemon's life. The identity
//! is written through a second description that is closed at the seal: a daemon that dropped its privileges must not
//! be able to write a number that somebody's `stop` then signals. The lock is never taken to find out whether a daemon
//! lives: that would make a start fail that comes at the same moment.

mod place;
mod probe;
mod record;

pub(crate) use probe::{Holder, Probe};
pub(crate) use record::Record;

use crate::error::{Error, ErrorKind, Result, cause};
use crate::pid::Pid;
use crate::process::Identity;
use fs2::FileExt;
use place::{Place, distrusted, inaccessible};
use probe::Reading;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How long a lock that is held by no daemon is waited for at the least: another start, stop or cleaner in passing.
pub(crate) const PASSING: Duration = Duration::from_millis(200);

/// The seam behind which another kind of lock could take the pidfile's place.
pub(crate) trait Lock: Sized {
    /// Takes the lock or says who has it.
    fn acquire(path: &Path, mode: u32, timeout: Duration) -> Result<Self>;
    /// Takes over the lock that another process has taken and given a copy of, as if acquired; `None` if it is not that of
    /// this path, or is not held.
    fn inherit(path: &Path, mode: u32, lock: OwnedFd) -> Result<Option<Self>>;
    /// The descriptor whose copies hold the lock.
    fn holding(&self) -> BorrowedFd<'_>;
    /// Writes down who holds it from now on and where to reach them; the last chance to write anything.
    fn seal(&mut self, identity: &Identity, addresses: &[String]) -> Result<()>;
    /// Lets go of whatever could change what is written down.
    fn stop_writing(&mut self);
    /// Who is said to hold it; takes no lock.
    fn probe(path: &Path) -> Result<Probe>;
    /// Removes what is there and lets go.
    fn release(self) -> io::Result<()>;
    /// Lets go of this process's copy and leaves everything as it is.
    fn abandon(self);
    /// The descriptors that must stay open while it is held.
    fn descriptors(&self) -> Vec<RawFd>;
}

/// A pidfile that this process holds: locked, and removed when the value is dropped.
///
/// Alone, it makes a program one of its kind:
///
/// ```
/// # let directory = std::env::temp_dir().join(format!("daemonize-core-doc-{}", std::process::id()));
/// # std::fs::create_dir(&directory)?;
/// # let path = directory.join("once.pid");
/// use daemonize_core::PidFile;
///
/// let once = PidFile::lock(&path)?;               // or: already running as pid 4711
/// assert_eq!(once.pid(), Some(daemonize_core::Pid::this()));
/// drop(once);                                     // removes the file
/// assert!(!path.exists());
/// # std::fs::remove_dir(&directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Line 1 is the pid, line 2 the identity: start time (clock ticks after boot), boot id and pid namespace; further lines,
/// if any, are addresses. The number alone never decides anything.
#[derive(Debug)]
pub struct PidFile {
    place: Place,
    /// Read-only; carries the lock, which is free as soon as the last copy is closed. Never `LOCK_UN`: that would free
    /// it for all copies at once.
    file: File,
    /// Writing; gone after the seal.
    writer: Option<File>,
    /// Who removes the file when this is dropped: not a forked copy of us.
    owner: Option<Pid>,
}

impl PidFile {
    /// Takes the pidfile for this process at once: [`acquire`](PidFile::acquire) and [`seal`](PidFile::seal).
    ///
    /// # Errors
    /// `AlreadyRunning` with the pid of the daemon that has it; `Locked` when somebody else holds it; otherwise why the
    /// file or its directory cannot be opened or trusted.
    pub fn lock(path: impl AsRef<Path>) -> Result<PidFile> {
        PidFile::acquire(path, Duration::ZERO)?.seal()
    }

    /// Takes the lock and empties the file, waiting up to `timeout` for whoever has it now.
    ///
    /// # Errors
    /// As [`lock`](PidFile::lock).
    pub fn acquire(path: impl AsRef<Path>, timeout: Duration) -> Result<PidFile> {
        <PidFile as Lock>::acquire(path.as_ref(), 0o644, timeout)
    }

    /// Writes this process's identity; from now on the file is complete and cannot be written any more.
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
        Lock::seal(&mut self, &identity, addresses)?;
        Ok(self)
    }

    /// Removes the file, if it is still ours, and lets go of the lock.
    ///
    /// # Errors
    /// When the file cannot be removed (a read-only file system): it is stale then, and the next start takes it.
    pub fn release(self) -> Result<()> {
        let path = self.place.path().to_owned();
        Lock::release(self)
            .map_err(|error| Error::failed(ErrorKind::PidFile, "remove pidfile", path.display(), cause(&error)))
    }

    /// The process that the file names, whether it lives or not; `None` before the seal.
    pub fn pid(&self) -> Option<Pid> {
        match Reading::of(&self.file).map(|reading| reading.record) {
            Ok(Record::Complete(identity)) => Some(identity.pid),
            _ => None,
        }
    }

    /// Whether the path still leads to the file that we hold: nobody moved or removed it.
    pub fn is_held(&self) -> bool {
        self.place.is_current(&self.file)
    }

    /// Whether the file names this process and is still the one at the path.
    pub fn is_mine(&self) -> bool {
        self.is_held() && self.pid() == Some(Pid::this())
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        self.place.path()
    }

    /// Opens, locks, and looks whether what was locked is still what the path leads to.
    fn attempt(path: &Path, mode: u32) -> Result<Attempt> {
        let place = Place::open(path)?;
        let file = place.create()?;
        let free = try_lock(&file).map_err(|error| inaccessible(path, cause(&error)))?;
        if !place.is_current(&file) {
            return Ok(Attempt::Replaced);
        }
        let holder = Reading::of(&file).and_then(|reading| reading.holder());
        Ok(match (holder, free) {
            (Ok(Holder::Alive(identity)), false) => Attempt::Daemon(identity.pid),
            // It is just going and could not remove its file; or this file system's locks keep nobody out. (A program that
            // has replaced itself by exec is nobody else.)
            (Ok(Holder::Alive(identity)), true) if identity.pid != Pid::this() => Attempt::Unlocked(identity.pid),
            (Ok(Holder::Foreign), true) => return Err(foreign(&place, "emptying")),
            (_, true) => Attempt::Taken(Box::new(PidFile::take(place, file, mode)?)),
            (Ok(holder), false) => Attempt::Other(holder.to_string()),
            (Err(error), false) => Attempt::Other(cause(&error)),
        })
    }

    /// Locked and current: nobody else's from here on. Empties it.
    fn take(place: Place, file: File, mode: u32) -> Result<PidFile> {
        // Whatever fails from here on, it is removed again.
        let mut taken = PidFile { place, file, writer: None, owner: Some(Pid::this()) };
        taken.place.set_mode(&taken.file, mode)?;
        taken.writer = Some(taken.place.write(&taken.file)?);
        taken.writing(|writer| writer.set_len(0))?;
        Ok(taken)
    }

    fn writing(&self, write: impl FnOnce(&File) -> io::Result<()>) -> Result<()> {
        let writer = self.writer.as_ref().ok_or_else(|| distrusted(self.path(), "it is sealed already"))?;
        write(writer)
            .map_err(|error| Error::failed(ErrorKind::PidFile, "write pidfile", self.path().display(), cause(&error)))
    }
}

/// How one try to take the lock went.
enum Attempt {
    Taken(Box<PidFile>),
    Replaced,
    Daemon(Pid),
    /// A living daemon's, and yet the lock was free.
    Unlocked(Pid),
    Other(String),
}

/// `flock(LOCK_EX | LOCK_NB)`: whether it was free. Never a blocking one, which starves and makes losers wait.
fn try_lock(file: &File) -> io::Result<bool> {
    match FileExt::try_lock_exclusive(file) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is no pidfile is somebody's, and stays what it is.
fn foreign(place: &Place, doing: &str) -> Error {
    distrusted(place.path(), format_args!("it holds something else than a pid: not {doing} it"))
}

/// Removes a pidfile whose daemon is dead; `Ok(false)` when somebody holds its lock.
pub(crate) fn clean(path: &Path) -> Result<bool> {
    let place = Place::open(path)?;
    let Some(file) = place.read()? else { return Ok(true) };
    place.judge(&file)?;
    if !try_lock(&file).map_err(|error| inaccessible(path, cause(&error)))? {
        return Ok(false);
    }
    if Reading::of(&file).is_ok_and(|reading| reading.record == Record::Foreign) {
        return Err(foreign(&place, "removing"));
    }
    let removed = place.remove(&file);
    removed
        .map_err(|error| Error::failed(ErrorKind::PidFile, "remove stale pidfile", path.display(), cause(&error)))?;
    Ok(true)
}

fn already_running(path: &Path, pid: Pid) -> Error {
    let text = format!("already running as pid {pid} (pidfile `{}`)", path.display());
    Error::new(ErrorKind::AlreadyRunning { pid }, text)
}

fn locked(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::failed(ErrorKind::Locked, "lock pidfile", path.display(), format_args!("locked, but by no daemon: {why}"))
}

impl Lock for PidFile {
    fn acquire(path: &Path, mode: u32, timeout: Duration) -> Result<PidFile> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let start = Instant::now();
        let (mut pause, mut replaced) = (Duration::from_millis(1), false);
        loop {
            let error = match PidFile::attempt(path, mode)? {
                Attempt::Taken(taken) => return Ok(*taken),
                // Our own file, removed between open and lock: nobody is in the way, so nothing to wait for. Once more
                // even when time is up: it may have passed while this process was not running.
                Attempt::Replaced if !replaced || start.elapsed() < timeout.max(PASSING) => {
                    replaced = true;
                    continue;
                }
                Attempt::Replaced => locked(path, "it is being replaced all the time"),
                Attempt::Daemon(pid) if start.elapsed() >= timeout => return Err(already_running(path, pid)),
                Attempt::Daemon(pid) | Attempt::Unlocked(pid) => already_running(path, pid),
                Attempt::Other(why) => locked(path, why),
            };
            if start.elapsed() >= timeout.max(PASSING) {
                return Err(error);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn inherit(path: &Path, mode: u32, lock: OwnedFd) -> Result<Option<PidFile>> {
        let path = &std::path::absolute(path).map_err(|error| inaccessible(path, cause(&error)))?;
        let (place, file) = (Place::open(path)?, File::from(lock));
        // Locking what one has locked already is no change; it is refused where the copy is of something else.
        if !place.is_current(&file) || !try_lock(&file).is_ok_and(|free| free) {
            return Ok(None);
        }
        place.judge(&file)?;
        PidFile::take(place, file, mode).map(Some)
    }

    fn holding(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    fn stop_writing(&mut self) {
        self.writer = None;
        self.place.close_directory();
    }

    fn seal(&mut self, identity: &Identity, addresses: &[String]) -> Result<()> {
        Record::check_addresses(addresses)
            .map_err(|why| Error::failed(ErrorKind::PidFile, "write pidfile", self.path().display(), why))?;
        let mut text = Record::print(identity);
        for address in addresses {
            text.push_str(address);
            text.push('\n');
        }
        // One write: a reader sees nothing or all of it.
        self.writing(|writer| match writer.write_at(text.as_bytes(), 0)? {
            written if written == text.len() => Ok(()),
            _ => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
        })?;
        self.stop_writing();
        self.owner = Some(identity.pid);
        Ok(())
    }

    fn probe(path: &Path) -> Result<Probe> {
        loop {
            let place = Place::open(path)?;
            let Some(file) = place.read()? else { return Ok(Probe::nothing()) };
            place.judge(&file)?;
            let reading = Reading::of(&file).map_err(|error| inaccessible(path, cause(&error)))?;
            if place.is_current(&file) {
                return Ok(Probe(Some(reading)));
            }
        }
    }

    fn release(mut self) -> io::Result<()> {
        self.owner = None;
        self.place.remove(&self.file)
    }

    fn abandon(mut self) {
        self.owner = None;
    }

    fn descriptors(&self) -> Vec<RawFd> {
        let writer = self.writer.iter().map(AsRawFd::as_raw_fd);
        let directory = self.place.directory().map(|directory| directory.as_raw_fd());
        writer.chain([self.file.as_raw_fd()]).chain(directory).collect()
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.owner == Some(Pid::this()) {
            let _ = self.place.remove(&self.file);
        }
    }
}
