//! The version of the installed systemd.

use crate::manager_kind::Manager;
use crate::places::Places;
use crate::tool_call::{TOOL_TIMEOUT, call};

/// Returns the version of the systemd that will read the units; `None` if it is not known, as for an image.
pub fn systemd_version(manager: Manager, places: &Places) -> Option<u32> {
    if manager != Manager::Systemd || places.is_image() {
        return None;
    }
    parse(&call("systemctl", ["--version"], TOOL_TIMEOUT).ok()?)
}

/// Parses the first line, such as `systemd 252 (252.38-1~deb12u1)`.
fn parse(text: &str) -> Option<u32> {
    let number = text.lines().next()?.strip_prefix("systemd ")?;
    number.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn version_is_the_number_of_the_first_line() {
        assert_eq!(parse("systemd 252 (252.38-1~deb12u1)\n+PAM\n"), Some(252));
        assert_eq!(parse("systemd 257~rc1\n"), Some(257));
        for text in ["", "systemd\n", "systemd (252)\n", "elogind 252\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
