//! The async client: the fast path waits in the runtime, and the slow path in a thread of its own.

use super::attempt::{Attempt, Judgement, PROMPT_GREETING, SilentStream, Unserved, judge};
use super::dial::failed;
use super::fast_path::{Dialed, dial_known};
use super::read_greeting::{GreetingReader, Reading};
use super::shared_start::{SharedStart, StartEnd, StartLease, StartRole};
use super::slow_path::{Served, SlowPath};
use super::target::ConnectTarget;
use crate::mismatch::is_served;
use crate::settings::OnDemand;
use crate::stream::AsyncConnection;
use daemonize_core::{Daemon, Error, ErrorKind, Result, Started};
use daemonize_sys::error::{cause, errno};
use nix::errno::Errno;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net;
use std::thread;
use std::time::Instant;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// Connects to a daemon on demand as [`connect`](crate::connect()) does, without blocking a thread of the tokio runtime, which needs its
/// IO and time drivers.
///
/// `start` runs in a thread of its own, which lives until the outcome of the start. A future that is dropped closes its connection; a start
/// that it has begun goes on to its end, by the deadline at the latest, and the daemon then waits for other clients until it is
/// idle.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::on_demand::{OnDemand, connect_async};
/// use std::time::Duration;
///
/// # async fn call(start: impl Fn(std::time::Instant) -> daemon::Result<daemon::Started> + Send + 'static) -> daemon::Result<()> {
/// let on_demand = OnDemand::new(Duration::from_secs(600));
/// let connection = connect_async(&Daemon::new("agent"), &on_demand, start).await?;
/// println!("pid {}", connection.greeting().pid);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`connect`](crate::connect()).
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub fn connect_async<W, S>(
    daemon: &Daemon<W>,
    on_demand: &OnDemand,
    start: S,
) -> impl Future<Output = Result<AsyncConnection>> + Send + use<W, S>
where
    S: Fn(Instant) -> Result<Started> + Send + 'static,
{
    let deadline = super::deadline(daemon, on_demand);
    connect_target(ConnectTarget::new(daemon, on_demand, deadline), start)
}

async fn connect_target<S>(target: ConnectTarget, start: S) -> Result<AsyncConnection>
where
    S: Fn(Instant) -> Result<Started> + Send + 'static,
{
    let mut unserved = match attempt(&target).await? {
        Attempt::Served(stream, greeting) => return Ok(AsyncConnection::new(stream, greeting, None)),
        Attempt::Unserved(why) => why,
    };
    let key = target.key();
    loop {
        match SharedStart::join(&key) {
            StartRole::Starter(lease) => return connect_in_thread(target, start, lease, unserved).await,
            StartRole::Waiter(shared) => match timeout_at(target.deadline.at().into(), shared.wait_async()).await {
                Ok(end) => end.into_result(target.name())?,
                Err(_) => return Err(target.deadline.error(target.name(), "another task starts it")),
            },
        }
        let attempt = match unserved {
            Unserved::Silent(silent) => listen(&target, silent).await?,
            _ => attempt(&target).await?,
        };
        unserved = match attempt {
            Attempt::Served(stream, greeting) => return Ok(AsyncConnection::new(stream, greeting, None)),
            Attempt::Unserved(why) => why,
        };
    }
}

/// Makes one attempt to be served, which waits no longer than a moment. The thread of the slow path looks for a socket that this process
/// does not know: the home directory of the user may have to be looked up in the network.
async fn attempt(target: &ConnectTarget) -> Result<Attempt<UnixStream>> {
    match dial_known(&target.daemon)? {
        Some(Dialed::Connected(silent)) => listen(target, silent).await,
        Some(Dialed::Unserved(why)) => Ok(Attempt::Unserved(why)),
        None => Ok(Attempt::Unserved(Unserved::Unknown)),
    }
}

/// Waits a moment for the greeting.
async fn listen(target: &ConnectTarget, silent: SilentStream) -> Result<Attempt<UnixStream>> {
    let SilentStream { stream, mut reader } = silent;
    let stream = register(target.name(), stream)?;
    let until = target.deadline.within(PROMPT_GREETING);
    let reading = match timeout_at(until.into(), read(&stream, &mut reader)).await {
        Ok(reading) => reading,
        Err(_) => Ok(Reading::Incomplete),
    };
    match judge(target.name(), reading)? {
        Judgement::Ready(greeting) if is_served(&greeting, &target.on_demand) => Ok(Attempt::Served(stream, greeting)),
        Judgement::Ready(greeting) => {
            let stream = stream.into_std().map_err(|error| system(target.name(), &error))?;
            Ok(Attempt::Unserved(Unserved::OtherBuild(stream, greeting)))
        }
        Judgement::Unserved(why) => Ok(Attempt::Unserved(why)),
        Judgement::Incomplete => {
            let stream = stream.into_std().map_err(|error| system(target.name(), &error))?;
            Ok(Attempt::Unserved(Unserved::Silent(SilentStream { stream, reader })))
        }
    }
}

/// Waits for the greeting.
async fn read(stream: &UnixStream, reader: &mut GreetingReader) -> nix::Result<Reading> {
    let read = || match reader.read_available(stream.as_fd()) {
        // The runtime waits for the next bytes.
        Ok(Reading::Incomplete) => Err(io::ErrorKind::WouldBlock.into()),
        reading => Ok(reading),
    };
    match stream.async_io(Interest::READABLE, read).await {
        Ok(reading) => reading,
        Err(error) => Err(errno(&error).unwrap_or(Errno::EIO)),
    }
}

/// Runs the slow path in a thread, which lives until the daemon serves this client or the start has failed, also if the future is
/// dropped: the launcher dies with the thread that it was forked from.
async fn connect_in_thread<S>(
    target: ConnectTarget,
    start: S,
    lease: StartLease,
    unserved: Unserved,
) -> Result<AsyncConnection>
where
    S: Fn(Instant) -> Result<Started> + Send + 'static,
{
    let name = target.name().to_owned();
    let (send, served) = oneshot::channel();
    let work = move || {
        let result = SlowPath::run(&target, start, unserved);
        lease.finish(StartEnd::of(&result, target.deadline.has_passed()));
        // A future that was dropped needs no connection.
        let _ = send.send(result);
    };
    thread::Builder::new().name("daemon-connect".to_owned()).spawn(work).map_err(|error| system(&name, &error))?;
    let Ok(result) = served.await else {
        return Err(failed(&name, ErrorKind::System, "the thread of the start has panicked"));
    };
    let Served { stream, greeting, started } = result?;
    Ok(AsyncConnection::new(register(&name, stream)?, greeting, started))
}

/// Registers a stream with the runtime.
fn register(name: &str, stream: net::UnixStream) -> Result<UnixStream> {
    let registered = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
    registered.map_err(|error| system(name, &error))
}

#[cold]
fn system(name: &str, error: &io::Error) -> Error {
    failed(name, ErrorKind::System, &cause(error))
}
