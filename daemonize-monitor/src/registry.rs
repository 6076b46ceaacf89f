//! Which monitor runs with which configuration file.
//!
//! A monitor is found by its pidfile, which the name in its configuration decides, and both may be edited while it runs. So a
//! monitor also leaves a record under the path of its configuration: by that, clients find it in spite of the edit, and a
//! second monitor of the same file is refused.

use crate::settings::default_name;
use daemonize_control::{Client, ErrorKind};
use daemonize_core::Pid;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Prepared};
use daemonize_sys::escape::escape_bytes;
use daemonize_sys::mutex::lock;
use daemonize_sys::paths::{PathContext, Paths};
use daemonize_sys::trust::directory::{DirectoryPolicy, make_directory, open_directory};
use daemonize_sys::trust::{FilePolicy, SAFE_FLAGS, root_and_self};
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::error::Error;
use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// No record is longer, in bytes: two paths.
const LARGEST: u64 = 2 * 4096 + 2;

/// The record of one monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    pidfile: PathBuf,
    config: PathBuf,
}

impl Record {
    fn to_bytes(&self) -> Vec<u8> {
        // No path holds a zero byte.
        [self.pidfile.as_os_str().as_bytes(), self.config.as_os_str().as_bytes()].join(&0)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Record> {
        let path = |bytes: &[u8]| PathBuf::from(OsString::from_vec(bytes.to_vec()));
        let mut paths = bytes.split(|byte| *byte == 0).map(path).filter(|path| path.is_absolute());
        let record = Record { pidfile: paths.next()?, config: paths.next()? };
        paths.next().is_none().then_some(record)
    }
}

/// Returns the pidfiles of monitors that were started with this configuration file, whether they run or not.
pub(crate) fn pidfiles(config: &Path) -> Vec<PathBuf> {
    let Some(Ok(directory)) = directory().map(|path| open(&path)) else { return Vec::new() };
    let records = keys(config).into_iter().filter_map(|key| read(&directory, &key));
    let mut found: Vec<PathBuf> =
        records.filter(|record| is_same(&record.config, config)).map(|record| record.pidfile).collect();
    found.dedup();
    found
}

/// Returns `true` if both paths lead to one configuration file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || (real(one).is_some() && real(one) == real(other))
}

/// Returns `true` if a monitor that says that it runs with `told` means this configuration file. JSON is text: in a path that is
/// none, other characters stand for what is not UTF-8.
pub(crate) fn is_told(told: &Path, config: &Path) -> bool {
    is_same(told, config) || told.to_str() == Some(&config.to_string_lossy())
}

/// Returns `true` if a process that holds a pidfile is a monitor of another configuration file: the record that led to it is an old
/// one, of a monitor that was killed. One that cannot say what it runs with now may have just begun.
fn is_of_another(monitor: &Client, config: &Path) -> bool {
    match monitor.get("/monitor") {
        Ok(answer) => answer["monitor"]["config"].as_str().is_none_or(|told| !is_told(Path::new(told), config)),
        Err(error) => error.kind() == ErrorKind::Refused(404),
    }
}

/// Returns the directory of the records of this user's monitors, in a service and in a session.
fn directory() -> Option<PathBuf> {
    let places = Paths::of("daemonctl", &PathContext::now(false)).ok()?;
    Some(places.pidfile.with_extension("monitors"))
}

/// Returns the names of the records of a configuration: by its path as it is given, which may lead through a link to another file
/// later, and by where it leads now.
fn keys(config: &Path) -> Vec<String> {
    let real = config.canonicalize().ok();
    let mut keys: Vec<String> =
        [Some(config), real.as_deref()].into_iter().flatten().map(default_name::of_file).collect();
    keys.dedup();
    keys
}

/// Reads a record that this user or root has written; `None` if there is none.
fn read(directory: impl AsFd, key: &str) -> Option<Record> {
    let file = File::from(openat(directory, key, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()).ok()?);
    let owners = root_and_self();
    let policy = FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: false, forbidden: 0 };
    policy.check(&fstat(&file).ok()?).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
    Record::from_bytes(&bytes)
}

/// Writes the records of a monitor, and returns their names.
fn write(record: &Record) -> Result<Vec<String>, String> {
    let path = directory().ok_or("this user has no home")?;
    let directory = open_or_make(&path)?;
    let failed = |errno: nix::Error| format!("failed to write in `{}`: {}", path.display(), errno.desc());
    let keys = keys(&record.config);
    for key in &keys {
        let draft = format!(".{key}.{}", Pid::this());
        let _ = unlinkat(&directory, draft.as_str(), UnlinkatFlags::NoRemoveDir);
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&directory, draft.as_str(), flags, Mode::from_bits_truncate(0o600)).map_err(failed)?;
        let written = File::from(file).write_all(&record.to_bytes());
        // A reader finds the record whole or not at all.
        let moved = renameat(&directory, draft.as_str(), &directory, key.as_str());
        written.map_err(|error| format!("failed to write in `{}`: {error}", path.display()))?;
        moved.map_err(failed)?;
    }
    Ok(keys)
}

