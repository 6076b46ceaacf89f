//! What ties the daemon to its start, and how it is cut: READY, and GO.

use super::stdio::Streams;
use super::undo::{Files, undo};
use crate::context::{DaemonContext, PendingReadiness};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::handoff::{Channel, Message};
use crate::pid::Pid;
use crate::pidfile::Record;
use crate::process::Identity;
use crate::signal::Signal;
use crate::stdout;
use crate::stop_flag;
use crate::sys::fork::exit_now;
use nix::sys::prctl::{set_dumpable, set_pdeathsig};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

/// The connection to the launcher, and the process that watches the start.
pub(super) struct Link {
    pub(super) ready: Channel,
    pub(super) session_leader: Pid,
}

impl Link {
    /// Ties this process to the session leader: a start that hangs does not outlive it (`prctl(2)`, `PR_SET_PDEATHSIG`).
    pub(super) fn die_with_session_leader(&self) {
        let _ = set_pdeathsig(nix::sys::signal::SIGKILL);
        if nix::unistd::getppid() != self.session_leader.as_nix() {
            exit_now(2);
        }
    }

    /// From here on the end of the socket takes over. Only this thread's wish is cleared, so it is the body's.
    pub(super) fn outlive_session_leader() -> Result<()> {
        set_pdeathsig(None).map_err(|errno| Error::system("outlive the launch", cause(&errno.into())))
    }

    /// Tells the launcher the daemon's addresses, which it writes into the pidfile. Before the change of user: later
    /// nothing that this process says is written there.
    pub(super) fn send_addresses(&self, addresses: &[String], pidfile: &Path) -> Result<()> {
        // The launcher checks what it receives. Here too, because a line end in an address would make two of it.
        Record::check_addresses(addresses)
            .map_err(|why| Error::failed(ErrorKind::PidFile, "write pidfile", pidfile.display(), why))?;
        let sent = self.ready.send(&Message::Addresses(addresses.to_vec()));
        sent.map_err(|error| Error::system("tell the launcher the addresses", cause(&error)))
    }

    /// Waits until the launcher has written the pidfile. Without it there is no launcher any more, and no daemon.
    /// Returns who this process is, and which signals were ignored when the session leader was forked.
    pub(super) fn wait_for_pidfile(&self) -> Result<(Identity, Vec<Signal>)> {
        match self.ready.receive_short() {
            Ok(Some(Message::Written(identity, ignored))) => Ok((identity, ignored)),
            _ => Err(Error::system("hear from the launcher", "it is gone, or could not write the pidfile")),
        }
    }

    /// Reports the failure to the launcher and exits; the launcher removes the pidfile.
    pub(super) fn give_up(&self, error: &Error) -> ! {
        let _ = self.ready.send(&Message::Failed(error.copy()));
        exit_now(error.exit_code());
    }
}

/// Set while a thread says READY and waits for GO.
static IS_ON_ITS_WAY: AtomicBool = AtomicBool::new(false);

/// What has to be said when the daemon is ready.
pub(super) struct Announcement {
    pub(super) link: Option<Link>,
    pub(super) streams: Streams,
    /// Whether stdout and stderr still lead to the launcher.
    pub(super) outputs_due: bool,
    /// Set if other processes of the new user may look into this one (`core_dumps`).
    pub(super) dumpable: bool,
}

impl Announcement {
    /// Returns `true` while a thread says READY and waits for GO, or has heard it.
    pub(super) fn is_on_its_way() -> bool {
        IS_ON_ITS_WAY.load(SeqCst)
    }

    /// Tells the launcher, where there is one, that there will be no daemon, and ends; otherwise returns.
    pub(super) fn refuse(&self, error: &Error) {
        if let Some(link) = &self.link {
            link.give_up(error);
        }
    }

    /// Puts stdout and stderr in place, unless that has been done.
    pub(super) fn install_outputs(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.outputs_due) {
            return Ok(());
        }
        stdout::flush();
        self.streams.install_outputs()
    }

    /// L5: READY, then GO. An end instead of GO means that no launcher wants this daemon: it undoes itself.
    pub(super) fn make(mut self: Box<Self>, inside: &'static DaemonContext) -> Result<(), (Box<Self>, Error)> {
        if self.link.is_none() {
            self.allow_dumps();
            return Ok(());
        }
        if inside.signals.has_arrived(&inside.stops) || stop_flag::is_stop_requested() {
            // The signal thread may not have come to it yet; whoever asks is told the same.
            stop_flag::request_stop();
            let error = Error::new(ErrorKind::Stopped, "failed to start: stopped while starting");
            return Err((self, error));
        }
        if let Err(error) = self.install_outputs().and_then(|()| Link::outlive_session_leader()) {
            return Err((self, error));
        }
        let Some(link) = &self.link else { return Ok(()) };
        if link.ready.send(&Message::Ready).is_err() {
            // The session leader has its copy of the lock, and cleans up.
            undo(inside, Files::OfLauncher);
        }
        if let Ok(Some(Message::Go)) = link.ready.receive_short() {
            self.allow_dumps();
            return Ok(());
        }
        undo(inside, Files::OfDaemon)
    }

    /// Last of all: while the launch is under way, another process of the new user could take its descriptors
    /// (`pidfd_getfd(2)`) and speak to the launcher.
    fn allow_dumps(&self) {
        if self.dumpable {
            let _ = set_dumpable(true);
        }
    }
}

impl PendingReadiness for Announcement {
    fn announce(self: Box<Self>, inside: &'static DaemonContext) -> Result<(), (Box<dyn PendingReadiness>, Error)> {
        IS_ON_ITS_WAY.store(true, SeqCst);
        self.make(inside).map_err(|(this, error)| {
            IS_ON_ITS_WAY.store(false, SeqCst);
            (this as Box<dyn PendingReadiness>, error)
        })
    }

    fn extend(&self, time: Duration) {
        if let Some(link) = &self.link {
            // A launcher that is gone is noticed at the end of the start; one that is stopped must not hold up the body.
            let _ = link.ready.try_send(&Message::MoreTime(time));
        }
    }

    fn report_exit(self: Box<Self>) {
        if let Some(link) = &self.link {
            let _ = link.ready.send(&Message::Exiting);
        }
    }

    fn fail(self: Box<Self>, error: &Error) -> ! {
        match &self.link {
            Some(link) => link.give_up(error),
            None => exit_now(error.exit_code()),
        }
    }
}
