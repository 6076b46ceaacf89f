//! How many instances of a bot are restarted at once.

use std::num::NonZeroU32;
use std::str::FromStr;

/// How many instances of a bot are restarted at once: the others are touched when these are ready.
///
/// ```
/// use daemonize_monitor::Parallel;
///
/// assert_eq!("all".parse(), Ok(Parallel::All));
/// assert_eq!("1".parse(), Ok(Parallel::default()));
/// assert!("0".parse::<Parallel>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parallel {
    /// At most this number at once.
    Count(NonZeroU32),
    /// All at once.
    All,
}

impl Parallel {
    /// Returns the number; `usize::MAX` for all.
    pub(crate) fn count(self) -> usize {
        match self {
            Parallel::Count(count) => usize::try_from(count.get()).unwrap_or(usize::MAX),
            Parallel::All => usize::MAX,
        }
    }
}

impl Default for Parallel {
    /// One after another.
    fn default() -> Parallel {
        Parallel::Count(NonZeroU32::MIN)
    }
}

impl FromStr for Parallel {
    type Err = String;

    fn from_str(text: &str) -> Result<Parallel, String> {
        match text.parse() {
            _ if text == "all" => Ok(Parallel::All),
            Ok(count) if !text.starts_with('+') => Ok(Parallel::Count(count)),
            _ => Err(format!("`{}` is not a number of instances: write 1 or more, or `all`", text.escape_default())),
        }
    }
}
