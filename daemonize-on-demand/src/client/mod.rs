//! The client: connects to the daemon, and starts it if it is not there.
//!
//! # Fast path
//!
//! The daemon runs: nothing is locked, and no file but the socket is looked at. The client connects, checks the user of the listener
//! (`SO_PEERCRED`), reads the greeting, and has sent nothing so far. A process judges the directory of the socket, and all directories
//! above it, when it connects for the first time; afterwards it compares the directory with the one that it judged.
//!
//! # Slow path
//!
//! No process listens: the client starts the daemon, by the launch that `start` uses, whose lock on the pidfile has one winner. The
//! launcher of the winner binds the socket right after it has the lock, so the others find it, wait in its backlog for the greeting, and
//! read the cause if the start fails. Threads and tasks of one process start the daemon once ([`shared_start`]).
//!
//! End of file before the greeting means that the daemon has read nothing: it was killed, or it exits. The client tries again. A daemon
//! that runs and does not listen exits, or has lost its socket ([`exit_wait`]). One that does not answer may be wedged
//! ([`wedged`](crate::wedged)).
//!
//! All of it has one deadline, and waits for events: the greeting, the end of the daemon's process, a change of the directory. Pauses,
//! of 50 ms at most, remain where there is none: a full queue of the daemon, a lock that another process holds.

mod attempt;
#[cfg(feature = "tokio")]
mod connect_async;
mod deadline;
mod dial;
mod exit_wait;
mod fast_path;
mod known_socket;
mod pause;
mod read_greeting;
mod shared_start;
mod slow_path;
mod start_turn;
mod start_wait;
mod target;

#[cfg(feature = "tokio")]
pub use connect_async::connect_async;

use crate::greeting::Greeting;
use crate::settings::OnDemand;
use crate::stream::Connection;
use attempt::{Attempt, Unserved};
use daemonize_core::{Daemon, ErrorKind, Result, Started};
use daemonize_sys::error::cause;
use deadline::ConnectDeadline;
use shared_start::{SharedStart, StartEnd, StartRole};
use slow_path::SlowPath;
use std::os::unix::net::UnixStream;
use std::time::Instant;
use target::ConnectTarget;

/// Connects to a daemon on demand, and starts it if it is not there.
///
/// Returns when the daemon has greeted this client, at most after the [`connect_timeout`](OnDemand::connect_timeout). `start` starts
/// the daemon by the given time at the latest, as a process of its own ([`Detach::Always`](daemonize_core::settings::Detach)); it may be
/// called several times, and by no two threads at once. Clients that come while the daemon starts wait for it, and fail with the cause
/// if the start fails.
///
/// Attributes with `on_demand` give each daemon a `connect` of its own, which calls this.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::on_demand::{OnDemand, connect};
/// use daemon::settings::Detach;
/// use std::io::Read;
/// use std::time::Duration;
///
/// let body = || for client in daemon::on_demand::clients() { /* … */ };
/// let on_demand = OnDemand::new(Duration::from_secs(600));
/// let agent = Daemon::new("agent").attach(on_demand.clone()).detach(Detach::Always);
/// let mut connection = connect(&agent, &on_demand, |_| agent.clone().run(body).start())?;
/// let mut answer = String::new();
/// connection.read_to_string(&mut answer).expect("an answer");
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// # Errors
/// As those of `start`, and [`NotReady`](daemonize_core::ErrorKind::NotReady) at the deadline, with what the client waited for;
/// [`Connect`](daemonize_core::ErrorKind::Connect) if the socket belongs to another user, the listener is another daemon, or
/// the start by another client has failed; [`Permission`](daemonize_core::ErrorKind::Permission) if the directory of the socket is
/// not to be trusted. Nothing was sent to the daemon in any case.
pub fn connect<W>(
    daemon: &Daemon<W>,
    on_demand: &OnDemand,
    start: impl Fn(Instant) -> Result<Started>,
) -> Result<Connection> {
    let deadline = deadline(daemon, on_demand);
    let mut unserved = match fast_path::attempt(daemon, deadline)?.checked(on_demand) {
        Attempt::Served(stream, greeting) => return finish(stream, greeting, None),
        Attempt::Unserved(why) => why,
    };
    let target = ConnectTarget::new(daemon, on_demand, deadline);
    loop {
        match SharedStart::join(&target.key()) {
            StartRole::Starter(lease) => {
                let served = SlowPath::run(&target, &start, unserved);
                lease.finish(StartEnd::of(&served, deadline.has_passed()));
                let slow_path::Served { stream, greeting, started } = served?;
                return finish(stream, greeting, started);
            }
            StartRole::Waiter(shared) => match shared.wait(deadline.at()) {
                Some(end) => end.into_result(target.name())?,
                None => return Err(deadline.error(target.name(), "another thread starts it")),
            },
        }
        let attempt = match unserved {
            Unserved::Silent(silent) => silent.listen(target.name(), deadline)?,
            _ => fast_path::attempt(daemon, deadline)?,
        };
        unserved = match attempt.checked(on_demand) {
            Attempt::Served(stream, greeting) => return finish(stream, greeting, None),
            Attempt::Unserved(why) => why,
        };
    }
}

/// Returns the connection of a client that is served; its stream blocks.
fn finish(stream: UnixStream, greeting: Greeting, started: Option<Started>) -> Result<Connection> {
    match stream.set_nonblocking(false) {
        Ok(()) => Ok(Connection::new(stream, greeting, started)),
        Err(error) => Err(dial::failed(&greeting.name, ErrorKind::System, &cause(&error))),
    }
}

/// Returns the deadline of a connect that begins now.
fn deadline<W>(daemon: &Daemon<W>, on_demand: &OnDemand) -> ConnectDeadline {
    ConnectDeadline::after(on_demand.connect_timeout.unwrap_or_else(|| daemon.settings().start_timeout()))
}
