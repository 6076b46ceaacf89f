//! The end of a log file before a start, so that only the lines of that start are shown after it.
//!
//! Possible attackers: the owner of the log's directory, which may be the user of the daemon, puts a link to another file or a FIFO
//! there, for root to print or to hang on. A link is not followed, a FIFO is not waited for, and only a regular file is read. The
//! length of the file is bounded by the caller.

use super::Daemon;
use crate::sys::trust::FileId;
use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The end of a daemon's log file at one moment: see [`Daemon::log_position`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    path: PathBuf,
    /// The file and its length in bytes; `None` if there was no regular file.
    file: Option<(FileId, u64)>,
}

impl<W> Daemon<W> {
    /// Returns the current end of the [log file](Daemon::log_path) of a daemon that detaches; `None` if it has none. Called before a
    /// start, so that the lines of that start can be shown if it fails.
    ///
    /// ```
    /// use daemon::Daemon;
    ///
    /// let web = Daemon::new("web").log("/tmp/no-such-web.log");
    /// let position = web.log_position().expect("a log file");
    /// // `web.run(…).start()` fails, and has written to the log.
    /// assert!(position.read_new(64 * 1024)?.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn log_position(&self) -> Option<LogPosition> {
        let path = self.log_path()?;
        let file = open(&path).ok().flatten();
        Some(LogPosition { path, file: file.map(|(_, id, length)| (id, length)) })
    }
}

impl LogPosition {
    /// Returns the path of the log file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what was written after this position, at most the last `limit` bytes. If the file was rotated meanwhile, the rest of
    /// the old file (`NAME.1`) comes first. A file that was truncated or replaced is new from its beginning.
    ///
    /// The bytes are those of the daemon: escape control characters before they reach a terminal.
    ///
    /// # Errors
    /// The file cannot be opened or read (`open(2)`, `read(2)`). A missing file is not an error.
    pub fn read_new(&self, limit: usize) -> io::Result<Vec<u8>> {
        let Some((file, id, length)) = open(&self.path)? else { return Ok(Vec::new()) };
        let mut text = Vec::new();
        let begin = match self.file {
            Some((before, position)) if before == id => Some(position).filter(|position| *position <= length),
            Some((before, position)) => {
                // Of a file that cannot be read, the new one is left.
                if let Ok(Some((old, id, length))) = open(&rotated(&self.path)) {
                    if id == before && position <= length {
                        read_end(old, position, length, limit, &mut text)?;
                    }
                }
                None
            }
            None => None,
        };
        read_end(file, begin.unwrap_or(0), length, limit, &mut text)?;
        text.drain(..text.len().saturating_sub(limit));
        Ok(text)
    }
}

/// Opens a regular file, and returns it with its identity and its length. Returns `None` if there is no such file.
fn open(path: &Path) -> io::Result<Option<(File, FileId, u64)>> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let file = match File::options().read(true).custom_flags(flags.bits()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let status = fstat(&file)?;
    let is_regular = file.metadata()?.is_file();
    let length = u64::try_from(status.st_size).unwrap_or(0);
    Ok(is_regular.then(|| (file, FileId::of(&status), length)))
}

/// Returns the name of the file that was rotated last.
fn rotated(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".1");
    name.into()
}

/// Appends the bytes from `begin` to `end`, at most the last `limit`.
fn read_end(mut file: File, begin: u64, end: u64, limit: usize, text: &mut Vec<u8>) -> io::Result<()> {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let begin = begin.max(end.saturating_sub(limit));
    file.seek(SeekFrom::Start(begin))?;
    file.take(end.saturating_sub(begin)).read_to_end(text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::fs;

    fn new_directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("daemonize-core-{name}-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        directory
    }

    #[test]
    fn lines_after_the_position_are_read_also_across_a_rotation() {
        let directory = new_directory("log-position");
        let path = directory.join("web.log");
        let daemon = Daemon::new("web").log(path.clone());
        let read = |position: &LogPosition, limit| String::from_utf8(position.read_new(limit).unwrap()).unwrap();
        let position = daemon.log_position().unwrap();
        assert_eq!(read(&position, 100), "");
        fs::write(&path, "first\n").unwrap();
        assert_eq!(read(&position, 100), "first\n", "it was made since");
        let position = daemon.log_position().unwrap();
        fs::write(&path, "first\nsecond\n").unwrap();
        assert_eq!((read(&position, 100), read(&position, 4)), ("second\n".into(), "ond\n".into()));
        fs::rename(&path, directory.join("web.log.1")).unwrap();
        fs::write(&path, "third\n").unwrap();
        assert_eq!((read(&position, 100), read(&position, 8)), ("second\nthird\n".into(), "d\nthird\n".into()));
        let position = daemon.log_position().unwrap();
        fs::write(&path, "4\n").unwrap();
        assert_eq!(read(&position, 100), "4\n", "it was truncated");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn link_and_fifo_are_not_read() {
        let directory = new_directory("log-attacked");
        let path = directory.join("web.log");
        let daemon = Daemon::new("web").log(path.clone());
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let position = daemon.log_position().unwrap();
        assert_eq!((position.path(), position.read_new(100).unwrap()), (&*path, Vec::new()));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_eq!(daemon.log_position().unwrap().file, None);
        assert!(position.read_new(100).is_err());
        fs::remove_dir_all(directory).unwrap();
    }
}
