//! The init of a container: what stays of process 1 of a pid namespace whose daemon runs in the foreground.
//!
//! The kernel gives process 1 all orphans of its namespace. A daemon that reaped them would also take the exit statuses
//! of the children that its own body waits for. So process 1 forks (L16): the daemon is its child, and process 1 passes
//! signals on, reaps whatever has ended, and exits with the daemon's status. The kernel then ends what is left.

use super::signal_block::SignalBlock;
use super::{Launch, Plan};
use crate::error::{Error, Result, cause};
use crate::notifier::{Manager, Notifier, Relay};
use crate::pid::Pid;
use crate::report;
use crate::settings::Settings;
use crate::signal::Signal;
use crate::stage::Stage;
use crate::stdout;
use crate::sys::fds;
use crate::sys::fork::{Alone, Fence, Fork, exit_now, fork};
use crate::sys::main_process::set_has_init;
use crate::sys::signal_mask::Mask;
use crate::sys::signalfd::{Received, SignalQueue};
use crate::sys::wait::reap_any;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_name;
use nix::unistd::{Uid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, setresuid};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::Duration;

/// How long Docker, Podman and others wait after the stop signal until they kill a container, unless they are told.
const CONTAINER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the init waits before it tries again where the kernel cannot poll (no memory).
const POLL_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The name of the init among processes, by which `killall` and `pgrep` tell it from the daemon.
pub(super) const NAME: &str = "daemon-init";

/// Why a daemon that is the main process of a container does not restart itself.
pub(super) const REFUSES_RESTART: &str = "the container would end with it: let the container's runtime restart that";

/// The warning of a daemon in process 1 that cannot get an init.
const HAS_THREADS: &str = "process 1 has several threads and cannot become the container's init: processes that lose their \
                           parent stay as zombies (start the daemon before any thread, or run `docker run --init`)";

/// Refuses to detach from process 1 if that ends after the start: the kernel ends the daemon with it.
pub(super) fn check_leaving() -> Result<()> {
    if Pid::this().as_raw() != 1 {
        return Ok(());
    }
    Err(Error::configuration(
        "`detach = always` in process 1: the container ends when this process does, and the daemon with it: leave `detach` \
         out, or start the program below an init (`docker run --init`)",
    ))
}

/// Fits the default grace into the time after which a container is killed. A grace that is set stays, without a warning:
/// the container's runtime may have been given a longer time.
pub(super) fn fit_grace(settings: &mut Settings) {
    if Pid::this().as_raw() == 1 {
        let _ = settings.fit_into(CONTAINER_STOP_TIMEOUT);
    }
}

/// Connects to the service manager: through the init, if this daemon has one.
pub(super) fn connect(plan: &mut Plan) -> Option<Notifier> {
    let manager = plan.manager?;
    match plan.relayed.take() {
        Some(socket) => Some(manager.connect_through(socket)),
        None => manager.connect(),
    }
}

/// L16: forks in process 1, and returns in the child only. In any other process it returns what it was given, and in a
/// process 1 with more than one thread, whose other threads a fork would lose.
pub(super) fn split(mut block: SignalBlock, mut launch: Launch, alone: Option<Alone>) -> Result<(SignalBlock, Launch)> {
    if Pid::this().as_raw() != 1 || launch.plan.settings.hooks.replaces(Stage::Detach) {
        return Ok((block, launch));
    }
    let Some(alone) = alone else {
        report::say(HAS_THREADS);
        return Ok((block, launch));
    };
    let failed = |error: io::Error| Error::stage(Stage::Detach, cause(&error));
    let signals = SignalQueue::of(&Mask::all())
        .map_err(|error| Error::stage(Stage::Detach, format_args!("signalfd: {}", cause(&error))))?;
    let relay = launch.plan.manager.and_then(Manager::connect).map(Relay::new).transpose().map_err(failed)?;
    let (relay, daemon_end) = relay.unzip();
    stdout::flush();
    // The status of a child is lost where SIGCHLD is ignored.
    block.keep_child_status();
    match fork(alone).map_err(|error| Error::stage(Stage::Detach, format_args!("fork: {}", cause(&error))))? {
        Fork::Child => {
            block.restore_child_action();
            launch.plan.relayed = daemon_end;
            if let Some(lock) = &mut launch.lock {
                lock.take_over();
            }
            set_has_init();
            Ok((block, launch))
        }
        Fork::Parent(daemon) => {
            let _fence = Fence::around(true);
            let user = launch.plan.identity.as_ref().and_then(|target| target.owner().0);
            let init = Init { daemon, signals, relay, user };
            // Its copies of the lock, of sockets and pipes would keep them open after the daemon has closed its own.
            let mut kept = vec![init.signals.as_fd().as_raw_fd()];
            if let Some(relay) = &init.relay {
                kept.extend(relay.descriptors().map(|fd| fd.as_raw_fd()));
            }
            let _ = fds::close_all_but(&kept);
            forget_streams();
            init.serve()
        }
    }
}

