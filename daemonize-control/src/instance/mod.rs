//! A program that runs once at a time, and its later launches, which reach the first process.

pub(crate) mod activation;
mod app_dir;
mod attachment;
mod forward;
mod hook;
mod lock;
mod presence;
mod running;
mod shutdown;
mod signals;
mod start;

pub use activation::Activation;
pub use forward::Launch;
pub use presence::Presence;
pub use running::Running;

use crate::client::Client;
use crate::client::error::Result;
use crate::endpoint::Endpoint;
use crate::events::{Event, HandlerOutput, Publisher};
use app_dir::configuration;
use axum::Router;
use daemonize_core::settings::Setting;
use hook::Hook;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// Default time for which a launch waits for a process that holds the lock, but is starting or exiting.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A single instance: a program that runs once at a time, and receives an event from every later launch.
///
/// ```no_run
/// use daemon::control::{Event, Instance, Launch};
/// use serde_json::json;
///
/// let app = Instance::new("my_app").on("open", |event: Event| json!({"opened": event["file"]}));
/// match app.run_or_send("open", json!({"file": "letter.txt"}))? {
///     Launch::Primary(running) => running.wait(),
///     Launch::Forwarded(reply) => println!("the first one says {reply}"),
/// }
/// # Ok::<(), daemon::control::Error>(())
/// ```
///
/// The process that holds the lock on `.pid` in the application's directory is the instance. The kernel releases the lock when
/// the process dies, for whatever reason. The file names the process and its addresses. Requests arrive over a Unix socket in
/// a private directory beside the file, and over TCP only with an [`address`](Instance::address).
///
/// An instance is for programs in the foreground. As an [`Attachment`](daemonize_core::attach::Attachment) of a `Daemon` it is
/// an endpoint with `on_start` and `on_stop`; the pidfile of the daemon then makes it the only one.
#[must_use = "nothing happens until it is started"]
pub struct Instance {
    name: String,
    app_dir: Option<PathBuf>,
    endpoint: Endpoint,
    lock_timeout: Duration,
    on_start: Hook,
    on_stop: Hook,
}

impl Instance {
    /// Makes an instance of this name. Its directory is `~/.local/share/NAME` unless [`app_dir`](Instance::app_dir) sets another.
    /// The home directory is that of the user's passwd entry: `HOME` and `XDG_DATA_HOME` are ignored, so that launches from a
    /// session, from cron and under `sudo` find each other.
    pub fn new(name: impl Into<String>) -> Instance {
        Instance {
            name: name.into(),
            app_dir: None,
            endpoint: Endpoint::new(),
            lock_timeout: LOCK_TIMEOUT,
            on_start: Hook::default(),
            on_stop: Hook::default(),
        }
    }

    /// Sets the directory of the pidfile and the socket. It is created with mode 0700. An existing directory must belong to the
    /// user of this process, and no other user may be able to write to it.
    pub fn app_dir<K>(mut self, directory: impl Setting<PathBuf, K>) -> Instance {
        self.app_dir = directory.value().or(self.app_dir);
        self
    }

    /// Listens on this loopback address, too, such as `127.0.0.1:9876`; port 0 is any free port. Requests need the token from a
    /// file that only the same user can read; the clients of this library read it.
    pub fn address<K>(mut self, address: impl Setting<String, K>) -> Instance {
        let Some(address) = address.value() else { return self };
        let address = address.strip_prefix("http://").unwrap_or(&address).trim_end_matches('/');
        self.endpoint = self.endpoint.address(address);
        self
    }

    /// Requires no token over TCP: **every user of this machine can then stop this program and send it events.** Use it only for
    /// clients that cannot send a token, such as the original `tcbon`.
    pub fn without_token(mut self) -> Instance {
        self.endpoint = self.endpoint.without_token();
        self
    }

    /// Sets the handler of events of this name, synchronous or `async`: see [`Endpoint::on`]. While the instance runs, use
    /// [`Running::on`].
    pub fn on<Kind, R>(
        mut self,
        event: impl Into<String>,
        handler: impl Fn(Event) -> R + Send + Sync + 'static,
    ) -> Instance
    where
        R: HandlerOutput<Kind> + 'static,
    {
        self.endpoint = self.endpoint.on(event, handler);
        self
    }

    /// Removes the handler of events of this name. While the instance runs, use [`Running::remove_handler`].
    pub fn remove_handler(self, event: &str) -> Instance {
        self.endpoint.handlers().remove(event);
        self
    }

    /// Serves your own routes, too: see [`Endpoint::routes`].
    pub fn routes(mut self, routes: Router) -> Instance {
        self.endpoint = self.endpoint.routes(routes);
        self
    }

    /// Returns the publisher of events for the clients that read the instance's event stream.
    pub fn publisher(&self) -> Publisher {
        self.endpoint.publisher()
    }

    /// Runs `work` once this process holds the lock, before its sockets are created. If the sockets then cannot be created (the
    /// port is in use), `work` has run, but [`on_stop`](Instance::on_stop) does not.
    pub fn on_start(self, work: impl FnOnce() + Send + 'static) -> Instance {
        self.on_start.set(work);
        self
    }

    /// Runs `work` once when the instance ends, while it still holds the lock: on a request, on SIGTERM, SIGINT or SIGHUP, or
    /// when the guard is dropped. It does not run after SIGKILL, `std::process::exit` or a failed start.
    pub fn on_stop(self, work: impl FnOnce() + Send + 'static) -> Instance {
        self.on_stop.set(work);
        self
    }

    /// Sets how long a launch waits for a process that holds the lock but cannot be reached, because it is starting or exiting.
    /// The default is 5 s.
    pub fn lock_timeout(mut self, lock_timeout: impl Into<Option<Duration>>) -> Instance {
        self.lock_timeout = lock_timeout.into().unwrap_or(self.lock_timeout);
        self
    }

    /// Returns the path of the pidfile: `.pid` in the directory. Line 1 is the pid, line 2 identifies the process, and the others
    /// are its addresses: first the [`address`](Instance::address), as `http://127.0.0.1:9876`, last the socket, as `unix://…`.
    ///
    /// # Errors
    /// The directory is unknown: the user has no home directory, or the name is not a valid directory name.
    pub fn pid_file(&self) -> Result<PathBuf> {
        let directory = match &self.app_dir {
            Some(path) => path.clone(),
            None => app_dir::default(&self.name)?,
        };
        let directory = std::path::absolute(&directory)
            .map_err(|error| configuration(format_args!("`{}`: {error}", directory.display())))?;
        Ok(directory.join(app_dir::PIDFILE))
    }

    /// Returns a client of the instance that runs at the time of each call.
    ///
    /// # Errors
    /// As [`pid_file`](Instance::pid_file).
    pub fn client(&self) -> Result<Client> {
        Ok(Client::exactly(&self.pid_file()?))
    }

    /// Sends a `GET` request to the running instance: see [`Client::get`].
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub fn get(&self, route: &str) -> Result<Value> {
        self.client()?.get(route)
    }

    /// Sends a `POST` request to the running instance: see [`Client::send`].
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        self.client()?.send(route, body)
    }

    /// Stops the running instance: see [`Client::stop`].
    ///
    /// # Errors
    /// See [`ErrorKind`](crate::ErrorKind).
    pub fn stop(&self) -> Result<Value> {
        self.client()?.stop()
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("name", &self.name).field("app_dir", &self.app_dir).finish_non_exhaustive()
    }
}
