//! What the body of a daemon may call, and what this process knows of itself once it is one.

mod last_words;
mod process_control;
mod self_restart;
mod sleeping;
pub mod testing;

pub(crate) use last_words::keep_panics;
pub(crate) use process_control::ThisDaemon;
pub use self_restart::restart;
pub(crate) use self_restart::{Program, RESTART_ENV, RestartedFrom, pass_stop_on};
pub(crate) use sleeping::expect_to_be_unwound;
pub use sleeping::sleep;
#[cfg(feature = "tokio")]
pub use sleeping::sleep_async;

use crate::attach::{Attachment, Handle, Phase};
use crate::body::{BodyResult, guarded};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::mutex::lock;
use crate::notifier::Notifier;
use crate::pid::Pid;
use crate::pidfile::PidFile;
use crate::process::Identity;
use crate::report::record;
use crate::signal::Signal;
use crate::signals::{Handlers, Registered};
use crate::stopping::{self as flag, UntilStopped};
use crate::sys::siginfo::Purpose;
use crate::sys::{fds, signal_flag};
use log::Level;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

static CURRENT: OnceLock<Box<Inside>> = OnceLock::new();
static LOOKS: AtomicBool = AtomicBool::new(false);

/// What remains to be said until the daemon is ready.
pub(crate) trait Pending: Send {
    /// Says that it is ready and waits for the go; gives itself back when that is not to be.
    fn announce(self: Box<Self>, inside: &'static Inside) -> Result<(), (Box<dyn Pending>, Error)>;
    /// Asks the launcher to wait so long from now on.
    fn extend(&self, time: Duration);
    /// Says that the process is about to end by `exit(3)`: its status decides.
    fn exits(self: Box<Self>);
    /// Says why it will never be ready, and ends the process.
    fn fail(self: Box<Self>, error: &Error) -> !;
}

/// What this process, a daemon, knows of itself.
pub(crate) struct Inside {
    pub(crate) handle: Handle,
    pub(crate) identity: Identity,
    pub(crate) stops: Vec<Signal>,
    pub(crate) grace: Duration,
    pub(crate) registered: Arc<Registered>,
    pub(crate) handlers: Arc<Handlers>,
    /// Those that have started and not ended.
    pub(crate) attachments: Mutex<Vec<Arc<dyn Attachment>>>,
    /// The last one that they were told.
    pub(crate) phase: Mutex<Option<Phase>>,
    /// One of them.
    pub(crate) notifier: Option<Arc<Notifier>>,
    /// Descriptors that the service manager handed over, until somebody takes them.
    pub(crate) handed_over: Mutex<Vec<(String, RawFd)>>,
    pub(crate) lock: Mutex<Option<PidFile>>,
    /// Until the daemon is ready, where a launcher waits for that.
    pub(crate) pending: Mutex<Option<Box<dyn Pending>>>,
    pub(crate) program: Program,
    /// Whether it left the terminal behind.
    pub(crate) detached: bool,
    /// Why its program cannot be started again from here.
    pub(crate) obstacle: Option<&'static str>,
    /// How long a restarted program may take until it is ready to take over.
    pub(crate) start_timeout: Duration,
    /// How long this daemon takes at most to stop.
    pub(crate) stop_timeout: Duration,
    /// Ends the process cleanly from the body's thread, where nothing can be unwound.
    pub(crate) leave: fn() -> !,
}

impl Inside {
    /// Returns `false` in a child that the daemon's code has forked, which is not the daemon.
    pub(crate) fn is_this_process(&self) -> bool {
        self.identity.pid == Pid::this()
    }

    /// Removes the pidfile and lets go of its lock, once, or gives the lock to the restarted program. Returns what has gone
    /// wrong.
    pub(crate) fn release(&self) -> Option<Error> {
        // Kept until both files are removed: body and signal thread may be here at once, and the one that finds nothing to do
        // ends the process.
        let mut guard = lock(&self.lock);
        let lock = guard.take()?;
        let handed_over = self_restart::hand_over(self, &lock);
        if let Ok(true) = handed_over {
            drop(lock.disown());
            return None;
        }
        let released = lock.release();
        handed_over.map(drop).and(released).err()
    }

    /// Whether anything lives beside the body.
    pub(crate) fn has_attachments(&self) -> bool {
        !lock(&self.attachments).is_empty()
    }

    /// Asks what lives beside the body whether the program would start again.
    pub(crate) fn check_restart(&self) -> std::result::Result<(), Box<dyn std::error::Error>> {
        // A copy, so that the lock is not held while the attachments check: that may take long.
        let attachments = lock(&self.attachments).clone();
        attachments.iter().try_for_each(|attachment| attachment.check_restart())
    }

