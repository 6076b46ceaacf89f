//! Formats sizes for people. (Crates for sizes print more digits and units than a column of a table has room for.)

/// Returns `980 B`, `12 kB` or `3.4 MB`.
#[allow(clippy::cast_precision_loss)] // Two digits are shown.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// Returns two sizes of which the first is larger, so that they differ also as text.
pub(crate) fn larger(first: u64, second: u64) -> (String, String) {
    let texts = (size(first), size(second));
    if texts.0 == texts.1 { (format!("{first} B"), format!("{second} B")) } else { texts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn larger_size_differs_from_the_smaller_one() {
        assert_eq!(larger(612_000_000, 512_000_000), ("612 MB".into(), "512 MB".into()));
        assert_eq!(larger(512_000_001, 512_000_000), ("512000001 B".into(), "512000000 B".into()));
    }
}
