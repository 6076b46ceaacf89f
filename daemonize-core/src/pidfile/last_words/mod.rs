//! The last words of a daemon: why it ended, and while it runs, what it could not do.
//!
//! `NAME.last` beside `NAME.pid` (rule P13), mode 0600, at most 4 KiB. Only the process that holds the pidfile's lock writes,
//! replaces or removes it. A daemon that stays what it was makes the file when there is something to say. One that changes
//! its user or root could not: the launcher makes the file as `NAME.last.new`, gives it to that user, and renames it when
//! the start succeeds; the daemon keeps its descriptor.
//!
//! Possible attackers:
//!
//! * **The user of the daemon** owns the file and may write anything into it, of any size, at any time. Its content is a claim
//!   and decides nothing: no process is signalled, no file opened, no exit status chosen by it. A reader takes 4 KiB, escapes
//!   each text, and shows it as what the daemon said. A longer file, or one that is not of this library, is not believed. The
//!   user can fill the file system with it, as with the directory of its endpoint: `/run` is no place for hostile daemons.
//! * **Another user** cannot write the file, nor the directory, which is judged as for the pidfile. In a directory where
//!   others can make files (`/tmp`) only files of the reading user are believed, so no file is made for another user there.
//! * **A user whose directory it is** can put a link, a FIFO, a second name of another file or a file of another user in its
//!   place, for root to read or to replace. A reader opens it without following or waiting (`O_NOFOLLOW`, `O_NONBLOCK`) and
//!   takes a regular file of that user with one name. Root changes nothing in such a directory.
//! * **A full disk** costs the last words and never the start or the end of a daemon.

mod format;

pub(crate) use format::{ExitReport, Statement};

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

/// Texts of errors may hold secrets: only root and the daemon's user read them.
const MODE: u32 = 0o600;

/// A statement of a daemon, and when it was made.
pub(crate) type Said = (Statement, SystemTime);

impl PidFile {
    /// Makes the file for a daemon that becomes another user, or has another root, and gives it to its `owner`. Where it
    /// cannot be made, the daemon has no last words.
    pub(crate) fn prepare_last_words(&mut self, owner: (Option<Uid>, Option<Gid>)) {
        if !self.trusted.is_private() || !self.trusted.has_room() {
            return;
        }
        let made = beside(&self.trusted).and_then(|trusted| {
            let file = trusted.create_successor(MODE)?;
            give(&file, owner).inspect_err(|_| drop(trusted.remove_successor()))?;
            Ok(file)
        });
        self.last_words = made.inspect_err(|error| self.warn("make", error)).ok();
    }

    /// Returns `true` if [`renew_last_words`](PidFile::renew_last_words) has something to do, and removes what a start that was
    /// killed has left. Only the holder of the lock makes such a file, so this holds until the start succeeds.
    pub(crate) fn last_words_are_due(&self) -> bool {
        if self.last_words.is_some() || !self.is_held() {
            return self.last_words.is_some();
        }
        beside(&self.trusted).is_ok_and(|trusted| {
            let _ = trusted.remove_successor();
            trusted.exists()
        })
    }

    /// The start succeeds: removes what an earlier daemon said, or replaces it by the file that was prepared.
    pub(crate) fn renew_last_words(&self) {
        if !self.is_held() {
            return;
        }
        let renewed = beside(&self.trusted).and_then(|trusted| {
            if self.last_words.is_none() {
                // A start that was killed may have left it.
                return trusted.remove_successor().and_then(|()| remove(&trusted));
            }
            let installed = judge_replaceable(&trusted).and_then(|()| trusted.install());
            installed.inspect_err(|_| drop(trusted.remove_successor()))
        });
        let _ = renewed.inspect_err(|error| self.warn("replace", error));
    }

    /// Writes what this daemon says of itself, in place of what it said before.
    ///
    /// # Errors
    /// The file cannot be written, or the file in its place is not of this library.
    pub(crate) fn write_last_words(&self, statement: &Statement) -> io::Result<()> {
        if let Some(file) = &self.last_words {
            return overwrite(file, statement);
        }
        // P11: another daemon may have this name now. A daemon that has changed its user, and has no prepared file, would make
        // one in a directory of all users that its launcher's user does not believe and cannot tell from an attack.
        if !self.is_held() || !self.is_of_this_user() {
            return Ok(());
        }
        let trusted = beside(&self.trusted)?;
        judge_replaceable(&trusted)?;
        trusted.replace(statement.print().as_bytes(), MODE)
    }