    /// The daemon works; said once.
    pub(crate) fn tell_ready(&self) {
        if self.tell(Phase::Ready, |last| last.is_none()) {
            record(Level::Info, &self.handle.name, format_args!("runs as pid {}", self.identity.pid));
        }
    }

    /// Handlers of SIGHUP begin.
    pub(crate) fn tell_reloading(&self) {
        self.tell(Phase::Reloading, |last| last == Some(Phase::Ready));
    }

    /// They are done: the daemon is what it was before.
    pub(crate) fn tell_reloaded(&self) {
        self.tell(Phase::Ready, |last| last == Some(Phase::Reloading));
    }

    /// Nothing comes after this.
    pub(crate) fn tell_stopping(&self) {
        self.tell(Phase::Stopping, |last| last != Some(Phase::Stopping));
    }

    /// Tells what lives beside the body of a new phase, if it follows the last one; returns whether it does.
    fn tell(&self, phase: Phase, follows: fn(Option<Phase>) -> bool) -> bool {
        let mut last = lock(&self.phase);
        let follows = follows(*last);
        if follows {
            *last = Some(phase);
            // A copy: whoever is told may end before all are.
            let attachments = lock(&self.attachments).clone();
            for attachment in attachments {
                if !report_failure(|| attachment.phase(phase)) && phase == Phase::Stopping {
                    self.handlers.set_failed();
                }
            }
        }
        follows
    }

    /// Ends what lives beside the body, once, the last that was started first.
    pub(crate) fn end_attachments(&self) {
        let attachments = std::mem::take(&mut *lock(&self.attachments));
        for attachment in attachments.iter().rev() {
            if !report_failure(|| attachment.end()) {
                self.handlers.set_failed();
            }
        }
    }
}

/// Calls what is attached; a panic is reported and goes no further. Returns `false` if it panicked.
pub(crate) fn report_failure(call: impl FnOnce()) -> bool {
    let ending = guarded("what is attached to the daemon", || {
        call();
        BodyResult::success()
    });
    ending.reported().error().is_none()
}

/// Makes this process a daemon as far as the functions of this module go.
pub(crate) fn enter(inside: Box<Inside>) -> &'static Inside {
    flag::be_the_body();
    CURRENT.get_or_init(|| inside)
}

/// What this process is; `None` unless it is a daemon.
pub(crate) fn current() -> Option<&'static Inside> {
    CURRENT.get().map(|inside| &**inside)
}

/// The body works: the launcher is told that the start succeeded, and stdout and stderr go where they belong.
///
/// With `ready = manual` the launcher waits for this, up to `start_timeout`; until then stdout and stderr reach the
/// launcher (and the log). With `ready = auto` it says so before the first look or the 100 ms do. Anywhere else, and the
/// second time, it does nothing.
///
/// # Errors
/// A stop came while the daemon was starting. The body should return.
pub fn ready() -> Result<()> {
    let Some(inside) = current().filter(|inside| inside.is_this_process()) else { return Ok(()) };
    announce(inside)?;
    inside.tell_ready();
    Ok(())
}

/// Asks for more time to start: `time` from now on, for a body with `ready = manual` that goes on to make progress.
///
/// The launcher then waits longer than `start_timeout`, but for at most an hour in all. A service manager or a monitor with
/// `ready = "notify"` is asked as well (`EXTEND_TIMEOUT_USEC=` of `sd_notify(3)`). May be called again and again; never
/// shortens the wait, and never blocks. Does nothing once the daemon is ready, and outside of a daemon.
///
/// ```
/// # use std::time::Duration;
/// # fn replay(table: &str) -> usize { table.len() }
/// for table in ["users", "orders"] {
///     daemon::extend_start(Duration::from_secs(60));
///     replay(table);
/// }
/// ```
pub fn extend_start(time: Duration) {
    let is_starting = |inside: &&Inside| inside.is_this_process() && lock(&inside.phase).is_none();
    let Some(inside) = current().filter(is_starting) else { return };
    if let Some(announcement) = &*lock(&inside.pending) {
        announcement.extend(time);
    }
    if let Some(notifier) = &inside.notifier {
        notifier.extend(time);
    }
}

/// Tells the launcher, where one waits.
pub(crate) fn announce(inside: &'static Inside) -> Result<()> {
    let mut pending = lock(&inside.pending);
    let Some(announcement) = pending.take() else { return Ok(()) };
    announcement.announce(inside).map_err(|(announcement, error)| {
        *pending = Some(announcement);
        error
    })
}

