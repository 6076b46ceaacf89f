//! Stops the processes that a killed monitor left behind: TERM, then KILL after their grace.

use super::format::{JournalHeader, ParsedJournal, ProcessRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::process::{self, Facts, MarkReader};
use crate::secret::Secret;
use crate::sys::pidfd::PidFd;
use crate::sys::siginfo::Purpose;
use daemonize_core::{Pid, Signal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long a process may take to exit after SIGKILL.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// The grace of processes that no journal lists: that of a bot with the default `stop`.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// The maximum grace: then all leftover processes are killed.
const MAX_GRACE: Duration = Duration::from_secs(60);

/// The marks of the processes of earlier monitors.
struct EarlierMonitors {
    /// The secrets in the journal and in its copy: the same one, unless one file is older.
    secrets: Vec<Secret>,
    running: BTreeMap<Pid, ProcessRecord>,
    /// The users of bots, including that of the monitor.
    users: BTreeSet<u32>,
    reader: MarkReader,
}

/// A process of an earlier monitor. Its pidfd keeps a reused pid from being signalled.
struct LeftoverProcess {
    pid: Pid,
    handle: PidFd,
}

/// Stops all processes of earlier monitors: those that the journal lists, and those that have the secret of its writer in their
/// environment.
///
/// # Errors
/// A process does not exit.
pub(super) fn end(journal: Vec<ParsedJournal>, now: &JournalHeader) -> Result<()> {
    let mut known = EarlierMonitors::from(journal, now);
    if known.secrets.is_empty() {
        // Without a secret no process can be identified.
        return Ok(());
    }
    let grace = known.running.values().map(|entry| entry.grace).max().unwrap_or(DEFAULT_GRACE).min(MAX_GRACE);
    let begin = Instant::now();
    let mut signalled = BTreeSet::new();
    loop {
        let left = find_leftovers(&mut known);
        if left.is_empty() {
            return Ok(());
        }
        let passed = begin.elapsed();
        if passed >= grace + KILL_TIMEOUT {
            let why = "an earlier monitor left it behind, and it does not end";
            return Err(Error::failed(ErrorKind::Failed, "end process", left[0].pid, why));
        }
        let signal = if passed < grace { Signal::SIGTERM } else { Signal::SIGKILL };
        for one in &left {
            if signalled.insert((one.pid, signal)) {
                log::warn!("process {} was left behind by an earlier monitor and is sent {signal}", one.pid);
                // Bots received a signal when their monitor died (`PR_SET_PDEATHSIG`). Without the mark, this one would count as a
                // second request, at which a daemon of this library aborts its graceful shutdown.
                let _ = one.handle.send_for(signal, Purpose::Stop);
                let _ = one.handle.send(Signal::SIGCONT);
            }
        }
        let until = if passed < grace { grace } else { grace + KILL_TIMEOUT };
        wait(&left, until.saturating_sub(passed));
    }
}

impl EarlierMonitors {
    fn from(journal: Vec<ParsedJournal>, now: &JournalHeader) -> EarlierMonitors {
        let users = BTreeSet::from([geteuid().as_raw()]);
        let mut known =
            EarlierMonitors { secrets: Vec::new(), running: BTreeMap::new(), users, reader: MarkReader::default() };
        // Pids of another boot or pid namespace are meaningless here.
        for journal in journal
            .into_iter()
            .filter(|journal| journal.header.boot == now.boot && journal.header.namespace == now.namespace)
        {
            known.secrets.push(journal.header.secret);
            known.users.extend(journal.users);
            known.running.extend(journal.running);
        }
        known
    }

    /// Returns `true` if a process belongs to an earlier monitor: its journal lists it, or it has its secret.
    fn is_leftover(&mut self, pid: Pid, identity: Option<u64>) -> bool {
        let Some(facts) = Facts::of(pid).filter(|facts| facts.is_alive) else { return false };
        let is_known = self.running.get(&pid).is_some_and(|entry| {
            // Bots lead their own session. The start time alone is only exact to 10 ms.
            let may_be = entry.start_time == facts.start_time && facts.session == pid.as_raw();
            may_be && entry.identity.zip(identity).is_none_or(|(one, other)| one == other)
        });
        is_known || (self.may_be_marked(&facts) && self.is_marked(pid))
    }

    /// Returns `true` if a process may have been started by a bot. The environment of other processes is not read: its owner
    /// decides how long it is, and reading it may block on its memory.
    fn may_be_marked(&self, facts: &Facts) -> bool {
        let is_of_a_bot = process::user(facts.pid).is_some_and(|user| self.users.contains(&user));
        // A bot of root may have changed to any user.
        let is_of_its_session = || Pid::from_raw(facts.session).is_some_and(|pid| self.running.contains_key(&pid));
        is_of_a_bot || is_of_its_session()
    }

    fn is_marked(&mut self, pid: Pid) -> bool {
        self.reader.marks(pid).is_some_and(|marks| self.secrets.contains(&marks.monitor))
    }
}

/// Returns the leftover processes that exist now.
fn find_leftovers(known: &mut EarlierMonitors) -> Vec<LeftoverProcess> {
    let above = ancestors();
    let all = process::all_pids().filter(|pid| !above.contains(pid));
    all.filter_map(|pid| open_if_leftover(pid, known)).collect()
}

/// Opens a process if it belongs to an earlier monitor.
fn open_if_leftover(pid: Pid, known: &mut EarlierMonitors) -> Option<LeftoverProcess> {
    // Checked before the open, to save descriptors, and again after it, since the pid may have been reused in between.
    known.is_leftover(pid, None).then_some(())?;
    let handle = PidFd::open(pid).ok()?;
    known.is_leftover(pid, handle.identity()).then_some(LeftoverProcess { pid, handle })
}

/// Returns this process and its ancestors: a bot may have restarted the monitor.
fn ancestors() -> BTreeSet<Pid> {
    let mut found = BTreeSet::new();
    let mut next = Some(Pid::this());
    while let Some(pid) = next.filter(|pid| found.insert(*pid)) {
        next = Facts::of(pid).and_then(|facts| Pid::from_raw(facts.parent));
    }
    found
}

/// Waits until one of the processes exits, or for `time`.
fn wait(left: &[LeftoverProcess], time: Duration) {
    let mut fds: Vec<PollFd<'_>> = left.iter().map(|one| PollFd::new(one.handle.as_fd(), PollFlags::POLLIN)).collect();
    let time = PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
    let _ = poll(&mut fds, time);
}
