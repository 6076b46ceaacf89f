//! Values that are written as words: durations, sizes, names, addresses.

use std::net::SocketAddr;
use std::time::Duration;

/// The units of a duration, each with its length in milliseconds.
const TIMES: &[(&str, u64)] = &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

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

/// A century, in milliseconds: beyond any use, and still safe to add to every clock.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// Reads `500ms`, `3s`, `2m`, `1h` or `1d`; the error says what to write.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let milliseconds = amount(text, TIMES, "3s").map_err(|wrong| wrong.replace("{}", "a duration"))?;
    match milliseconds {
        0..=LONGEST => Ok(Duration::from_millis(milliseconds)),
        _ => Err(format!("`{text}` is too long: a century is the most")),
    }
}

/// Reads `10MB`, `512KiB` or `0B`, in bytes; the error says what to write.
pub(super) fn size(text: &str) -> Result<u64, String> {
    amount(text, SIZES, "10MB").map_err(|wrong| wrong.replace("{}", "a size"))
}

/// A whole number and its unit. In the error `{}` stands for what it should have been.
fn amount(text: &str, units: &[(&str, u64)], example: &str) -> Result<u64, String> {
    let names = || super::near::listed(units.iter().map(|(name, _)| *name), "or");
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    if number.is_empty() || unit.starts_with(['.', ',']) {
        return Err(format!("`{text}` is not {{}}: write a whole number and a unit, such as \"{example}\""));
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit: add {}", names()));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit.trim()) else {
        return Err(format!("`{}` is no unit of {{}}: write {}", unit.trim(), names()));
    };
    let product = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*factor));
    product.ok_or_else(|| format!("`{text}` is too much"))
}

/// `127.0.0.1:80`, `[::1]:80` or `localhost:80`; names are not looked up.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let plain = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    match plain.parse() {
        Ok(address) => Ok(address),
        Err(_) => Err(format!("`{text}` is no address and port: write \"127.0.0.1:PORT\" or \"[::1]:PORT\"")),
    }
}

/// The same for what only this machine may reach.
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
        _ => Err(format!("`{text}` is no umask: write octal digits, such as \"027\"")),
    }
}
