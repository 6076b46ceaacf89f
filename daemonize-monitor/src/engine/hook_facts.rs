//! The facts that hooks and webhooks report about a bot.

use super::auxiliary::Hook;
use super::exit_records::ExitRecord;
use crate::restart_policy::Exit;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::SystemTime;

/// The variables of a hook, as the documentation lists them.
const EVENT_VARIABLE: &str = "DAEMON_EVENT";
const EXIT_VARIABLE: &str = "DAEMON_EXIT";
const STATUS_VARIABLE: &str = "DAEMON_EXIT_STATUS";
const SIGNAL_VARIABLE: &str = "DAEMON_EXIT_SIGNAL";
const REASON_VARIABLE: &str = "DAEMON_REASON";
const PID_VARIABLE: &str = "DAEMON_PID";
const RAN_FOR_VARIABLE: &str = "DAEMON_RAN_FOR";

impl Hook {
    /// Returns the name of the occasion, as variables and webhooks have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Hook::Exit => "exit",
            Hook::GaveUp => "gave-up",
            Hook::Unhealthy => "unhealthy",
        }
    }

    /// Returns the key of the configuration.
    pub(super) fn key(self) -> &'static str {
        match self {
            Hook::Exit => "on_exit",
            Hook::GaveUp => "on_gave_up",
            Hook::Unhealthy => "on_unhealthy",
        }
    }
}

/// The facts about one occasion.
#[derive(Clone, Debug)]
pub(super) struct HookFacts {
    pub(super) hook: Hook,
    /// The cause of the last exit; `None` if the bot runs.
    pub(super) exit: Option<Exit>,
    /// The reason beside the cause, such as the check that failed.
    pub(super) reason: Option<String>,
    /// The process; `None` if the program could not be started.
    pub(super) pid: Option<i32>,
    /// How long it ran, in seconds.
    pub(super) ran_for: Option<f64>,
    /// The last lines of the bot, as it has printed them: at most ten, and at most 768 bytes.
    pub(super) lines: Vec<String>,
}

impl HookFacts {
    /// Returns the facts of an exit.
    pub(super) fn of_exit(hook: Hook, record: Option<&ExitRecord>, reason: Option<&str>) -> HookFacts {
        let own_reason = record.and_then(|record| record.reason.as_deref());
        HookFacts {
            hook,
            exit: record.map(|record| record.exit),
            reason: reason.or(own_reason).map(ToOwned::to_owned),
            pid: record.and_then(|record| record.pid).map(daemonize_core::Pid::as_raw),
            ran_for: record.map(|record| record.ran_for.as_secs_f64()),
            lines: record.map(ExitRecord::lines).unwrap_or_default(),
        }
    }

    /// Returns the variables of the command.
    pub(super) fn variables(&self) -> BTreeMap<OsString, OsString> {
        let mut variables = BTreeMap::new();
        let mut set = |name: &str, value: String| {
            // No variable can hold a NUL character.
            variables.insert(OsString::from(name), OsString::from(value.replace('\0', "")));
        };
        set(EVENT_VARIABLE, self.hook.name().into());
        if let Some(exit) = self.exit {
            set(EXIT_VARIABLE, exit.sentence());
        }
        match self.exit {
            Some(Exit::Status(status)) => set(STATUS_VARIABLE, status.to_string()),
            Some(Exit::Signal(signal)) => set(SIGNAL_VARIABLE, signal.to_string()),
            _ => {}
        }
        if let Some(reason) = &self.reason {
            set(REASON_VARIABLE, reason.clone());
        }
        if let Some(pid) = self.pid {
            set(PID_VARIABLE, pid.to_string());
        }
        if let Some(seconds) = self.ran_for {
            set(RAN_FOR_VARIABLE, format!("{seconds:.3}"));
        }
        variables
    }

    /// Returns the facts as JSON, for a webhook.
    pub(super) fn body(&self, bot: &str) -> String {
        let status = match self.exit {
            Some(Exit::Status(status)) => Some(status),
            _ => None,
        };
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let host = nix::sys::utsname::uname().ok().map(|name| name.nodename().to_string_lossy().into_owned());
        serde_json::json!({
            "event": self.hook.name(),
            "time": time,
            "host": host,
            "bot": bot,
            "exit": self.exit.map(Exit::sentence),
            "status": status,
            "reason": self.reason,
            "pid": self.pid,
            "ran_for": self.ran_for,
            "lines": self.lines,
        })
        .to_string()
    }

    /// Returns the input of the command: the last lines of the bot, each with its end.
    pub(super) fn input(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_core::Signal;

    #[test]
    fn facts_become_variables_and_lines() {
        let facts = HookFacts {
            hook: Hook::GaveUp,
            exit: Some(Exit::Status(3)),
            reason: Some("a\0b".into()),
            pid: Some(7),
            ran_for: Some(1.25),
            lines: vec!["one".into(), "two".into()],
        };
        let variables = facts.variables();
        let text = |name: &str| variables.get(&OsString::from(name)).and_then(|value| value.to_str());
        let found = [EVENT_VARIABLE, EXIT_VARIABLE, STATUS_VARIABLE, REASON_VARIABLE, PID_VARIABLE, RAN_FOR_VARIABLE];
        let expected = ["gave-up", "exited with status 3", "3", "ab", "7", "1.250"];
        assert_eq!(found.map(text), expected.map(Some));
        assert_eq!((text(SIGNAL_VARIABLE), &*facts.input()), (None, &b"one\ntwo\n"[..]));
        let killed = HookFacts { exit: Some(Exit::Signal(Signal::SIGSEGV)), ..facts };
        assert_eq!(killed.variables().get(&OsString::from(SIGNAL_VARIABLE)), Some(&OsString::from("SIGSEGV")));
    }
}
