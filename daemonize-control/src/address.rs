//! The addresses of an endpoint, as its pidfile lists them.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// An address: a line of the pidfile, from the third on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A Unix socket, such as `unix:///run/sleepy.control/socket`. Bytes that are not printable ASCII are percent-encoded.
    Unix(PathBuf),
    /// A TCP port, such as `http://127.0.0.1:4711`.
    Tcp(SocketAddr),
}

impl Address {
    /// Parses a line; returns `None` if it is not a socket or a loopback address.
    pub(crate) fn parse(line: &str) -> Option<Address> {
        if let Some(path) = line.strip_prefix("unix://") {
            let path = PathBuf::from(OsString::from_vec(decode(path)?));
            return path.is_absolute().then_some(Address::Unix(path));
        }
        let socket: SocketAddr = line.strip_prefix("http://")?.trim_end_matches('/').parse().ok()?;
        socket.ip().is_loopback().then_some(Address::Tcp(socket))
    }
}

/// Decodes percent-encoding (RFC 3986, section 2.1); returns `None` if a `%` is not followed by two hexadecimal digits.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        decoded.push(match byte {
            b'%' => u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?,
            other => other,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_read() {
        let unix = |path: &str| Some(Address::Unix(path.into()));
        assert_eq!(Address::parse("unix:///run/a.control/socket"), unix("/run/a.control/socket"));
        assert_eq!(Address::parse("unix:///a%20b%25/%C3%A4"), unix("/a b%/ä"));
        assert_eq!(Address::parse("http://127.0.0.1:4711"), Some(Address::Tcp("127.0.0.1:4711".parse().unwrap())));
        assert_eq!(Address::parse("http://[::1]:80/"), Some(Address::Tcp("[::1]:80".parse().unwrap())));
        for line in ["unix://socket", "unix:///a%2", "unix:///a%zz", "http://example.com:80", "http://10.0.0.1:80", "x"]
        {
            assert_eq!(Address::parse(line), None, "{line}");
        }
    }
}
