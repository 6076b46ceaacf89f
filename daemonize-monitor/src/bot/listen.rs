//! The addresses on which the monitor listens for a bot.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The most addresses of one bot: each is a descriptor of all its instances.
pub(crate) const MAX_ADDRESSES: usize = 64;

/// The mode of the file of a Unix socket by default: the bot's user and group may connect.
const DEFAULT_MODE: u32 = 0o660;

/// The longest path of a Unix socket in bytes (`unix(7)`, without the byte that ends it).
const MAX_PATH: usize = 107;

/// An address on which the monitor listens for a bot. All instances of the bot share the socket, from descriptor 3 on
/// (`LISTEN_FDS`, see `sd_listen_fds(3)`).
///
/// ```
/// use daemonize_monitor::{Bot, ListenAddress};
///
/// let http = ListenAddress::Tcp("127.0.0.1:80".parse().unwrap());
/// let web = Bot::new("web", "/usr/bin/web").listen(http).listen(ListenAddress::unix("/run/web.sock"));
/// assert_eq!(web.listen[1].to_string(), "/run/web.sock");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ListenAddress {
    /// An address and a port. An IPv6 address does not accept IPv4 connections (`IPV6_V6ONLY`, see `ipv6(7)`).
    Tcp(SocketAddr),
    /// The path of a Unix socket, which belongs to the bot's user and group.
    Unix {
        /// The path; absolute.
        path: PathBuf,
        /// The mode of the file: each user that may write it may connect.
        mode: u32,
    },
}

impl ListenAddress {
    /// Returns the address of a Unix socket with the mode `0o660`.
    pub fn unix(path: impl Into<PathBuf>) -> ListenAddress {
        ListenAddress::Unix { path: path.into(), mode: DEFAULT_MODE }
    }

    /// Returns `true` if two sockets cannot listen on these addresses at once: one of them is the other, or includes it.
    pub(crate) fn is_same_place(&self, other: &ListenAddress) -> bool {
        match (self, other) {
            (ListenAddress::Tcp(one), ListenAddress::Tcp(other)) => {
                let overlaps = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
                one.port() == other.port() && one.is_ipv4() == other.is_ipv4() && overlaps
            }
            (ListenAddress::Unix { path: one, .. }, ListenAddress::Unix { path: other, .. }) => one == other,
            _ => false,
        }
    }

    /// Returns what two addresses have in common that may be the [same place](ListenAddress::is_same_place).
    pub(crate) fn group(&self) -> (Option<(bool, u16)>, &Path) {
        match self {
            ListenAddress::Tcp(address) => (Some((address.is_ipv4(), address.port())), Path::new("")),
            ListenAddress::Unix { path, .. } => (None, path),
        }
    }

    /// Validates the address.
    ///
    /// # Errors
    /// The cause, and what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            ListenAddress::Tcp(address) if address.port() == 0 => {
                Err(format!("`{address}` has the port 0, which no client could know: write a port from 1 to 65535"))
            }
            ListenAddress::Tcp(address) if address.ip().is_multicast() => {
                Err(format!("`{address}` is a multicast address, on which TCP cannot listen"))
            }
            ListenAddress::Tcp(_) => Ok(()),
            ListenAddress::Unix { path, mode } => check_path(path, *mode),
        }
    }
}

fn check_path(path: &Path, mode: u32) -> Result<(), String> {
    let (told, bytes) = (path.display(), path.as_os_str().as_encoded_bytes());
    if !path.is_absolute() || path.file_name().is_none() || bytes.ends_with(b"/") {
        return Err(format!("`{told}` is not the path of a socket: write an absolute path, such as \"/run/web.sock\""));
    }
    if bytes.contains(&0) {
        return Err("the path of a socket contains a NUL character".to_owned());
    }
    if bytes.len() > MAX_PATH {
        let length = bytes.len();
        return Err(format!(
            "`{told}` has {length} bytes, and the path of a socket at most {MAX_PATH}: write a shorter one"
        ));
    }
    if mode > 0o777 {
        return Err(format!("`{told}` has a mode beyond 0777"));
    }
    Ok(())
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix { path, .. } => path.display().fmt(f),
        }
    }
}

/// Returns why a bot cannot listen on these addresses together.
pub(crate) fn check_addresses(addresses: &[ListenAddress]) -> Result<(), String> {
    addresses.iter().try_for_each(ListenAddress::check)?;
    if addresses.len() > MAX_ADDRESSES {
        return Err(format!("{} addresses are too many: at most {MAX_ADDRESSES}", addresses.len()));
    }
    for (at, address) in addresses.iter().enumerate() {
        if let Some(other) = addresses[..at].iter().find(|other| other.is_same_place(address)) {
            return Err(format!("`{address}` and `{other}` cannot both be listened on: remove one"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_port_or_path_is_refused() {
        let tcp = |text: &str| ListenAddress::Tcp(text.parse().unwrap());
        for (addresses, expected) in [
            (vec![tcp("127.0.0.1:0")], "port 0"),
            (vec![tcp("224.0.0.1:80")], "multicast"),
            (vec![ListenAddress::unix("web.sock")], "absolute path"),
            (vec![ListenAddress::unix("/run/")], "absolute path"),
            (vec![ListenAddress::unix(format!("/{}", "x".repeat(107)))], "108 bytes"),
            (vec![ListenAddress::Unix { path: "/run/x".into(), mode: 0o1777 }], "beyond 0777"),
            (vec![tcp("[::1]:80"), tcp("127.0.0.1:80"), tcp("[::1]:80")], "`[::1]:80` and `[::1]:80` cannot both"),
            (
                vec![ListenAddress::unix("/run/x"), ListenAddress::Unix { path: "/run/x".into(), mode: 0 }],
                "cannot both",
            ),
            (vec![tcp("127.0.0.1:80"), tcp("0.0.0.0:80")], "`0.0.0.0:80` and `127.0.0.1:80` cannot both"),
        ] {
            let why = check_addresses(&addresses).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
        assert_eq!(check_addresses(&[tcp("0.0.0.0:80"), tcp("[::]:80"), ListenAddress::unix("/run/x")]), Ok(()));
    }
}
