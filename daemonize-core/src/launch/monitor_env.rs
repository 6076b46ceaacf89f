//! The environment variables that a monitor sets for the programs that it starts.

use crate::pid::Pid;
use crate::report;
use crate::sys::proc::ProcStat;
use nix::unistd::getsid;
use std::env;
use std::ffi::OsStr;
use std::time::Duration;

/// The pid of the monitor.
const MONITOR: &str = "DAEMON_MONITOR";

/// The time between a stop signal and SIGKILL, in seconds.
pub(super) const STOP_TIMEOUT: &str = "DAEMON_STOP_TIMEOUT";

/// The longest stop timeout, a century: a longer one is a mistake.
const MAX_STOP_TIMEOUT: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The number of characters of an invalid value that a warning quotes.
const QUOTE_LIMIT: usize = 40;

/// Returns `true` if a monitor is the parent of this process. The variable alone does not show that: descendants inherit it.
pub(super) fn is_parent() -> bool {
    env::var(MONITOR).is_ok_and(|monitor| monitor == format!("{}", nix::unistd::getppid()))
}

/// Returns the name of the program that a monitor supervises, if that program leads the session of this process: a shell that has
/// started this program without `exec`, for example.
pub(super) fn supervised_session() -> Option<String> {
    let monitor: i32 = env::var(MONITOR).ok()?.parse().ok()?;
    let leader = Pid::from_raw(getsid(None).ok()?.as_raw()).filter(|leader| *leader != Pid::this())?;
    ProcStat::of(leader).ok().filter(|leader| leader.parent == monitor).map(|leader| leader.name)
}

/// Returns how long the monitor that started this process waits before it kills it. An invalid value is ignored, with a
/// warning on stderr.
pub(super) fn stop_timeout() -> Option<Duration> {
    let value = env::var_os(STOP_TIMEOUT).filter(|_| is_parent())?;
    let time = parse(&value);
    if time.is_none() {
        let value: String = value.to_string_lossy().chars().take(QUOTE_LIMIT).collect();
        report::print(&format!(
            "ignoring `{STOP_TIMEOUT}` {value:?}: it is not a positive number of seconds, such as `10` or `0.5`"
        ));
    }
    time
}

/// Parses a positive number of seconds, with or without decimals. A sign or an exponent is invalid.
fn parse(value: &OsStr) -> Option<Duration> {
    // Not as a float: the tables of that parser add 16 KB to every program.
    let text = value.to_str()?;
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    if seconds.is_empty() || !seconds.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
    let time = Duration::new(seconds.parse().ok()?, nanos);
    (!time.is_zero() && time <= MAX_STOP_TIMEOUT).then_some(time)
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
        assert_eq!(parse(&MAX_STOP_TIMEOUT.as_secs_f64().to_string()), Some(MAX_STOP_TIMEOUT));
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
