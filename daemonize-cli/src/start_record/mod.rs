//! The record of the last start: the arguments of the daemon, its pidfile and its log, so that `restart` needs no arguments and the other verbs find
//! a daemon whose pidfile depends on them.
//!
//! The file is `NAME@HOST.start` in a user's state directory, and `/var/lib/NAME.start` for root, with mode 0600: arguments may contain secrets.
//! Possible attackers:
//!
//! * **Another user** cannot read the file. A file that another user owns, that has a second name, that is a link, or that others can open is not believed, and
//!   the verb says so. For root every directory on the way belongs to root alone.
//! * **The owner** may write anything into it, and only deceives itself: root reads root's file.
//! * **A large or broken file** is not believed: at most 256 KiB are read. Texts of it are escaped when they are shown.

mod file;
mod format;
mod record;

pub(crate) use record::StartRecord;

use daemonize_sys::paths::{PathContext, Paths, started_by_systemd};
use std::path::PathBuf;

/// The result of reading a record.
#[derive(Debug)]
pub(crate) enum FoundRecord {
    /// There is none.
    Missing,
    /// A record of this user.
    Found(StartRecord),
    /// A file that is not believed, for this reason, which names it.
    Distrusted(String),
}

impl StartRecord {
    /// Writes the record of the daemon `name`.
    ///
    /// # Errors
    /// The reason why it could not be written; the text names the file.
    pub(crate) fn write(&self, name: &str) -> Result<(), String> {
        let path = path_of(name).ok_or("this user has no home directory")?;
        let text = format::print(self);
        if text.len() > format::MAX_RECORD_SIZE {
            return Err(format!("`{}`: the arguments are too long", path.display()));
        }
        file::replace(&path, text.as_bytes()).map_err(|why| format!("`{}`: {why}", path.display()))
    }
}

impl FoundRecord {
    /// Reads the record of the daemon `name`.
    pub(crate) fn read(name: &str) -> FoundRecord {
        let Some(path) = path_of(name) else { return FoundRecord::Missing };
        let record = match file::read(&path) {
            Ok(None) => return FoundRecord::Missing,
            Ok(Some(text)) => format::parse(&text).ok_or_else(|| "it is not a record of a start".to_owned()),
            Err(why) => Err(why),
        };
        match record {
            Ok(record) => FoundRecord::Found(record),
            Err(why) => FoundRecord::Distrusted(format!("`{}`: {why}", path.display())),
        }
    }
}

/// Returns the path of the record of the daemon `name`.
fn path_of(name: &str) -> Option<PathBuf> {
    // The name becomes part of a path; the core reports a wrong one.
    if name.is_empty() || name.contains(['/', '\0']) {
        return None;
    }
    Paths::last_start(name, &PathContext::now(started_by_systemd()))
}
