//! Finds the daemon that a verb acts on: by the record of its last start, or by the settings for no arguments.

use crate::options::{StartOptions, TargetOptions};
use crate::output;
use crate::start_record::{FoundRecord, StartRecord};
use crate::target::Subject;
use daemonize_core::status::State;
use daemonize_core::{Daemon, Status};
use std::path::PathBuf;

/// The daemon that a verb acts on.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) daemon: Daemon,
    /// The name of the daemon, with its instance.
    pub(super) name: String,
    /// The record of its last start, if this daemon was started so.
    pub(super) record: Option<StartRecord>,
    /// The reason why the record of the last start is not believed.
    pub(super) distrusted: Option<String>,
}

impl Located {
    /// Returns the path of the log.
    pub(super) fn log(&self) -> Option<PathBuf> {
        let recorded = self.record.as_ref().and_then(|record| record.log.clone());
        recorded.or_else(|| self.daemon.clone().default_log().log_path())
    }
}

/// Finds the daemon for a verb, and warns of a record that is not believed.
pub(super) fn locate(subject: &Subject<'_>, options: &TargetOptions) -> Located {
    let located = locate_quietly(subject, options);
    if let Some(why) = &located.distrusted {
        output::warning(format!("the record of the last start is not believed: {why}"));
    }
    located
}

/// Finds the daemon: that of the last start; another one only if that does not run, and the one for no arguments does.
pub(super) fn locate_quietly(subject: &Subject<'_>, options: &TargetOptions) -> Located {
    let name = subject.daemon_name(options.instance.as_ref());
    let default = subject.default_daemon(options);
    let (record, distrusted) = match FoundRecord::read(&name) {
        FoundRecord::Found(record) => (Some(record), None),
        FoundRecord::Missing => (None, None),
        FoundRecord::Distrusted(why) => (None, Some(why)),
    };
    let recorded = record.and_then(|record| Some((recorded_daemon(subject, options, &record, &name)?, record)));
    match recorded {
        Some((daemon, record)) if runs(&daemon) || !runs(&default) => {
            Located { daemon, name, record: Some(record), distrusted }
        }
        _ => Located { daemon: default, name, record: None, distrusted },
    }
}

/// Returns the daemon of the last start; `None` if the options name another pidfile.
fn recorded_daemon(subject: &Subject<'_>, options: &TargetOptions, record: &StartRecord, name: &str) -> Option<Daemon> {
    // After an upgrade the program may not accept the arguments any more. Its daemon is found regardless.
    let daemon = subject.daemon(&record.arguments).unwrap_or_else(|_| Daemon::new(name));
    let daemon = daemon.pidfile(record.pidfile.clone());
    let chosen = StartOptions { target: options.clone(), ..StartOptions::default() };
    let is_other = options.pidfile.is_some()
        && chosen.apply(Daemon::new(name)).settings().pidfile() != daemon.settings().pidfile();
    (!is_other).then_some(daemon)
}

fn runs(daemon: &Daemon) -> bool {
    matches!(daemon.status(), Ok(Status { state: State::Running | State::Starting, .. }))
}
