//! Reaps the children of the monitor: the processes of bots, and orphans, whose subreaper this process is (`prctl(2)`).
//!
//! A pid belongs to a child only until the child is reaped (`waitid(2)`), so the bot of a child is determined before the child
//! is reaped. Changes of bots are returned to the supervisor, which owns the states of bots.

use super::auxiliary::AuxiliaryProcesses;
use super::bot_table::BotTable;
use super::orphan_search::{Found, OrphanSearch};
use super::process_table::ProcessTable;
use crate::process;
use crate::secret::Secret;
use daemonize_core::{Pid, Signal};
use daemonize_sys::pidfd;
use daemonize_sys::wait::{self, Change, Ended};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// How many changed children are taken one by one: for each of them the kernel walks the list of all children.
const MAX_ONE_BY_ONE: u32 = 16;

/// How many zombies are reaped per turn of the event loop.
const MAX_REAPED: usize = 512;

/// Scans for orphans take at most a quarter of the time: after a scan, the next one waits for this many times its duration.
const SCAN_SHARE: u32 = 4;

/// How far scans may exceed their share, so that the first scan after a pause need not wait.
const SCAN_CREDIT: Duration = Duration::from_millis(20);

/// Tells whether a child is one that is being made: it is waited for where it is made.
pub(super) type IsStarting<'a> = &'a dyn Fn(Pid) -> bool;

/// See the module.
pub(super) struct Reaper {
    /// Readable after a SIGCHLD.
    signals: UnixStream,
    /// `true` if no other part of this program has children: then all that are unknown are reaped.
    reaps_all: bool,
    pub(super) processes: ProcessTable,
    pub(super) orphans: OrphanSearch,
    pub(super) auxiliary: AuxiliaryProcesses,
    /// A look for orphans is wanted.
    wants_look: bool,
    /// When all looks so far have had their share of the time.
    looks_paid: Instant,
    /// A file descriptor in reserve, so that `/proc` can be read when none is left.
    reserve: Option<File>,
}

/// Changes of children that were taken.
#[derive(Default)]
pub(super) struct ChildChanges {
    /// Of bots, in the order in which it happened.
    pub(super) bots: Vec<(usize, Change)>,
    /// Auxiliary commands that have ended.
    pub(super) auxiliary: Vec<(Pid, Ended)>,
    /// Bots of which a possible survivor was reaped.
    pub(super) lost_survivors: Vec<usize>,
    /// `true` if some are left to take.
    pub(super) has_more: bool,
}

/// The outcome of a look for orphans.
#[derive(Default)]
pub(super) struct OrphanScan {
    pub(super) changes: ChildChanges,
    /// Bots of which nothing is left.
    pub(super) gone: Vec<usize>,
    /// Bots of which something is left.
    pub(super) left: Vec<usize>,
}

impl Reaper {
    /// Registers a socket that SIGCHLD makes readable, in addition to other handlers of the program.
    pub(super) fn new(reaps_all: bool, secret: Secret) -> io::Result<Reaper> {
        let (ours, signals) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        signals.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(Signal::SIGCHLD.as_raw(), signals)?;
        Ok(Reaper {
            signals: ours,
            reaps_all,
            processes: ProcessTable::default(),
            orphans: OrphanSearch::new(secret),
            auxiliary: AuxiliaryProcesses::default(),
            wants_look: false,
            looks_paid: Instant::now(),
            reserve: reserve(),
        })
    }

    /// Returns the socket that is readable after a SIGCHLD.
    pub(super) fn signals(&self) -> &UnixStream {
        &self.signals
    }

    /// Returns `true` if a child has died since the last time that changes were taken: a list of children made meanwhile may
    /// lack some.
    pub(super) fn has_signal(&self) -> bool {
        use nix::sys::socket::{MsgFlags, recv};
        use std::os::fd::AsRawFd;
        recv(self.signals.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT).is_ok()
    }

    /// Takes what has become of children: bots, and those that bots left behind.
    pub(super) fn take_changes(&mut self, units: &mut BotTable, is_starting: IsStarting) -> ChildChanges {
        while matches!((&self.signals).read(&mut [0; 64]), Ok(1..)) {}
        let mut changes = ChildChanges::default();
        // While dead bots are kept as zombies, they would be reported again and again.
        let one_by_one = if pidfd::knows_groups_by_number() { 0 } else { MAX_ONE_BY_ONE };
        self.wants_look |= one_by_one == 0;
        for _ in 0..one_by_one {
            let Some(pid) = wait::peek_any() else {
                return changes;
            };
            // A process that dies may be the last of a bot that is being stopped.
            self.wants_look = true;
            if self.processes.contains(pid) {
                self.processes.take_changes(pid, &mut changes.bots);
            } else if self.auxiliary.contains(pid) {
                changes.auxiliary.extend(self.auxiliary.take(pid).map(|ended| (pid, ended)));
            } else if self.is_of_others(pid, is_starting) {
                // It is waited for elsewhere, and in the way of those behind it.
                break;
            } else {
                self.reap(pid, units, &mut changes);
            }
        }
        self.take_listed_changes(units, is_starting, &mut changes);
        changes
    }

