//! The greeting: the one line that the daemon sends to each client before it reads a byte.

pub(crate) mod escaped_value;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::InvalidGreeting;

use daemonize_sys::Pid;
use std::fmt::{self, Write};

/// The longest greeting in bytes, with its line end.
pub const MAX_GREETING_BYTES: usize = 512;
/// The first word of a greeting. Its number changes when older clients could not read the line any more.
const GREETING_FORMAT: &str = "daemonic/1";

/// The state of a daemon that its [`Greeting`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GreetingState {
    /// The daemon serves this client.
    Ready,
    /// Too many clients wait for the body; the daemon closes this connection, and another attempt may succeed.
    Full,
    /// The daemon exits and has read nothing; it closes this connection, and the next daemon serves the client.
    Leaving,
    /// The daemon failed to start; [`Greeting::error`] is the cause.
    Failed,
}

impl GreetingState {
    /// The words of the greeting.
    const WORDS: [(&'static str, GreetingState); 4] = [
        ("ready", GreetingState::Ready),
        ("full", GreetingState::Full),
        ("leaving", GreetingState::Leaving),
        ("failed", GreetingState::Failed),
    ];

    fn word(self) -> &'static str {
        GreetingState::WORDS.iter().find(|(_, state)| *state == self).map_or("failed", |(word, _)| word)
    }
}

/// The first line that a daemon on demand sends: its identity, its build and its state.
///
/// `docs/on-demand-protocol.md` describes it for clients in other languages. The texts come from another process: escape them before
/// they reach a terminal.
///
/// ```
/// use daemon::on_demand::{Greeting, GreetingState};
///
/// let greeting = Greeting::parse(b"daemonic/1 name=agent pid=4711 build=9f86d0 protocol=1 state=ready clients=3\n")?;
/// assert_eq!((greeting.name.as_str(), greeting.clients), ("agent", 3));
/// assert_eq!(greeting.state, GreetingState::Ready);
/// # Ok::<(), daemon::on_demand::InvalidGreeting>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Greeting {
    /// The daemon's name.
    pub name: String,
    /// Its pid; with [`Failed`](GreetingState::Failed) the pid of the process that failed to start it.
    pub pid: Pid,
    /// The id of its build: hexadecimal digits; `None` if the sender does not know it.
    pub build: Option<String>,
    /// The protocol number: see [`OnDemand::protocol`](crate::OnDemand::protocol).
    pub protocol: u32,
    /// The name of its package, at most 40 bytes.
    pub package: Option<String>,
    /// The version of its package.
    pub version: Option<String>,
    /// The constraint of the program: see [`OnDemand::constraint`](crate::OnDemand::constraint).
    pub constraint: Option<String>,
    /// Its state.
    pub state: GreetingState,
    /// How many clients are open or wait for the body, this one included.
    pub clients: u64,
    /// The cause of a failed start.
    pub error: Option<String>,
}

impl Greeting {
    /// Makes the greeting of a daemon that is ready and has no client.
    pub fn new(name: impl Into<String>, pid: Pid) -> Greeting {
        Greeting {
            name: name.into(),
            pid,
            build: None,
            protocol: 1,
            package: None,
            version: None,
            constraint: None,
            state: GreetingState::Ready,
            clients: 0,
            error: None,
        }
    }

    /// Returns the line with its end. An error that does not fit is cut, and other texts are left out.
    pub(crate) fn to_line(&self) -> String {
        let mut line = self.beginning(self.state != GreetingState::Failed);
        push_state(&mut line, self.state, self.clients);
        if let Some(error) = &self.error {
            line.push_str(" error=");
            let space = MAX_GREETING_BYTES.saturating_sub(line.len() + 1);
            line.push_str(&escaped_value::escape_value_within(error, space));
        }
        line.push('\n');
        line
    }

    /// Returns the beginning of the line, which is that of each client.
    fn beginning(&self, has_build: bool) -> String {
        let mut line = format!("{GREETING_FORMAT} name={} pid={}", escaped_value::escape_value(&self.name), self.pid);
        let mut add = |key: &str, value: Option<&str>| {
            let Some(value) = value else { return };
            let word = format!(" {key}={}", escaped_value::escape_value(value));
            // 80 bytes stay free for the numbers, the state and the line end.
            if line.len() + word.len() + 80 <= MAX_GREETING_BYTES {
                line.push_str(&word);
            }
        };
        if has_build {
            add("build", self.build.as_deref());
            add("package", self.package.as_deref());
            add("version", self.version.as_deref());
            add("constraint", self.constraint.as_deref());
        }
        // Writing to a string cannot fail.
        let _ = write!(line, " protocol={}", self.protocol);
        line
    }
}

/// Appends what differs between the clients.
fn push_state(line: &mut String, state: GreetingState, clients: u64) {
    // Writing to a string cannot fail.
    let _ = write!(line, " state={} clients={clients}", state.word());
}

/// The greetings of a daemon that runs: the beginning is escaped once, not for each client.
#[derive(Debug)]
pub(crate) struct GreetingLines {
    greeting: Greeting,
    beginning: String,
}

impl GreetingLines {
    pub(crate) fn of(greeting: Greeting) -> GreetingLines {
        GreetingLines { beginning: greeting.beginning(true), greeting }
    }

    /// Returns the greeting, without a state of this moment.
    pub(crate) fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Returns the line with its end, for a state of this moment.
    pub(crate) fn line(&self, state: GreetingState, clients: u64) -> String {
        let mut line = String::with_capacity(MAX_GREETING_BYTES);
        line.push_str(&self.beginning);
        push_state(&mut line, state, clients);
        line.push('\n');
        line
    }
}

impl fmt::Display for Greeting {
    /// Writes the greeting as one line without its end, all of it printable ASCII.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_line().trim_end())
    }
}
