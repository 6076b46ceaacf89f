//! The facilities of syslog.

use std::fmt;
use std::str::FromStr;

/// The names, each at its number: see `syslog(3)`.
const NAMES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];

/// The syslog facility (syslog(3)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    /// Its number, as it is sent (times 8, plus the severity).
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Default for Facility {
    /// `daemon`.
    fn default() -> Facility {
        Facility(3)
    }
}

impl fmt::Display for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[usize::from(self.0)])
    }
}

impl fmt::Debug for Facility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Facility {
    type Err = String;

    /// Reads a name; the error says what to write.
    fn from_str(text: &str) -> Result<Facility, String> {
        let number = (0..).zip(NAMES).find(|(_, name)| *name == text).map(|(number, _)| Facility(number));
        number.ok_or_else(|| format!("`{text}` is no facility: write \"daemon\", \"user\" or \"local0\" to \"local7\""))
    }
}
