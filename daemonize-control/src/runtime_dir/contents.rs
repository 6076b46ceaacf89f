//! Creates the socket and the token file in the directory.

use super::names::{SOCKET, TOKEN};
use super::owner::{Owner, chown, failed};
use crate::token::Token;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat};
use nix::unistd::{Uid, fchown};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::Path;

/// Maximum number of connections that the kernel queues until they are accepted (`listen(2)`).
const BACKLOG: i32 = 128;

/// Creates the contents of the directory `path`, and passes the directory to its owner.
pub(super) fn create(
    path: &Path,
    directory: &OwnedFd,
    owner: &Owner,
    token: Option<&Token>,
) -> Result<UnixListener, String> {
    let listener = bind_socket(&path.join(SOCKET), directory, owner)?;
    if let Some(token) = token {
        write_token(&path.join(TOKEN), directory, owner, token)?;
    }
    pass_to_owner(path, directory, owner)?;
    Ok(listener)
}

fn bind_socket(path: &Path, directory: &OwnedFd, owner: &Owner) -> Result<UnixListener, String> {
    let fail = |errno: Errno| failed("bind", path, errno.desc());
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None).map_err(fail)?;
    let access = if owner.shared_with.is_some() { mode(0o660) } else { mode(0o600) };
    // Before `bind(2)`, which creates the file with this mode less the umask: the file never has a looser mode.
    fchmod(&socket, access).map_err(fail)?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path).map_err(fail)?).map_err(fail)?;
    // Adds the bits that the umask removed, and fails if the path has led to another directory. Only this process can write to
    // the directory, so there is no link to follow.
    fchmodat(directory, SOCKET, access, FchmodatFlags::FollowSymlink).map_err(fail)?;
    chown(directory, SOCKET, owner).map_err(fail)?;
    listen(&socket, Backlog::new(BACKLOG).map_err(fail)?).map_err(fail)?;
    Ok(UnixListener::from(socket))
}

fn write_token(path: &Path, directory: &OwnedFd, owner: &Owner, token: &Token) -> Result<(), String> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let file = openat(directory, TOKEN, flags, mode(0o600)).map_err(|errno| failed("create", path, errno.desc()))?;
    fchmod(&file, mode(0o600)).map_err(|errno| failed("change the mode of", path, errno.desc()))?;
    File::from(file).write_all(&token.line()).map_err(|error| failed("write", path, error))?;
    // The group that shares the socket must not read the token.
    let private = Owner { shared_with: None, ..owner.clone() };
    chown(directory, TOKEN, &private).map_err(|errno| failed("change the owner of", path, errno.desc()))
}

/// Changes the owner of the directory to the user that the daemon will run as, so that the daemon can remove the contents.
fn pass_to_owner(path: &Path, directory: &OwnedFd, owner: &Owner) -> Result<(), String> {
    if !owner.is_this_process() {
        fchown(directory, Some(Uid::from_raw(owner.user)), owner.file_group())
            .map_err(|errno| failed("change the owner of", path, errno.desc()))?;
    }
    if owner.shared_with.is_some() {
        fchmod(directory, mode(0o750)).map_err(|errno| failed("change the mode of", path, errno.desc()))?;
    }
    Ok(())
}

fn mode(bits: u32) -> Mode {
    Mode::from_bits_truncate(bits)
}
