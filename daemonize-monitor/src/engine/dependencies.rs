//! The order in which bots start and stop: pure functions of the bots' dependencies and of what each bot is doing.
//!
//! A dependency reaches through a job that has finished: a web server that depends on a migration, which depends on a
//! database, needs the database long after the migration has ended. So a bot starts when everything below it is ready
//! up to the first bot that still runs, and the mark of a bot that is to stop is kept by those above it, whether they
//! run or not.

use std::collections::BTreeSet;

/// The bots by their number: their dependencies, and what each bot is doing. There is no cycle.
pub(super) trait Graph {
    fn dependencies(&self, bot: usize) -> &[usize];
    fn dependents(&self, bot: usize) -> &[usize];
    /// Returns `true` if those that depend on the bot may start, as far as that depends on this bot: it runs and is ready, or
    /// has finished, and is not about to stop.
    fn is_ready(&self, bot: usize) -> bool;
    /// Returns `true` if the bot is a job that has ended with success: what it depended on has to be ready as well.
    fn has_finished(&self, bot: usize) -> bool;
    /// Returns `true` if the bot was never started, or was stopped, and nothing is under way with it.
    fn is_stopped(&self, bot: usize) -> bool;
    /// Returns `true` while the bot is to stop or is stopping: its dependencies have to wait for it.
    fn is_leaving(&self, bot: usize) -> bool;
}

/// Returns the first bot that has to be ready before `bot` may start, and is not.
pub(super) fn missing(graph: &impl Graph, bot: usize) -> Option<usize> {
    let (mut next, mut seen) = (vec![bot], BTreeSet::new());
    while let Some(at) = next.pop() {
        for other in graph.dependencies(at).iter().copied() {
            if !graph.is_ready(other) {
                return Some(other);
            }
            if graph.has_finished(other) && seen.insert(other) {
                next.push(other);
            }
        }
    }
    None
}

/// Returns the bots for which `bot` may be the one that was missing: its dependents, and those of each finished job among
/// them.
pub(super) fn waiting_for(graph: &impl Graph, bot: usize) -> BTreeSet<usize> {
    let (mut next, mut found) = (vec![bot], BTreeSet::new());
    while let Some(at) = next.pop() {
        for other in graph.dependents(at).iter().copied() {
            if found.insert(other) && graph.has_finished(other) {
                next.push(other);
            }
        }
    }
    found
}

/// Returns the bots that have to be ready for `bot` to start: its dependencies, and those of each finished job among them.
pub(super) fn needed_by(graph: &impl Graph, bot: usize) -> Vec<usize> {
    let (mut next, mut seen, mut found) = (vec![bot], BTreeSet::new(), Vec::new());
    while let Some(at) = next.pop() {
        for other in graph.dependencies(at).iter().copied().filter(|other| seen.insert(*other)) {
            found.push(other);
            if graph.has_finished(other) {
                next.push(other);
            }
        }
    }
    found
}

/// Returns the stopped bots that have to be started for `bot` to start: those that it depends on, directly, through a finished job,
/// or through another stopped bot. What is below a bot that was started already is that one's concern, so each bot is looked at
/// about once, however many start one after another.
pub(super) fn stopped_below(graph: &impl Graph, bot: usize) -> Vec<usize> {
    let (mut next, mut seen, mut found) = (vec![bot], BTreeSet::from([bot]), Vec::new());
    while let Some(at) = next.pop() {
        for other in graph.dependencies(at).iter().copied() {
            let is_stopped = graph.is_stopped(other);
            if (is_stopped || graph.has_finished(other)) && seen.insert(other) {
                next.push(other);
                found.extend(is_stopped.then_some(other));
            }
        }
    }
    found
}

/// Returns `true` if a dependent of the bot has to be down first.
///
/// Only direct dependents are looked at: all bots above a bot that is to stop are marked, also those that do not run.
pub(super) fn is_held(graph: &impl Graph, bot: usize) -> bool {
    graph.dependents(bot).iter().any(|other| graph.is_leaving(*other))
}

