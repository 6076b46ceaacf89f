//! The last words of a daemon: why it ended and, while it runs, what it could not do.
//!
//! They are in `NAME.last` beside `NAME.pid` (rule P13), mode 0600, at most 4 KiB. Only the process that holds the lock of the
//! pidfile writes, replaces or removes the file. A daemon that keeps its user and root directory creates the file when it has
//! something to report. A daemon that changes its user or root directory could not do that: the launcher creates the file as
//! `NAME.last.new`, changes its owner to that user, and renames it when the start succeeds; the daemon keeps the descriptor.
//!
//! Possible attackers:
//!
//! * **The user of the daemon** owns the file and may write anything into it, of any size, at any time. The content is a claim
//!   and decides nothing: it chooses no process to signal, no file to open and no exit status. A reader reads 4 KiB, escapes each
//!   text, and shows it as the daemon's statement. A longer file, or one that this library has not written, is rejected. The user
//!   can fill the file system with it, as with the directory of its endpoint: do not use `/run` for hostile daemons.
//! * **Another user** can write neither the file nor the directory, which is checked as for the pidfile. In a directory where
//!   other users can create files (`/tmp`), only files of the reading user are trusted, so no file is created for another user.
//! * **The owner of the directory** can replace the file by a link, a FIFO, a hard link or a file of another user, for root to
//!   read or replace. A reader opens it with `O_NOFOLLOW` and `O_NONBLOCK`, and accepts a regular file of that user with one
//!   name. Root changes nothing in such a directory.
//! * **A full disk** costs the last words, but never the start or the end of a daemon.

mod format;

pub(crate) use format::{ExitReport, ReloadReceipt, Statement};

use super::PidFile;
use super::probe::Probe;
use super::trusted_path::TrustedPath;
use format::{HEADER, LIMIT};
use nix::sys::stat::{Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown, geteuid};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

/// The mode of the file: error texts may contain secrets, for root and the user of the daemon only.
const MODE: u32 = 0o600;

/// A statement of a daemon, and the time of its file.
pub(crate) type Said = (Statement, SystemTime);

impl PidFile {
    /// Creates the file for a daemon that changes its user or root directory, and changes the owner of the file to `owner`. If
    /// it cannot be created, the daemon has no last words.
    pub(crate) fn prepare_last_words(&mut self, owner: (Option<Uid>, Option<Gid>)) {
        if !self.trusted.is_private() || !self.trusted.has_room() {
            return;
        }
        let made = beside(&self.trusted).and_then(|trusted| {
            let file = trusted.create_temporary(MODE)?;
            hand_over(&file, owner).inspect_err(|_| drop(trusted.remove_temporary()))?;
            Ok(file)
        });
        self.last_words = made.inspect_err(|error| self.warn("make", error)).ok();
    }

    /// Returns `true` if [`renew_last_words`](PidFile::renew_last_words) has to act, and removes the file of a killed start. Only
    /// the holder of the lock creates such a file, so the result is valid until the start succeeds.
    pub(crate) fn last_words_are_due(&self) -> bool {
        if self.last_words.is_some() || !self.is_held() {
            return self.last_words.is_some();
        }
        beside(&self.trusted).is_ok_and(|trusted| {
            let _ = trusted.remove_temporary();
            trusted.exists()
        })
    }

    /// Removes the last words of an earlier daemon, or replaces them by the prepared file. Called when the start succeeds.
    pub(crate) fn renew_last_words(&self) {
        if !self.is_held() {
            return;
        }
        let renewed = beside(&self.trusted).and_then(|trusted| {
            if self.last_words.is_none() {
                // A killed start may have left it.
                return trusted.remove_temporary().and_then(|()| remove(&trusted));
            }
            let installed = check_replaceable_file(&trusted).and_then(|()| trusted.install());
            installed.inspect_err(|_| drop(trusted.remove_temporary()))
        });
        let _ = renewed.inspect_err(|error| self.warn("replace", error));
    }

    /// Replaces the last words of this daemon by `statement`. Returns `false` if this daemon has no place for them.
    ///
    /// # Errors
    /// If the file cannot be written, or a file of another program has its name.
    pub(crate) fn write_last_words(&self, statement: &Statement) -> io::Result<bool> {
        if let Some(file) = &self.last_words {
            return overwrite(file, statement).map(|()| true);
        }
        // P11: another daemon may have this name now. A daemon that has changed its user, and has no prepared file, would create
        // one in a shared directory, which the user of the launcher does not trust and cannot tell from an attack.
        if !self.is_held() || !self.is_of_this_user() {
            return Ok(false);
        }
        let trusted = beside(&self.trusted)?;
        check_replaceable_file(&trusted)?;
        trusted.replace(statement.print().as_bytes(), MODE).map(|()| true)
    }

    /// Removes the file if this user can, because there is nothing to report; otherwise overwrites it with `statement`.
    pub(crate) fn remove_last_words(&self, statement: &Statement) {
        if let Some(file) = &self.last_words {
            let _ = overwrite(file, statement);
        }
        if self.is_held() {
            let _ = beside(&self.trusted).and_then(|trusted| remove(&trusted));
        }
    }

    /// Removes the last words of an earlier daemon, and the prepared file. Called when the start succeeds and the daemon has
    /// already exited.
    pub(crate) fn forget_last_words(&self) {
        if self.is_held() {
            forget(&self.trusted, true);
        }
    }

