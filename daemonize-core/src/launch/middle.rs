//! The middle: leads the session, is the daemon's parent while it starts, and so knows how it died.

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
use crate::sys::mask::Mask;
use crate::sys::pidfd::PidFd;
use crate::sys::wait::reap;
use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::{SIGKILL, kill, killpg};
use nix::unistd::{getsid, setsid};
use std::os::fd::AsFd;

/// Makes the session and the daemon; returns in the daemon only.
///
/// SIGCHLD is such that the daemon's status is not lost: the launcher has seen to that before the fork.
pub(super) fn split(launch: Launch, alone: Alone, ready: Channel, ctl: Channel, captured: Option<Captured>) -> Birth {
    if let Err(errno) = setsid() {
        give_up(&ready, format!("setsid: {}", cause(&errno.into())));
    }
    let middle = Pid::this();
    if getsid(None) != Ok(middle.as_nix()) {
        give_up(&ready, "setsid made no session, although the kernel said so".into());
    }
    match fork(alone) {
        Err(error) => give_up(&ready, format!("second fork: {}", cause(&error))),
        Ok(Fork::Child) => {
            drop(ctl);
            forget_what_is_meant_for_this_process(alone);
            Birth::detached(launch, Link { ready, middle }, captured)
        }
        Ok(Fork::Parent(daemon)) => {
            drop((ready, captured));
            watch(daemon, &ctl, launch.lock)
        }
    }
}

/// Nothing was made that would have to be cleaned up: the launcher has its own copy of the lock.
fn give_up(ready: &Channel, why: String) -> ! {
    let _ = ready.send(&Message::Failed(Error::stage(Stage::Detach, why)));
    exit_now(2)
}

/// L12: waits for the daemon's death or for the launcher's word; its silence, like its death, means kill.
fn watch(daemon: Pid, ctl: &Channel, lock: PidFile) -> ! {
    let Ok(process) = PidFd::open(daemon) else { bury(daemon, ctl, lock) };
    loop {
        let mut fds = [PollFd::new(process.as_fd(), PollFlags::POLLIN), PollFd::new(ctl.as_fd(), PollFlags::POLLIN)];
        match Mask::all().poll(&mut fds, None) {
            Ok(0) => continue,
            Ok(_) => {}
            // A start that nobody can watch is taken back.
            Err(_) => bury(daemon, ctl, lock),
        }
        let (died, spoken) = (fds[0].any() == Some(true), fds[1].any() == Some(true));
        // A death counts even when RELEASE is there.
        if died {
            bury(daemon, ctl, lock);
        }
        if spoken {
            if let Ok(Some(Message::Release)) = ctl.receive() {
                let _ = ctl.send(&Message::Released);
                exit_now(0);
            }
            bury(daemon, ctl, lock);
        }
    }
}

/// Ends the daemon unless it is dead, cleans up, tells how it died, and takes whatever it left in our group along.
fn bury(daemon: Pid, ctl: &Channel, lock: PidFile) -> ! {
    // Our child, and unreaped: the number is ours.
    let _ = kill(daemon.as_nix(), SIGKILL);
    let death = reap(daemon);
    let _ = lock.release();
    if let Ok(death) = death {
        let _ = ctl.send(&Message::Status(death));
    }
    let _ = killpg(nix::unistd::Pid::from_raw(0), SIGKILL);
    exit_now(2)
}
