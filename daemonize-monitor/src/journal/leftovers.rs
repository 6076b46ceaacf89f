//! Ending what an earlier monitor left behind.

use super::{Entry, Header};
use crate::error::{Error, ErrorKind, Result};
use crate::process::{self, Facts, Marks};
use crate::sys::pidfd::PidFd;
use daemonize_core::{Pid, Signal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long whatever was killed may take to be gone.
const LAST: Duration = Duration::from_secs(10);

/// How long those may take of whom no journal tells it: what a bot has that says nothing of it.
const GRACE: Duration = Duration::from_secs(10);

/// Nobody's leftovers are waited for longer than this before they are killed.
const LONGEST_GRACE: Duration = Duration::from_secs(60);

/// By what those are known that are left.
struct Known<'a> {
    /// The monitor that wrote the journal, and who ran.
    monitor: Option<String>,
    running: BTreeMap<Pid, Entry>,
    /// The place of the pidfile, which is ours by now, and who we are.
    place: Option<&'a str>,
    this: &'a str,
}

/// A process that belongs to a monitor that is no more, held so that its number cannot become another's.
struct Leftover {
    pid: Pid,
    handle: PidFd,
}

/// Ends all that earlier monitors left: those of the journal that are still the same ones, whatever bears the mark of who
/// wrote it, and whatever bears that of another monitor with this pidfile, journal or not.
pub(super) fn end(told: Option<(Header, BTreeMap<Pid, Entry>)>, place: Option<&str>, now: &Header) -> Result<()> {
    // From another boot or name space, its numbers mean nothing here.
    let told = told.filter(|(earlier, _)| earlier.boot == now.boot && earlier.namespace == now.namespace);
    let (monitor, running) = told.map(|(earlier, running)| (earlier.monitor, running)).unzip();
    let known = Known { monitor, running: running.unwrap_or_default(), place, this: &now.monitor };
    let grace = known.running.values().map(|entry| entry.grace).max().unwrap_or(GRACE).min(LONGEST_GRACE);
    let begin = Instant::now();
    let mut signalled = BTreeSet::new();
    loop {
        let left = find(&known);
        if left.is_empty() {
            return Ok(());
        }
        let passed = begin.elapsed();
        if passed >= grace + LAST {
            let why = "an earlier monitor left it behind, and it does not end";
            return Err(Error::failed(ErrorKind::Failed, "end process", left[0].pid, why));
        }
        let signal = if passed < grace { Signal::SIGTERM } else { Signal::SIGKILL };
        for one in &left {
            if signalled.insert((one.pid, signal)) {
                log::warn!("process {} was left behind by an earlier monitor and is sent {signal}", one.pid);
                let _ = one.handle.send(signal);
                let _ = one.handle.send(Signal::SIGCONT);
            }
        }
        let until = if passed < grace { grace } else { grace + LAST };
        wait(&left, until.saturating_sub(passed));
    }
}

impl Known<'_> {
    fn is_theirs(&self, marks: &Marks) -> bool {
        let is = |mark: &[u8], text: Option<&str>| text.is_some_and(|text| mark == text.as_bytes());
        let has_our_place = marks.place.as_ref().is_some_and(|place| is(place, self.place));
        is(&marks.monitor, self.monitor.as_deref()) || (has_our_place && !is(&marks.monitor, Some(self.this)))
    }
}

/// Everybody who is left now.
fn find(known: &Known<'_>) -> Vec<Leftover> {
    let above = ancestors();
    let all = process::everybody().filter(|pid| !above.contains(pid));
    all.filter_map(|pid| hold(pid, known)).collect()
}

/// Holds a process if it is one of an earlier monitor's: the one of the journal, or one that bears a mark.
fn hold(pid: Pid, known: &Known<'_>) -> Option<Leftover> {
    let entry = known.running.get(&pid);
    let is_theirs = |identity: Option<u64>| {
        let facts = Facts::of(pid).filter(|facts| facts.is_alive)?;
        let is_known = entry.is_some_and(|entry| {
            // The leader of its own session, as bots are: the time of the start alone is only exact to 10 ms.
            let may_be = entry.start_time == facts.start_time && facts.session == pid.as_raw();
            may_be && entry.identity.zip(identity).is_none_or(|(one, other)| one == other)
        });
        let is_marked = || process::marks(pid).is_some_and(|marks| known.is_theirs(&marks));
        (is_known || is_marked()).then_some(())
    };
    // Looked at twice: cheaply whether it is worth a descriptor, and then who it is that we hold.
    is_theirs(None)?;
    let handle = PidFd::open(pid).ok()?;
    is_theirs(handle.identity())?;
    Some(Leftover { pid, handle })
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
fn wait(left: &[Leftover], time: Duration) {
    let mut fds: Vec<PollFd<'_>> = left.iter().map(|one| PollFd::new(one.handle.as_fd(), PollFlags::POLLIN)).collect();
    let time = PollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(PollTimeout::MAX);
    let _ = poll(&mut fds, time);
}