    /// Returns `true` if this process still runs as the user that created the lock file.
    fn is_of_this_user(&self) -> bool {
        fstat(&self.lock).is_ok_and(|status| status.st_uid == geteuid().as_raw())
    }

    /// Removes the prepared file. Called when the start fails.
    pub(super) fn discard_prepared_last_words(&self) {
        if self.last_words.is_some() && self.is_held() {
            let _ = beside(&self.trusted).and_then(|trusted| trusted.remove_temporary());
        }
    }

    fn warn(&self, verb: &str, error: &io::Error) {
        log::warn!("failed to {verb} the last words beside `{}`: {error}", self.path().display());
    }
}

/// Reads what the daemon of a pidfile said last, in the directory of `probe`; `None` if there is nothing, or if this user may
/// not read it.
///
/// # Errors
/// Why the file is not believed; the text names it.
pub(crate) fn read_last_words(probe: &Probe) -> Result<Option<Said>, String> {
    let Some(trusted) = probe.trusted().and_then(|trusted| beside(trusted).ok()) else { return Ok(None) };
    // To look for a file that is not there is cheaper than to open it.
    if !trusted.exists() {
        return Ok(None);
    }
    read(&trusted).map_err(|why| format!("`{}`: {why}", trusted.path().display()))
}

/// Removes the last words of the daemon of this pidfile; those of a daemon that failed only with `errors`. The lock is held.
pub(super) fn forget(pidfile: &TrustedPath, errors: bool) {
    let Ok(trusted) = beside(pidfile) else { return };
    let _ = trusted.remove_temporary();
    let has_failed = |(statement, _): &Said| statement.end.as_ref().is_some_and(|end| end.status != Some(0));
    if errors || !matches!(read(&trusted), Ok(Some(said)) if has_failed(&said)) {
        let _ = remove(&trusted);
    }
}

/// Returns `true` if the file exists.
pub(super) fn exist(pidfile: &TrustedPath) -> bool {
    beside(pidfile).is_ok_and(|trusted| trusted.exists())
}

/// Returns the path of the file.
fn beside(pidfile: &TrustedPath) -> io::Result<TrustedPath> {
    pidfile.sibling(name_beside(pidfile.path().file_name().unwrap_or_default()))
}

/// Returns the name of the file: `web.last` beside `web.pid`, and `web.words` beside `web`, which no other pidfile leads to.
fn name_beside(pidfile: &OsStr) -> OsString {
    let name = pidfile.as_bytes();
    let name = match name.strip_suffix(b".pid") {
        Some(stem) => [stem, b".last"].concat(),
        None => [name, b".words"].concat(),
    };
    OsString::from_vec(name)
}

/// Writes the header into a new file, and changes its owner.
fn hand_over(mut file: &File, (user, group): (Option<Uid>, Option<Gid>)) -> io::Result<()> {
    fchmod(file, Mode::from_bits_truncate(MODE))?;
    file.write_all(HEADER.as_bytes())?;
    Ok(fchown(file, user, group)?)
}

/// Overwrites a file of this daemon in place. Its first page is allocated already, so this works on a full disk, too.
fn overwrite(file: &File, statement: &Statement) -> io::Result<()> {
    let content = statement.print();
    file.write_all_at(content.as_bytes(), 0)?;
    file.set_len(content.len().try_into().unwrap_or(u64::MAX))
}

fn read(trusted: &TrustedPath) -> Result<Option<Said>, String> {
    let Some(file) = trusted.open_for_reader()? else { return Ok(None) };
    let content = content(&file).map_err(|error| crate::error::cause(&error))?;
    let modified = file.metadata().and_then(|status| status.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let statement = Statement::parse(&content).ok_or("it does not contain last words of a daemon")?;
    Ok(Some((statement, modified)))
}

/// Reads the file up to one byte beyond the limit, so that a longer file is recognised.
fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut content = vec![0; LIMIT + 1];
    let length = file.read_at(&mut content, 0)?;
    content.truncate(length);
    Ok(content)
}

/// Removes the file, if this library has written it.
fn remove(trusted: &TrustedPath) -> io::Result<()> {
    if !trusted.exists() {
        return Ok(());
    }
    check_replaceable_file(trusted)?;
    trusted.remove_file()
}

/// Refuses to replace or remove a file of another program. A system crash may have left an empty file, or one full of zeros.
fn check_replaceable_file(trusted: &TrustedPath) -> io::Result<()> {
    if !trusted.exists() {
        return Ok(());
    }
    let refused = |why: &str| io::Error::other(format!("`{}`: {why}; remove it", trusted.path().display()));
    let file = trusted.open_for_reader().map_err(|why| refused(&why))?.ok_or_else(|| refused("it cannot be read"))?;
    let content = content(&file)?;
    let is_own = content.starts_with(HEADER.as_bytes()) || content.iter().all(|byte| *byte == 0);
    if is_own { Ok(()) } else { Err(refused("it does not contain last words of a daemon")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::paths::{PathContext, Paths};

    #[test]
    fn name_is_that_of_the_table_of_places() {
        let root = PathContext::default();
        let user = PathContext { uid: 1000, home: Some("/home/ada".into()), host: "here".into(), ..root.clone() };
        for situation in [root, user] {
            let places = Paths::of("web", &situation).unwrap();
            assert_eq!(places.last_words.parent(), places.pidfile.parent());
            let name = name_beside(places.pidfile.file_name().unwrap());
            assert_eq!(places.last_words.file_name(), Some(&*name));
        }
        assert_eq!(name_beside("web".as_ref()), "web.words");
    }
}
