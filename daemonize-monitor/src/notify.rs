//! The notify socket, to which a bot sends `READY=1` and other messages of `sd_notify(3)`.
//!
//! It is a file that only the bot's user reaches, also from another network namespace. Where no such file can be had, it has an
//! abstract address, to which every user of this network namespace can send.

use crate::sys::datagram;
use daemonize_core::Pid;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, bind, getsockname, setsockopt, socket, sockopt::PassCred,
};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::geteuid;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A message, and its sender by the kernel's own word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// `None` for a process of another pid namespace.
    pub(crate) sender: Option<Pid>,
    pub(crate) user: u32,
    /// `READY=1`.
    pub(crate) is_ready: bool,
    /// `EXTEND_TIMEOUT_USEC`: the time that the sender asks for from now on.
    pub(crate) extension: Option<Duration>,
    /// `FDSTORE=1`: the sender has sent descriptors to be kept.
    pub(crate) stores: bool,
}

impl Message {
    /// Reads the lines that matter; all others are left out.
    fn parse(text: &[u8], sender: Option<Pid>, user: u32) -> Message {
        let mut message = Message { sender, user, is_ready: false, extension: None, stores: false };
        for line in text.split(|byte| *byte == b'\n') {
            match line {
                b"READY=1" => message.is_ready = true,
                b"FDSTORE=1" => message.stores = true,
                _ => {
                    let number =
                        line.strip_prefix(b"EXTEND_TIMEOUT_USEC=").and_then(|text| std::str::from_utf8(text).ok());
                    let number = number.and_then(|text| text.parse().ok());
                    message.extension = number.map(Duration::from_micros).or(message.extension);
                }
            }
        }
        message
    }
}

/// A socket of one bot.
pub(crate) struct Notify {
    socket: OwnedFd,
    address: Box<str>,
}

impl Notify {
    /// Binds a socket to an address of the abstract name space that the kernel chooses, which every user reaches and finds
    /// in `/proc/net/unix`.
    pub(crate) fn open_to_all() -> nix::Result<Notify> {
        let socket = unbound()?;
        bind(socket.as_raw_fd(), &UnixAddr::new_unnamed())?;
        let name: UnixAddr = getsockname(socket.as_raw_fd())?;
        let name = name.as_abstract().ok_or(Errno::EADDRNOTAVAIL)?;
        let address = format!("@{}", std::str::from_utf8(name).map_err(|_| Errno::EADDRNOTAVAIL)?);
        Ok(Notify { socket, address: address.into() })
    }

    /// Returns the value of `NOTIFY_SOCKET`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns `true` if only one user and root reach the socket, so that a sender that is gone is known by its user.
    pub(crate) fn is_private(&self) -> bool {
        is_file(&self.address)
    }

    /// The next message, if there is one.
    pub(crate) fn receive(&self) -> Option<Message> {
        let mut text = [0; 4096];
        let (length, sender) = datagram::receive(self.socket.as_fd(), &mut text).ok()?;
        // Without credentials it is from no process and no user that there is.
        let (pid, user) = sender.map_or((0, u32::MAX), |sender| (sender.pid, sender.uid));
        Some(Message::parse(&text[..length], Pid::from_raw(pid), user))
    }
}

/// Gives a socket in a directory to the bot's user; does nothing about one that every user reaches.
///
/// A bot of root may have become another user before it says that it is ready, so its socket is open to all: what it hears
/// is judged by its sender.
///
/// # Errors
/// The socket's file is gone, or the monitor may not change its owner.
pub(crate) fn hand_over(address: &str, user: u32) -> io::Result<()> {
    if !is_file(address) || !geteuid().is_root() {
        return Ok(());
    }
    lchown(address, Some(user), None)?;
    fs::set_permissions(address, Permissions::from_mode(if user == 0 { 0o666 } else { 0o600 }))
}

fn is_file(address: &str) -> bool {
    address.starts_with('/')
}

fn unbound() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    setsockopt(&socket, PassCred, &true)?;
    Ok(socket)
}

