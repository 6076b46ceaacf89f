//! The session leader: the daemon's parent while it starts, and so the process that learns how it died.

use super::announcement::Link;
use super::birth::Birth;
use super::capture::Captured;
use super::{Launch, forget_what_is_meant_for_this_process};
use crate::error::{Error, cause};
use crate::handoff::{Channel, Message};
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

/// L2: makes the session and forks the daemon; returns in the daemon only.
///
/// SIGCHLD is not ignored here, so that the daemon's status is kept: the launcher has seen to that before the fork.
pub(super) fn split(
    launch: Launch,
    alone: Alone,
    ready: Channel,
    ctl: Channel,
    captured: Option<Captured>,
) -> Box<Birth> {
    if let Err(errno) = setsid() {
        give_up(&ready, format!("setsid: {}", cause(&errno.into())));
    }
    let session_leader = Pid::this();
    if getsid(None) != Ok(session_leader.as_nix()) {
        give_up(&ready, "setsid made no session, although the kernel said so".into());
    }
    match fork(alone) {
        Err(error) => give_up(&ready, format!("second fork: {}", cause(&error))),
        Ok(Fork::Child) => {
            drop(ctl);
            if launch.plan.has_own_variables {
                forget_what_is_meant_for_this_process(Some(alone));
            }
            Birth::detached(launch, Link { ready, session_leader }, captured)
        }
        Ok(Fork::Parent(daemon)) => {
            drop((ready, captured));
            // The launcher believes the process that forked it, never the daemon, which may be another user by then.
            let _ = ctl.send(&Message::Forked(daemon));
            watch(daemon, &ctl, launch.lock)
        }
    }
}

/// Fails before there is a daemon: the launcher has its own copy of the lock, and cleans up.
fn give_up(ready: &Channel, why: String) -> ! {
    let _ = ready.send(&Message::Failed(Error::stage(Stage::Detach, why)));
    exit_now(2)
}

/// L12: waits for the daemon's death and for end of file, which the launcher's death is too. Unless RELEASE came before,
/// either aborts the start.
///
/// A packet does not end the wait: between RELEASE and its exit the launcher needs the processor that this process would
/// take.
fn watch(daemon: Pid, ctl: &Channel, lock: Option<Box<PidFile>>) -> ! {
    let process = match PidFd::open(daemon) {
        Ok(process) => process,
        Err(error) => {
            let error = Error::stage(Stage::Detach, format_args!("watch the daemon: pidfd_open: {}", cause(&error)));
            end(daemon, ctl, lock, Some(error))
        }
    };
    loop {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN), PollFd::new(ctl.as_fd(), PEER_SHUTDOWN)];
        match Mask::all().poll(&mut fds, None) {
            Ok(0) => continue,
            Ok(_) => {}
            Err(error) => {
                let error = Error::stage(Stage::Detach, format_args!("watch the daemon: {}", cause(&error)));
                end(daemon, ctl, lock, Some(error))
            }
        }
        // `None` where an event came that nix does not name.
        let (died, is_end_of_file) = (fds[0].any() == Some(true), fds[1].any() != Some(false));
        if !died && !is_end_of_file {
            continue;
        }
        if !matches!(ctl.try_receive(), Ok(Some(Message::Release))) {
            end(daemon, ctl, lock, None);
        }
        // A daemon that has heard GO owns what it leaves behind. One that has not is the launcher's, which reads this.
        let answer = if died { reap(daemon).ok().map(Message::Status) } else { Some(Message::Released) };
        if let Some(answer) = answer {
            let _ = ctl.send(&answer);
        }
        exit_now(0);
    }
}

/// Ends the daemon unless it is dead, reports how it died, and leaves the rest to the launcher; if that is gone, removes
/// the files. Takes along what the daemon left in this process's group.
fn end(daemon: Pid, ctl: &Channel, lock: Option<Box<PidFile>>, error: Option<Error>) -> ! {
    // A child of this process, and not reaped: the number is its.
    let _ = kill(daemon.as_nix(), SIGKILL);
    let verdict = match (reap(daemon), error) {
        (_, Some(error)) => Some(Message::Failed(error)),
        (Ok(death), None) => Some(Message::Status(death)),
        (Err(_), None) => None,
    };
    if let Some(verdict) = verdict {
        let _ = ctl.send(&verdict);
    }
    // While the launcher lives it may be writing the pidfile, so only it removes the files; it then kills this process.
    // A launcher that is killed before it has done so leaves them to this one.
    wait_for_launcher_end(ctl);
    let _ = lock.map(|lock| lock.release());
    let _ = killpg(nix::unistd::Pid::from_raw(0), SIGKILL);
    exit_now(2)
}

/// Waits until the launcher's end of the pair is closed: `POLLHUP`, which a shutdown of one direction does not cause.
fn wait_for_launcher_end(ctl: &Channel) {
    loop {
        let mut fds = [PollFd::new(ctl.as_fd(), PollFlags::empty())];
        match Mask::all().poll(&mut fds, None) {
            Ok(count) if count == 0 || fds[0].any() != Some(true) => {}
            _ => return,
        }
    }
}
