//! Writes the level that a daemon is to read.

use super::{describe, level_path};
use crate::error::{Error, ErrorKind, Result};
use crate::level::parse;
use daemonize_sys::trust::directory::open_foreign_directory;
use daemonize_sys::trust::{FileId, SAFE_FLAGS};
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// The mode of the file: a daemon that has changed its user reads it, too.
const LEVEL_FILE_MODE: u32 = 0o644;

/// How often a file that another call is writing is replaced.
const MAX_ATTEMPTS: usize = 3;

/// How long, and how often, a daemon is given to read the file after its reload.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);
const CONFIRM_INTERVAL: Duration = Duration::from_millis(10);

/// A level that a daemon finds when it reloads, until this value is dropped.
#[derive(Debug)]
#[must_use = "the daemon finds the level only until this is dropped"]
pub struct LevelRequest {
    directory: OwnedFd,
    path: PathBuf,
    name: OsString,
    file: File,
    id: FileId,
}

impl LevelRequest {
    /// Checks that the daemon has read the level and applies it, for which it waits up to 2 s. To be called after the reload.
    ///
    /// # Errors
    /// It has not: its root directory is another one (`chroot`), it has no [`LevelRequests`](super::LevelRequests), or a later request has
    /// replaced this one.
    pub fn confirm(&self) -> Result<()> {
        let deadline = Instant::now() + CONFIRM_TIMEOUT;
        // A daemon that cannot report its reloads may still be about to read the file.
        while !self.is_obeyed() {
            if !self.is_in_place() {
                return Err(self.failed("another call has handed over a level meanwhile, which replaces it"));
            }
            if Instant::now() >= deadline {
                let why = "the daemon has not read it: it does not see the file (`chroot`), or is not prepared for it \
                           (`LevelRequests`); use the event `log-level` of its endpoint";
                return Err(self.failed(why));
            }
            thread::sleep(CONFIRM_INTERVAL);
        }
        Ok(())
    }

    fn failed(&self, why: &str) -> Error {
        let text = format!("failed to hand over the log level `{}`: {why}", self.path.display());
        Error::new(ErrorKind::Request, text)
    }

    /// Returns `true` if no later call has replaced the file.
    fn is_in_place(&self) -> bool {
        let found = fstatat(&self.directory, self.name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW);
        found.is_ok_and(|status| FileId::of(&status) == self.id)
    }

    /// Returns `true` if the daemon holds the shared lock on the file that it has obeyed.
    pub(super) fn is_obeyed(&self) -> bool {
        let file = self.file.try_clone();
        file.is_ok_and(|file| {
            matches!(Flock::lock(file, FlockArg::LockExclusiveNonblock), Err((_, nix::Error::EWOULDBLOCK)))
        })
    }
}

/// Writes a level for the daemon with this pidfile, which [`LevelRequests`](super::LevelRequests) makes it read. Then reload the daemon,
/// and drop the returned value when that is done.
///
/// ```no_run
/// use daemon::Daemon;
///
/// let web = Daemon::new("web");
/// let request = daemon::logging::request_level(&web.pidfile_path(), "debug")?;
/// web.reload()?;
/// request.confirm()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The directives are wrong; this process may not write beside the pidfile; or, for root, other users could replace what is there.
pub fn request_level(pidfile: &Path, directives: &str) -> Result<LevelRequest> {
    let directives = parse(directives, "request the log level")?.to_string();
    let path = level_path(pidfile);
    write(&path, &directives).map_err(|why| {
        Error::new(ErrorKind::Request, format!("failed to write the log level `{}`: {why}", path.display()))
    })
}

fn write(path: &Path, text: &str) -> std::result::Result<LevelRequest, String> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err("it names no file".into()) };
    let parent = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() };
    let (directory, _) = open_foreign_directory(&parent)?;
    let directory = directory.fd;
    let mut new_name = name.to_owned();
    // Of this process alone: another call at this moment would rename a file that it has not written.
    new_name.push(format!(".{}", std::process::id()));
    let mut file = create(&directory, &new_name)?;
    // Under another name first: a daemon that reloads at this moment reads all of it or nothing.
    let written = fchmod(&file, Mode::from_bits_truncate(LEVEL_FILE_MODE))
        .map_err(describe)
        .and_then(|()| file.write_all(text.as_bytes()).map_err(|error| daemonize_sys::error::cause(&error)))
        .and_then(|()| fstat(&file).map_err(describe))
        .and_then(|status| {
            renameat(&directory, new_name.as_os_str(), &directory, name).map_err(describe)?;
            Ok(status)
        });
    match written {
        Ok(status) => {
            Ok(LevelRequest { directory, path: path.to_owned(), name: name.to_owned(), file, id: FileId::of(&status) })
        }
        Err(why) => {
            remove(&directory, &new_name);
            Err(why)
        }
    }
}

/// Creates the file, never through a link. What a killed call has left is replaced.
fn create(directory: &OwnedFd, name: &OsStr) -> std::result::Result<File, String> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | SAFE_FLAGS;
    let mut created = Err(nix::Error::EEXIST);
    for _ in 0..MAX_ATTEMPTS {
        created = openat(directory, name, flags, Mode::from_bits_truncate(LEVEL_FILE_MODE));
        if !matches!(created, Err(nix::Error::EEXIST)) {
            break;
        }
        remove(directory, name);
    }
    created.map(File::from).map_err(|errno| match errno {
        nix::Error::EEXIST => format!("`{}` beside it cannot be replaced: remove it", name.to_string_lossy()),
        errno => describe(errno),
    })
}

fn remove(directory: &OwnedFd, name: &OsStr) {
    let _ = unlinkat(directory, name, UnlinkatFlags::NoRemoveDir);
}

impl Drop for LevelRequest {
    /// Removes the file, unless a later call has replaced it.
    fn drop(&mut self) {
        if self.is_in_place() {
            remove(&self.directory, &self.name);
        }
    }
}