    /// Asks for the changes of each child by number, since many have changed, or a child of another part of the program is in the
    /// way. A bot that leaves more dead behind than can be reaped at once keeps no other bot waiting.
    fn take_listed_changes(&mut self, units: &mut BotTable, is_starting: IsStarting, changes: &mut ChildChanges) {
        let mut reaped = 0;
        for pid in process::child_pids() {
            if self.processes.contains(pid) {
                self.processes.take_changes(pid, &mut changes.bots);
            } else if self.auxiliary.contains(pid) {
                changes.auxiliary.extend(self.auxiliary.take(pid).map(|ended| (pid, ended)));
            } else if reaped < MAX_REAPED && !self.is_of_others(pid, is_starting) {
                reaped += usize::from(self.reap(pid, units, changes));
            }
        }
        changes.has_more = reaped >= MAX_REAPED || !pidfd::knows_groups_by_number() && self.has_dead(is_starting);
    }

    /// Returns `true` if a child is dead that is to be reaped here. The kernel is asked: SIGCHLD may not have been handled yet,
    /// by the thread that received it.
    pub(super) fn has_dead(&self, is_starting: IsStarting) -> bool {
        wait::peek_any().is_some_and(|pid| !self.is_of_others(pid, is_starting))
    }

    /// Returns `true` if another part of this program waits for a child: the code that starts it, or code besides the monitor. `daemonctl` does nothing else; it also has the children of the shell that executed it.
    fn is_of_others(&self, pid: Pid, is_starting: IsStarting) -> bool {
        // The session of a child that is being made is its own only later.
        is_starting(pid) || wait::is_claimed(pid) || (process::is_of_our_session(pid) && !self.reaps_all)
    }

    /// Reaps a child that is no bot, if it is dead. Returns `true` if it was.
    fn reap(&mut self, pid: Pid, units: &mut BotTable, changes: &mut ChildChanges) -> bool {
        // A zombie still has its session and its user.
        let suspects = self.orphans.suspects(pid, units, &self.processes);
        let is_dead = matches!(wait::take(pid), Ok(Some(Change::Ended(_))));
        if is_dead {
            self.orphans.doubt(&suspects);
            changes.lost_survivors.extend(self.orphans.forget(pid, units));
        }
        is_dead
    }

    /// Begins to search for orphans of a bot whose process is gone.
    pub(super) fn search(&mut self, bot: usize) {
        self.orphans.search(bot);
        self.wants_look = true;
    }

    /// Returns when the next look is due; `None` if none is wanted.
    pub(super) fn next_look(&self) -> Option<Instant> {
        self.wants_look.then(|| self.looks_paid.checked_sub(SCAN_CREDIT).unwrap_or(self.looks_paid))
    }

    /// Makes room for the files of `/proc`, one at a time, where no descriptor is left.
    pub(super) fn release_reserve(&mut self) {
        self.reserve = None;
    }

    pub(super) fn refill_reserve(&mut self) {
        self.reserve = reserve();
    }

    /// Finds out of all bots whose process is gone whether anything of them is left, with one look for all of them. Take the
    /// changes of children before, so that one that is dead already does not make the look inconclusive.
    pub(super) fn look(&mut self, begin: Instant, units: &mut BotTable, is_starting: IsStarting) -> OrphanScan {
        let mut look = OrphanScan::default();
        let by_number = pidfd::knows_groups_by_number() && !self.orphans.is_idle();
        let groups = by_number.then(process::groups);
        let is_alone = |bot: &usize| {
            units[*bot].process.as_ref().is_none_or(|process| match &groups {
                Some(groups) => !groups.contains(&process.pid.as_raw()),
                None => !process.handle.has_group(process.pid),
            })
        };
        let (alone, with_group): (Vec<usize>, Vec<usize>) = self.orphans.searched().partition(is_alone);
        if by_number {
            look.left.extend(with_group);
        }
        self.wants_look = false;
        if !alone.is_empty() {
            self.look_for_orphans(&alone, units, is_starting, &mut look);
        }
        self.refill_reserve();
        let time = Instant::now().saturating_duration_since(begin);
        self.looks_paid = self.looks_paid.max(begin) + time * SCAN_SHARE;
        look
    }

    fn look_for_orphans(
        &mut self,
        bots: &[usize],
        units: &mut BotTable,
        is_starting: IsStarting,
        look: &mut OrphanScan,
    ) {
        let auxiliary = &self.auxiliary;
        let skips = |pid| process::is_of_our_session(pid) || is_starting(pid) || auxiliary.has_session_of(pid);
        self.orphans.find(bots, units, &self.processes, skips);
        // A child that has died since the list was made is attributed to its bot before its session and user are lost.
        // The kernel is asked: SIGCHLD may not have been handled yet by the thread that received it.
        let is_complete = if pidfd::knows_groups_by_number() && !self.has_signal() {
            true
        } else {
            look.changes = self.take_changes(units, is_starting);
            !look.changes.has_more
        };
        for bot in bots {
            match self.orphans.outcome(*bot, is_complete) {
                Found::Nothing => look.gone.push(*bot),
                Found::Orphans => look.left.push(*bot),
                Found::ForkLoop => {
                    look.left.push(*bot);
                    self.wants_look = true;
                }
                Found::Unsure => self.wants_look = true,
            }
        }
    }
}

fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}
