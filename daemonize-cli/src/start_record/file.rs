//! The file of a record: read and replaced relative to a directory that was judged.

use super::format::MAX_RECORD_SIZE;
use daemonize_sys::error::cause;
use daemonize_sys::trust::directory::{DirectoryPolicy, open_directory};
use daemonize_sys::trust::{FilePolicy, OTHERS_OPEN, SAFE_FLAGS};
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The mode of the file: arguments may contain secrets.
const MODE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// Reads the file, up to one byte more than a record may have; `None` if there is none.
///
/// # Errors
/// The reason why it is not believed.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let (directory, name) = split(path)?;
    let file = match openat(&directory, &*name, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => return Err("it is a symbolic link".to_owned()),
        file => file.map_err(describe)?,
    };
    let status = fstat(&file).map_err(describe)?;
    let owners = [geteuid()];
    let policy = FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: true, forbidden: OTHERS_OPEN };
    policy.check(&status).map_err(|distrust| distrust.to_string())?;
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_RECORD_SIZE).unwrap_or(u64::MAX) + 1;
    File::from(file).take(limit).read_to_end(&mut text).map_err(|error| cause(&error))?;
    if text.len() > MAX_RECORD_SIZE { Err("it is too long for a record of a start".to_owned()) } else { Ok(Some(text)) }
}

/// Replaces the file, so that a reader sees the old or the new one.
///
/// # Errors
/// The reason why it could not be replaced.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), String> {
    if let Some(parent) = path.parent().filter(|_| !geteuid().is_root()) {
        DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| cause(&error))?;
    }
    let (directory, name) = split(path)?;
    let mut temporary = name.clone();
    temporary.push(format!(".{}", std::process::id()));
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | SAFE_FLAGS;
    // A killed process of this pid may have left one.
    let _ = unlinkat(&directory, &*temporary, UnlinkatFlags::NoRemoveDir);
    let file = openat(&directory, &*temporary, flags, MODE).map_err(describe)?;
    let written = fchmod(&file, MODE).map_err(describe).and_then(|()| {
        File::from(file).write_all(text).map_err(|error| cause(&error))?;
        renameat(&directory, &*temporary, &directory, &*name).map_err(describe)
    });
    if written.is_err() {
        let _ = unlinkat(&directory, &*temporary, UnlinkatFlags::NoRemoveDir);
    }
    written
}

/// Opens the directory of the file, and judges it.
fn split(path: &Path) -> Result<(OwnedFd, OsString), String> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Err("it has no name".to_owned()) };
    let directory = open_directory(parent, DirectoryPolicy::PidFile)?;
    Ok((directory.fd, name.to_owned()))
}

fn describe(errno: Errno) -> String {
    cause(&errno.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn file_is_private_and_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("myd.start");
        assert_eq!(read(&path), Ok(None));
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), text.as_bytes());
        }
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn file_that_others_could_have_made_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("myd.start");
        replace(&path, b"text").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().contains("mode 0640"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::hard_link(&path, directory.path().join("second")).unwrap();
        assert!(read(&path).unwrap_err().contains("hard links"));
        fs::remove_file(directory.path().join("second")).unwrap();
        fs::rename(&path, directory.path().join("target")).unwrap();
        symlink("target", &path).unwrap();
        assert_eq!(read(&path).unwrap_err(), "it is a symbolic link");
        fs::remove_file(&path).unwrap();
        fs::write(&path, vec![b' '; MAX_RECORD_SIZE + 1]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).unwrap_err().contains("too long"));
    }
}