/// Returns the bot and all that depend on it, directly or not, the bot itself first. Leaves out those that `is_done`, and what
/// depends on them: a bot is marked only together with all above it, so that each is looked at once, however many bots
/// are stopped one after another.
pub(super) fn with_dependents(graph: &impl Graph, bot: usize, is_done: impl Fn(usize) -> bool) -> Vec<usize> {
    let (mut found, mut seen, mut at) = (vec![bot], BTreeSet::from([bot]), 0);
    found.retain(|bot| !is_done(*bot));
    while let Some(this) = found.get(at).copied() {
        let above = graph.dependents(this).iter().copied();
        found.extend(above.filter(|other| !is_done(*other) && seen.insert(*other)));
        at += 1;
    }
    found
}

/// Returns the bot and all that it depends on, directly or not, the bot itself first.
pub(super) fn with_dependencies(graph: &impl Graph, bot: usize) -> Vec<usize> {
    let (mut found, mut seen, mut at) = (vec![bot], BTreeSet::from([bot]), 0);
    while let Some(this) = found.get(at).copied() {
        found.extend(graph.dependencies(this).iter().copied().filter(|other| seen.insert(*other)));
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Activity {
        Down,
        Finished,
        Running,
        Stopping,
    }

    /// Bots of which each depends only on those with lower numbers.
    #[derive(Clone, Debug)]
    struct Model {
        below: Vec<Vec<usize>>,
        above: Vec<Vec<usize>>,
        bots: Vec<Activity>,
        marked: Vec<bool>,
    }

    impl Graph for Model {
        fn dependencies(&self, bot: usize) -> &[usize] {
            &self.below[bot]
        }

        fn dependents(&self, bot: usize) -> &[usize] {
            &self.above[bot]
        }

        fn is_ready(&self, bot: usize) -> bool {
            !self.is_leaving(bot) && matches!(self.bots[bot], Activity::Running | Activity::Finished)
        }

        fn has_finished(&self, bot: usize) -> bool {
            self.bots[bot] == Activity::Finished
        }

        fn is_stopped(&self, bot: usize) -> bool {
            self.bots[bot] == Activity::Down && !self.marked[bot]
        }

        fn is_leaving(&self, bot: usize) -> bool {
            self.marked[bot] || self.bots[bot] == Activity::Stopping
        }
    }

    impl Model {
        fn new(below: Vec<Vec<usize>>, bots: Vec<Activity>) -> Model {
            let mut above = vec![Vec::new(); below.len()];
            for (bot, below) in below.iter().enumerate() {
                for other in below {
                    above[*other].push(bot);
                }
            }
            Model { marked: vec![false; below.len()], below, above, bots }
        }

        /// Returns `true` if some bot above this one has a process, by plain recursion.
        fn has_process_above(&self, bot: usize) -> bool {
            let has_process = |bot: usize| matches!(self.bots[bot], Activity::Running | Activity::Stopping);
            self.above[bot].iter().any(|other| has_process(*other) || self.has_process_above(*other))
        }

        /// Lets everything go that is marked and not held, until a process has to end; whether one does.
        fn settle(&mut self) -> bool {
            while let Some(bot) = (0..self.bots.len())
                .find(|bot| self.marked[*bot] && self.bots[*bot] != Activity::Stopping && !is_held(self, *bot))
            {
                match self.bots[bot] {
                    Activity::Running => {
                        assert!(!self.has_process_above(bot), "{bot} is stopped before one above it: {self:?}");
                        self.bots[bot] = Activity::Stopping;
                    }
                    _ => self.marked[bot] = false,
                }
            }
            self.bots.contains(&Activity::Stopping)
        }
    }

    fn models() -> impl Strategy<Value = Model> {
        let kind = prop_oneof![Just(Activity::Down), Just(Activity::Finished), Just(Activity::Running)];
        proptest::collection::vec((kind, proptest::collection::vec(any::<prop::sample::Index>(), 0..4)), 1..12)
            .prop_map(|bots| {
                let below = |(bot, (_, chosen)): (usize, &(Activity, Vec<prop::sample::Index>))| {
                    let chosen: BTreeSet<usize> =
                        chosen.iter().filter(|_| bot > 0).map(|index| index.index(bot)).collect();
                    chosen.into_iter().collect()
                };
                let below = bots.iter().enumerate().map(below).collect();
                Model::new(below, bots.into_iter().map(|(kind, _)| kind).collect())
            })
    }

    #[test]
    fn web_behind_finished_migration_needs_the_database() {
        let mut model =
            Model::new(vec![vec![], vec![0], vec![1]], vec![Activity::Down, Activity::Finished, Activity::Down]);
        assert_eq!(missing(&model, 2), Some(0));
        assert_eq!(waiting_for(&model, 0), BTreeSet::from([1, 2]));
        assert_eq!(needed_by(&model, 2), [1, 0]);
        model.bots[0] = Activity::Running;
        assert_eq!(missing(&model, 2), None);
        model.bots[1] = Activity::Down;
        assert_eq!((missing(&model, 2), waiting_for(&model, 0)), (Some(1), BTreeSet::from([1])));
    }

    #[test]
    fn stopped_bots_are_found_below_stopped_bots_and_finished_jobs_only() {
        let below = vec![vec![], vec![0], vec![1], vec![], vec![3, 2]];
        let mut model = Model::new(
            below,
            vec![Activity::Down, Activity::Finished, Activity::Down, Activity::Running, Activity::Down],
        );
        assert_eq!(stopped_below(&model, 4), [2, 0]);
        model.bots[2] = Activity::Running;
        assert!(stopped_below(&model, 4).is_empty());
        (model.bots[2], model.marked[2]) = (Activity::Down, true);
        assert!(stopped_below(&model, 4).is_empty());
    }

    proptest! {
        #[test]
        fn marked_bots_stop_from_the_top_and_all_of_them(
            mut model in models(),
            root in any::<prop::sample::Index>(),
            order in proptest::collection::vec(any::<prop::sample::Index>(), 12),
        ) {
            let root = root.index(model.bots.len());
            for bot in with_dependents(&model, root, |_| false) {
                model.marked[bot] = true;
            }
            // As many processes as have to end, and never one wait more.
            let mut left = model.marked.iter().zip(&model.bots).filter(|(m, bot)| **m && **bot == Activity::Running).count();
            while model.settle() {
                let stopping: Vec<usize> = (0..model.bots.len()).filter(|bot| model.bots[*bot] == Activity::Stopping).collect();
                let ended = stopping[order[left % order.len()].index(stopping.len())];
                (model.bots[ended], model.marked[ended]) = (Activity::Down, false);
                left -= 1;
            }
            prop_assert_eq!(left, 0);
            prop_assert!(!model.marked.contains(&true), "left behind: {:?}", model);
        }

        #[test]
        fn a_bot_may_start_if_all_is_ready_up_to_the_first_that_runs(model in models()) {
            fn is_fine(model: &Model, bot: usize) -> bool {
                model.below[bot].iter().all(|other| match model.bots[*other] {
                    Activity::Running => true,
                    Activity::Finished => is_fine(model, *other),
                    Activity::Down | Activity::Stopping => false,
                })
            }
            for bot in 0..model.bots.len() {
                prop_assert_eq!(missing(&model, bot).is_none(), is_fine(&model, bot));
                if let Some(other) = missing(&model, bot) {
                    prop_assert!(waiting_for(&model, other).contains(&bot));
                    prop_assert!(needed_by(&model, bot).contains(&other));
                }
            }
        }
    }
}
