//! One instance of a program, and how a second launch reaches it.

mod attached;
mod caretaker;
mod directory;
pub(crate) mod opening;
mod running;
mod watch;

pub use opening::Activation;
pub use running::Running;

use crate::client::error::{Error, ErrorKind, Result};
use crate::client::{Client, after};
use crate::endpoint::Endpoint;
use crate::events::{Answer, Event, Publisher};
use axum::Router;
use caretaker::{Asked, Charge, OnStop, take_care};
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared, ProcessControl};
use daemonize_core::settings::Setting;
use daemonize_core::status::State;
use daemonize_core::{Pid, PidFile};
use daemonize_sys::mutex::lock;
use directory::configuration;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use watch::Watch;

/// How long a launch waits for another one that has the lock and has not said yet where it is, or that is just ending.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// There can be only one: a program that runs once at a time, and hears from every later launch.
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
/// Whoever holds the lock on `.pid` in the application's directory is the one; the kernel frees it when the process
/// dies, however that happens. The file names the process and its address. Requests come over a Unix socket in a private
/// directory beside it; over TCP only with an [`address`](Instance::address).
///
/// It serves programs in the foreground; as an [`Attachment`] of a `Daemon` it is an endpoint with `on_start` and
/// `on_stop`, and what makes that daemon the only one is its own pidfile.
#[must_use = "nothing happens until it is started"]
pub struct Instance {
    name: String,
    app_dir: Option<PathBuf>,
    endpoint: Endpoint,
    lock_timeout: Duration,
    on_start: Mutex<Option<OnStop>>,
    on_stop: Mutex<Option<OnStop>>,
}

/// What became of a launch.
#[derive(Debug)]
pub enum Launch {
    /// This process is the first, for as long as this exists.
    Primary(Running),
    /// There is a first one: this is its reply.
    Forwarded(Value),
}

/// Whether an instance runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// None.
    None,
    /// It runs and answers.
    Running {
        /// The process.
        pid: Pid,
        /// Where it answers: the first address in its pidfile.
        address: String,
    },
    /// Somebody has the lock, but does not answer, for this reason: it is starting, ending, or hangs.
    Unresponsive(String),
}

impl Instance {
    /// An instance of this name; its directory is the one where an application of this name keeps its data
    /// (`~/.local/share/NAME`, in the home of the user's passwd entry) unless [`app_dir`](Instance::app_dir) says otherwise.
    /// `HOME` and `XDG_DATA_HOME` decide nothing: launches from a session, from cron and under `sudo` find each other.
    pub fn new(name: impl Into<String>) -> Instance {
        Instance {
            name: name.into(),
            app_dir: None,
            endpoint: Endpoint::new(),
            lock_timeout: LOCK_TIMEOUT,
            on_start: Mutex::default(),
            on_stop: Mutex::default(),
        }
    }

    /// The directory of the pidfile and the socket. It is made with mode 0700; one that is there has to be ours, and
    /// nobody else's to write.
    pub fn app_dir<K>(mut self, directory: impl Setting<PathBuf, K>) -> Instance {
        self.app_dir = directory.value().or(self.app_dir);
        self
    }

    /// Answers at this loopback address, too: `127.0.0.1:9876`, or with port 0 any that is free. Requests there need the
    /// token that is in a file which only our user can read; clients of this library read it.
    pub fn address<K>(mut self, address: impl Setting<String, K>) -> Instance {
        let Some(address) = address.value() else { return self };
        let address = address.strip_prefix("http://").unwrap_or(&address).trim_end_matches('/');
        self.endpoint = self.endpoint.address(address);
        self
    }

    /// Asks for no token over TCP: **every user of this machine can then stop this program and send it events.** For
    /// clients that know of none, such as the original `tcbon`.
    pub fn without_token(mut self) -> Instance {
        self.endpoint = self.endpoint.without_token();
        self
    }

    /// Handles events of this name: plainly or `async`, see [`Endpoint::on`]. While it runs: [`Running::on`].
    pub fn on<H, R>(
        mut self,
        event: impl Into<String>,
        handler: impl Fn(Event) -> R + Send + Sync + 'static,
    ) -> Instance
    where
        R: Answer<H> + 'static,
    {
        self.endpoint = self.endpoint.on(event, handler);
        self
    }

    /// Handles events of this name no more. While it runs: [`Running::remove_handler`].
    pub fn remove_handler(self, event: &str) -> Instance {
        self.endpoint.handlers().remove(event);
        self
    }

    /// Routes of your own beside those of the endpoint.
    pub fn routes(mut self, routes: Router) -> Instance {
        self.endpoint = self.endpoint.routes(routes);
        self
    }

