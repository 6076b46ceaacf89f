//! The entry of one bot: its specification, state, process, log targets and waiting commands.

use super::bot_cgroups::CgroupReport;
use super::bot_state::BotState;
use super::checks::BotChecks;
use super::exit_records::{ExitRecord, ExitRecords, LastOutput};
use super::pending_reply::{PendingReply, Waiters};
use super::roll_progress::RollProgress;
use super::scheduled_runs::{ScheduleClocks, ScheduledRuns};
use super::slab::Key;
use crate::bot::Bot;
use crate::counts::Counts;
use crate::logs::{Ring, RunHistory, Target};
use crate::notify::Notify;
use crate::reload_plan::restarting;
use crate::secret::Secret;
use crate::spawner::FileVersion;
use crate::status::{BotStatus, State};
use daemonize_core::Pid;
use daemonize_sys::pidfd::PidFd;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// All that is known of one bot.
pub(super) struct SupervisedBot {
    /// The specification; the configuration has the same one.
    pub(super) bot: Arc<Bot>,
    pub(super) bot_state: BotState,
    /// When the state was entered, on the clock that people read.
    pub(super) since_on_the_wall: SystemTime,
    pub(super) process: Option<Process>,
    /// When the bot is asked again whether it is ready, and after how long once more.
    pub(super) probe: Option<Box<(Instant, Duration)>>,
    /// Why it was not ready when it was asked last.
    pub(super) probe_failure: Option<Box<str>>,
    /// Its checks, while it runs.
    pub(super) checks: Option<Box<BotChecks>>,
    pub(super) counts: Counts,
    /// The bots that it waits for, and those that wait for it.
    pub(super) dependencies: Vec<usize>,
    pub(super) dependents: Vec<usize>,
    /// The last lines, where they are kept in memory.
    pub(super) ring: Rc<RefCell<Ring>>,
    pub(super) runs: RunHistory,
    /// The file or the memory that its stdout and its stderr go to now.
    pub(super) targets: [Option<Target>; 2],
    /// Commands that wait for it.
    pub(super) waiters: Waiters,
    /// The rolling restart that it takes part in, or that was stopped before it.
    pub(super) rolling: Option<Rc<RollProgress>>,
    /// It is in no configuration, and is forgotten when it is destroyed.
    pub(super) temporary: bool,
    /// Proves that processes belong to the bot; made when it is started for the first time.
    pub(super) secret: Option<Secret>,
    /// The socket on which it says that it is ready, if it has one.
    pub(super) notify: Option<Notify>,
    /// `true` if it was logged that descriptors are not kept for it.
    pub(super) store_refused: bool,
    /// The file by which it says that it is ready, as it was before its program was started.
    pub(super) old_file: Option<Box<FileVersion>>,
    /// Its control group, or why it has none that it is to have.
    pub(super) cgroup: Option<Box<CgroupReport>>,
    /// The runs of its schedule, if it has one.
    pub(super) scheduled_runs: Option<Box<ScheduledRuns>>,
    /// Its last exits.
    pub(super) exit_records: ExitRecords,
}

/// The process of a bot. After its end the number may be another process's, except before Linux 6.9, where it stays a zombie
/// until its group is empty; the handle is its own for ever.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) handle: PidFd,
    /// The user that it was started as.
    pub(super) user: u32,
    /// The specification that it was started with: the present one, unless a rolling restart was stopped before it.
    pub(super) specification: Arc<Bot>,
    /// The pipes of its stdout and stderr.
    pub(super) outputs: [Option<Key>; 2],
    /// The end of its output so far.
    pub(super) last_output: LastOutput,
}

impl SupervisedBot {
    pub(super) fn new(bot: Arc<Bot>, temporary: bool, now: Instant) -> SupervisedBot {
        SupervisedBot {
            bot,
            bot_state: BotState::new(now),
            since_on_the_wall: SystemTime::now(),
            process: None,
            probe: None,
            probe_failure: None,
            checks: None,
            counts: Counts::new(now),
            dependencies: Vec::new(),
            dependents: Vec::new(),
            ring: Rc::default(),
            runs: RunHistory::default(),
            targets: [None, None],
            waiters: Waiters::default(),
            rolling: None,
            temporary,
            secret: None,
            notify: None,
            store_refused: false,
            old_file: None,
            cgroup: None,
            scheduled_runs: None,
            exit_records: ExitRecords::default(),
        }
    }

    /// Notes the end of what its process, or one of its descendants, has printed. `pipe` tells the output of this run from
    /// what an earlier one has left.
    pub(super) fn note_output(&mut self, pipe: Key, lines: &[u8]) {
        let is_alive = self.bot_state.is_alive();
        let Some(process) = self.process.as_mut().filter(|process| process.outputs.contains(&Some(pipe))) else {
            return;
        };
        if is_alive {
            process.last_output.push(lines);
        } else {
            self.exit_records.add_late_output(lines);
        }
    }

    pub(super) fn state(&self) -> State {
        self.bot_state.state()
    }

    /// Returns `true` if bots that depend on it may start.
    pub(super) fn is_ready(&self) -> bool {
        self.bot_state.is_ready(&self.bot)
    }

    /// Returns `true` if it is a job that has ended with success.
    pub(super) fn has_finished(&self) -> bool {
        self.bot_state.has_finished(&self.bot)
    }