/// Whether the daemon is to stop: one relaxed load.
///
/// A body that asks is given `grace` to return, and so is one whose program handles the stop signal itself; any other is
/// ended as soon as the signal handlers are done.
#[inline]
pub fn stopping() -> bool {
    let marked = flag::look();
    if marked {
        LOOKS.store(true, Relaxed);
    }
    marked
}

/// Resolves when the daemon is to stop: [`stopping`] for async code, with any runtime.
///
/// Awaiting it counts as having asked: the body is then given `grace` to return.
pub fn stopped() -> impl Future<Output = ()> + Send + Unpin + 'static {
    let mut until = UntilStopped::asked();
    std::future::poll_fn(move |context| {
        // Whoever hears it has seen it.
        Pin::new(&mut until).poll(context).map(|()| LOOKS.store(true, Relaxed))
    })
}

/// A descriptor that becomes readable when the daemon is to stop, and stays so: for a poll loop of one's own.
///
/// Wraps `eventfd(2)`. Do not read from it. Having asked for it counts as having asked [`stopping`]; a watchdog of a service
/// manager, though, wants the loop to call `stopping` each time round.
///
/// # Errors
/// No descriptor is left.
pub fn wait_handle() -> io::Result<BorrowedFd<'static>> {
    flag::look();
    LOOKS.store(true, Relaxed);
    flag::descriptor()
}

/// The sockets that a service manager opened for this daemon (`sd_listen_fds(3)`), in its order, each with its name
/// (`unknown` unless it was given one). The first call gets them; anywhere else, and the second time, there are none.
///
/// They are close-on-exec. Whether the manager means this process has been found out in the launch, which also took
/// `LISTEN_FDS` and its like out of the environment.
///
/// ```no_run
/// use std::os::unix::net::UnixListener;
///
/// let listeners = daemon::systemd::listen_fds().into_iter().map(|(name, fd)| (name, UnixListener::from(fd)));
/// # drop(listeners.collect::<Vec<_>>());
/// ```
pub fn listen_fds() -> Vec<(String, OwnedFd)> {
    let handed_over = current().map(|inside| std::mem::take(&mut *lock(&inside.handed_over)));
    handed_over.into_iter().flatten().map(|(name, fd)| (name, fds::own_handed_over(fd))).collect()
}

/// Has the service manager keep a copy of a descriptor (`sd_notify(3)`, `FDSTORE=1`): after a crash the next daemon
/// finds it, under this name, in [`listen_fds`].
///
/// # Errors
/// No service manager hears this process (`NOTIFY_SOCKET`), or it takes no message; the name is not one, or longer than 255 bytes.
pub fn store_fd(name: &str, fd: impl AsFd) -> Result<()> {
    let failed = |why: &str| Error::failed(ErrorKind::Inside, "store descriptor", name, why);
    if name.is_empty() || name.len() > 255 || name.bytes().any(|byte| byte == b':' || !(b' '..=b'~').contains(&byte)) {
        return Err(failed("a name has 1 to 255 printable characters and no `:`"));
    }
    let notifier = current().and_then(|inside| inside.notifier.as_ref());
    let notifier = notifier.ok_or_else(|| failed("no service manager hears this process"))?;
    notifier.store(name, fd.as_fd()).map_err(|error| failed(&cause(&error)))
}

/// Asks this daemon to stop, as SIGTERM does; returns at once. Outside of a daemon it does nothing.
///
/// It never hurries a stop that is under way. During a [`restart`] it stops the restarted program, too.
pub fn stop() {
    if let Some(inside) = current() {
        // A body that is done at once has worked: its stop is no failure of the start.
        flag::first_look();
        self_restart::stop(inside);
    }
}

/// Asks this daemon to reload, as SIGHUP does: log files are opened again, and the handlers of SIGHUP run; returns at once.
///
/// # Errors
/// This process is no daemon; or SIGHUP means something else to it.
pub fn reload() -> Result<()> {
    let refused = |why: &str| Error::new(ErrorKind::Inside, format!("failed to reload: {why}"));
    let inside = current().ok_or_else(|| refused("this process is no daemon"))?;
    match Signal::SIGHUP {
        signal if inside.stops.contains(&signal) => Err(refused("SIGHUP would stop it, since it runs at a terminal")),
        signal if !inside.registered.handles(signal) => Err(refused("it does not handle SIGHUP")),
        signal => {
            let sent = inside.registered.send(signal, Purpose::Unmarked);
            sent.map_err(|error| Error::failed(ErrorKind::Stop, "send", signal, cause(&error)))
        }
    }
}

/// Sends this process a signal.
pub(crate) fn send(signal: Signal) -> Result<()> {
    signal_flag::raise(signal).map_err(|error| Error::failed(ErrorKind::Stop, "send", signal, cause(&error)))
}