    /// Publishes to whoever listens to the instance's events.
    pub fn publisher(&self) -> Publisher {
        self.endpoint.publisher()
    }

    /// Runs once this process is the first, and before anybody can reach it: before its sockets are made. If those then cannot
    /// be made (a port that somebody else has), this has run, and [`on_stop`](Instance::on_stop) never does.
    pub fn on_start(self, work: impl FnOnce() + Send + 'static) -> Instance {
        set(&self.on_start, Box::new(work));
        self
    }

    /// Runs once when the instance ends, while it still has the lock: on a request, on SIGTERM, SIGINT or SIGHUP, when the guard is
    /// dropped. (Not after SIGKILL, not when the program leaves by `std::process::exit`, and not where the start failed.)
    pub fn on_stop(self, work: impl FnOnce() + Send + 'static) -> Instance {
        set(&self.on_stop, Box::new(work));
        self
    }

    /// How long a launch waits for one that has the lock but cannot be reached: it is starting or ending. Five seconds
    /// unless it is set.
    pub fn lock_timeout(mut self, lock_timeout: impl Into<Option<Duration>>) -> Instance {
        self.lock_timeout = lock_timeout.into().unwrap_or(self.lock_timeout);
        self
    }

    /// The pidfile: `.pid` in the directory. Line 1 is the pid, line 2 says which process that is, the others are its addresses:
    /// first the [`address`](Instance::address) that was asked for, as `http://127.0.0.1:9876`, last the socket, as `unix://…`.
    ///
    /// # Errors
    /// There is no such directory: no home, or a name that is none of a directory.
    pub fn pid_file(&self) -> Result<PathBuf> {
        let directory =
            self.app_dir.as_ref().map_or_else(|| directory::default(&self.name), |path| Ok(path.clone()))?;
        let directory = std::path::absolute(&directory)
            .map_err(|error| configuration(format_args!("`{}`: {error}", directory.display())))?;
        Ok(directory.join(directory::PIDFILE))
    }

    /// A client of whichever instance runs when it is used.
    ///
    /// # Errors
    /// As [`pid_file`](Instance::pid_file).
    pub fn client(&self) -> Result<Client> {
        Ok(Client::exactly(&self.pid_file()?))
    }

    /// Whether an instance runs; asks it.
    ///
    /// # Errors
    /// As [`pid_file`](Instance::pid_file), and when the pidfile cannot be read or trusted.
    pub fn running(&self) -> Result<Presence> {
        let client = self.client()?;
        let status = client.target().status()?;
        Ok(match (status.state, status.pid) {
            (State::Running, Some(pid)) => match client.get("/") {
                Ok(_) => Presence::Running { pid, address: status.addresses.into_iter().next().unwrap_or_default() },
                Err(error) if error.kind() == ErrorKind::NotRunning => Presence::None,
                Err(error) => Presence::Unresponsive(error.to_string()),
            },
            (State::Starting, _) => Presence::Unresponsive("it is starting".into()),
            (State::Unknown(why), _) => {
                return Err(Error::failed(ErrorKind::Unknown, "look at", status.pidfile.display(), why));
            }
            _ => Presence::None,
        })
    }

    /// The process that is the instance, if there is one.
    ///
    /// # Errors
    /// As [`running`](Instance::running).
    pub fn pid(&self) -> Result<Option<Pid>> {
        self.client()?.pid()
    }

    /// `GET` from the instance that runs: see [`Client::get`].
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub fn get(&self, route: &str) -> Result<Value> {
        self.client()?.get(route)
    }

    /// `POST` to the instance that runs: see [`Client::send`].
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub fn send(&self, route: &str, body: impl Into<Value>) -> Result<Value> {
        self.client()?.send(route, body)
    }

    /// Stops the instance that runs: see [`Client::stop`].
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub fn stop(&self) -> Result<Value> {
        self.client()?.stop()
    }

    /// Makes this process the first instance, which answers in the background until the guard is dropped.
    ///
    /// # Errors
    /// `AlreadyRunning`, with [a client](Error::client) of the first one; `Held`, when somebody has the lock and nobody
    /// answers; or why this process cannot be one.
    pub fn start(self) -> Result<Running> {
        let lock = self.take()?;
        self.begin(lock, false)
    }

    /// Makes this process the first instance, and returns when it has ended.
    ///
    /// # Errors
    /// As [`start`](Instance::start).
    pub fn run_forever(self) -> Result<()> {
        let lock = self.take()?;
        self.begin(lock, true)?.wait();
        Ok(())
    }