/// The directory of the bots' sockets, beside the pidfile. It is the monitor's own, so that no bot can put another socket in
/// place of its; it exists while there are sockets in it.
pub(crate) struct Directory {
    path: PathBuf,
    is_made: bool,
    /// The number of sockets that were created in the directory.
    count: u64,
}

impl Directory {
    /// Prepares the directory that belongs to a journal, whose place is this monitor's alone by now, and removes what a
    /// monitor that was killed has left of it. `None` if it cannot have one.
    pub(crate) fn beside(journal: &Path) -> Option<Directory> {
        // A bot may have another working directory.
        let parent = fs::canonicalize(journal.parent()?).ok()?;
        let path = parent.join(journal.with_extension("notify").file_name()?);
        let directory = Directory { path, is_made: false, count: 0 };
        directory.remove();
        Some(directory)
    }

    /// Binds a socket in the directory. Only the monitor's user can reach the socket until [`hand_over`].
    ///
    /// # Errors
    /// The bot would not reach it there, its path is too long (107 bytes), or it cannot be made.
    pub(crate) fn bind(&mut self, is_of_own_user: bool) -> io::Result<Notify> {
        if !is_of_own_user && !is_open_to_all(&self.path) {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        let path = self.path.join(self.count.to_string());
        let name = UnixAddr::new(&path)?;
        let address = path.to_str().ok_or(io::ErrorKind::InvalidInput)?.into();
        let socket = unbound()?;
        if !self.is_made {
            fs::create_dir(&self.path)?;
            // From here on the directory exists, also after an error: the next socket uses it, and `drop` removes it.
            self.is_made = true;
            // Search permission for every bot, regardless of the umask; no read permission, so that no bot can list the sockets.
            fs::set_permissions(&self.path, Permissions::from_mode(0o711))?;
        }
        // On Linux, the file gets the mode of the socket (`unix_bind_bsd`): it is never open to others, not for a moment.
        fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR)?;
        bind(socket.as_raw_fd(), &name)?;
        self.count += 1;
        Ok(Notify { socket, address })
    }

    /// Removes the directory and what is in it, if it is ours.
    fn remove(&self) {
        let is_ours = |metadata: &Metadata| metadata.is_dir() && metadata.uid() == geteuid().as_raw();
        if fs::symlink_metadata(&self.path).is_ok_and(|metadata| is_ours(&metadata)) {
            // Only sockets: who has put something else there may have it.
            for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
                let _ = fs::remove_file(entry.path());
            }
            let _ = fs::remove_dir(&self.path);
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.is_made {
            self.remove();
        }
    }
}

/// Returns `true` if any user may pass all directories above this one.
fn is_open_to_all(path: &Path) -> bool {
    path.ancestors().skip(1).all(|above| above.metadata().is_ok_and(|metadata| metadata.mode() & 0o001 != 0))
}

impl Drop for Notify {
    fn drop(&mut self) {
        if self.is_private() {
            let _ = fs::remove_file(&*self.address);
        }
    }
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_read_line_by_line_and_other_lines_are_left_out() {
        let parse = |text: &str| Message::parse(text.as_bytes(), None, 7);
        let nothing = parse("");
        assert_eq!(nothing, Message { sender: None, user: 7, is_ready: false, extension: None, stores: false });
        for text in [
            "READY=0",
            "READY=1 ",
            " READY=1",
            "XREADY=1",
            "EXTEND_TIMEOUT_USEC=",
            "EXTEND_TIMEOUT_USEC=-1",
            "\u{fffd}",
        ] {
            assert_eq!(parse(text), nothing, "{text:?}");
        }
        let all = parse("STATUS=x\nEXTEND_TIMEOUT_USEC=2500000\nFDSTORE=1\nREADY=1\nFDNAME=y");
        assert_eq!((all.is_ready, all.extension, all.stores), (true, Some(Duration::from_millis(2500)), true));
        assert_eq!(
            parse(&format!("EXTEND_TIMEOUT_USEC={}", u64::MAX)).extension,
            Some(Duration::from_micros(u64::MAX))
        );
    }
}
