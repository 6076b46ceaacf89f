//! The verb `status`: a few aligned lines, or JSON with the same content.

use super::locate::{Located, locate_quietly};
use super::other_users::{OtherDaemon, other_daemon};
use crate::exit_status::VerbResult;
use crate::options::StatusOptions;
use crate::output::{self, Tone};
use crate::target::Subject;
use daemonize_core::Status;
use daemonize_core::status::{LastWords, State};
use daemonize_service::{Managed, Manager, managing, service_of};
use daemonize_sys::account::describe;
use daemonize_sys::escape::{escape, escape_bytes, escape_json};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

/// Everything that `status` shows.
struct Report {
    located: Located,
    status: Status,
    service: Option<Managed>,
    log: Option<PathBuf>,
    other: Option<OtherDaemon>,
    /// A service manager that does not answer.
    warnings: Vec<String>,
}

/// Shows whether the daemon runs, and how it ended.
pub(super) fn status(subject: &Subject<'_>, options: &StatusOptions) -> VerbResult {
    let report = Report::new(locate_quietly(subject, &options.target))?;
    if options.json {
        let text = report.document().to_string();
        output::line(escape_json(&text));
    } else {
        report.print();
    }
    Ok(ExitCode::from(report.status.exit_code()))
}

impl Report {
    fn new(located: Located) -> Result<Report, daemonize_core::Error> {
        let status = located.daemon.status()?;
        let pid = status.pid.filter(|_| status.state == State::Running);
        let mut warnings: Vec<String> = status.warning.iter().cloned().collect();
        warnings.extend(
            located.distrusted.iter().map(|why| format!("the record of the last start is not believed: {why}")),
        );
        let service = pid.map_or_else(|| service_of(&located.name), managing).unwrap_or_else(|error| {
            warnings.push(error.to_string());
            None
        });
        // A service manager stores the output of a daemon that does not detach.
        let log = located.log().filter(|log| match &service {
            None => true,
            Some(service) => service.manager() != Manager::Systemd && log.exists(),
        });
        let other = other_daemon(&located.daemon);
        Ok(Report { located, status, service, log, other, warnings })
    }

    fn state(&self) -> &'static str {
        match self.status.state {
            State::Running => "running",
            State::Starting => "starting",
            State::Dead => "dead",
            State::Stopped => "stopped",
            _ => "unknown",
        }
    }

    fn print(&self) {
        let tone = match self.status.state {
            State::Running => Tone::Good,
            State::Starting => Tone::Warning,
            State::Stopped => Tone::Dimmed,
            _ => Tone::Bad,
        };
        let state = match &self.status.state {
            State::Dead => "dead: it ended without removing its pidfile".to_owned(),
            State::Unknown(why) => format!("unknown: {}", escape(why)),
            _ => self.state().to_owned(),
        };
        output::line(format_args!("{}: {}", escape(&self.located.name), tone.paint(state)));
        for (key, value) in self.lines() {
            output::line(format_args!("  {key:<9}{value}"));
        }
        for warning in &self.warnings {
            output::line(format_args!("  {} {}", Tone::Warning.paint("warning:"), escape(warning)));
        }
        if let Some(other) = &self.other {
            output::line(escape(&other.describe(&self.located.name)));
        }
    }

    /// Returns the lines below the state: names and values, escaped.
    fn lines(&self) -> Vec<(&'static str, String)> {
        let status = &self.status;
        let path = |path: &Path| escape_bytes(path.as_os_str().as_bytes()).into_owned();
        let mut lines = Vec::new();
        if let Some(pid) = status.pid {
            lines.push(("pid", pid.to_string()));
        }
        if let Some(since) = status.started_at {
            lines.push(("since", format!("{} ({} ago)", time(since), rounded(elapsed(since)))));
        }
        if !status.pidfile.as_os_str().is_empty() {
            lines.push(("pidfile", path(&status.pidfile)));
        }
        if let Some(log) = &self.log {
            lines.push(("log", path(log)));
        }
        if let Some(service) = &self.service {
            let state = service.state().map(|state| format!(", {state}")).unwrap_or_default();
            let unit = format!("{} ({}, {}{state})", service.unit(), service.manager(), service.scope());
            lines.push(("unit", escape(&unit).into_owned()));
        }
        for address in &status.addresses {
            lines.push(("address", escape(address).into_owned()));
        }
        if let Some(words) = &status.last_words {
            lines.push(("last end", last_end(words)));
        }
        lines
    }

    /// Returns the same as JSON, with stable keys.
    fn document(&self) -> Value {
        let status = &self.status;
        let path = |path: &Path| (!path.as_os_str().is_empty()).then(|| path.to_string_lossy().into_owned());
        let reason = match &status.state {
            State::Unknown(why) => Some(why),
            _ => None,
        };
        json!({
            "name": self.located.name,
            "state": self.state(),
            "reason": reason,
            "exit_status": status.exit_code(),
            "pid": status.pid.map(daemonize_core::Pid::as_raw),
            "since": status.started_at.map(rfc3339),
            "uptime_seconds": status.started_at.map(|since| elapsed(since).as_secs()),
            "pidfile": path(&status.pidfile),
            "log": self.log.as_deref().and_then(path),
            "unit": self.service.as_ref().map(Managed::unit),
            "manager": self.service.as_ref().map(|service| service.manager().name()),
            "scope": self.service.as_ref().map(|service| service.scope().name()),
            "addresses": status.addresses,
            "last_end": status.last_words.as_ref().map(|words| json!({
                "time": rfc3339(words.at),
                "exit_status": words.exit_status,
                "text": words.text,
            })),
            "warnings": self.warnings,
            "other_daemon": self.other.as_ref().map(|other| json!({
                "uid": other.user.as_raw(),
                "user": describe(other.user),
                "pid": other.pid.as_raw(),
                "pidfile": path(&other.pidfile),
            })),
        })
    }
}

/// Returns `2026-11-30 08:00:12 UTC (3m ago), status 4: no such table`.
fn last_end(words: &LastWords) -> String {
    let ago = rounded(elapsed(words.at));
    let status = words.exit_status.map(|status| format!(", status {status}")).unwrap_or_default();
    let text = if words.text.is_empty() { String::new() } else { format!(": {}", words.text) };
    format!("{} ({ago} ago){status}{text}", time(words.at))
}

/// Returns the time since then; zero if the clock was set back meanwhile.
fn elapsed(since: SystemTime) -> Duration {
    since.elapsed().unwrap_or_default()
}

fn rfc3339(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// Returns a time for people: `2026-11-30 08:00:12 UTC`.
fn time(at: SystemTime) -> String {
    rfc3339(at).replace('T', " ").replace('Z', " UTC")
}

/// Returns a duration in whole seconds: `3m 7s`.
fn rounded(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs())).to_string()
}