    /// Makes this process the first instance, or has the one that there is handle an event: one call for a program whose second
    /// launch hands over what it was launched with.
    ///
    /// # Errors
    /// As [`start`](Instance::start) and [`Client::event`].
    ///
    /// # At most once
    /// A first one that is ending is followed, for as long as [`lock_timeout`](Instance::lock_timeout) says: the event goes to whoever is
    /// first then, or this process is. That is done only where the one before cannot have handled it: there was no connection, or
    /// its end came before it had read the whole request, which the kernel says. If it had read the request and ended without an
    /// answer, that is an error (`Reply`), and so is the answer that it ends (`Refused(503)`): it may have handled the event.
    pub fn run_or_send(self, event: &str, data: impl Into<Value>) -> Result<Launch> {
        let data = data.into();
        let deadline = after(self.lock_timeout);
        loop {
            let taken = match self.take() {
                Ok(lock) => return self.begin(lock, false).map(Launch::Primary),
                Err(error) => error,
            };
            let Some(client) = taken.client() else { return Err(taken) };
            match client.event(event, data.clone()) {
                Ok(reply) => return Ok(Launch::Forwarded(reply)),
                // It is on its way out. Nothing was sent.
                Err(error) if error.is_passing() && Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the lock, waiting for whoever has it and is not to be reached yet.
    fn take(&self) -> Result<PidFile> {
        let pidfile = self.pid_file()?;
        let planned = AttachContext::foreground(&self.name, &pidfile);
        self.endpoint.check(&planned).map_err(configuration)?;
        directory::make(pidfile.parent().unwrap_or(Path::new("/")))?;
        let deadline = after(self.lock_timeout);
        loop {
            let error = match PidFile::acquire(&pidfile, Duration::ZERO) {
                Ok(lock) => return Ok(lock),
                Err(error) => error,
            };
            match error.kind() {
                daemonize_core::ErrorKind::AlreadyRunning { pid } => {
                    let error = Error::new(ErrorKind::AlreadyRunning { pid }, error.to_string());
                    return Err(error.with_client(Client::exactly(&pidfile)));
                }
                daemonize_core::ErrorKind::Locked if Instant::now() < deadline => {}
                daemonize_core::ErrorKind::Locked => return Err(Error::new(ErrorKind::Held, error.to_string())),
                _ => return Err(Error::new(ErrorKind::Start, error.to_string())),
            }
        }
    }

    /// The lock is ours: makes the rest. The address is written when somebody answers at it. A program that is going to
    /// wait does not die of a signal.
    fn begin(self, held: PidFile, waits: bool) -> Result<Running> {
        let pidfile = held.path().to_owned();
        let failed = |error: &dyn std::fmt::Display| start_failed(&self.name, error);
        run(&self.on_start);
        let Prepared { addresses, .. } =
            self.prepare(&AttachContext::foreground(&self.name, &pidfile)).map_err(|error| failed(&error))?;
        let endpoint = Arc::new(self.endpoint);
        let unfinished = Unfinished(&endpoint);
        let watch = Watch::begin().map_err(|error| start_failed(&self.name, &error))?;
        let asked = Asked::new(&watch, waits);
        let process: Arc<dyn ProcessControl> = asked.clone();
        let handle = Handle::foreground(&self.name, &pidfile, addresses.clone(), process);
        endpoint.start(handle).map_err(|error| start_failed(&self.name, &error))?;
        endpoint.phase(Phase::Ready);
        let held = held.seal_with(&addresses).map_err(|error| start_failed(&self.name, &error))?;
        let on_stop = lock(&self.on_stop).take();
        let charge = Charge { endpoint: Arc::clone(&endpoint), lock: held, on_stop };
        let caretaker =
            take_care(charge, watch, Arc::clone(&asked)).map_err(|error| start_failed(&self.name, &error))?;
        std::mem::forget(unfinished);
        let address = addresses.into_iter().next().unwrap_or_default();
        let client = Client::exactly(&pidfile);
        Ok(Running { client, address, handlers: endpoint.handlers(), asked, caretaker: Some(caretaker) })
    }
}

/// An endpoint of an instance that may not come to be.
struct Unfinished<'a>(&'a Endpoint);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// With the address that was asked for in front: who knows of sockets finds them anyway.
fn in_order(mut addresses: Vec<String>) -> Vec<String> {
    addresses.sort_by_key(|address| address.starts_with("unix:"));
    addresses
}

fn set(place: &Mutex<Option<OnStop>>, work: OnStop) {
    *lock(place) = Some(work);
}

/// Runs it unless it has run.
fn run(place: &Mutex<Option<OnStop>>) {
    let work = lock(place).take();
    if let Some(work) = work {
        work();
    }
}

fn start_failed(name: &str, why: &dyn std::fmt::Display) -> Error {
    Error::failed(ErrorKind::Start, "start instance", name, why)
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("name", &self.name).field("app_dir", &self.app_dir).finish_non_exhaustive()
    }
}
