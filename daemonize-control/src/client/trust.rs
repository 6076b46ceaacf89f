//! Verifies that the listening process is the daemon. An impostor would receive the token.
//!
//! The kernel reports the caller of `listen(2)`: for a Unix socket its user and process (`SO_PEERCRED`), for TCP its user
//! (`/proc/net/tcp`). A daemon that has given up root may have been root when it called `listen(2)`.

use super::error::{Error, ErrorKind, Result, cause};
use super::target::RunningDaemon;
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

/// Maximum number of bytes that are read of a token file.
const MAX_TOKEN: u64 = 256;

/// A token. `Debug` does not print it.
#[derive(Clone)]
pub(crate) struct Secret(pub(super) String);

impl Secret {
    /// Returns the token, for the header field that carries it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Checks that the process at the other end of a Unix socket is the daemon.
pub(crate) fn check_peer(socket: impl AsFd, found: &RunningDaemon) -> Result<()> {
    let peer = getsockopt(&socket, PeerCredentials)
        .map_err(|errno| found.failed(ErrorKind::Untrusted, format_args!("the listener is not known: {errno}")))?;
    check_process(peer.pid(), peer.uid(), found)
}

fn check_process(pid: i32, uid: u32, found: &RunningDaemon) -> Result<()> {
    if pid != found.pid.as_raw() {
        return Err(found.failed(ErrorKind::Untrusted, format_args!("pid {pid} listens in place of pid {}", found.pid)));
    }
    check_user(uid, found)
}

fn check_user(uid: u32, found: &RunningDaemon) -> Result<()> {
    if uid == found.owner || uid == 0 {
        return Ok(());
    }
    let why = format!("user {uid} listens in place of user {}", found.owner);
    Err(found.failed(ErrorKind::Untrusted, why))
}

/// Checks that every listener on the TCP port is of the daemon's user.
pub(crate) fn check_listener(address: SocketAddr, found: &RunningDaemon) -> Result<()> {
    let table = if address.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let unknown = |error: io::Error| {
        found.failed(ErrorKind::Untrusted, format_args!("the listener is not known: `{table}`: {}", cause(&error)))
    };
    // Line by line: any user can make the table arbitrarily long by opening sockets.
    let mut is_listening = false;
    for uid in listeners(BufReader::new(File::open(table).map_err(unknown)?), address) {
        check_user(uid.map_err(unknown)?, found)?;
        is_listening = true;
    }
    if is_listening {
        Ok(())
    } else {
        Err(found.failed(ErrorKind::Unreachable, format_args!("no process listens at {address}")))
    }
}

/// Returns the users that listen at exactly this address.
fn listeners(table: impl BufRead, address: SocketAddr) -> impl Iterator<Item = io::Result<u32>> {
    let wanted = table_address(address);
    let user = move |line: &str| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, state) = (fields.next()?, fields.nth(1)?);
        (local == wanted && state == LISTEN).then(|| fields.nth(3)?.parse().ok())?
    };
    table.lines().filter_map(move |line| line.map(|line| user(&line)).transpose())
}

/// Returns an address as the table writes it: words of 32 bits, each in the machine's byte order.
fn table_address(address: SocketAddr) -> String {
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

/// Reads the token that the daemon has written for its user, from a file of that user with no other name; `None` without a
/// file.
///
/// # Errors
/// The file cannot be read, is not the daemon's, or does not hold a token.
pub(crate) fn token(path: &Path, found: &RunningDaemon) -> Result<Option<Secret>> {
    let failed = |why: String| Error::failed(ErrorKind::Unreachable, "read token", path.display(), why);
    let file = match open(path, OFlag::O_RDONLY | SAFE_FLAGS, Mode::empty()) {
        // An endpoint may require none.
        Err(Errno::ENOENT) => return Ok(None),
        opened => File::from(opened.map_err(|errno| failed(cause(&errno.into())))?),
    };
    let owners = [Uid::from_raw(found.owner)];
    let policy = FilePolicy { kind: SFlag::S_IFREG, owners: Some(&owners), has_one_name: true, forbidden: 0 };
    let status = fstat(&file).map_err(|errno| failed(cause(&errno.into())))?;
    policy.check(&status).map_err(|_| failed("it is not a file of the daemon's user".into()))?;
    let mut token = String::new();
    file.take(MAX_TOKEN).read_to_string(&mut token).map_err(|error| failed(cause(&error)))?;
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed("it does not hold a token".into()));
    }
    Ok(Some(Secret(token.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_core::Pid;
    use std::fs;
    use std::net::TcpListener;

    fn found(pid: i32, owner: u32) -> RunningDaemon {
        RunningDaemon {
            pid: Pid::from_raw(pid).unwrap(),
            start_time: 0,
            owner,
            addresses: Vec::new(),
            pidfile: "/run/d.pid".into(),
        }
    }

    #[test]
    fn process_other_than_the_daemon_is_not_trusted() {
        assert!(check_process(7, 33, &found(7, 33)).is_ok());
        // The daemon called `listen(2)` before it changed its user from root.
        assert!(check_process(7, 0, &found(7, 33)).is_ok());
        for (pid, uid) in [(8, 33), (7, 34), (0, 33)] {
            assert_eq!(check_process(pid, uid, &found(7, 33)).unwrap_err().kind(), ErrorKind::Untrusted, "{pid} {uid}");
        }
        assert!(check_process(7, 33, &found(7, 0)).is_err());
    }

    #[test]
    fn token_in_a_file_of_another_user_or_with_two_names_is_refused() {
        let directory = std::env::temp_dir().join(format!("daemon-trust-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (path, other) = (directory.join("token"), directory.join("other"));
        fs::write(&path, "5ec2e7\n").unwrap();
        let me = nix::unistd::geteuid().as_raw();
        let read = |owner| token(&path, &found(7, owner)).map(|token| token.map(|token| token.reveal().to_owned()));
        assert_eq!(read(me).unwrap().as_deref(), Some("5ec2e7"));
        // Not a file of root either, if the daemon is another user.
        assert!(read(me + 1).unwrap_err().to_string().contains("not a file of the daemon's user"));
        fs::hard_link(&path, &other).unwrap();
        assert!(read(me).unwrap_err().to_string().contains("not a file of the daemon's user"));
        fs::remove_dir_all(directory).unwrap();
        assert_eq!(read(me).unwrap(), None);
    }

    #[test]
    fn secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret("5ec2e7".into()))), "Some(Secret(…))");
    }

    const TABLE: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 4321 1 0 100 0 0 10 0
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000 65534        0 4322 1 0 100 0 0 10 0
   2: 0100007F:1F92 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     7        0 4323 1 0 100 0 0 10 0
";

    #[test]
    fn listeners_of_a_port_are_found_in_the_table() {
        let users = |port| {
            listeners(TABLE.as_bytes(), SocketAddr::from(([127, 0, 0, 1], port)))
                .collect::<io::Result<Vec<_>>>()
                .unwrap()
        };
        assert_eq!((users(8080), users(8081), users(8082), users(1)), (vec![33], vec![65534], vec![], vec![]));
    }

    #[test]
    fn own_listener_is_accepted_until_it_is_closed() {
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
