//! The schedule record: until when the runs of each bot were handled, so that the next monitor makes up for those that came while
//! none ran (`missed = "run"`), also after a reboot.
//!
//! A line holds the time in seconds since 1970 and the name of a bot. A file that belongs to another user, that another user can
//! write, or that is not such a record is ignored.

use crate::error::cause;
use daemonize_sys::trust::SAFE_FLAGS;
use nix::unistd::geteuid;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The largest record, in bytes.
const MAX_RECORD_BYTES: u64 = 4 << 20;

/// Directories that do not survive a reboot (`hier(7)`), and the one of root that does.
const RUN_DIRECTORIES: [&str; 2] = ["/run", "/var/run"];
const STATE_DIRECTORY: &str = "/var/lib";

/// The record of a monitor.
#[derive(Debug, Default)]
pub(crate) struct ScheduleRecord {
    /// `None` for a monitor that leaves nothing behind.
    path: Option<PathBuf>,
    times: BTreeMap<String, SystemTime>,
    /// It could not be written, which was logged.
    has_failed: bool,
}

impl ScheduleRecord {
    /// Reads what an earlier monitor with the same pidfile has left.
    pub(crate) fn of_monitor(pidfile: Option<&Path>) -> ScheduleRecord {
        let path = pidfile.map(record_path);
        let times = path.as_deref().map(|path| {
            read(path).unwrap_or_else(|error| {
                log::warn!("failed to read `{}`: {}", path.display(), cause(&error));
                BTreeMap::new()
            })
        });
        ScheduleRecord { path, times: times.unwrap_or_default(), has_failed: false }
    }

    /// Returns until when the runs of a bot were handled.
    pub(crate) fn of_bot(&self, name: &str) -> Option<SystemTime> {
        self.times.get(name).copied()
    }

    /// Writes until when the runs of these bots were handled, unless it is known already. Nothing is written for no bots.
    pub(crate) fn write(&mut self, times: BTreeMap<String, SystemTime>) {
        let Some(path) = self.path.as_deref().filter(|_| self.times != times) else { return };
        let outcome = if times.is_empty() { remove(path) } else { replace(path, &text(&times)) };
        if let (Err(error), false) = (&outcome, self.has_failed) {
            log::warn!("failed to write `{}`: {}", path.display(), cause(error));
        }
        self.has_failed = outcome.is_err();
        self.times = times;
    }
}

/// Returns where the record is: beside the pidfile, unless that is gone after a reboot and root can keep it elsewhere.
fn record_path(pidfile: &Path) -> PathBuf {
    let is_lost = RUN_DIRECTORIES.iter().any(|run| pidfile.starts_with(run));
    let beside = pidfile.with_extension("schedule");
    match beside.file_name() {
        Some(name) if is_lost && geteuid().is_root() => Path::new(STATE_DIRECTORY).join(name),
        _ => beside,
    }
}

fn text(times: &BTreeMap<String, SystemTime>) -> String {
    times.iter().fold(String::new(), |mut text, (name, time)| {
        // Up to the second: a run that came within it is over.
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let _ = writeln!(text, "{seconds} {name}");
        text
    })
}

fn parse(text: &str) -> BTreeMap<String, SystemTime> {
    let line = |line: &str| {
        let (seconds, name) = line.split_once(' ')?;
        let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?;
        Some((name.to_owned(), time))
    };
    // The last line may have been cut off.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().filter_map(line).collect()
}

fn read(path: &Path) -> io::Result<BTreeMap<String, SystemTime>> {
    let mut file = match File::options().read(true).custom_flags(SAFE_FLAGS.bits()).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        other => other?,
    };
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if !metadata.is_file() || !is_ours || metadata.len() > MAX_RECORD_BYTES {
        // A user who could write it could have jobs run.
        return Err(io::Error::other("it is not a regular file that only this user can write"));
    }
    let mut text = String::new();
    Read::by_ref(&mut file).take(MAX_RECORD_BYTES).read_to_string(&mut text)?;
    Ok(parse(&text))
}

/// Writes a file beside `path` and renames it, so that a reader sees either the old or the new contents. Not to the disk itself
/// (`fdatasync(2)`), which may take many seconds.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let _ = fs::remove_file(&beside);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&beside, path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    fn seconds(number: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(number)
    }

    #[test]
    fn record_is_read_as_it_was_written_and_is_gone_without_bots() {
        let directory = tempfile::tempdir().unwrap();
        let pidfile = directory.path().join("m.pid");
        let mut record = ScheduleRecord::of_monitor(Some(&pidfile));
        record.write([("backup".to_owned(), seconds(7)), ("web:1".to_owned(), seconds(8))].into());
        let again = ScheduleRecord::of_monitor(Some(&pidfile));
        assert_eq!(
            (again.of_bot("backup"), again.of_bot("web:1"), again.of_bot("web")),
            (Some(seconds(7)), Some(seconds(8)), None)
        );
        assert_eq!(fs::metadata(directory.path().join("m.schedule")).unwrap().mode() & 0o777, 0o600);
        record.write(BTreeMap::new());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn record_that_another_user_could_write_or_that_is_cut_off_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let (pidfile, path) = (directory.path().join("m.pid"), directory.path().join("m.schedule"));
        fs::write(&path, "7 backup\nx y\n8\n99999999999999999999 z\n9 cut-o").unwrap();
        let times = ScheduleRecord::of_monitor(Some(&pidfile)).times;
        assert_eq!(times, [("backup".to_owned(), seconds(7))].into());
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        assert_eq!(ScheduleRecord::of_monitor(Some(&pidfile)).times, BTreeMap::new());
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_eq!(ScheduleRecord::of_monitor(Some(&pidfile)).times, BTreeMap::new());
        // It is replaced, and what it leads to is not written.
        let mut record = ScheduleRecord::of_monitor(Some(&pidfile));
        record.write([("a".to_owned(), seconds(1))].into());
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn record_of_a_pidfile_that_a_reboot_removes_is_where_it_is_kept() {
        assert_eq!(record_path("/srv/m.pid".as_ref()), Path::new("/srv/m.schedule"));
        let expected = if geteuid().is_root() { "/var/lib/shop.schedule" } else { "/run/shop.schedule" };
        assert_eq!(record_path("/run/shop.pid".as_ref()), Path::new(expected));
    }
}