    /// Removes the file as far as this user can, because nothing is wrong; `statement` says so where it stays.
    pub(crate) fn remove_last_words(&self, statement: &Statement) {
        if let Some(file) = &self.last_words {
            let _ = overwrite(file, statement);
        }
        if self.is_held() {
            let _ = beside(&self.trusted).and_then(|trusted| remove(&trusted));
        }
    }

    /// The start succeeds, and the daemon has ended already: removes what an earlier one said, and what was prepared.
    pub(crate) fn forget_last_words(&self) {
        if self.is_held() {
            forget(&self.trusted, true);
        }
    }

    /// Returns `true` if this process still is the user that made the lock file.
    fn is_of_this_user(&self) -> bool {
        fstat(&self.lock).is_ok_and(|status| status.st_uid == geteuid().as_raw())
    }

    /// The start fails: removes what was prepared for it.
    pub(super) fn discard_prepared_last_words(&self) {
        if self.last_words.is_some() && self.is_held() {
            let _ = beside(&self.trusted).and_then(|trusted| trusted.remove_successor());
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

/// Removes what the daemon of this pidfile said. With `errors` also why it failed. The lock is held.
pub(super) fn forget(pidfile: &TrustedPath, errors: bool) {
    let Ok(trusted) = beside(pidfile) else { return };
    let _ = trusted.remove_successor();
    let has_failed = |(statement, _): &Said| statement.end.as_ref().is_some_and(|end| end.status != Some(0));
    if errors || !matches!(read(&trusted), Ok(Some(said)) if has_failed(&said)) {
        let _ = remove(&trusted);
    }
}

/// Returns `true` if there is a file of last words.
pub(super) fn exist(pidfile: &TrustedPath) -> bool {
    beside(pidfile).is_ok_and(|trusted| trusted.exists())
}

/// Returns the place of the file.
fn beside(pidfile: &TrustedPath) -> io::Result<TrustedPath> {
    pidfile.sibling(name_beside(pidfile.path().file_name().unwrap_or_default()))
}

/// The name of the file: `web.last` beside `web.pid`. Beside `web` it is `web.words`: no pidfile's stem leads there.
fn name_beside(pidfile: &OsStr) -> OsString {
    let name = pidfile.as_bytes();
    let name = match name.strip_suffix(b".pid") {
        Some(stem) => [stem, b".last"].concat(),
        None => [name, b".words"].concat(),
    };
    OsString::from_vec(name)
}

/// Fills a new file and gives it away.
fn give(mut file: &File, (user, group): (Option<Uid>, Option<Gid>)) -> io::Result<()> {
    fchmod(file, Mode::from_bits_truncate(MODE))?;
    file.write_all(HEADER.as_bytes())?;
    Ok(fchown(file, user, group)?)
}

/// Writes a file of this daemon anew. It has a page already, so that this fits on a disk that has become full.
fn overwrite(file: &File, statement: &Statement) -> io::Result<()> {
    let content = statement.print();
    file.write_all_at(content.as_bytes(), 0)?;
    file.set_len(content.len().try_into().unwrap_or(u64::MAX))
}

fn read(trusted: &TrustedPath) -> Result<Option<Said>, String> {
    let Some(file) = trusted.open_given()? else { return Ok(None) };
    let content = content(&file).map_err(|error| crate::error::cause(&error))?;
    let modified = file.metadata().and_then(|status| status.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let statement = Statement::parse(&content).ok_or("it is not a file of last words")?;
    Ok(Some((statement, modified)))
}

/// One byte more than a file of this library has shows that it is none.
fn content(file: &File) -> io::Result<Vec<u8>> {
    let mut content = vec![0; LIMIT + 1];
    let length = file.read_at(&mut content, 0)?;
    content.truncate(length);
    Ok(content)
}

/// Removes the file, unless it is not of this library.
fn remove(trusted: &TrustedPath) -> io::Result<()> {
    if !trusted.exists() {
        return Ok(());
    }
    judge_replaceable(trusted)?;
    trusted.remove_file()
}

/// Refuses to replace or remove a file that has the name by chance. A machine that crashed may have left an empty one.
fn judge_replaceable(trusted: &TrustedPath) -> io::Result<()> {
    if !trusted.exists() {
        return Ok(());
    }
    let refused = |why: &str| io::Error::other(format!("`{}`: {why}: remove it", trusted.path().display()));
    let file = trusted.open_given().map_err(|why| refused(&why))?.ok_or_else(|| refused("it cannot be read"))?;
    let content = content(&file)?;
    let is_own = content.starts_with(HEADER.as_bytes()) || content.iter().all(|byte| *byte == 0);
    if is_own { Ok(()) } else { Err(refused("it is not a file of last words")) }
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