fn open_or_make(path: &Path) -> Result<OwnedFd, String> {
    if geteuid().is_root() {
        return make_directory(path);
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| format!("failed to make `{}`: {error}", path.display()))?;
    open(path)
}

fn open(path: &Path) -> Result<OwnedFd, String> {
    open_directory(path, DirectoryPolicy::PidFile).map(|directory| directory.fd)
}

/// Removes the records of a monitor that have these names, unless another one has replaced them.
fn remove(record: &Record, keys: &[String]) {
    let Some(Ok(directory)) = directory().map(|path| open(&path)) else { return };
    for key in keys {
        if read(&directory, key).as_ref() == Some(record) {
            let _ = unlinkat(&directory, key.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// A record and the names that it has been written under, which would be others where links lead elsewhere by now; or why it has
/// not been written.
type Written = Result<(Record, Vec<String>), String>;

/// Keeps the records of a monitor while it runs, and refuses a second one of the same file.
pub(crate) struct Registration {
    config: PathBuf,
    written: Mutex<Option<Written>>,
}

impl Registration {
    /// Makes the registration of a monitor with this configuration file.
    pub(crate) fn new(config: &Path) -> Registration {
        Registration { config: config.to_owned(), written: Mutex::default() }
    }

    fn take(&self) -> Option<Written> {
        lock(&self.written).clone()
    }
}

impl Attachment for Registration {
    fn check(&self, plan: &AttachContext) -> Result<(), Box<dyn Error>> {
        // A second monitor with the same pidfile is refused by its lock.
        for pidfile in pidfiles(&self.config).into_iter().filter(|pidfile| pidfile != plan.pidfile()) {
            let monitor = Client::at(&pidfile);
            if let Some(pid) = monitor.pid().ok().flatten().filter(|_| !is_of_another(&monitor, &self.config)) {
                let [config, pidfile] = [&self.config, &pidfile].map(|path| escape_bytes(path.as_os_str().as_bytes()));
                return Err(format!(
                    "a monitor runs with `{config}` already, as process {pid} with the pidfile `{pidfile}`: shut it down first, \
                     with `daemonctl shutdown --pidfile {pidfile}`"
                )
                .into());
            }
        }
        Ok(())
    }

    fn prepare(&self, plan: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        if !plan.pidfile().as_os_str().is_empty() {
            let record = Record { pidfile: plan.pidfile().to_owned(), config: self.config.clone() };
            let written = write(&record).map(|keys| (record, keys));
            *lock(&self.written) = Some(written);
        }
        Ok(Prepared::default())
    }

    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        if let Some(Err(why)) = self.take() {
            log::info!("the monitor is found by its name alone, and not when that is edited: {why}");
        }
        Ok(())
    }

    fn end(&self) {
        if let Some(Ok((record, keys))) = self.take() {
            remove(&record, &keys);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_is_read_as_it_was_written_and_nothing_else_is_one() {
        let record =
            Record { pidfile: "/run/a b.pid".into(), config: OsString::from_vec(b"/srv/\xff\n.toml".to_vec()).into() };
        assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record));
        for bytes in [&b""[..], b"/run/a.pid", b"/run/a.pid\0", b"a.pid\0/b", b"/a\0/b\0/c", b"\0\0"] {
            assert_eq!(Record::from_bytes(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn configuration_behind_a_link_has_both_records() {
        let directory = tempfile::tempdir().unwrap();
        let [real, link] = ["real.toml", "link.toml"].map(|name| directory.path().canonicalize().unwrap().join(name));
        std::fs::write(&real, "").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert_eq!(keys(&link), [default_name::of_file(&link), default_name::of_file(&real)]);
        assert_eq!(keys(&real), [default_name::of_file(&real)]);
        assert!(is_same(&link, &real) && !is_same(&link, &directory.path().join("gone.toml")));
        assert!(is_same(Path::new("/gone.toml"), Path::new("/gone.toml")));
        let odd = PathBuf::from(OsString::from_vec(b"/srv/\xff/m.toml".to_vec()));
        assert!(is_told(Path::new("/srv/\u{fffd}/m.toml"), &odd) && !is_told(Path::new("/srv/m.toml"), &odd));
    }
}
