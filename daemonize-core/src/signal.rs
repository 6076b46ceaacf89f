//! The number of a signal, and its name.

use crate::escape::escape;
use std::fmt;
use std::str::FromStr;

/// A signal, by number: all of Linux's, the realtime ones included.
///
/// Converts from a number (`libc::SIGHUP`, `signal_hook::consts::SIGHUP`), from nix's enum, and parses from a name with
/// or without `SIG`. A number that is no signal is reported where it is used, before anything happens.
///
/// ```
/// use daemonize_core::Signal;
///
/// assert_eq!("TERM".parse(), Ok(Signal::SIGTERM));
/// assert_eq!(Signal::from(15), Signal::SIGTERM);
/// assert_eq!(Signal::SIGTERM.to_string(), "SIGTERM");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

macro_rules! names {
    ($($name:ident)*) => {
        impl Signal {
            $(
                #[doc = concat!("`", stringify!($name), "`, see `signal(7)`.")]
                pub const $name: Signal = Signal(libc::$name);
            )*

            const NAMES: &'static [(&'static str, i32)] = &[$((stringify!($name), libc::$name)),*];
        }
    };
}

names! {
    SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM
    SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO
    SIGPWR SIGSYS
}

impl Signal {
    /// All that a program may use.
    pub(crate) fn all() -> impl Iterator<Item = Signal> {
        (1..=libc::SIGRTMAX()).map(Signal).filter(|signal| signal.exists())
    }

    /// The number, as system calls take it.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// The name, `None` for a realtime signal or a number that is no signal.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(_, number)| *number == self.0).map(|(name, _)| *name)
    }

    /// Whether the kernel knows such a signal and a program may use it (glibc keeps 32 and 33 for itself).
    pub(crate) fn exists(self) -> bool {
        self.name().is_some() || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&self.0)
    }

    /// Whether a process has no say in what it does.
    pub(crate) fn is_beyond_control(self) -> bool {
        matches!(self, Signal::SIGKILL | Signal::SIGSTOP)
    }

    /// Why no handler can be given for this signal, if so.
    pub(crate) fn uncatchable(self) -> Option<&'static str> {
        match self {
            _ if self.is_beyond_control() => Some("the kernel lets nobody catch, block or ignore it"),
            Signal::SIGSEGV | Signal::SIGFPE | Signal::SIGILL | Signal::SIGBUS => {
                Some("it is raised by the faulting instruction itself, which would run again when the handler returns")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None if self.exists() => write!(f, "SIGRTMIN+{}", self.0 - libc::SIGRTMIN()),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<i32> for Signal {
    fn from(number: i32) -> Signal {
        Signal(number)
    }
}

impl From<nix::sys::signal::Signal> for Signal {
    fn from(signal: nix::sys::signal::Signal) -> Signal {
        Signal(signal as i32)
    }
}

/// A text that names no signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSignal(String);

impl fmt::Display for UnknownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown signal `{}`: give a name (SIGTERM, TERM or RTMIN+3) or a number", escape(&self.0))
    }
}

impl std::error::Error for UnknownSignal {}

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Signal, UnknownSignal> {
        let unknown = || UnknownSignal(text.to_owned());
        if let Ok(number) = text.parse() {
            return Some(Signal(number)).filter(|signal| signal.exists()).ok_or_else(unknown);
        }
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        let named = Self::NAMES.iter().find(|(name, _)| name.strip_prefix("SIG") == Some(bare));
        named.map(|(_, number)| Signal(*number)).or_else(|| realtime(bare)).ok_or_else(unknown)
    }
}

/// Reads `RTMIN`, `RTMIN+3`, `RTMAX` or `RTMAX-3`, as `kill(1)` does.
fn realtime(name: &str) -> Option<Signal> {
    let (base, rest, sign) = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => (libc::SIGRTMIN(), rest, '+'),
        (_, Some(rest)) => (libc::SIGRTMAX(), rest, '-'),
        _ => return None,
    };
    if rest.is_empty() {
        return Some(Signal(base));
    }
    let offset = rest.strip_prefix(sign).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let offset: i32 = offset.parse().ok()?;
    let number = if sign == '+' { base.checked_add(offset) } else { base.checked_sub(offset) };
    number.filter(|number| (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(number)).map(Signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signal_is_read_as_it_is_printed() {
        for signal in Signal::all() {
            assert_eq!(signal.to_string().parse(), Ok(signal));
            assert_eq!(signal.to_string().trim_start_matches("SIG").to_lowercase().parse(), Ok(signal));
        }
        assert_eq!("RTMAX".parse(), Ok(Signal(libc::SIGRTMAX())));
        assert_eq!("SIGRTMAX-1".parse(), Ok(Signal(libc::SIGRTMAX() - 1)));
        assert_eq!("SIGRTMIN".parse(), Ok(Signal(libc::SIGRTMIN())));
        for text in
            ["RTMIN+", "RTMIN+-1", "RTMIN++1", "RTMIN-1", "RTMAX+1", "RTMIN+99", "RTMIN+99999999999", "RTMINUTE"]
        {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }
}
