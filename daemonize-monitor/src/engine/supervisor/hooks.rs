//! Reports what has happened to a bot: by its hooks, commands as its user, and by the webhook of the monitor.

use super::Supervisor;
use crate::engine::auxiliary::{AuxiliaryCommand, AuxiliaryOutcome, Hook, Purpose};
use crate::engine::hook_facts::HookFacts;
use crate::engine::slab::Key;
use crate::error::cause;
use crate::settings::{Webhook, WebhookEvent};
use crate::webhook::WebhookSender;
use std::time::Duration;

/// How long the end of the monitor waits for reports to the webhook.
const WEBHOOK_SHUTDOWN: Duration = Duration::from_secs(2);

/// Why hooks are killed at the end of a stop.
const STOPPED_TOO_LONG: &str = "the monitor stops at once, since it was told so again or its `stop_timeout` is over";

impl Supervisor {
    /// Reports the last exit of a bot, if no command has asked for it.
    pub(super) fn report_exit(&mut self, index: usize) {
        let record = self.units[index].exit_records.last().filter(|record| !record.is_requested);
        if let Some(facts) = record.map(|record| HookFacts::of_exit(Hook::Exit, Some(record), None)) {
            self.report(index, &facts);
        }
    }

    /// Reports that a bot is given up.
    pub(super) fn report_given_up(&mut self, index: usize) {
        let unit = &self.units[index];
        let facts = HookFacts::of_exit(Hook::GaveUp, unit.exit_records.last(), unit.bot_state.reason());
        self.report(index, &facts);
    }

    /// Reports that a bot that runs is unhealthy.
    pub(super) fn report_unhealthy(&mut self, index: usize, reason: &str) {
        let Some(process) = self.units.get(index).and_then(|unit| unit.process.as_ref()) else { return };
        let facts = HookFacts {
            hook: Hook::Unhealthy,
            exit: None,
            reason: Some(reason.to_owned()),
            pid: Some(process.pid.as_raw()),
            ran_for: None,
            lines: process.last_output.lines(),
        };
        self.report(index, &facts);
    }

    fn report(&mut self, index: usize, facts: &HookFacts) {
        self.post(index, facts);
        let bot = &self.units[index].bot;
        let hooks = bot.hooks();
        let argv = match facts.hook {
            Hook::Exit => &hooks.on_exit,
            Hook::GaveUp => &hooks.on_gave_up,
            Hook::Unhealthy => &hooks.on_unhealthy,
        };
        if argv.is_empty() {
            return;
        }
        let command = AuxiliaryCommand {
            argv: argv.clone(),
            variables: facts.variables(),
            stdin: facts.input(),
            timeout: hooks.timeout,
        };
        let name = bot.name.clone();
        if !self.run_auxiliary(index, Purpose::Hook(facts.hook), command) {
            let key = facts.hook.key();
            let why = if self.is_killing { STOPPED_TOO_LONG } else { "it still runs, or too many commands wait" };
            log::warn!("bot `{name}`: `{key}` was not executed: {why}");
        }
    }

    /// Kills all hooks, and executes none from now on: the stop of the monitor has lasted too long.
    pub(in crate::engine) fn end_all_hooks(&mut self) {
        self.is_killing = true;
        self.end_hooks(|_| true, STOPPED_TOO_LONG);
    }

    /// Kills the hooks of the chosen bots, and removes those that wait. The log tells what was not reported because of that.
    pub(super) fn end_hooks(&mut self, is_chosen: impl Fn(Key) -> bool, why: &str) {
        let is_hook = |bot, purpose: Purpose| purpose.is_hook() && is_chosen(bot);
        let count = self.auxiliaries.unqueue(is_hook);
        if count > 0 {
            log::warn!("commands of hooks that were not executed: {count}: {why}");
        }
        for key in self.auxiliaries.chosen(is_hook) {
            let run = &self.auxiliaries.runs[key.index];
            if let (Purpose::Hook(hook), Some(unit), false) =
                (run.purpose, self.units.get(run.bot.index), run.is_reported)
            {
                log::warn!("bot `{}`: `{}` was killed before its end: {why}", unit.bot.name, hook.key());
            }
            self.kill_auxiliary(key);
        }
    }

    /// Posts facts to the webhook, if it wants them.
    fn post(&mut self, index: usize, facts: &HookFacts) {
        let event = match facts.hook {
            Hook::Exit => WebhookEvent::Exit,
            Hook::GaveUp => WebhookEvent::GaveUp,
            Hook::Unhealthy => WebhookEvent::Unhealthy,
        };
        if let Some((_, sender)) = self.webhook.as_mut().filter(|(_, sender)| sender.reports(event)) {
            sender.send(facts.body(&self.units[index].bot.name));
        }
    }

    /// Reports to this address from now on. Reports to another one that wait are still made.
    pub(in crate::engine) fn set_webhook(&mut self, webhook: Option<&Webhook>) {
        if self.webhook.as_ref().map(|(current, _)| current) == webhook {
            return;
        }
        self.webhook = webhook.and_then(|webhook| match WebhookSender::start(webhook, &self.undelivered_reports) {
            Ok(sender) => Some((webhook.clone(), sender)),
            Err(error) => {
                log::error!("failed to start the webhook: {}", cause(&error));
                None
            }
        });
    }

    /// Waits for reports to the webhook, but not for long. The log tells how many are lost.
    pub(in crate::engine) fn finish_webhook(&mut self) {
        if let Some((_, sender)) = self.webhook.take() {
            sender.finish(WEBHOOK_SHUTDOWN);
        }
        match self.undelivered_reports.count() {
            0 => {}
            count => log::warn!("webhook: reports that were not delivered before the monitor ended: {count}"),
        }
    }

    /// Logs that the command of a hook has failed.
    pub(super) fn take_hook(&mut self, index: usize, hook: Hook, outcome: &AuxiliaryOutcome) {
        if !outcome.is_success() {
            log::warn!("bot `{}`: `{}`: {outcome}", self.units[index].bot.name, hook.key());
        }
    }
}