    /// Returns `true` while it is to stop or is stopping, whether it runs or not.
    pub(super) fn is_leaving(&self) -> bool {
        self.bot_state.stop_mark().is_some() || self.state() == State::Stopping
    }

    /// Returns `true` if it is not in the configuration any more, but still there.
    pub(super) fn is_removed(&self) -> bool {
        !self.temporary && self.bot_state.is_to_be_forgotten()
    }

    /// Returns its process while that lives, as far as is known.
    pub(super) fn living_process(&self) -> Option<&Process> {
        self.process.as_ref().filter(|_| self.bot_state.is_alive())
    }

    /// Returns the specification with which its process was started, while that runs on.
    pub(super) fn running(&self) -> Option<&Bot> {
        self.living_process().filter(|_| !self.is_leaving()).map(|process| &*process.specification)
    }

    /// Gives it a new specification. If its process needs no restart for that, it counts as one that was started with it: an older
    /// specification is not kept. A rolling restart that would have brought another one, and was stopped before it, is forgotten.
    pub(super) fn specify(&mut self, bot: Arc<Bot>) {
        let was_as_specified = self.is_as_specified();
        (self.bot, self.temporary) = (bot, false);
        if let (true, Some(process)) = (self.is_as_specified(), &mut self.process) {
            process.specification = Arc::clone(&self.bot);
            if !was_as_specified {
                self.rolling.take_if(|progress| progress.has_failed());
            }
        }
    }

    /// Returns `true` unless its process would have to be restarted for the present specification.
    fn is_as_specified(&self) -> bool {
        let is_same = |process: &Process| {
            Arc::ptr_eq(&process.specification, &self.bot) || restarting(&process.specification, &self.bot).is_empty()
        };
        self.process.as_ref().is_none_or(is_same)
    }

    /// Has a command wait for the bot to be up, or down.
    pub(super) fn add_waiter(&mut self, is_for_up: bool, reply: &Rc<PendingReply>, now: Instant) {
        let count = self.waiters.add(is_for_up, reply);
        log::debug!("a command waits for bot `{}`; {count} commands wait for it", self.bot.name);
        self.answer_waiters(now);
    }

    /// Answers commands if the bot has come to where they wait for it, or never will.
    pub(super) fn answer_waiters(&mut self, now: Instant) {
        if !self.waiters.is_empty() {
            let (status, is_ready, is_leaving) = (self.status(now), self.is_ready(), self.is_leaving());
            let last_line = || self.exit_records.last().map(ExitRecord::last_line_note).unwrap_or_default();
            self.waiters.answer(&status, is_ready, is_leaving, last_line);
        }
    }

    pub(super) fn status(&self, now: Instant) -> BotStatus {
        let (mut lost, mut trouble) = (0, None);
        for target in self.targets.iter().flatten() {
            if let Target::File(sink) = target {
                let sink = sink.borrow();
                lost += sink.lost().0;
                trouble = trouble.or_else(|| sink.lost().1.map(str::to_owned));
            }
        }
        let state = &self.bot_state;
        let living = self.living_process();
        BotStatus {
            name: self.bot.name.clone(),
            group: self.bot.bot_group.clone(),
            state: state.state(),
            for_time: now.saturating_duration_since(state.since()),
            since: self.since_on_the_wall,
            pid: living.map(|process| process.pid),
            uptime: living.and(state.began()).map(|began| now.saturating_duration_since(began)),
            is_ending: self.process.is_some() && !state.is_alive(),
            command: self.bot.command.clone(),
            reason: state.told_reason().or_else(|| self.probe_reason()),
            left: state.next_start().map(|at| at.saturating_duration_since(now)),
            exits: state.history().exits().map(|(at, exit)| (now.saturating_duration_since(at), exit)).collect(),
            limit: self.bot.limit,
            autostart: self.bot.autostart,
            next_run: self.scheduled_runs.as_ref().and_then(|runs| runs.next_on_the_wall(&ScheduleClocks::now())),
            counts: self.counts.clone(),
            lost_output: lost,
            log_trouble: trouble,
            temporary: self.temporary,
            health: self.checks.as_ref().map(|checks| checks.health()),
            last_check: self.checks.as_ref().and_then(|checks| checks.last().cloned()),
            memory_max: self.bot.memory_max,
            rolling: self.rolling.as_deref().map(RollProgress::told),
            cgroup: self.cgroup.as_ref().and_then(|cgroup| cgroup.path.clone()),
            frozen_since: self.frozen_since(now),
            cgroup_problem: self.cgroup.as_ref().and_then(|cgroup| cgroup.problem.clone()),
        }
    }

    /// Returns since when the bot is frozen on the clock that people read, if it is.
    fn frozen_since(&self, now: Instant) -> Option<SystemTime> {
        let since = self.bot_state.frozen_since()?;
        SystemTime::now().checked_sub(now.saturating_duration_since(since))
    }

    /// Returns why the bot is not ready, or not healthy, as it was found last.
    fn probe_reason(&self) -> Option<String> {
        let not_ready = self.probe_failure.as_ref().filter(|_| self.state() == State::Starting);
        match (not_ready, &self.checks) {
            (Some(failure), _) => Some(format!("not ready: {}: {failure}", self.bot.ready)),
            (None, Some(checks)) => checks.reason(),
            (None, None) => None,
        }
    }
}
