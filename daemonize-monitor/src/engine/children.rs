//! Children that are no bots: what bots left behind, which this process adopts as their subreaper.

use super::Engine;
use crate::process::{self, Facts};
use crate::sys::pidfd;
use crate::sys::wait::{self, Change};
use daemonize_core::__private::is_restarted_program;
use daemonize_core::{Pid, Signal};
use nix::sys::signal::kill;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// So long those may take to end of whom nobody knows which bot has started them.
const OUTSIDE: Duration = Duration::from_secs(2);

/// After so long it is said that they do not end.
const HUNTED: Duration = Duration::from_secs(10);

/// So many children that have changed are asked for one by one; each time the kernel looks through all that have not.
const ONE_BY_ONE: u32 = 16;

/// So many dead are buried per turn: nobody waits for the rest of them.
const AT_ONCE: usize = 512;

/// Not a bot's moment: children are left that have changed.
pub(super) const MORE_CHILDREN: (usize, u32) = (usize::MAX, 1);

/// A descriptor that is held for when none is left.
pub(super) fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Sends a signal to a child that was not reaped, so that its number is its own; it hears of it even if it is suspended.
pub(super) fn signal(child: Pid, signal: Signal) {
    let child = nix::unistd::Pid::from_raw(child.as_raw());
    for number in [signal.as_raw(), Signal::SIGCONT.as_raw()] {
        let _ = nix::sys::signal::Signal::try_from(number).map(|signal| kill(child, signal));
    }
}

/// Has SIGCHLD make a socket readable, beside whatever else is registered for it.
pub(super) fn listen() -> io::Result<UnixStream> {
    let (ours, signals) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    signals.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(Signal::SIGCHLD.as_raw(), signals)?;
    Ok(ours)
}

impl Engine {
    /// Takes what has become of children: bots, and those that bots left behind. Returns `true` if that was done for all.
    pub(super) fn take_changes_of_children(&mut self) -> bool {
        while matches!((&self.child_signals).read(&mut [0; 64]), Ok(1..)) {}
        if pidfd::knows_groups_by_number() {
            // Those that are kept as zombies would be told again and again.
            self.look = true;
            return self.take_changes_behind();
        }
        for _ in 0..ONE_BY_ONE {
            let Some(pid) = wait::peek_any() else { return true };
            // Somebody who dies may be the last of a bot that is being stopped.
            self.look = true;
            match self.pids.get(&pid) {
                Some(index) => self.take_change(*index),
                // Its session is its own only when it is known as a newborn one.
                None if self.is_of_others(pid) => {
                    // Somebody else in this program has started it, and waits for it.
                    return self.take_changes_behind();
                }
                None => drop(self.reap(pid)),
            }
        }
        self.take_changes_behind()
    }

    /// Returns `true` if some other part of this program waits for a child: the thread that makes it, or whatever the program
    /// does beside the monitor. `daemonctl` does nothing else; it also has the children of the shell that executed it.
    fn is_of_others(&self, pid: Pid) -> bool {
        self.is_newborn(pid) || is_restarted_program(pid) || (process::is_of_our_session(pid) && !self.reaps_all)
    }

    /// Reaps a child that is no bot, if it is dead: from then on its number may be anybody's. Returns `true` if it was.
    fn reap(&mut self, pid: Pid) -> bool {
        // A zombie still has its session and its user.
        let suspects = self.suspects(pid);
        let is_dead = matches!(wait::take(pid), Ok(Some(Change::Ended(_))));
        if is_dead {
            self.owners.remove(&pid);
            self.forget_survivor(pid);
            self.doubt(&suspects);
            for index in &self.lingering {
                if let Some(unit) = &mut self.units[*index].value {
                    unit.strays.retain(|stray| *stray != pid);
                }
            }
        }
        is_dead
    }

    /// Where many have changed, or a child of somebody else is in the way, each is asked for by number; but whoever leaves
    /// more dead behind than can be buried at once keeps nobody else waiting.
    fn take_changes_behind(&mut self) -> bool {
        let mut buried = 0;
        for pid in process::child_pids() {
            match self.pids.get(&pid) {
                Some(index) => self.take_change(*index),
                None if buried == AT_ONCE => {}
                None if self.is_of_others(pid) => {}
                None => buried += usize::from(self.reap(pid)),
            }
        }
        let is_left = || wait::peek_any().is_some_and(|pid| !self.is_of_others(pid));
        let is_complete = buried < AT_ONCE && (pidfd::knows_groups_by_number() || !is_left());
        if !is_complete {
            self.timers.set(Instant::now(), MORE_CHILDREN);
        }
        is_complete
    }

    /// Whether nobody is left whom bots have started, once all bots are down: who has neither their mark nor their session
    /// is nobody's in particular, and goes at the very end. What this program itself has started is of its session.
    pub(super) fn is_alone(&mut self) -> bool {
        if !wait::has_children() {
            return true;
        }
        // Room for the files of `/proc`, where no descriptor is left.
        self.reserve = None;
        let outside = self.signal_outside();
        self.reserve = reserve();
        if outside {
            return false;
        }
        // A process that has died meanwhile may have left a child that the list lacks: its death is handled first.
        // The kernel is asked, too: SIGCHLD may not have been handled yet, by whatever thread it was given to.
        let is_dead = wait::peek_any().is_some_and(|pid| !self.is_of_others(pid));
        if is_dead {
            self.timers.set(Instant::now(), MORE_CHILDREN);
        }
        !is_dead && !self.has_child_signal()
    }

    /// Sends those outside of all bots a signal, each as soon as it is seen: it may not be there any more a moment later.
    /// Returns `true` if there is any.
    fn signal_outside(&mut self) -> bool {
        let Some(shutdown) = self.shutdown.as_mut() else { return false };
        let now = Instant::now();
        let is_urgent = shutdown.deadline.is_none() || shutdown.outside.is_some_and(|begin| now >= begin + OUTSIDE);
        let chosen = if is_urgent { Signal::SIGKILL } else { Signal::SIGTERM };
        let mut is_any = false;
        for pid in process::child_pids() {
            if process::is_of_our_session(pid) || !Facts::of(pid).is_some_and(|facts| facts.is_alive) {
                continue;
            }
            is_any = true;
            if shutdown.told.insert((pid, chosen)) {
                signal(pid, chosen);
                log::warn!("process {pid} was left behind by some bot and is sent {chosen}");
            }
        }
        let begin = shutdown.outside.or(is_any.then_some(now));
        if begin.is_some_and(|begin| now >= begin + HUNTED) && !std::mem::replace(&mut shutdown.is_hunting, true) {
            log::error!(
                "what bots left behind does not end of SIGKILL, or forks and exits faster than it can be killed"
            );
        }
        if let Some(begin) = begin.filter(|_| !is_urgent) {
            self.timers.set(begin + OUTSIDE, (usize::MAX, 0));
        }
        shutdown.outside = begin;
        is_any
    }

    /// Whether a child has died since the last time that we reaped: a list of children made meanwhile may lack some.
    pub(super) fn has_child_signal(&self) -> bool {
        use nix::sys::socket::{MsgFlags, recv};
        use std::os::fd::AsRawFd;
        recv(self.child_signals.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).is_ok()
    }

    /// A moment that is not a bot's: the next look may be, or everything has had its time.
    pub(super) fn out_of_patience(&mut self, at: Instant) {
        if let Some(deadline) = self.shutdown.as_ref().and_then(|shutdown| shutdown.deadline) {
            if deadline <= at {
                self.kill_all();
            }
        }
    }
}
