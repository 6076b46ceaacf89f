//! Handles commands: dispatches each to the supervisor, and replies at once or when the bots are up or down.

use super::pending_reply::PendingReply;
use super::state::Engine;
use super::supervisor::Supervisor;
use crate::command_queue::{Answer, Command, Envelope, Responder};
use crate::error::{Error, ErrorKind, Result};

/// The most failures of one command that are listed.
const MAX_LISTED: usize = 20;

/// The most commands that are handled per turn.
const MAX_COMMANDS: usize = 256;

impl Engine {
    /// Handles at most [`MAX_COMMANDS`] commands of the queue; the eventfd stays readable for the rest.
    pub(super) fn handle_commands(&mut self) {
        let _ = self.receiver.wakeup.read();
        for _ in 0..MAX_COMMANDS {
            let Ok(envelope) = self.receiver.queue.try_recv() else { return };
            self.handle_command(envelope);
        }
        let _ = self.receiver.wakeup.write(1);
    }

    fn handle_command(&mut self, envelope: Envelope) {
        let Envelope { command, when_done, responder } = envelope;
        let (until_up, until_down) = (when_done.then_some(true), when_done.then_some(false));
        let answer = match command {
            Command::Start(name) => {
                let found = self.named_or_adopted(&name);
                return self.each(found, until_up, &responder, Supervisor::start_by_hand);
            }
            Command::Add(bot) => {
                let found = self.added_by_hand(*bot);
                return self.each(found, until_up, &responder, Supervisor::start_by_hand);
            }
            Command::Many(many) => return self.command_many(&many, when_done, &responder),
            // During a shutdown, all bots are being stopped in order already.
            Command::Stop(name) if self.shutdown.is_some() => {
                return self.each(self.named(&name), until_down, &responder, |_, _| {});
            }
            Command::Stop(name) => {
                return self.each(self.named(&name), until_down, &responder, Supervisor::stop_with_dependents);
            }
            Command::Restart(name, parallel) => {
                return self.restart(self.named(&name), parallel, when_done, &responder);
            }
            Command::Destroy(name) => {
                return self.each(self.named(&name), until_down, &responder, Supervisor::destroy);
            }
            Command::Shutdown => return self.shut_down_for(when_done, responder),
            Command::Kill => {
                self.shut_down(None);
                self.kill_all();
                return self.shut_down_for(when_done, responder);
            }
            Command::Signal(name, signal) => self.for_each(&name, |bots, index| bots.signal_process(index, signal)),
            Command::Freeze(name, freezes) => self.for_each(&name, |bots, index| bots.freeze(index, freezes)),
            Command::Status(name) => self.status(name.as_deref()),
            Command::Show(name) => self.show(&name),
            Command::Explain(name, up) => Ok(self.explain(&name, up)),
            Command::Event(name, event) => self.count_event(&name, &event),
            Command::Tail(names, follower) => self.tail(&names, follower.as_ref()),
            Command::Follow(name, follower) => self.follow(&name, &follower),
            Command::ObserverLeft => Ok(self.drop_observers()),
            Command::Subscribe(sender, cancelled) => {
                self.bots.subscribers.add(sender, cancelled);
                Ok(Answer::Done)
            }
            Command::Reopen => {
                self.bots.streams.reopen_logs();
                Ok(Answer::Done)
            }
            Command::Replace(config, parallel, dry_run) => self.replace(*config, parallel, dry_run),
        };
        responder.answer(answer);
    }

    /// Explains why bots are not up (`true`) or down; an unknown name has no explanation.
    fn explain(&self, name: &str, up: bool) -> Answer {
        let found = self.named(name).unwrap_or_default();
        Answer::Text(self.bots.pending_reason(&found, up))
    }

    /// Counts an event for all bots that a name means.
    fn count_event(&mut self, name: &str, event: &str) -> Result<Answer> {
        let now = self.bots.now;
        for index in self.named(name)? {
            self.bots.units[index].counts.report(event.as_bytes(), 1, now);
        }
        Ok(Answer::Done)
    }

    fn shut_down_for(&mut self, when_done: bool, responder: Responder) {
        if when_done {
            self.shut_down(Some(responder));
        } else {
            self.shut_down(None);
            responder.answer(Ok(Answer::Done));
        }
    }

    /// Does something to each bot that was found, and answers: at once, or when all are up (`true`) or down (`false`).
    fn each(
        &mut self,
        found: Result<Vec<usize>>,
        until: Option<bool>,
        responder: &Responder,
        act: impl Fn(&mut Supervisor, usize),
    ) {
        if self.shutdown.is_some() && until != Some(false) {
            let why = Error::new(ErrorKind::Stopping, "failed to take the command: the monitor is stopping");
            return responder.answer(Err(why));
        }
        let found = match found {
            Ok(found) => found,
            Err(error) => return responder.answer(Err(error)),
        };
        let reply = PendingReply::new(found.len(), responder.clone());
        for index in found {
            act(&mut self.bots, index);
            let now = self.bots.now;
            match (self.bots.units.get_mut(index), until) {
                // It was removed at once.
                (None, _) => reply.removed(),
                (Some(unit), Some(is_for_up)) => unit.add_waiter(is_for_up, &reply, now),
                (Some(unit), None) => reply.done(Ok(unit.status(now))),
            }
        }
    }

    /// Does something to all bots that a name means; a failure for one does not keep it from the others.
    fn for_each(&mut self, name: &str, act: impl Fn(&mut Supervisor, usize) -> Result<()>) -> Result<Answer> {
        let outcomes = self.named(name)?.into_iter().map(|index| act(&mut self.bots, index));
        let mut failures: Vec<Error> = outcomes.filter_map(Result::err).collect();
        match failures.len() {
            0 => Ok(Answer::Done),
            1 => Err(failures.remove(0)),
            count => {
                let mut told: Vec<String> = failures.iter().take(MAX_LISTED).map(ToString::to_string).collect();
                if count > MAX_LISTED {
                    told.push(format!("and {} more", count - MAX_LISTED));
                }
                Err(Error::new(ErrorKind::Failed, told.join("; ")))
            }
        }
    }

    fn status(&self, name: Option<&str>) -> Result<Answer> {
        let found = name.map_or_else(|| Ok(self.bots.units.all().collect()), |name| self.named(name))?;
        Ok(Answer::Bots(found.into_iter().map(|index| self.bots.units[index].status(self.bots.now)).collect()))
    }
}
