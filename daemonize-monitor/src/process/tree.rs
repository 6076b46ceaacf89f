//! The processes of bots, out of one look at all processes of the machine.
//!
//! A process belongs to a bot if it is in the bot's session, or a descendant of a process of the bot. One that has lost its parent is
//! a child of the monitor by then, their subreaper: as in the search for orphans, the secret in its environment tells whose it is, or
//! its control group.

use super::{Environment, MarkReader, all_pids};
use crate::cgroup;
use crate::secret::Secret;
use daemonize_core::Pid;
use daemonize_sys::proc::ProcStat;
use std::collections::HashMap;

/// A bot whose processes are looked for.
#[derive(Clone)]
pub(crate) struct TreeRoot {
    /// Its first process, which leads its session.
    pub(crate) pid: Pid,
    /// Proves that a process belongs to it.
    pub(crate) secret: Option<Secret>,
    /// The path of its control group, if it has one of its own.
    pub(crate) cgroup: Option<String>,
}

/// Finds the processes of bots; remembers which secrets orphans have.
#[derive(Default)]
pub(crate) struct TreeFinder {
    marks: MarkReader,
    /// The secrets in the environments of children of the monitor, by pid and start time; `None` for a process without one.
    secrets: HashMap<(Pid, u64), Option<Secret>>,
}

/// All processes of the machine.
type Processes = HashMap<Pid, ProcStat>;

impl TreeFinder {
    /// Returns the processes of each bot, in the order of `roots`. `monitor` is the secret of this monitor.
    pub(crate) fn find(&mut self, roots: &[TreeRoot], monitor: &Secret) -> Vec<Vec<Pid>> {
        let processes: Processes = all_pids().filter_map(|pid| Some((pid, ProcStat::of(pid).ok()?))).collect();
        self.secrets.retain(|(pid, start), _| processes.get(pid).is_some_and(|stat| stat.start_time == *start));
        trees(&processes, roots, Pid::this().as_raw(), |pid, stat| {
            let by_secret = self.secret(pid, stat, monitor);
            let by_secret =
                by_secret.and_then(|secret| roots.iter().position(|root| root.secret.as_ref() == Some(&secret)));
            by_secret.or_else(|| by_cgroup(pid, roots))
        })
    }

    /// Returns the secret of the bot to which a child of this process says that it belongs.
    fn secret(&mut self, pid: Pid, stat: &ProcStat, monitor: &Secret) -> Option<Secret> {
        let key = (pid, stat.start_time);
        if let Some(known) = self.secrets.get(&key) {
            return known.clone();
        }
        let secret = match self.marks.read(pid) {
            Environment::Marked(marks) if marks.monitor == *monitor => Some(marks.secret),
            Environment::Marked(_) | Environment::Unmarked => None,
            Environment::InTransition => return None,
        };
        self.secrets.insert(key, secret.clone());
        secret
    }
}

/// Returns the bot in whose control group a process is.
fn by_cgroup(pid: Pid, roots: &[TreeRoot]) -> Option<usize> {
    roots.iter().find(|root| root.cgroup.is_some())?;
    let own = cgroup::path_of(&pid.to_string())?;
    roots.iter().position(|root| root.cgroup.as_deref().is_some_and(|group| cgroup::is_within(&own, group)))
}

/// Divides processes among bots. `orphan` tells the bot of a child of the process `monitor`.
fn trees(
    processes: &Processes,
    roots: &[TreeRoot],
    monitor: i32,
    mut orphan: impl FnMut(Pid, &ProcStat) -> Option<usize>,
) -> Vec<Vec<Pid>> {
    let sessions: HashMap<i32, usize> = roots.iter().enumerate().map(|(bot, root)| (root.pid.as_raw(), bot)).collect();
    let mut owners: HashMap<Pid, Option<usize>> = HashMap::with_capacity(processes.len());
    for pid in processes.keys() {
        // From the process upwards to one whose bot is known. Each is noted at once, so that a circle, which a number that was given
        // to another process meanwhile may seem to make, is walked once.
        let (mut way, mut at, mut owner) = (Vec::new(), Some(*pid), None);
        while let Some(pid) = at {
            if let Some(known) = owners.get(&pid) {
                owner = *known;
                break;
            }
            let Some(stat) = processes.get(&pid) else { break };
            owners.insert(pid, None);
            way.push(pid);
            owner = sessions.get(&stat.session).copied();
            if owner.is_none() && stat.parent == monitor {
                owner = orphan(pid, stat);
            }
            at = Pid::from_raw(stat.parent).filter(|_| owner.is_none() && stat.parent != monitor);
        }
        owners.extend(way.into_iter().map(|pid| (pid, owner)));
    }
    let mut trees = vec![Vec::new(); roots.len()];
    for (pid, owner) in owners {
        if let Some(bot) = owner {
            trees[bot].push(pid);
        }
    }
    trees
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONITOR: i32 = 100;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    /// Divides processes, each with its parent and its session, among the bots 200 and 300; the child 500 of the monitor is of 300.
    fn divided(processes: &[(i32, i32, i32)]) -> Vec<Vec<i32>> {
        let stat = |(number, parent, session): &(i32, i32, i32)| {
            let text = format!("{number} (a) S {parent} 5 {session} 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 2");
            (pid(*number), ProcStat::parse(text.as_bytes()).unwrap())
        };
        let processes: Processes = processes.iter().map(stat).collect();
        let roots = [200, 300].map(|number| TreeRoot { pid: pid(number), secret: None, cgroup: None });
        let trees = trees(&processes, &roots, MONITOR, |child, _| (child == pid(500)).then_some(1));
        let numbers = |tree: Vec<Pid>| {
            let mut numbers: Vec<i32> = tree.into_iter().map(Pid::as_raw).collect();
            numbers.sort_unstable();
            numbers
        };
        trees.into_iter().map(numbers).collect()
    }

    #[test]
    fn tree_has_its_session_its_descendants_and_its_orphans_with_theirs() {
        let processes = [
            (1, 0, 1),
            (MONITOR, 1, 1),
            (200, MONITOR, 200),
            (201, 200, 200),
            (202, 201, 202), // In a session of its own.
            (203, 202, 202),
            (204, MONITOR, 200), // It has lost its parent, and is in the session.
            (300, MONITOR, 300),
            (500, MONITOR, 499),
            (501, 500, 501),
            (600, MONITOR, 600), // Of another bot.
            (601, 600, 600),
        ];
        assert_eq!(divided(&processes), [vec![200, 201, 202, 203, 204], vec![300, 500, 501]]);
    }

    #[test]
    fn circle_of_parents_is_walked_once() {
        assert_eq!(divided(&[(7, 8, 1), (8, 7, 1), (9, 8, 1), (200, MONITOR, 200)]), [vec![200], vec![]]);
    }
}
