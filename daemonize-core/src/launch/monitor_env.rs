//! The environment variables that a monitor sets for the program that it starts.

use crate::pid::Pid;
use crate::report;
use crate::sys::proc::ProcStat;
use nix::unistd::getsid;
use std::env;
use std::ffi::OsStr;
use std::time::Duration;

/// The pid of the monitor that started a program, whatever its name is.
const MONITOR: &str = "DAEMON_MONITOR";

/// How long the program has to end after a stop signal until the monitor sends the next one, in seconds.
pub(super) const STOP_TIMEOUT: &str = "DAEMON_STOP_TIMEOUT";

/// A century. Longer is a mistake, not a time.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A value that is told is cut to this many letters.
const TOLD: usize = 40;

/// Returns `true` if a monitor started this process, and not one of its ancestors.
pub(super) fn is_parent() -> bool {
    env::var(MONITOR).is_ok_and(|monitor| monitor == format!("{}", nix::unistd::getppid()))
}

/// Returns the name of the program that a monitor watches over if this process, which is another one, is of its session:
/// started by a shell that has not executed it (`exec`), for example.
pub(super) fn watched_session() -> Option<String> {
    let monitor: i32 = env::var(MONITOR).ok()?.parse().ok()?;
    let leader = Pid::from_raw(getsid(None).ok()?.as_raw()).filter(|leader| *leader != Pid::this())?;
    ProcStat::of(leader).ok().filter(|leader| leader.parent == monitor).map(|leader| leader.name)
}

/// Returns how long the monitor that started this process gives it to stop. A value that is not a time is ignored, with a
/// line on stderr.
pub(super) fn stop_timeout() -> Option<Duration> {
    let value = env::var_os(STOP_TIMEOUT).filter(|_| is_parent())?;
    let time = parse(&value);
    if time.is_none() {
        let value: String = value.to_string_lossy().chars().take(TOLD).collect();
        report::say(&format!(
            "ignoring `{STOP_TIMEOUT}` {value:?}: it is not a positive number of seconds, such as `10` or `0.5`"
        ));
    }
    time
}

/// Returns a positive number of seconds, with or without decimals; no sign, no exponent.
fn parse(value: &OsStr) -> Option<Duration> {
    // Not as a float: the tables for that are 16 KB of every program.
    let text = value.to_str()?;
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    if seconds.is_empty() || !seconds.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    let time = Duration::new(seconds.parse().ok()?, nanos);
    (!time.is_zero() && time <= LONGEST).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_time_is_a_positive_decimal_number() {
        let parse = |text: &str| parse(OsStr::new(text));
        assert_eq!(parse("10"), Some(Duration::from_secs(10)));
        assert_eq!(parse("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(parse("1."), Some(Duration::from_secs(1)));
        assert_eq!(parse("2.0000000019"), Some(Duration::new(2, 1)));
        assert_eq!(parse(&LONGEST.as_secs_f64().to_string()), Some(LONGEST));
        for wrong in [
            "",
            "0",
            "0.0",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1s",
            "1e3",
            "inf",
            "NaN",
            ".5",
            ".",
            "1.2.3",
            "9999999999999",
            "99999999999999999999",
        ] {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
