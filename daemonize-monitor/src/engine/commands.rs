//! What the engine is told to do.

use super::unit::{After, Wish};
use super::wiring::Subscriber;
use super::{Engine, dependencies};
use crate::bot::LogTarget;
use crate::command_queue::{Answer, Command, Envelope, Responder};
use crate::error::{Error, ErrorKind, Result};
use crate::logs::Place;
use crate::status::State;
use daemonize_core::Signal;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// So many failures of a family are told one by one.
const TOLD: usize = 20;

/// So many orders are taken per turn.
const PER_TURN: usize = 256;

impl Engine {
    /// Takes orders that have come, and leaves the bell rung if there are more.
    pub(super) fn handle_commands(&mut self) {
        let _ = self.commands.wakeup.read();
        for _ in 0..PER_TURN {
            let Ok(envelope) = self.commands.queue.try_recv() else { return };
            self.handle_command(envelope);
        }
        let _ = self.commands.wakeup.write(1);
    }

    fn handle_command(&mut self, envelope: Envelope) {
        let Envelope { command, when_done, responder } = envelope;
        let answer = match command {
            Command::Start(name) => {
                let found = self.named_or_adopted(&name);
                return self.each(found, when_done.then_some(true), &responder, Engine::start_by_hand);
            }
            Command::StartUnlessDone(name) => {
                return self.each(self.named(&name), when_done.then_some(true), &responder, Engine::start_unless_done);
            }
            Command::Add(bot) => {
                let found = self.added_by_hand(*bot);
                return self.each(found, when_done.then_some(true), &responder, Engine::start_by_hand);
            }
            Command::Stop(name) => {
                let stop: fn(&mut Engine, usize) = match self.shutdown {
                    // Everything is being stopped in order.
                    Some(_) => |_, _| {},
                    None => Engine::stop_with_dependents,
                };
                return self.each(self.named(&name), when_done.then_some(false), &responder, stop);
            }
            Command::Restart(name) => {
                return self.each(self.named(&name), when_done.then_some(true), &responder, Engine::restart_by_hand);
            }
            Command::Destroy(name) => {
                return self.each(self.named(&name), when_done.then_some(false), &responder, Engine::destroy);
            }
            Command::Shutdown => return self.shut_down_for(when_done, responder),
            Command::Kill => {
                self.shut_down(None);
                self.kill_all();
                return self.shut_down_for(when_done, responder);
            }
            Command::Signal(name, signal) => self.signal(&name, signal),
            Command::Status(name) => self.status(name.as_deref()),
            Command::Explain(name, up) => Ok(Answer::Text(self.explain(&name, up))),
            Command::Event(name, event) => self.named(&name).map(|found| {
                let now = self.now;
                for index in found {
                    self.unit_mut(index).counts.report(event.as_bytes(), 1, now);
                }
                Answer::Done
            }),
            Command::Tail(name, count) => self.tail(&name, count),
            Command::Follow(name, follower) => self.named(&name).map(|found| {
                self.followers.extend(found.into_iter().map(|index| (index, follower.clone())));
                log::debug!("a reader of a log has come, and {} are there", self.followers.len());
                Answer::Done
            }),
            Command::ObserverLeft => {
                self.followers.retain(|(_, follower)| !follower.is_closed());
                self.subscribers.retain(|subscriber| !subscriber.token.is_cancelled());
                let (logs, changes) = (self.followers.len(), self.subscribers.len());
                log::debug!("a reader has left; of logs {logs} are there, of changes {changes}");
                Ok(Answer::Done)
            }
            Command::Subscribe(sender, token) => {
                self.subscribers.push(Subscriber { sender, token, missed: 0 });
                Ok(Answer::Done)
            }
            Command::Reopen => {
                self.logs.reopen();
                Ok(Answer::Done)
            }
            Command::Replace(config, dry_run) => self.replace(*config, dry_run),
        };
        responder.answer(answer);
    }

    fn shut_down_for(&mut self, when_done: bool, responder: Responder) {
        if when_done {
            self.shut_down(Some(responder));
        } else {
            self.shut_down(None);
            responder.answer(Ok(Answer::Done));
        }
    }

