//! Sizes in strings, such as `10MiB`.

/// The units, and how many bytes each has.
const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The longest number in a size, which fits into a `u64`.
const MAX_DIGITS: usize = 18;

/// Parses a whole number and a unit, such as `10MiB` or `500 kB`, in bytes, or returns the error message.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let unit = unit.trim_start();
    if number.is_empty() || unit.starts_with(['.', ',', '_']) {
        return Err("a size is a whole number and a unit, such as `500KiB`, `10MiB` or `1GB`".into());
    }
    if unit.is_empty() {
        return Err(format!("`{text}` has no unit: write `{text}KiB`, `{text}MiB` or `{text}GiB`"));
    }
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let meant = UNITS.iter().find(|(name, _)| is_meant(unit, name));
        return Err(match meant {
            Some((name, _)) => format!("unknown unit `{unit}`, did you mean `{name}`?"),
            None => format!("unknown unit `{unit}`, expected `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB` or `B`"),
        });
    };
    let number = if number.len() > MAX_DIGITS { None } else { number.parse::<u64>().ok() };
    let size = number.and_then(|number| number.checked_mul(*bytes)).filter(|size| i64::try_from(*size).is_ok());
    size.ok_or_else(|| format!("`{text}` is too large: no file has more than 2^63 bytes"))
}

/// Returns `true` if the unit is written in another case, or as one letter: `K`, `M` and `G` are powers of 1024 elsewhere.
fn is_meant(unit: &str, name: &str) -> bool {
    let binary_letter = name.strip_suffix("iB").is_some_and(|letter| letter.eq_ignore_ascii_case(unit));
    binary_letter || name.eq_ignore_ascii_case(unit)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn number_with_any_unit_is_read() {
        for (text, bytes) in [
            ("10MiB", 10_485_760),
            (" 500 kB ", 500_000),
            ("1GB", 1_000_000_000),
            ("3GiB", 3_221_225_472),
            ("64KiB", 65_536),
            ("7B", 7),
            ("2MB", 2_000_000),
            ("0B", 0),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn bad_size_says_what_is_wrong_with_it() {
        let form = "a size is a whole number and a unit, such as `500KiB`, `10MiB` or `1GB`";
        for (text, message) in [
            ("", form),
            ("large", form),
            ("-1MiB", form),
            ("1.5GiB", form),
            ("10", "`10` has no unit: write `10KiB`, `10MiB` or `10GiB`"),
            ("10m", "unknown unit `m`, did you mean `MiB`?"),
            ("10K", "unknown unit `K`, did you mean `KiB`?"),
            ("10mib", "unknown unit `mib`, did you mean `MiB`?"),
            ("10KB", "unknown unit `KB`, did you mean `kB`?"),
            ("10 pages", "unknown unit `pages`, expected `KiB`, `MiB`, `GiB`, `kB`, `MB`, `GB` or `B`"),
            ("99999999999GiB", "`99999999999GiB` is too large: no file has more than 2^63 bytes"),
            ("99999999999999999999B", "`99999999999999999999B` is too large: no file has more than 2^63 bytes"),
        ] {
            assert_eq!(parse(text).as_ref().map_err(String::as_str), Err(message), "{text}");
        }
    }
}
