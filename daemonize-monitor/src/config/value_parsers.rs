//! Parses sizes, addresses and umasks. Durations are in [`crate::duration`].

use std::net::SocketAddr;

/// The units of a size, each with its number of bytes.
const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads `10MB`, `512KiB` or `0B`, in bytes; the error says what to write. (Crates for sizes accept what may be read in two
/// ways: `10M`, `10mb`, `1.5K`.)
pub(super) fn size(text: &str) -> Result<u64, String> {
    let names = || super::suggestion::listed(SIZES.iter().map(|(name, _)| *name), "or");
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if number.is_empty() || unit.starts_with(['.', ',']) {
        return Err(format!("`{text}` is not a size: write a whole number and a unit, such as \"10MB\""));
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit: add {}", names()));
    }
    let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == unit.trim()) else {
        return Err(format!("`{}` is not a unit of a size: write {}", unit.trim(), names()));
    };
    let product = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    product.ok_or_else(|| format!("`{text}` is too much"))
}

/// `127.0.0.1:80`, `[::1]:80` or `localhost:80`; names are not looked up.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let plain = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    match plain.parse() {
        Ok(address) => Ok(address),
        Err(_) => Err(format!("`{text}` is not an address and port: write \"127.0.0.1:PORT\" or \"[::1]:PORT\"")),
    }
}

/// Reads an address to which connections are made.
pub(super) fn peer_address(text: &str) -> Result<SocketAddr, String> {
    let found = address(text)?;
    if found.port() == 0 {
        return Err(format!("`{text}` has the port 0, on which nothing listens: write a port from 1 to 65535"));
    }
    Ok(found)
}

/// Reads an address of the loopback interface.
pub(super) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let found = address(text)?;
    if found.ip().is_loopback() {
        return Ok(found);
    }
    Err(format!("`{text}` can be reached from other machines: write \"127.0.0.1:{}\"", found.port()))
}

/// Permissions in octal digits, as `umask(1)` takes them.
pub(super) fn umask(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mask @ 0..=0o777) if !text.starts_with('+') => Ok(mask),
        _ => Err(format!("`{text}` is not a umask: write octal digits, such as \"027\"")),
    }
}
