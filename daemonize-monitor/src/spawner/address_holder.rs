//! Finds the process that has an address on which the monitor was to listen.

use crate::sys::account;
use crate::sys::proc;
use daemonize_core::Pid;
use daemonize_sys::escape::escape;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::Uid;
use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long the processes of the machine are looked through.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(500);

/// The state of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Returns "it is in use", and by which process if that is known.
pub(super) fn in_use(holder: Option<String>) -> String {
    holder.map_or_else(|| "it is in use".to_owned(), |holder| format!("it is in use by {holder}"))
}

/// Returns the process that listens on a port, or its user.
pub(super) fn of_port(address: SocketAddr) -> Option<String> {
    let table = if address.is_ipv4() { "/proc/net/tcp" } else { "/proc/net/tcp6" };
    let text = fs::read_to_string(table).ok()?;
    let (user, inode) = text.lines().skip(1).find_map(|line| listener(line, address.port()))?;
    match process_with(inode) {
        Some(pid) => Some(described(pid)),
        None => Some(format!("a process of {}", account::describe(Uid::from_raw(user)))),
    }
}

/// Returns the process at the other end of a connection to a Unix socket.
pub(super) fn of_peer(connection: &OwnedFd) -> Option<String> {
    let pid = getsockopt(connection, PeerCredentials).ok()?.pid();
    Pid::from_raw(pid).map(described)
}

fn described(pid: Pid) -> String {
    match proc::name_of(pid) {
        Ok(name) => format!("process {pid} (`{}`)", escape(&name)),
        Err(_) => format!("process {pid}"),
    }
}

/// Returns the user and the inode of a socket that listens on a port, from a line of `/proc/net/tcp`.
fn listener(line: &str, port: u16) -> Option<(u32, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (_, local) = fields.nth(1)?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    if state != LISTENING || u16::from_str_radix(local, 16) != Ok(port) {
        return None;
    }
    let user = fields.nth(3)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some((user, inode))
}

/// Returns the process that has a socket open, as far as this user may see.
fn process_with(inode: u64) -> Option<Pid> {
    let (link, deadline) = (format!("socket:[{inode}]"), Instant::now() + SEARCH_TIMEOUT);
    let has_socket = |pid: &i32| {
        let fds = proc::numbers_in(&format!("/proc/{pid}/fd")).unwrap_or_default();
        let is_socket = |fd: &i32| {
            fs::read_link(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|target| target.as_os_str() == link.as_str())
        };
        fds.iter().any(is_socket)
    };
    let processes = proc::numbers_in("/proc").unwrap_or_default();
    processes.into_iter().take_while(|_| Instant::now() < deadline).find(has_socket).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_of_a_listening_socket_has_its_user_and_inode() {
        let line = "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0";
        assert_eq!(listener(line, 8080), Some((1000, 4711)));
        assert_eq!(listener(line, 8081), None);
        assert_eq!(listener(&line.replace(" 0A ", " 01 "), 8080), None);
        for broken in ["", "1:", "1: x y 0A", "  1: 0100007F:1F90 00000000:0000 0A"] {
            assert_eq!(listener(broken, 8080), None, "{broken}");
        }
    }
}
