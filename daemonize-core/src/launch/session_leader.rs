//! The session leader: makes the session, forks the daemon, and watches it until the outcome of the start is known.

use super::capture::OutputPipes;
use super::daemon::StartingDaemon;
use super::launcher_link::LauncherLink;
use super::own_environment::remove_own_variables;
use super::state::Launch;
use crate::error::{Error, cause};
use crate::ipc::{Channel, Message};
use crate::pid::Pid;
use crate::pidfile::PidFile;
use crate::stage::Stage;
use crate::sys::fork::{Alone, Fork, exit_now, fork};
use crate::sys::pidfd::PidFd;
use crate::sys::signal_mask::{Mask, PEER_SHUTDOWN};
use crate::sys::wait::reap;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SIGKILL, kill, killpg};
use nix::unistd::{getsid, setsid};
use std::os::fd::AsFd;

/// L2: makes the session and forks the daemon. Returns in the daemon only.
///
/// SIGCHLD is not ignored here, so the kernel keeps the daemon's wait status: the launcher has seen to that before the fork.
pub(super) fn run(
    launch: Launch,
    single_thread: Alone,
    ready: Channel,
    control: Channel,
    pipes: Option<OutputPipes>,
) -> Box<StartingDaemon> {
    // A new session has no controlling terminal, so no terminal can send the daemon SIGHUP or SIGINT (setsid(2)). This process is
    // no process group leader, since it was just forked, so the call cannot fail with EPERM.
    if let Err(errno) = setsid() {
        fail(&ready, format!("setsid: {}", cause(&errno.into())));
    }
    let session_leader = Pid::this();
    // Verified, because a seccomp filter can make a system call succeed without running it (SECCOMP_RET_ERRNO with 0).
    if getsid(None) != Ok(session_leader.as_nix()) {
        fail(&ready, "setsid made no session, although the system call succeeded".into());
    }
    // A session leader without a terminal gets one as soon as it opens one without O_NOCTTY (tty_ioctl(4)). Its child does not.
    match fork(single_thread) {
        Err(error) => fail(&ready, format!("second fork: {}", cause(&error))),
        Ok(Fork::Child) => {
            // L3: a copy of this end in the daemon would hide the session leader's death from the launcher.
            drop(control);
            if launch.preflight.has_own_variables {
                remove_own_variables(Some(single_thread));
            }
            StartingDaemon::detached(launch, LauncherLink { ready, session_leader }, pipes)
        }
        Ok(Fork::Parent(daemon)) => {
            // L2: copies of the daemon's ends would hide its death from the launcher.
            drop((ready, pipes));
            // The launcher trusts its own child. The daemon may be another user before it could report its pid.
            let _ = control.send(&Message::Forked(daemon));
            watch(daemon, &control, launch.lock)
        }
    }
}

/// Reports a failure before there is a daemon. The launcher has its own copy of the lock, and removes the files.
fn fail(ready: &Channel, why: String) -> ! {
    let _ = ready.send(&Message::Failed(Error::stage(Stage::Detach, why)));
    exit_now(2)
}

/// L12: waits for the daemon's death, and for end of file on `control`, which also means the launcher's death. Either aborts the
/// start, unless RELEASE came before.
///
/// A packet does not end the wait: between RELEASE and its exit the launcher needs the processor that this process would take.
fn watch(daemon: Pid, control: &Channel, lock: Option<Box<PidFile>>) -> ! {
    // The daemon is a child that is not reaped, so the pid is its own: the pidfd cannot refer to another process.
    let process = match PidFd::open(daemon) {
        Ok(process) => process,
        Err(error) => {
            let error = Error::stage(Stage::Detach, format_args!("watch the daemon: pidfd_open: {}", cause(&error)));
            abort(daemon, control, lock, Some(error))
        }
    };
    loop {
        // A pidfd is readable when its process has ended (pidfd_open(2)). PEER_SHUTDOWN is POLLRDHUP, not POLLIN.
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN), PollFd::new(control.as_fd(), PEER_SHUTDOWN)];
        // All signals stay blocked: not even Ctrl-C may end the process that cleans up after a dead launcher.
        match Mask::all().poll(&mut fds, None) {
            Ok(0) => continue,
            Ok(_) => {}
            Err(error) => {
                let error = Error::stage(Stage::Detach, format_args!("watch the daemon: {}", cause(&error)));
                abort(daemon, control, lock, Some(error))
            }
        }
        // nix returns `None` for events that it has no flag for, such as POLLRDHUP.
        let (died, is_end_of_file) = (fds[0].any() == Some(true), fds[1].any() != Some(false));
        if !died && !is_end_of_file {
            continue;
        }
        if !matches!(control.try_receive(), Ok(Some(Message::Release))) {
            abort(daemon, control, lock, None);
        }
        // Released: a daemon that has received GO owns the files. If the daemon died before GO, the launcher, which reads this
        // report, removes them.
        let answer = if died { reap(daemon).ok().map(Message::Status) } else { Some(Message::Released) };
        if let Some(answer) = answer {
            let _ = control.send(&answer);
        }
        exit_now(0);
    }
}

/// Kills the daemon unless it is dead, reports how it died, and leaves the rest to the launcher. If the launcher is dead, removes the
/// files and kills the remaining processes of this process group.
fn abort(daemon: Pid, control: &Channel, lock: Option<Box<PidFile>>, error: Option<Error>) -> ! {
    // A child that is not reaped, so the pid is its own.
    let _ = kill(daemon.as_nix(), SIGKILL);
    let report = match (reap(daemon), error) {
        (_, Some(error)) => Some(Message::Failed(error)),
        (Ok(death), None) => Some(Message::Status(death)),
        (Err(_), None) => None,
    };
    if let Some(report) = report {
        let _ = control.send(&report);
    }
    // L13: a living launcher may be writing the pidfile, so it removes the files, and then kills this process. If it is killed
    // before that, this process removes them.
    wait_for_launcher_exit(control);
    if let Some(lock) = lock {
        let _ = lock.release();
    }
    // Group 0 is this process's own (kill(2)): the daemon's children that are left, and this process.
    let _ = killpg(nix::unistd::Pid::from_raw(0), SIGKILL);
    exit_now(2)
}

/// Waits until the launcher has closed its end of `control`: POLLHUP, which a shutdown of one direction does not cause (`poll(2)`).
fn wait_for_launcher_exit(control: &Channel) {
    loop {
        let mut fds = [PollFd::new(control.as_fd(), PollFlags::empty())];
        match Mask::all().poll(&mut fds, None) {
            Ok(count) if count == 0 || fds[0].any() != Some(true) => {}
            _ => return,
        }
    }
}
