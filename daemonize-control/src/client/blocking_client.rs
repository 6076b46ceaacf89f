//! The blocking client.

use super::async_client::AsyncClient;
use super::blocking_connect::{self, Events};
use super::error::{Error, Result};
use super::reply;
use super::request::Request;
use super::stop::{self, Stop};
use super::target::Target;
use daemonize_core::{Daemon, Pid};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// A client of a running daemon that has an endpoint. Its calls block. Cheap to clone, usable from any thread.
///
/// ```no_run
/// use daemon::control::Client;
/// use serde_json::json;
///
/// let client = Client::at("/run/sleepy.pid");
/// println!("{}", client.get("/")?);                                  // {"success":true,"name":"sleepy",…
/// let reply = client.event("greet", json!({"person": "Ada"}))?;      // runs the handler of this name
/// println!("{}", reply["greeting"]);
/// client.stop()?;                                                    // returns when it has exited
/// # Ok::<(), daemon::control::Error>(())
/// ```
///
/// Every call has a timeout of 10 s unless [`timeout`](Client::timeout) sets another. The client needs no runtime and starts
/// no thread. It would block a thread of a runtime: use an [`AsyncClient`] there, or `tokio::task::spawn_blocking`.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) target: Target,
}

impl Client {
    /// Makes a client of this daemon. Each call checks whether the daemon runs.
    pub fn of<W>(daemon: &Daemon<W>) -> Client {
        Client { target: Target::of(daemon) }
    }

    /// Makes a client of the daemon that this pidfile names; `~` and `$VAR` are expanded.
    pub fn at(pidfile: impl Into<PathBuf>) -> Client {
        Client { target: Target::at(pidfile) }
    }

    /// Makes a client of the daemon with exactly this pidfile: nothing in the path is expanded.
    pub(crate) fn exactly(pidfile: &Path) -> Client {
        Client { target: Target::exactly(pidfile) }
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Sets the timeout of each whole call; the default is 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Client {
        self.target.timeout = timeout;
        self
    }

    /// Returns the path of the pidfile through which the daemon is found.
    pub fn pidfile(&self) -> PathBuf {
        self.target.pidfile()
    }

    /// Returns an asynchronous client of this daemon, with the same timeout.
    pub fn to_async(&self) -> AsyncClient {
        AsyncClient { target: self.target.clone() }
    }

    /// Returns the daemon's process if it runs. Does not connect.
    ///
    /// # Errors
    /// The pidfile cannot be read or trusted.
    pub fn pid(&self) -> Result<Option<Pid>> {
        self.target.pid()
    }

    /// Sends a `GET` request, and returns the reply: a JSON value, or other text as a string.
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind): no daemon runs, it does not respond in time, or it refuses the request.
    pub fn get(&self, route: &str) -> Result<Value> {
        self.call(&Request::get(route)?)
    }

    /// Sends a `POST` request with a JSON body, and returns the reply.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        self.call(&Request::post(route, &body.into())?)
    }

    /// Sends an event to the handler of this name, and returns the handler's reply; `data` is an object, or `null`.
    ///
    /// # Errors
    /// As [`get`](Client::get); there is no such handler, or it failed.
    pub fn event(&self, name: &str, data: impl Into<Value>) -> Result<Value> {
        reply::of_event(name, self.send("/event", reply::event(name, data.into())?)?)
    }

    /// Opens a stream of the events that the daemon publishes from now on.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn events(&self) -> Result<Events> {
        self.stream("/events")
    }

    /// Opens the stream of server-sent events of one of your own routes.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn stream(&self, route: &str) -> Result<Events> {
        Events::open(&self.target, route)
    }

    /// Returns the response to `GET /status`: the state of the daemon, its start time and its counters.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn status(&self) -> Result<Value> {
        self.get("/status")
    }

    /// Requests a stop, and returns the reply when the process has exited. The daemon finishes the work that it has begun
    /// first.
    ///
    /// The call succeeds whenever the process has exited. If no daemon was running, or another process stopped it before it
    /// could reply, the call returns `{"success": true, "state": "stopped"}`.
    ///
    /// # Errors
    /// As [`get`](Client::get); `Timeout` also if the daemon received the request, but has not exited in time.
    pub fn stop(&self) -> Result<Value> {
        let Some(mut stop) = Stop::of(&self.target)? else { return Ok(stop::stopped()) };
        stop.answered(self.send("/stop", json!({})));
        while let Some(pause) = stop.pause()? {
            thread::sleep(pause);
        }
        stop.outcome()
    }

    /// Requests a restart, and returns when the new program is ready to take over.
    ///
    /// # Errors
    /// As [`get`](Client::get); or the daemon continues to run, because it cannot be restarted or the new program cannot take
    /// over. After `Timeout` either may have happened.
    pub fn restart(&self) -> Result<Value> {
        self.send("/restart", json!({}))
    }

    /// Requests a reload, as SIGHUP does, and returns at once.
    ///
    /// # Errors
    /// As [`get`](Client::get).
    pub fn reload(&self) -> Result<Value> {
        self.send("/reload", json!({}))
    }

    fn call(&self, request: &Request) -> Result<Value> {
        blocking_connect::call(&self.target, request)
    }
}

impl Error {
    /// Returns a client of the running instance, if the error is that another instance runs already.
    pub fn client(&self) -> Option<Client> {
        self.pidfile().map(Client::exactly)
    }
}