/// Closes the standard streams, and pins no mount.
fn forget_streams() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(&null);
        let _ = dup2_stdout(&null);
        let _ = dup2_stderr(&null);
    }
    let _ = chdir("/");
    let _ = CString::new(NAME).map(|name| set_name(&name));
}

struct Init {
    daemon: Pid,
    /// All signals, which are blocked: so the kernel keeps even those that process 1 is not sent by default
    /// (`pid_namespaces(7)`).
    signals: SignalQueue,
    /// To the service manager, which believes process 1 only.
    relay: Option<Relay>,
    /// The user that the daemon becomes.
    user: Option<Uid>,
}

impl Init {
    /// Serves until the daemon has ended, and exits as it did.
    fn serve(&self) -> ! {
        loop {
            // Before the first wait, too: a child may have ended before this program was executed, whose SIGCHLD is gone.
            while let Ok(Some((child, death))) = reap_any() {
                if child == self.daemon {
                    self.relay.iter().for_each(Relay::pass_rest_on);
                    exit_now(death.shell_status());
                }
            }
            if let (true, Some(relay)) = (self.wait(), &self.relay) {
                relay.pass_one_on();
            }
            while let Some(received) = self.signals.take() {
                self.pass_on(&received);
            }
        }
    }

    /// Waits for a signal or a message for the service manager. Returns `true` if there may be a message.
    fn wait(&self) -> bool {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Some(relay) = &self.relay {
            fds.push(PollFd::new(relay.readable(), PollFlags::POLLIN));
        }
        if poll(&mut fds, PollTimeout::NONE).is_err() {
            thread::sleep(POLL_RETRY_INTERVAL);
        }
        fds.get(1).is_some_and(|relay| relay.any() == Some(true))
    }

    fn pass_on(&self, received: &Received) {
        if received.signal == Signal::SIGCHLD || is_from_terminal(received) {
            return;
        }
        // The daemon is not reaped yet, so the number is its own.
        let sent = received.send_to(self.daemon);
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            // Root without CAP_KILL may signal processes of its own user only.
            let changed = self.user.is_some_and(|user| setresuid(user, user, user).is_ok());
            if changed {
                let _ = received.send_to(self.daemon);
            }
        }
    }
}

/// Returns `true` if a terminal has sent this signal (Ctrl-C, Ctrl-Z, a new size): then the daemon, which is in the same
/// process group, has received it as well. The hang-up of a terminal, and the SIGCONT with it, are for the session leader
/// alone.
fn is_from_terminal(received: &Received) -> bool {
    received.is_of_kernel() && !matches!(received.signal, Signal::SIGHUP | Signal::SIGCONT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 1.35.
    #[test]
    fn signal_of_a_terminal_is_passed_on_only_if_it_is_a_hang_up() {
        // `SI_KERNEL` and `SI_USER`.
        let is_passed_on = |signal, code| !is_from_terminal(&Received { signal, code, sender: 0, user: 0, value: 0 });
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH] {
            assert!(!is_passed_on(signal, 0x80) && is_passed_on(signal, 0), "{signal}");
        }
        assert!(is_passed_on(Signal::SIGHUP, 0x80) && is_passed_on(Signal::SIGCONT, 0x80));
    }
}
