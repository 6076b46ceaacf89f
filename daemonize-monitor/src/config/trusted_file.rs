//! Reads a configuration file only if no other user can write or replace it: its commands are executed, often as root.

use crate::error::cause;
use daemonize_sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use daemonize_sys::trust::{Distrust, FileId, FilePolicy, OTHERS_WRITE, SAFE_FLAGS, root_and_self};
use nix::fcntl::{OFlag, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::Uid;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// The maximum size of a configuration, in bytes.
const MAX_FILE_BYTES: usize = 1 << 20;

/// The maximum number of symbolic links in a path, as in the kernel (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// Returns the contents of a file, and its identity.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, FileId), String> {
    let (file, status) = open(path)?;
    judge(&status)?;
    let (mut file, mut bytes) = (File::from(file), Vec::new());
    // The file may grow after the check.
    file.by_ref().take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|error| cause(&error))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(too_large());
    }
    let after = fstat(&file).map_err(|errno| cause(&errno.into()))?;
    if written(&after) != written(&status) || size(&after) != bytes.len() {
        return Err("it was written while it was read: try again when it is finished".into());
    }
    Ok((bytes, FileId::of(&status)))
}

/// Opens a file, and follows symbolic links that root or this user has created.
fn open(path: &Path) -> Result<(OwnedFd, FileStat), String> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let name = path.file_name().ok_or("it is a directory: write the path of a file")?;
        let directory = directory(path.parent().unwrap_or(Path::new("/")))?;
        match openat(&directory, name, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
            Err(nix::Error::ELOOP) => path = follow(&directory, &path, name)?,
            Err(errno) => return Err(cause(&errno.into())),
            Ok(file) => {
                let status = fstat(&file).map_err(|errno| cause(&errno.into()))?;
                return Ok((file, status));
            }
        }
    }
    Err("too many symbolic links".into())
}

/// Returns why a user other than root and ourselves could replace a program, or have another one run in its place; `None` if
/// no user can.
pub(super) fn replaceable(program: &Path) -> Option<String> {
    let status = match open(program) {
        Ok((_, status)) => status,
        Err(why) => return Some(why),
    };
    if !is_ours(&status) {
        return Some(format!("it belongs to uid {}: `chown` it", status.st_uid));
    }
    let mode = status.st_mode & 0o7777;
    (mode & OTHERS_WRITE != 0).then(|| format!("others than its owner can write it (mode {mode:04o}): `chmod go-w` it"))
}

/// Opens a directory that only its owner can write, which is root or the monitor's user.
fn directory(path: &Path) -> Result<OwnedFd, String> {
    let Directory { fd, is_shared } = open_directory(path, DirectoryPolicy::PidFile)?;
    let status = fstat(&fd).map_err(|errno| cause(&errno.into()))?;
    let path = path.display();
    if !is_ours(&status) {
        return Err(format!(
            "its directory `{path}` belongs to uid {}, who could swap the file: chown it",
            status.st_uid
        ));
    }
    if !is_shared && status.st_mode & OTHERS_WRITE != 0 {
        return Err(format!("others can write its directory `{path}` and swap the file: `chmod go-w {path}`"));
    }
    Ok(fd)
}

/// Returns the target of a link that root or the monitor's user made.
fn follow(directory: &OwnedFd, path: &Path, name: &OsStr) -> Result<PathBuf, String> {
    let link = openat(directory, name, OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
        .and_then(fstat)
        .map_err(|errno| cause(&errno.into()))?;
    if !is_ours(&link) {
        return Err(format!("it is a symbolic link of uid {}: write the path of the file itself", link.st_uid));
    }
    let target = readlinkat(directory, name).map_err(|errno| cause(&errno.into()))?;
    Ok(path.with_file_name(target))
}

/// Checks that a file is regular, small enough, and writable only by its owner.
fn judge(status: &FileStat) -> Result<(), String> {
    let owners = root_and_self();
    let policy =
        FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: false, forbidden: OTHERS_WRITE };
    policy.check(status).map_err(|distrust| match distrust {
        Distrust::Kind(SFlag::S_IFDIR) => "it is a directory: write the path of a file".to_owned(),
        Distrust::Owner(uid) => format!("it belongs to uid {uid}, who could have any program run: `chown` it"),
        Distrust::Write(_) => format!("{distrust}, and have any program run: `chmod go-w` it"),
        distrust => distrust.to_string(),
    })?;
    if size(status) > MAX_FILE_BYTES {
        return Err(too_large());
    }
    Ok(())
}

/// Returns what changes when a file is written.
fn written(status: &FileStat) -> impl PartialEq {
    (status.st_size, status.st_mtime, status.st_mtime_nsec)
}

/// Returns the size of a file in bytes; the most there can be where it does not fit into memory.
fn size(status: &FileStat) -> usize {
    status.st_size.try_into().unwrap_or(usize::MAX)
}

fn is_ours(status: &FileStat) -> bool {
    root_and_self().contains(&Uid::from_raw(status.st_uid))
}

fn too_large() -> String {
    "it is larger than 1 MiB: split it".into()
}