    /// Does something to each bot that was found, and answers: at once, or when all are up or down.
    fn each(
        &mut self,
        found: Result<Vec<usize>>,
        until: Option<bool>,
        responder: &Responder,
        act: impl Fn(&mut Engine, usize),
    ) {
        if self.shutdown.is_some() && until != Some(false) {
            let why = Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping");
            return responder.answer(Err(why));
        }
        let found = match found {
            Ok(found) => found,
            Err(error) => return responder.answer(Err(error)),
        };
        let wish = Rc::new(Wish {
            left: Cell::new(found.len()),
            told: RefCell::default(),
            failure: RefCell::default(),
            responder: responder.clone(),
        });
        for index in found {
            act(self, index);
            if self.units[index].value.is_none() {
                // It was forgotten at once.
                wish.forgotten();
            } else if let Some(up) = until {
                self.wait_for(index, up, &wish);
            } else {
                wish.done(Ok(self.unit(index).status(self.now)));
            }
        }
    }

    /// An operator's start: what was before is forgiven.
    pub(super) fn start_by_hand(&mut self, index: usize) {
        self.keep_up(index);
        let unit = self.unit_mut(index);
        match unit.state {
            State::Running | State::Suspended | State::Starting => {}
            State::Stopping if unit.is_removed() => {}
            State::Stopping => {
                unit.history.forget();
                unit.after = After::Start;
                self.start_those_before(index);
            }
            State::Stopped | State::GaveUp | State::Exited | State::Failed | State::BackingOff | State::Waiting => {
                unit.history.forget();
                self.start_those_before(index);
                self.begin(index);
            }
        }
    }

    /// The start of a bot that was not named: one that has ended with success is up, and would do its work twice.
    fn start_unless_done(&mut self, index: usize) {
        if self.unit(index).state != State::Exited {
            self.start_by_hand(index);
        }
    }

    /// Those that it depends on are wanted too.
    pub(super) fn start_those_before(&mut self, index: usize) {
        for other in dependencies::needed_by(self, index) {
            let unit = self.unit(other);
            // A job that has finished is not started again, also while it is marked in a restart of what it depends on.
            if (unit.state.is_down() || unit.state == State::Stopping) && !unit.has_finished() {
                self.start_by_hand(other);
            }
        }
    }

    /// Every one of that name gets it, whatever becomes of the others.
    fn signal(&mut self, name: &str, signal: Signal) -> Result<Answer> {
        let mut failures = Vec::new();
        for index in self.named(name)? {
            let unit = self.unit(index);
            let why = match unit.process.as_ref().filter(|process| !process.reaped) {
                None => "it does not run".to_owned(),
                Some(process) => match process.handle.send(signal) {
                    Ok(()) => continue,
                    Err(error) => crate::error::cause(&error),
                },
            };
            failures.push(Error::failed(ErrorKind::Failed, "signal bot", &unit.bot.name, why));
        }
        match failures.len() {
            0 => Ok(Answer::Done),
            1 => Err(failures.remove(0)),
            count => {
                let mut told: Vec<String> = failures.iter().take(TOLD).map(ToString::to_string).collect();
                if count > TOLD {
                    told.push(format!("and {} more", count - TOLD));
                }
                Err(Error::new(ErrorKind::Failed, told.join("; ")))
            }
        }
    }

    fn status(&self, name: Option<&str>) -> Result<Answer> {
        let found = name.map_or_else(|| Ok(self.names.values().copied().collect()), |name| self.named(name))?;
        Ok(Answer::Bots(found.into_iter().map(|index| self.unit(index).status(self.now)).collect()))
    }

    /// Returns the last lines, if they are in memory; else where they are.
    fn tail(&self, name: &str, count: usize) -> Result<Answer> {
        let (mut lines, mut files, mut is_kept) = (Vec::new(), Vec::new(), false);
        for index in self.named(name)? {
            let unit = self.unit(index);
            lines.extend(unit.ring.borrow().last(count));
            for target in [&unit.bot.stdout, &unit.bot.stderr] {
                is_kept |= matches!(target, LogTarget::Memory | LogTarget::File(_));
                if let LogTarget::File(log) = target {
                    files.push(Place::new(&log.path, unit.bot.user.as_deref()));
                }
            }
        }
        if !is_kept {
            return Ok(Answer::NotKept);
        }
        files.dedup_by(|one, other| one.path() == other.path());
        Ok(if files.is_empty() { Answer::Lines(lines) } else { Answer::Files(files) })
    }
}
