//! How programs talk to a running daemon.
//!
//! A client is found through the pidfile and connects anew for each call: so it goes on working when the daemon is
//! restarted, and never talks to anybody else. Before anything is sent, the process that the pidfile names has to live, and
//! the kernel has to say that it is the one who listens.

mod asynchronous;
mod blocking;
mod connection;
pub(crate) mod error;
mod event_stream;
mod json;
mod poller;
mod reply;
mod request;
mod response;
mod server_sent_events;
mod socket;
mod stop;
mod target;
mod trust;

pub use asynchronous::{AsyncClient, AsyncEvents};
pub use blocking::Events;
pub use server_sent_events::Published;
pub(crate) use target::{Target, after};

use daemonize_core::{Daemon, Pid, State};
use error::{Error, ErrorKind, Result};
use request::Request;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use stop::Stop;

/// Talks to a running daemon that has an endpoint, and waits for the answers; cheap to clone, usable from any thread.
///
/// ```no_run
/// use daemonize_control::Client;
/// use serde_json::json;
///
/// let client = Client::at("/run/sleepy.pid");
/// println!("{}", client.get("/")?);                                  // {"success":true,"name":"sleepy",…
/// let reply = client.event("greet", json!({"whom": "Ada"}))?;        // runs the handler of this name
/// println!("{}", reply["greeting"]);
/// client.stop()?;                                                    // returns when it is gone
/// # Ok::<(), daemonize_control::Error>(())
/// ```
///
/// Every call has ten seconds, or what [`timeout`](Client::timeout) says. The client needs no runtime; inside of one it holds up
/// its thread as a file does: use an [`AsyncClient`] there, or `tokio::task::spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Client {
    target: Target,
}

impl Client {
    /// A client of this daemon, whether it runs or not: that is looked at by each call.
    pub fn of<W>(daemon: &Daemon<W>) -> Client {
        Client { target: Target::of(daemon) }
    }

    /// A client of the daemon that this pidfile names; `~` and `$VAR` are expanded.
    pub fn at(pidfile: impl Into<PathBuf>) -> Client {
        Client { target: Target::at(pidfile) }
    }

    /// A client of the daemon of exactly this path, in which nothing is expanded.
    pub(crate) fn exactly(pidfile: &Path) -> Client {
        Client { target: Target::exactly(pidfile) }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// How long each call may take from its beginning to its end; ten seconds unless it is set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Client {
        self.target.timeout = timeout;
        self
    }

    /// Where it looks for the daemon.
    pub fn pidfile(&self) -> PathBuf {
        self.target.pidfile()
    }

    /// The same client for async code.
    pub fn to_async(&self) -> AsyncClient {
        AsyncClient { target: self.target.clone() }
    }

    /// The process, if it runs. Connects to nobody.
    ///
    /// # Errors
    /// The pidfile cannot be read or trusted.
    pub fn pid(&self) -> Result<Option<Pid>> {
        let status = self.target.status()?;
        match status.state {
            State::Running => Ok(status.pid),
            State::Unknown(why) => Err(Error::failed(ErrorKind::Unknown, "look at", status.pidfile.display(), why)),
            _ => Ok(None),
        }
    }

    /// `GET`: what a route answers. JSON as it is, other text as a string.
    ///
    /// # Errors
    /// See [`ErrorKind`]: nothing runs, it does not answer in time, it refuses.
    pub fn get(&self, route: &str) -> Result<Value> {
        self.call(&Request::get(route)?)
    }

    /// `POST`: sends JSON to a route, and returns what it answers.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        self.call(&Request::post(route, &body.into())?)
    }

    /// Has the handler of the events of this name handle one; `data` is an object, or `null`. Returns what the handler answers.
    ///
    /// # Errors
    /// As [`get`](Client::get); and that there is no such handler, or that it failed.
    pub fn event(&self, name: &str, data: impl Into<Value>) -> Result<Value> {
        reply::of_event(name, self.send("/event", reply::event(name, data.into())?)?)
    }

    /// What the daemon publishes from now on.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn events(&self) -> Result<Events> {
        self.stream("/events")
    }

    /// The server-sent events of a route of your own.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn stream(&self, route: &str) -> Result<Events> {
        Events::open(&self.target, route)
    }

    /// What the daemon says of itself: state, since when, counters of its work.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn status(&self) -> Result<Value> {
        self.get("/status")
    }

    /// Asks it to stop, and returns what it answered when it is gone. What it has begun is brought to its end first.
    ///
    /// It is a success whenever it is gone: if nothing ran in the first place, or if somebody else stopped it meanwhile and
    /// nobody was left to answer, this returns `{"success": true, "state": "stopped"}`.
    ///
    /// # Errors
    /// As [`get`](Client::get); `Timeout` also when it was asked, but is not gone in time.
    pub fn stop(&self) -> Result<Value> {
        let Some(mut stop) = Stop::of(&self.target)? else { return Ok(stop::stopped()) };
        stop.answered(self.send("/stop", json!({})));
        while let Some(pause) = stop.pause()? {
            thread::sleep(pause);
        }
        stop.outcome()
    }

    /// Asks it to start its program again, which takes over from it; returns when the new program waits to do so.
    ///
    /// # Errors
    /// As [`get`](Client::get); and why the daemon goes on: it cannot be restarted, or the new program cannot take over.
    /// `Timeout` says nothing of what becomes of it.
    pub fn restart(&self) -> Result<Value> {
        self.send("/restart", json!({}))
    }

    /// Asks it to reload, as SIGHUP does; returns at once.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn reload(&self) -> Result<Value> {
        self.send("/reload", json!({}))
    }

    fn call(&self, request: &Request) -> Result<Value> {
        blocking::call(&self.target, request)
    }
}
