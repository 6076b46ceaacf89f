//! Whether whoever listens is the daemon: nothing is sent to anybody else (an impostor would want the token).
//!
//! The kernel says who called `listen(2)`: for a Unix socket user and process (`SO_PEERCRED`), for TCP the user
//! (`/proc/net/tcp`). A daemon that gave up root may have been root when it did.

use super::error::{Error, ErrorKind, Result, cause};
use super::target::Found;
use daemonize_sys::trust::{FilePolicy, SAFE_FLAGS};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::Uid;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN: &str = "0A";

/// More than this is no token.
const LARGEST_TOKEN: u64 = 256;

/// A token that was read. Never printed: what is printed is read by others.
#[derive(Clone)]
pub(crate) struct Secret(pub(super) String);

impl Secret {
    /// For the one line of a request that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The process at the other end of a Unix socket must be the daemon.
pub(crate) fn check_peer(socket: impl AsFd, found: &Found) -> Result<()> {
    let peer = getsockopt(&socket, PeerCredentials)
        .map_err(|errno| found.failed(ErrorKind::Untrusted, format_args!("who listens is not told: {errno}")))?;
    judge(peer.pid(), peer.uid(), found)
}

fn judge(pid: i32, uid: u32, found: &Found) -> Result<()> {
    if pid != found.pid.as_raw() {
        return Err(found.failed(ErrorKind::Untrusted, format_args!("pid {pid} listens in place of pid {}", found.pid)));
    }
    check_user(uid, found)
}

fn check_user(uid: u32, found: &Found) -> Result<()> {
    if uid == found.owner || uid == 0 {
        return Ok(());
    }
    let why = format!("user {uid} listens in place of user {}", found.owner);
    Err(found.failed(ErrorKind::Untrusted, why))
}

/// Whoever listens on the TCP port must be the daemon's user.
pub(crate) fn check_listener(address: SocketAddr, found: &Found) -> Result<()> {
    let table = if address.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let unknown = |error: io::Error| {
        found.failed(ErrorKind::Untrusted, format_args!("who listens is not told: `{table}`: {}", cause(&error)))
    };
    // Line by line: any user can make it as long as it likes.
    let mut is_there = false;
    for uid in listeners(BufReader::new(File::open(table).map_err(unknown)?), address) {
        check_user(uid.map_err(unknown)?, found)?;
        is_there = true;
    }
    if is_there {
        Ok(())
    } else {
        Err(found.failed(ErrorKind::Unreachable, format_args!("nobody listens at {address}")))
    }
}

/// Returns the users that listen at exactly this address.
fn listeners(table: impl BufRead, address: SocketAddr) -> impl Iterator<Item = io::Result<u32>> {
    let wanted = spelt(address);
    let user = move |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        (local == wanted && state == LISTEN).then(|| fields.nth(3)?.parse().ok())?
    };
    table.lines().filter_map(move |line| line.map(|line| user(&line)).transpose())
}

/// The address as the table has it: 32 bits at a time, each in the machine's order of bytes.
fn spelt(address: SocketAddr) -> String {
    let words = |bytes: &[u8]| -> String {
        let word = |bytes: &[u8]| format!("{:08X}", bytes.try_into().map_or(0, u32::from_ne_bytes));
        bytes.chunks(4).map(word).collect()
    };
    let ip = match address.ip() {
        IpAddr::V4(ip) => words(&ip.octets()),
        IpAddr::V6(ip) => words(&ip.octets()),
    };
    format!("{ip}:{:04X}", address.port())
}

/// The token that the daemon has written for its user, from a file of that user's that has no other name.
pub(crate) fn token(path: &Path, found: &Found) -> Result<Option<Secret>> {
    let failed = |why: String| Error::failed(ErrorKind::Unreachable, "read token", path.display(), why);
    let file = match open(path, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
        // An endpoint may ask for none.
        Err(Errno::ENOENT) => return Ok(None),
        opened => File::from(opened.map_err(|errno| failed(cause(&errno.into())))?),
    };
    let owners = [Uid::from_raw(found.owner)];
    let policy = FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: true, forbidden: 0 };
    let status = fstat(&file).map_err(|errno| failed(cause(&errno.into())))?;
    policy.check(&status).map_err(|_| failed("it is no file of the daemon's user".into()))?;
    let mut token = String::new();
    file.take(LARGEST_TOKEN).read_to_string(&mut token).map_err(|error| failed(cause(&error)))?;
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed("it holds no token".into()));
    }
    Ok(Some(Secret(token.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_core::Pid;
    use std::fs;
    use std::net::TcpListener;

    fn found(pid: i32, owner: u32) -> Found {
        Found {
            pid: Pid::from_raw(pid).unwrap(),
            start_time: 0,
            owner,
            addresses: Vec::new(),
            pidfile: "/run/d.pid".into(),
        }
    }

    #[test]
    fn only_the_daemon_itself_is_trusted() {
        assert!(judge(7, 33, &found(7, 33)).is_ok());
        // It listened before it gave up root.
        assert!(judge(7, 0, &found(7, 33)).is_ok());
        for (pid, uid) in [(8, 33), (7, 34), (0, 33)] {
            assert_eq!(judge(pid, uid, &found(7, 33)).unwrap_err().kind(), ErrorKind::Untrusted, "{pid} {uid}");
        }
        assert!(judge(7, 33, &found(7, 0)).is_err());
    }

    #[test]
    fn a_token_is_in_a_file_of_the_daemons_user_with_one_name() {
        let directory = std::env::temp_dir().join(format!("daemon-trust-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (path, other) = (directory.join("token"), directory.join("other"));
        fs::write(&path, "5ec2e7\n").unwrap();
        let me = nix::unistd::geteuid().as_raw();
        let read = |owner| token(&path, &found(7, owner)).map(|token| token.map(|token| token.reveal().to_owned()));
        assert_eq!(read(me).unwrap().as_deref(), Some("5ec2e7"));
        // Not that of root either, where the daemon is somebody else.
        assert!(read(me + 1).unwrap_err().to_string().contains("no file of the daemon's user"));
        fs::hard_link(&path, &other).unwrap();
        assert!(read(me).unwrap_err().to_string().contains("no file of the daemon's user"));
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(read(me).unwrap(), None);
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret("5ec2e7".into()))), "Some(Secret(…))");
    }

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 4321 1 0 100 0 0 10 0
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 4322 1 0 100 0 0 10 0
   2: 0100007F:1F92 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     7        0 4323 1 0 100 0 0 10 0
";

    #[test]
    fn the_table_says_who_listens() {
        let users = |port| {
            listeners(TABLE.as_bytes(), SocketAddr::from(([127, 0, 0, 1], port)))
                .collect::<io::Result<Vec<_>>>()
                .unwrap()
        };
        assert_eq!((users(8080), users(8081), users(8082), users(1)), (vec![33], vec![65534], vec![], vec![]));
    }

    #[test]
    fn a_listener_of_ours_is_found() {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(ip) else { continue };
            let address = listener.local_addr().unwrap();
            let me = nix::unistd::geteuid().as_raw();
            assert!(check_listener(address, &found(7, me)).is_ok(), "{address}");
            drop(listener);
            let error = check_listener(address, &found(7, me)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unreachable);
        }
    }
}
