//! One bot as the engine has it.

use crate::bot::{Bot, Ready};
use crate::command_queue::{Answer, Responder};
use crate::counts::Counts;
use crate::error::Error;
use crate::logs::{Ring, Target};
use crate::notify::Notify;
use crate::policy::{Exit, History};
use crate::secret::Secret;
use crate::spawner::FileVersion;
use crate::status::{BotStatus, State};
use crate::sys::pidfd::PidFd;
use daemonize_core::Pid;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A bot, what it is at, and what is to become of it.
pub(super) struct Unit {
    /// What it is to be; the configuration has the same one.
    pub(super) bot: Arc<Bot>,
    pub(super) state: State,
    pub(super) since: Instant,
    pub(super) since_on_the_wall: SystemTime,
    pub(super) process: Option<Process>,
    /// Descendants that left its group, found when it was stopped. They are our children by now, and leave this list when
    /// they are reaped: until then their numbers are theirs, without a descriptor that might not be had.
    pub(super) strays: Vec<Pid>,
    /// A child of ours that may be of the bot, but cannot be told to be; until it is reaped.
    pub(super) survivor: Option<Pid>,
    /// Its process ended by itself, and something that it had started was left.
    pub(super) has_left_processes: bool,
    /// A child of which it is not known whether it was a descendant died during the last look, and may have left another one.
    pub(super) is_unsure: bool,
    /// So many looks of this stop have found nothing out for that reason.
    pub(super) misses: u32,
    /// What follows when nothing of it is left.
    pub(super) after: After,
    /// It is to go, when those that depend on it and are to go too are gone; what follows then.
    pub(super) leaving: Option<After>,
    /// The step of the stop that it is at.
    pub(super) step: usize,
    /// When the state has lasted too long, or is over.
    pub(super) deadline: Option<Instant>,
    /// The later moment that the bot has asked for instead (`EXTEND_TIMEOUT_USEC`).
    pub(super) extended: Option<Instant>,
    /// When it is asked again whether it is ready, and after how long once more.
    pub(super) probe: Option<(Instant, Duration)>,
    /// When its limit would allow another start.
    pub(super) until: Option<Instant>,
    /// Starts in a row for which the machine was too short of something.
    pub(super) shortages: u32,
    pub(super) history: History,
    pub(super) counts: Counts,
    pub(super) reason: Option<Box<str>>,
    /// Those that it waits for, and those that wait for it.
    pub(super) dependencies: Vec<usize>,
    pub(super) dependents: Vec<usize>,
    pub(super) ring: Rc<RefCell<Ring>>,
    /// Where its output goes now, for what is told of it.
    pub(super) targets: Vec<Target>,
    pub(super) waiters: Vec<Waiter>,
    pub(super) temporary: bool,
    /// The secret by which processes prove that they are the bot's; made when the bot is started for the first time.
    pub(super) secret: Option<Secret>,
    /// Where it says that it is ready, if that is how one knows.
    pub(super) notify: Option<Notify>,
    /// When it was said that descriptors are not kept for it.
    pub(super) store_refused: Option<Instant>,
    /// The file by which it says that it is ready, as it was before its program was started.
    pub(super) old_file: Option<FileVersion>,
}

/// The process that a bot is.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) handle: PidFd,
    /// The user that it was started as.
    pub(super) user: u32,
    pub(super) began: Instant,
    /// It has ended and its status is known. Its number may be another's, except before Linux 6.9, where it stays a zombie
    /// until nobody is in its group; its handle never is.
    pub(super) reaped: bool,
    /// A signal has suspended it.
    pub(super) suspended: bool,
}

/// What follows a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing: it was stopped.
    Rest,
    /// It is started.
    Start,
    /// It does not run, and stays what it is. It is marked only so that what it depends on waits for what depends on it.
    Stay,
    /// It is forgotten.
    Forget,
    /// What its policy says: it ended by itself.
    Decide(Exit),
}

/// Somebody who waits for a bot.
pub(super) struct Waiter {
    pub(super) up: bool,
    pub(super) wish: Rc<Wish>,
}

/// A command that concerns some bots, and is answered when it is done with all.
pub(super) struct Wish {
    pub(super) left: Cell<usize>,
    pub(super) told: RefCell<Vec<BotStatus>>,
    pub(super) failure: RefCell<Option<Error>>,
    pub(super) responder: Responder,
}

