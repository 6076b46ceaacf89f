//! Hands a level to a running daemon: a file beside its pidfile, which the daemon reads when it reloads.
//!
//! Only root and the daemon's user can make the daemon obey: the file has to belong to one of them, not to be writable by others, and
//! is opened without following a link. It exists while the verb `reload` runs; one that an earlier daemon was meant to read is ignored.
//! The daemon locks the file that it has obeyed (`flock(2)`), by which the verb knows that it has.

mod request;

pub use request::{LevelRequest, request_level};

use crate::directives::MAX_LENGTH;
use crate::error::{Error, ErrorKind, Result};
use crate::level::{is_set_up, set_level};
use daemonize_core::attach::{Attachment, Handle};
use daemonize_sys::error::cause;
use daemonize_sys::mutex::lock;
use daemonize_sys::trust::{FilePolicy, OTHERS_WRITE, SAFE_FLAGS};
use nix::fcntl::{Flock, FlockArg, OFlag, open};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::{Uid, geteuid};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much the time of a file may lie behind that of the clock: the kernel stamps files with the time of its last tick, at most 10 ms ago, and
/// a file server with that of its own clock.
const CLOCK_GRANULARITY: Duration = Duration::from_secs(1);

/// How often the lock on an obeyed file is tried, and the pause after each attempt.
const LOCK_ATTEMPTS: usize = 20;
const LOCK_INTERVAL: Duration = Duration::from_millis(1);

/// The receiver of `reload --log-level` in a daemon: it reads the level that [`request_level`] wrote, each time the daemon reloads
/// (SIGHUP). The command line attaches it to every daemon.
///
/// A daemon whose root directory was changed (`chroot`) does not see the file; its level changes by the endpoint.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::logging::LevelRequests;
///
/// let web = Daemon::new("web").attach(LevelRequests::new());
/// # drop(web);
/// ```
#[derive(Debug, Default)]
pub struct LevelRequests(Mutex<Option<Receiver>>);

/// The daemon's side of the file.
#[derive(Debug)]
struct Receiver {
    path: PathBuf,
    /// Files that are older were meant for an earlier daemon.
    since: SystemTime,
    /// The file that was obeyed last.
    obeyed: Option<Flock<File>>,
}

impl LevelRequests {
    /// Returns an attachment that reads the file beside the daemon's pidfile.
    pub fn new() -> LevelRequests {
        LevelRequests::default()
    }
}

impl Attachment for LevelRequests {
    fn start(&self, daemon: Handle) -> std::result::Result<(), Box<dyn std::error::Error>> {
        if !daemon.pidfile().as_os_str().is_empty() {
            *lock(&self.0) = Some(Receiver::new(daemon.pidfile(), daemon.since()));
        }
        Ok(())
    }

    fn reload(&self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        match &mut *lock(&self.0) {
            Some(receiver) => Ok(receiver.apply()?),
            None => Ok(()),
        }
    }
}

impl Receiver {
    fn new(pidfile: &Path, since: SystemTime) -> Receiver {
        Receiver { path: level_path(pidfile), since: since - CLOCK_GRANULARITY, obeyed: None }
    }

    /// Sets the level that the file holds, if there is one for this daemon.
    fn apply(&mut self) -> Result<()> {
        let failed = |why: &str| {
            Error::new(ErrorKind::Request, format!("failed to set the log level of `{}`: {why}", self.path.display()))
        };
        let (directives, file) = match self.read() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(()),
            Err(why) => {
                // Any user can make such a file where the pidfile's directory is shared: it must not make reloads fail. A verb that has
                // written the file learns from `confirm` that it was not read.
                log::warn!("{}", failed(&why));
                return Ok(());
            }
        };
        if !is_set_up() {
            return Err(failed("the program has not called `daemon::logging::init`"));
        }
        set_level(&directives)?;
        self.obeyed = lock_shared(file);
        Ok(())
    }

    /// Returns the content of the file, and the file; `None` if there is none for this daemon.
    fn read(&self) -> std::result::Result<Option<(String, File)>, String> {
        let fd = match open(&self.path, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
            Err(nix::Error::ENOENT) => return Ok(None),
            opened => opened.map_err(describe)?,
        };
        let status = fstat(&fd).map_err(describe)?;
        let owners = [Uid::from_raw(0), geteuid()];
        let policy =
            FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: true, forbidden: OTHERS_WRITE };
        policy.check(&status).map_err(|distrust| format!("{distrust}"))?;
        if modified(&status) < self.since {
            return Ok(None);
        }
        let mut text = String::new();
        let limit = MAX_LENGTH as u64 + 1;
        let file = File::from(fd);
        (&file).take(limit).read_to_string(&mut text).map_err(|error| cause(&error))?;
        Ok(Some((text, file)))
    }
}

/// Locks the file that was obeyed; `None` if another process holds its lock. A verb that looks for this lock holds its own for a moment; any
/// other user can hold one for as long as it likes, so this does not wait for it.
fn lock_shared(mut file: File) -> Option<Flock<File>> {
    for _ in 0..LOCK_ATTEMPTS {
        match Flock::lock(file, FlockArg::LockSharedNonblock) {
            Ok(locked) => return Some(locked),
            Err((unlocked, _)) => file = unlocked,
        }
        thread::sleep(LOCK_INTERVAL);
    }
    None
}

/// Returns the path of the file for a pidfile: `/run/web.pid.level` for `/run/web.pid`.
fn level_path(pidfile: &Path) -> PathBuf {
    let mut path = OsString::from(pidfile);
    path.push(".level");
    path.into()
}

fn modified(status: &FileStat) -> SystemTime {
    let seconds = Duration::from_secs(u64::try_from(status.st_mtime).unwrap_or_default());
    UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(status.st_mtime_nsec).unwrap_or_default())
}

fn describe(errno: nix::Error) -> String {
    cause(&io::Error::from(errno))
}

#[cfg(test)]
mod tests;
