//! The settings of a daemon on demand.

use std::time::Duration;

/// The longest escaped constraint, in bytes, so that it fits into a greeting.
const MAX_CONSTRAINT_BYTES: usize = 128;
/// The part of a package's name that is compared, in bytes.
const MAX_PACKAGE_BYTES: usize = 40;
/// The longest version, in bytes.
const MAX_VERSION_BYTES: usize = 48;
/// The longest name of a daemon on demand, in bytes, so that it fits into a greeting.
const MAX_NAME_BYTES: usize = 64;
/// How many clients may wait for the body, unless [`OnDemand::max_queued`] sets it.
const DEFAULT_MAX_QUEUED: usize = 256;
/// The time until a daemon counts as wedged, unless [`OnDemand::greeting_timeout`] sets it.
const DEFAULT_GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest time that a setting may have: 100 years. More is a mistake.
const MAX_DURATION: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// The reaction of a client to a daemon of another build.
///
/// The order of two builds is that of their [protocol numbers](OnDemand::protocol), then of their package
/// [versions](OnDemand::version). The id of a build, the linker's note or a hash of the executable, only tells that two builds of one
/// order differ. A client of lower order never replaces the daemon, one of the same order replaces an idle daemon only, and a daemon of
/// another protocol number never serves:
///
#[doc = include_str!("mismatch/verdicts.md")]
///
/// *serve*: the daemon serves the client. *if idle*: it is replaced if it has no other client and no work, else it serves the client.
/// *when idle*: the same, but a daemon that serves the client exits when its last client leaves. *wait*: the client waits until
/// the daemon is idle, and replaces it then; at its deadline it fails. *now*: the daemon is stopped at once and replaced.
/// *error*: the client fails, and the error names both builds and the fix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnMismatch {
    /// Restarts the daemon when it has no client and no work; until then the daemon serves the client, or the client waits within its
    /// deadline if the protocol number or the constraint differs.
    #[default]
    RestartWhenIdle,
    /// Stops a daemon of lower order at once, and starts another one; one of the same order only when it is idle.
    RestartNow,
    /// Uses the daemon as it is, unless its protocol number differs.
    Keep,
    /// Fails, and names both builds.
    Refuse,
}

/// Makes a daemon start when a client connects, and exit when it has been idle for a while.
///
/// Attach it to the daemon. The daemon then listens on a socket in the directory `NAME.agent` beside its pidfile, sends each client a
/// [`Greeting`](crate::Greeting), and passes it to the body: see [`clients`](crate::clients()).
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::on_demand::OnDemand;
/// use std::io::Write;
/// use std::time::Duration;
///
/// let body = || -> std::io::Result<()> {
///     for client in daemon::on_demand::clients() {
///         client?.write_all(b"hello\n")?;
///     }
///     Ok(())
/// };
/// Daemon::new("agent").attach(OnDemand::new(Duration::from_secs(600))).run(body).start()?;
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnDemand {
    pub(crate) idle: Duration,
    pub(crate) greeting_timeout: Duration,
    /// `None`: the daemon's `start_timeout`.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) on_mismatch: OnMismatch,
    pub(crate) protocol: u32,
    pub(crate) package: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) constraint: Option<String>,
    pub(crate) max_queued: usize,
}

impl OnDemand {
    /// Makes a daemon exit when it has been idle for this long: no client is open or waits, no [`busy`](crate::busy()) guard exists, and no
    /// message and no request of an attachment is handled. The time goes on while the machine sleeps (`CLOCK_BOOTTIME`).
    ///
    /// A started daemon waits for its first client for as long as [`connect_timeout`](OnDemand::connect_timeout), 10 seconds without one, if
    /// that is longer. The end of a message or a request is noticed when the time is over, so the daemon may then stay for up to twice as long.
    pub fn new(idle: Duration) -> OnDemand {
        OnDemand {
            idle,
            greeting_timeout: DEFAULT_GREETING_TIMEOUT,
            connect_timeout: None,
            on_mismatch: OnMismatch::default(),
            protocol: 1,
            package: None,
            version: None,
            constraint: None,
            max_queued: DEFAULT_MAX_QUEUED,
        }
    }