impl Wish {
    /// One bot is done.
    pub(super) fn done(&self, outcome: Result<BotStatus, Error>) {
        match outcome {
            Ok(status) => self.told.borrow_mut().push(status),
            Err(error) => drop(self.failure.borrow_mut().get_or_insert(error)),
        }
        self.one_less();
    }

    /// One bot is no more, and there is nothing to say of it.
    pub(super) fn forgotten(&self) {
        self.one_less();
    }

    fn one_less(&self) {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            let told = self.told.take();
            self.responder.answer(self.failure.take().map_or(Ok(Answer::Bots(told)), Err));
        }
    }
}

impl Unit {
    pub(super) fn new(bot: Arc<Bot>, temporary: bool, now: Instant) -> Unit {
        Unit {
            bot,
            state: State::Stopped,
            since: now,
            since_on_the_wall: SystemTime::now(),
            process: None,
            strays: Vec::new(),
            survivor: None,
            has_left_processes: false,
            is_unsure: false,
            misses: 0,
            after: After::Rest,
            leaving: None,
            step: 0,
            deadline: None,
            extended: None,
            probe: None,
            until: None,
            shortages: 0,
            history: History::default(),
            counts: Counts::new(now),
            reason: None,
            dependencies: Vec::new(),
            dependents: Vec::new(),
            ring: Rc::default(),
            targets: Vec::new(),
            waiters: Vec::new(),
            temporary,
            secret: None,
            notify: None,
            store_refused: None,
            old_file: None,
        }
    }

    /// Returns `true` if those that depend on it may start: it is ready, and not about to stop.
    pub(super) fn is_ready(&self) -> bool {
        let is_up = matches!(self.state, State::Running | State::Suspended);
        self.leaving.is_none() && (is_up || self.has_finished())
    }

    /// Returns `true` if it is a job that has ended with success.
    pub(super) fn has_finished(&self) -> bool {
        self.state == State::Exited && self.bot.ready == Ready::Exit
    }

    /// Whether it is in the configuration no more, and only not gone yet.
    pub(super) fn is_removed(&self) -> bool {
        !self.temporary && (self.leaving == Some(After::Forget) || self.after == After::Forget)
    }

    /// Returns `true` if nothing of it is left, so that a stop of it is over at once.
    ///
    /// One that ended by itself had nothing left either when it was last looked for, but is looked for once more: what it
    /// had started may have been a child of another bot's process then, and be a child of ours by now.
    pub(super) fn is_settled(&self) -> bool {
        let has_process = self.process.is_some() || matches!(self.state, State::Starting | State::Stopping);
        !has_process && self.strays.is_empty() && (self.state == State::Stopped || self.history.last().is_none())
    }

    /// Whether its process lives, as far as we know.
    pub(super) fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(|process| !process.reaped)
    }

    pub(super) fn status(&self, now: Instant) -> BotStatus {
        let (mut lost, mut trouble) = (0, None);
        for target in &self.targets {
            if let Target::File(sink) = target {
                let sink = sink.borrow();
                lost += sink.lost().0;
                trouble = trouble.or_else(|| sink.lost().1.map(str::to_owned));
            }
        }
        let until = if self.state == State::BackingOff { self.deadline } else { self.until };
        BotStatus {
            name: self.bot.name.clone(),
            state: self.state,
            for_time: now.saturating_duration_since(self.since),
            since: self.since_on_the_wall,
            pid: self.process.as_ref().filter(|process| !process.reaped).map(|process| process.pid),
            uptime: self
                .process
                .as_ref()
                .filter(|_| self.is_alive())
                .map(|process| now.saturating_duration_since(process.began)),
            is_ending: self.process.as_ref().is_some_and(|process| process.reaped),
            command: self.bot.command.clone(),
            reason: self.told_reason(),
            left: until.map(|until| until.saturating_duration_since(now)),
            exits: self.history.exits().map(|(at, exit)| (now.saturating_duration_since(at), exit)).collect(),
            limit: self.bot.limit,
            autostart: self.bot.autostart,
            counts: self.counts.clone(),
            lost_output: lost,
            log_trouble: trouble,
            temporary: self.temporary,
        }
    }
}
