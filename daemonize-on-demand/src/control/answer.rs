//! The answers.

use super::line::{ControlLine, LineWriter};
use daemonize_core::Pid;
use std::time::Duration;

/// The longest answer in bytes, with its end.
pub(crate) const MAX_ANSWER_BYTES: usize = 1024;

/// An answer over the socket `control`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ControlAnswer {
    /// The daemon answers.
    Pong(Pid),
    /// The daemon's own view.
    Status(Box<DaemonReport>),
    /// The daemon exits now, or as soon as the sender's own connections are closed.
    Retiring,
    /// The daemon has clients or work. It exits when that has ended, if the request was `when=idle`.
    Busy {
        /// Clients that are open or wait, those of the sender included.
        clients: u64,
        /// Guards of the body.
        guards: u64,
    },
    /// The request was for another daemon than the one that has answered.
    OtherDaemon,
    /// The request was not understood, for this reason.
    Refused(String),
}

/// The state of a daemon on demand, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DaemonReport {
    /// The daemon's name.
    pub name: String,
    /// Its pid.
    pub pid: Pid,
    /// The id of its build.
    pub build: Option<String>,
    /// The protocol number: see [`OnDemand::protocol`](crate::OnDemand::protocol).
    pub protocol: u32,
    /// The version of its package.
    pub version: Option<String>,
    /// The constraint of the program: see [`OnDemand::constraint`](crate::OnDemand::constraint).
    pub constraint: Option<String>,
    /// Its state.
    pub state: DaemonState,
    /// How many clients are open or wait for the body.
    pub clients: u64,
    /// How many of them wait for the body.
    pub queued: u64,
    /// How many guards of [`busy`](crate::busy()) exist.
    pub guards: u64,
    /// How long the daemon has been idle; zero while it works.
    pub idle_for: Duration,
}

/// The state of a daemon on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DaemonState {
    /// Its start has not succeeded yet.
    Starting,
    /// It serves clients.
    Ready,
    /// It serves its clients, and exits when the last one leaves: a client of another build has asked for it.
    Retiring,
    /// It exits.
    Leaving,
}

impl DaemonState {
    const WORDS: [(&'static str, DaemonState); 4] = [
        ("starting", DaemonState::Starting),
        ("ready", DaemonState::Ready),
        ("retiring", DaemonState::Retiring),
        ("leaving", DaemonState::Leaving),
    ];

    fn word(self) -> &'static str {
        DaemonState::WORDS.iter().find(|(_, state)| *state == self).map_or("ready", |(word, _)| word)
    }

    fn of_word(word: &str) -> Option<DaemonState> {
        DaemonState::WORDS.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
    }
}

impl ControlAnswer {
    /// Reads an answer; `None` if it is not one that this version knows.
    pub(crate) fn parse(line: &[u8]) -> Option<ControlAnswer> {
        let line = ControlLine::parse(line, MAX_ANSWER_BYTES)?;
        let pid = || line.number("pid").and_then(Pid::from_raw);
        let text = |key| line.text(key).map(str::to_owned);
        match line.word {
            "pong" => Some(ControlAnswer::Pong(pid()?)),
            "retiring" => Some(ControlAnswer::Retiring),
            "busy" => Some(ControlAnswer::Busy { clients: line.number("clients")?, guards: line.number("guards")? }),
            "other" => Some(ControlAnswer::OtherDaemon),
            "refused" => Some(ControlAnswer::Refused(text("why")?)),
            "status" => Some(ControlAnswer::Status(Box::new(DaemonReport {
                name: text("name")?,
                pid: pid()?,
                build: text("build"),
                protocol: line.number("protocol")?,
                version: text("version"),
                constraint: text("constraint"),
                state: line.text("state").and_then(DaemonState::of_word)?,
                clients: line.number("clients")?,
                queued: line.number("queued")?,
                guards: line.number("guards")?,
                idle_for: Duration::from_millis(line.number("idle_ms")?),
            }))),
            _ => None,
        }
    }

    /// Returns the line with its end.
    pub(crate) fn to_line(&self) -> String {
        match self {
            ControlAnswer::Pong(pid) => LineWriter::new("pong").add("pid", pid).end(),
            ControlAnswer::Retiring => LineWriter::new("retiring").end(),
            ControlAnswer::Busy { clients, guards } => {
                LineWriter::new("busy").add("clients", clients).add("guards", guards).end()
            }
            ControlAnswer::OtherDaemon => LineWriter::new("other").end(),
            ControlAnswer::Refused(why) => LineWriter::new("refused").add("why", why).end(),
            ControlAnswer::Status(report) => LineWriter::new("status")
                .add("name", &report.name)
                .add("pid", report.pid)
                .add_some("build", report.build.as_deref())
                .add("protocol", report.protocol)
                .add_some("version", report.version.as_deref())
                .add_some("constraint", report.constraint.as_deref())
                .add("state", report.state.word())
                .add("clients", report.clients)
                .add("queued", report.queued)
                .add("guards", report.guards)
                .add("idle_ms", report.idle_for.as_millis())
                .end(),
        }
    }
}