    /// Sets how long a client waits for the greeting until it takes the daemon for wedged: 10 seconds by default (`CLOCK_MONOTONIC`).
    #[must_use]
    pub fn greeting_timeout(mut self, time: Duration) -> OnDemand {
        self.greeting_timeout = time;
        self
    }

    /// Sets how long `connect` may take in total, a start included: the daemon's `start_timeout` by default.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> OnDemand {
        self.connect_timeout = Some(time);
        self
    }

    /// Sets the reaction of a client to a daemon of another build: [`OnMismatch::RestartWhenIdle`] by default.
    #[must_use]
    pub fn on_mismatch(mut self, reaction: OnMismatch) -> OnDemand {
        self.on_mismatch = reaction;
        self
    }

    /// Sets the number of the protocol that client and daemon speak after the greeting: 1 by default. Raise it with each change that
    /// an older client or daemon would not understand.
    #[must_use]
    pub fn protocol(mut self, number: u32) -> OnDemand {
        self.protocol = number;
        self
    }

    /// Sets the name of the package (`env!("CARGO_PKG_NAME")`), of which the first 40 bytes count. A client never uses or replaces a
    /// daemon of the same name that belongs to another package.
    #[must_use]
    pub fn package(mut self, name: &str) -> OnDemand {
        let end = (0..=name.len().min(MAX_PACKAGE_BYTES)).rev().find(|end| name.is_char_boundary(*end));
        self.package = Some(name[..end.unwrap_or(0)].to_owned());
        self
    }

    /// Sets the version of the package, which orders two builds of one protocol number (`env!("CARGO_PKG_VERSION")`). At most 48 bytes.
    #[must_use]
    pub fn version(mut self, version: &str) -> OnDemand {
        self.version = Some(version.to_owned());
        self
    }

    /// Sets a text that must be the same in client and daemon, such as a hash of a configuration. At most 128 bytes, of which each one
    /// that is not printable ASCII counts as three.
    #[must_use]
    pub fn constraint(mut self, constraint: String) -> OnDemand {
        self.constraint = Some(constraint);
        self
    }

    /// Sets how many clients may wait until the body accepts them: 256 by default. Further clients read a greeting with the state
    /// [`Full`](crate::GreetingState::Full), and their connections are closed.
    #[must_use]
    pub fn max_queued(mut self, clients: usize) -> OnDemand {
        self.max_queued = clients;
        self
    }

    /// Validates the settings.
    pub(crate) fn check_settings(&self, name: &str) -> Result<(), String> {
        for (key, time) in [
            ("on_demand", Some(self.idle)),
            ("greeting_timeout", Some(self.greeting_timeout)),
            ("connect_timeout", self.connect_timeout),
        ] {
            match time {
                Some(Duration::ZERO) => return Err(format!("`{key}` is zero: use a time such as `10m`")),
                Some(time) if time > MAX_DURATION => return Err(format!("`{key}` is longer than a hundred years")),
                _ => {}
            }
        }
        if self.max_queued == 0 {
            return Err("`max_queued` is zero: no client could wait for the body".to_owned());
        }
        for (key, text, most) in [
            ("the name", Some(name), MAX_NAME_BYTES),
            ("`version`", self.version.as_deref(), MAX_VERSION_BYTES),
            ("`constraint`", self.constraint.as_deref(), MAX_CONSTRAINT_BYTES),
        ] {
            let bytes = text.map_or(0, escaped_length);
            if bytes > most {
                return Err(format!(
                    "{key} has {bytes} bytes, of which a greeting can hold {most}: use a shorter text"
                ));
            }
        }
        Ok(())
    }
}

/// Returns the length of a text in a greeting.
fn escaped_length(text: &str) -> usize {
    text.bytes().map(|byte| if byte.is_ascii_graphic() && byte != b'%' { 1 } else { 3 }).sum()
}
