//! A minimal init for a container whose daemon runs in the foreground as process 1.
//!
//! The kernel makes process 1 the parent of all orphans of its pid namespace. A daemon that reaped them would also take the exit
//! statuses of the children that its own body waits for. So process 1 forks (L16): the daemon is its child, and process 1 forwards
//! signals, reaps every child that has ended, and exits with the daemon's status. The kernel then kills the remaining processes
//! (`pid_namespaces(7)`).

use super::container::{INIT_NAME, is_process_1};
use super::state::Launch;
use crate::error::{Error, Result, cause};
use crate::pid::Pid;
use crate::report;
use crate::sd_notify::{NotifyRelay, ServiceManager};
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
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

/// The pause before the init polls again if `poll(2)` fails (no memory).
const POLL_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// The warning of a daemon in process 1 that cannot get an init.
const HAS_THREADS: &str = "process 1 has several threads and cannot become the container's init: processes that lose their \
                           parent stay as zombies (start the daemon before any thread, or run `docker run --init`)";

/// L16: in process 1, forks the daemon and serves as its init; returns in the daemon. Returns in this process if it is not process
/// 1, or has more than one thread, because a fork would lose the others.
pub(super) fn fork_from_init(mut launch: Launch, single_thread: Option<Alone>) -> Result<Launch> {
    if !is_process_1() || launch.preflight.settings.hooks.replaces(Stage::Detach) {
        return Ok(launch);
    }
    let Some(single_thread) = single_thread else {
        report::print(HAS_THREADS);
        return Ok(launch);
    };
    let signals = SignalQueue::of(&Mask::all())
        .map_err(|error| Error::stage(Stage::Detach, format_args!("signalfd: {}", cause(&error))))?;
    let (relay, daemon_socket) = relay_notifications(&launch)?.unzip();
    stdout::flush();
    // With SIGCHLD ignored, the kernel discards the exit status of children (waitpid(2)).
    launch.block.keep_child_status();
    match fork(single_thread).map_err(|error| Error::stage(Stage::Detach, format_args!("fork: {}", cause(&error))))? {
        Fork::Child => {
            launch.block.restore_child_action();
            launch.preflight.init_socket = daemon_socket;
            if let Some(lock) = &mut launch.lock {
                lock.take_over();
            }
            set_has_init();
            Ok(launch)
        }
        Fork::Parent(daemon) => {
            let _fence = Fence::around(true);
            let user = launch.preflight.privileges.as_ref().and_then(|privileges| privileges.owner().0);
            let init = ContainerInit { daemon, signals, relay, user };
            // Copies of the lock, of sockets and of pipes would keep those open after the daemon has closed its own.
            let mut kept = vec![init.signals.as_fd().as_raw_fd()];
            if let Some(relay) = &init.relay {
                kept.extend(relay.descriptors().map(|fd| fd.as_raw_fd()));
            }
            let _ = fds::close_all_but(&kept);
            release_stdio_and_directory();
            init.serve()
        }
    }
}

/// Makes a relay to the service manager, which trusts process 1 only. Returns it with the daemon's end.
fn relay_notifications(launch: &Launch) -> Result<Option<(NotifyRelay, UnixDatagram)>> {
    let Some(notifier) = launch.preflight.manager.and_then(ServiceManager::connect) else { return Ok(None) };
    match NotifyRelay::new(notifier) {
        Ok(relay) => Ok(Some(relay)),
        Err(error) => Err(Error::stage(Stage::Detach, cause(&error))),
    }
}

/// Redirects the standard streams to `/dev/null`, and changes to `/`, so that this process keeps no file system busy.
fn release_stdio_and_directory() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(&null);
        let _ = dup2_stdout(&null);
        let _ = dup2_stderr(&null);
    }
    let _ = chdir("/");
    if let Ok(name) = CString::new(INIT_NAME) {
        let _ = set_name(&name);
    }
}

struct ContainerInit {
    daemon: Pid,
    /// All signals, which are blocked: the kernel queues them even if their default action would be discarded in process 1
    /// (`pid_namespaces(7)`).
    signals: SignalQueue,
    /// To the service manager.
    relay: Option<NotifyRelay>,
    /// The user that the daemon changes to.
    user: Option<Uid>,
}

impl ContainerInit {
    /// Serves until the daemon has ended, and exits with its status.
    fn serve(&self) -> ! {
        loop {
            // Also before the first wait: a child may have ended before this program was executed, and its SIGCHLD is lost.
            while let Ok(Some((child, death))) = reap_any() {
                if child == self.daemon {
                    if let Some(relay) = &self.relay {
                        relay.forward_rest();
                    }
                    exit_now(death.shell_status());
                }
            }
            if let (true, Some(relay)) = (self.wait(), &self.relay) {
                relay.forward_one();
            }
            while let Some(received) = self.signals.take() {
                self.forward_signal(&received);
            }
        }
    }

    /// Waits for a signal or a notification. Returns `true` if there may be a notification.
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

    fn forward_signal(&self, received: &Received) {
        if received.signal == Signal::SIGCHLD || is_from_terminal(received) {
            return;
        }
        // The daemon is not reaped yet, so the pid is its own.
        let sent = received.send_to(self.daemon);
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
            // Root without CAP_KILL can signal processes of its own user only (kill(2)), so the init changes to that user.
            let changed = self.user.is_some_and(|user| setresuid(user, user, user).is_ok());
            if changed {
                let _ = received.send_to(self.daemon);
            }
        }
    }
}

/// Returns `true` if a terminal has sent this signal to its foreground process group (Ctrl-C, Ctrl-Z, a new window size): the
/// daemon, which is in the same group, has received it as well. A hang-up, and the SIGCONT with it, go to the session leader alone
/// (`tty_ioctl(4)`).
fn is_from_terminal(received: &Received) -> bool {
    received.is_of_kernel() && !matches!(received.signal, Signal::SIGHUP | Signal::SIGCONT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 1.35.
    #[test]
    fn terminal_signal_is_forwarded_only_if_it_is_a_hang_up() {
        // `SI_KERNEL` and `SI_USER`.
        let is_forwarded = |signal, code| !is_from_terminal(&Received { signal, code, sender: 0, user: 0, value: 0 });
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP, Signal::SIGWINCH] {
            assert!(!is_forwarded(signal, 0x80) && is_forwarded(signal, 0), "{signal}");
        }
        assert!(is_forwarded(Signal::SIGHUP, 0x80) && is_forwarded(Signal::SIGCONT, 0x80));
    }
}
