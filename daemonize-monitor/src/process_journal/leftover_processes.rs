//! Ending what an earlier monitor left behind.

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

/// How long whatever was killed may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long those may take of whom no journal tells it: what a bot has that says nothing of it.
const DEFAULT_GRACE: Duration = Duration::from_secs(10);

/// Nobody's leftovers are waited for longer than this before they are killed.
const MAX_GRACE: Duration = Duration::from_secs(60);

/// By what those are known that are left.
struct EarlierMonitors {
    /// The secrets of the monitors that wrote the journal and the copy of its first line: one, unless one of them is older.
    secrets: Vec<Secret>,
    running: BTreeMap<Pid, ProcessRecord>,
    /// The users that bots had, our own among them.
    users: BTreeSet<u32>,
    reader: MarkReader,
}

/// A process that belongs to a monitor that is no more, held so that its number cannot become another's.
struct LeftoverProcess {
    pid: Pid,
    handle: PidFd,
}

/// Ends all that earlier monitors left: those of the journal that are still the same ones, and those that know the secret of
/// who wrote it.
///
/// # Errors
/// A process does not end.
pub(super) fn end(journal: Vec<ParsedJournal>, now: &JournalHeader) -> Result<()> {
    let mut known = EarlierMonitors::from(journal, now);
    if known.secrets.is_empty() {
        // Without a secret every process is a stranger, and none is looked at.
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
                // Bots have had a signal when their monitor died (`PR_SET_PDEATHSIG`): unmarked, this one would be a second
                // request, at which a daemon of this library breaks off what it does to end in order.
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
        // From another boot or name space, its numbers mean nothing here.
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

    /// Returns `true` if a process belongs to an earlier monitor: it is one of its journal, or knows its secret.
    fn is_leftover(&mut self, pid: Pid, identity: Option<u64>) -> bool {
        let Some(facts) = Facts::of(pid).filter(|facts| facts.is_alive) else { return false };
        let is_known = self.running.get(&pid).is_some_and(|entry| {
            // The leader of its own session, as bots are: the time of the start alone is only exact to 10 ms.
            let may_be = entry.start_time == facts.start_time && facts.session == pid.as_raw();
            may_be && entry.identity.zip(identity).is_none_or(|(one, other)| one == other)
        });
        is_known || (self.may_be_marked(&facts) && self.is_marked(pid))
    }

    /// Returns `true` if a process may have been started by a bot. A stranger's environment is not even read: it is as long
    /// as its owner likes, and the kernel may have to wait for him.
    fn may_be_marked(&self, facts: &Facts) -> bool {
        let is_of_a_bot = process::user(facts.pid).is_some_and(|user| self.users.contains(&user));
        // A bot of root may have become anybody.
        let is_of_its_session = || Pid::from_raw(facts.session).is_some_and(|pid| self.running.contains_key(&pid));
        is_of_a_bot || is_of_its_session()
    }

    fn is_marked(&mut self, pid: Pid) -> bool {
        self.reader.marks(pid).is_some_and(|marks| self.secrets.contains(&marks.monitor))
    }
}

/// Everybody who is left now.
fn find_leftovers(known: &mut EarlierMonitors) -> Vec<LeftoverProcess> {
    let above = ancestors();
    let all = process::all_pids().filter(|pid| !above.contains(pid));
    all.filter_map(|pid| open_if_leftover(pid, known)).collect()
}

/// Holds a process if it is one of an earlier monitor's.
fn open_if_leftover(pid: Pid, known: &mut EarlierMonitors) -> Option<LeftoverProcess> {
    // Looked at twice: cheaply whether it is worth a descriptor, and then who it is that we hold.
    known.is_leftover(pid, None).then_some(())?;
    let handle = PidFd::open(pid).ok()?;
    known.is_leftover(pid, handle.identity()).then_some(LeftoverProcess { pid, handle })
}

/// This process and those that it descends from: a bot may have started the monitor anew.
fn ancestors() -> BTreeSet<Pid> {
    let mut found = BTreeSet::new();
    let mut next = Some(Pid::this());
    while let Some(pid) = next.filter(|pid| found.insert(*pid)) {
        next = Facts::of(pid).and_then(|facts| Pid::from_raw(facts.parent));
    }
    found
}

/// Waits until one of them is gone.
fn wait(left: &[LeftoverProcess], time: Duration) {
    let mut fds: Vec<PollFd<'_>> = left.iter().map(|one| PollFd::new(one.handle.as_fd(), PollFlags::POLLIN)).collect();
    let time = PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
    let _ = poll(&mut fds, time);
}
