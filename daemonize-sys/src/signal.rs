//! Numbers and names of signals.

use crate::escape::escape;
use std::fmt;
use std::str::FromStr;

/// A signal of Linux, including the realtime signals.
///
/// Converts from a number (`libc::SIGHUP`, `signal_hook::consts::SIGHUP`) and from nix's enum, and parses from a name with or without
/// `SIG`, or relative to the realtime signals (`RTMIN+1`, `RTMAX-1`). Methods that take a signal also accept a name. They report a
/// number or name that is not a signal before they have any effect.
///
/// ```
/// use daemon::Signal;
///
/// assert_eq!("TERM".parse(), Ok(Signal::SIGTERM));
/// assert_eq!(Signal::from(15), Signal::SIGTERM);
/// assert_eq!(Signal::try_from("SIGTERM"), Ok(Signal::SIGTERM));
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
    /// Returns the signals that a program may use.
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn all() -> impl Iterator<Item = Signal> {
        (1..=libc::SIGRTMAX()).map(Signal).filter(|signal| signal.exists())
    }

    /// Returns the realtime signals that a program may use.
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn realtime() -> impl Iterator<Item = Signal> {
        (libc::SIGRTMIN()..=libc::SIGRTMAX()).map(Signal)
    }

    /// Returns the number of system calls.
    pub const fn as_raw(self) -> i32 {
        self.0
    }

    /// Returns the name; `None` for a realtime signal, or a number that is not a signal.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(_, number)| *number == self.0).map(|(name, _)| *name)
    }

    /// Returns `true` if the signal exists and programs may use it (glibc reserves 32 and 33, `nptl(7)`).
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn exists(self) -> bool {
        self.name().is_some() || (libc::SIGRTMIN()..=libc::SIGRTMAX()).contains(&self.0)
    }

    /// Returns `true` for a signal that cannot be caught, blocked or ignored.
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn is_beyond_control(self) -> bool {
        matches!(self, Signal::SIGKILL | Signal::SIGSTOP)
    }

    /// Returns the reason why this signal cannot have a handler; `None` if it can.
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub fn uncatchable(self) -> Option<&'static str> {
        match self {
            _ if self.is_beyond_control() => Some("no process can catch, block or ignore it"),
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

/// The error for a text that is not the name of a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSignal(String);

impl fmt::Display for UnknownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a known signal; use a number, RTMIN+1, or one of", escape(&self.0))?;
        let names = Signal::NAMES.iter().map(|(name, _)| name.trim_start_matches("SIG"));
        names.enumerate().try_for_each(|(index, name)| write!(f, "{}{name}", if index == 0 { " " } else { ", " }))
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
        Self::NAMES
            .iter()
            .find(|(name, _)| name.strip_prefix("SIG") == Some(bare))
            .map(|(_, number)| Signal(*number))
            .or_else(|| realtime(bare))
            .ok_or_else(unknown)
    }
}

impl TryFrom<&str> for Signal {
    type Error = UnknownSignal;

    fn try_from(name: &str) -> Result<Signal, UnknownSignal> {
        name.parse()
    }
}

impl TryFrom<&String> for Signal {
    type Error = UnknownSignal;

    fn try_from(name: &String) -> Result<Signal, UnknownSignal> {
        name.parse()
    }
}

impl TryFrom<String> for Signal {
    type Error = UnknownSignal;

    fn try_from(name: String) -> Result<Signal, UnknownSignal> {
        name.parse()
    }
}

/// Parses the name of a realtime signal as `kill(1)` does: `RTMIN`, `RTMIN+3`, `RTMAX` or `RTMAX-3`.
fn realtime(name: &str) -> Option<Signal> {
    let (limit, sign, distance) = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(distance), _) => (libc::SIGRTMIN(), '+', distance),
        (_, Some(distance)) => (libc::SIGRTMAX(), '-', distance),
        _ => return None,
    };
    let distance = match distance.strip_prefix(sign) {
        Some(number) if number.bytes().all(|digit| digit.is_ascii_digit()) => number.parse::<i32>().ok()?,
        None if distance.is_empty() => 0,
        _ => return None,
    };
    let number = if sign == '+' { limit.checked_add(distance)? } else { limit.checked_sub(distance)? };
    Some(Signal(number)).filter(|signal| signal.name().is_none() && signal.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 1.38.
    #[test]
    fn signal_is_read_from_each_name_that_is_printed() {
        for signal in Signal::all() {
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
        assert_eq!(Signal::try_from("hup"), Ok(Signal::SIGHUP));
        assert_eq!(Signal::try_from("RTMAX-1".to_owned()), Ok(Signal(libc::SIGRTMAX() - 1)));
        assert_eq!(Signal::try_from("9"), Ok(Signal::SIGKILL));
    }

    /// Promise 1.38.
    #[test]
    fn unknown_signal_names_those_that_are_known() {
        for wrong in ["", "SIG", "FOO", "RTMIN+99", "RTMIN-1", "RTMIN+-1", "RTMAX-40", "RTMAX+1", "99", "-1"] {
            let error = Signal::try_from(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!(
                    "`{wrong}` is not a known signal; use a number, RTMIN+1, or one of HUP, INT, "
                ))
            );
        }
    }
}
