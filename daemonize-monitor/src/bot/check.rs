//! The periodic check of a bot that runs.

use super::HttpUrl;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A check that is made again and again while a bot runs. A bot that fails it several times in a row is stopped, and restarted
/// as its policy says.
///
/// ```
/// use daemonize_monitor::{Bot, Check};
/// use std::time::Duration;
///
/// let check = Check::http("http://127.0.0.1:8080/health".parse()?).every(Duration::from_secs(30)).failures(2);
/// assert_eq!((check.timeout, check.failures), (Duration::from_secs(2), 2));
/// let web = Bot::new("web", "/usr/bin/web").health_check(check);
/// # assert!(web.check.is_some());
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The probe that succeeds while the bot is healthy.
    pub probe: Probe,
    /// The time from one check to the next; 10 s by default.
    pub every: Duration,
    /// The time that a check may take; 2 s by default.
    pub timeout: Duration,
    /// The failures in a row after which the bot is stopped; 3 by default.
    pub failures: u32,
}

/// A question whether a bot works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Succeeds if a GET request is answered with a status from 200 to 399. Redirects are not followed.
    Http(HttpUrl),
    /// Succeeds if this address accepts a connection.
    Tcp(SocketAddr),
    /// Succeeds if this program, with these arguments, ends with status 0. It runs as the bot's user, in its working directory
    /// and environment.
    Exec(Vec<OsString>),
}

impl Check {
    /// Makes a check by a GET request.
    pub fn http(url: HttpUrl) -> Check {
        Check::new(Probe::Http(url))
    }

    /// Makes a check by a connection.
    pub fn tcp(address: SocketAddr) -> Check {
        Check::new(Probe::Tcp(address))
    }

    /// Makes a check by a program with its arguments.
    pub fn exec<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Check {
        Check::new(Probe::Exec(argv.into_iter().map(Into::into).collect()))
    }

    /// Makes a check every 10 s that may take 2 s, of which 3 in a row may fail.
    pub fn new(probe: Probe) -> Check {
        Check { probe, every: Duration::from_secs(10), timeout: Duration::from_secs(2), failures: 3 }
    }

    /// Sets the time from one check to the next.
    #[must_use]
    pub fn every(mut self, every: Duration) -> Check {
        self.every = every;
        self
    }

    /// Sets the time that a check may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Check {
        self.timeout = timeout;
        self
    }

    /// Sets the failures in a row after which the bot is stopped.
    #[must_use]
    pub fn failures(mut self, failures: u32) -> Check {
        self.failures = failures;
        self
    }
}

impl fmt::Display for Probe {
    /// Formats `tcp 127.0.0.1:80` or "exec `check`".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Probe::Http(url) => write!(f, "http {url}"),
            Probe::Tcp(address) => write!(f, "tcp {address}"),
            Probe::Exec(argv) => {
                write!(f, "exec `{}`", argv.first().map(|program| program.to_string_lossy()).unwrap_or_default())
            }
        }
    }
}
