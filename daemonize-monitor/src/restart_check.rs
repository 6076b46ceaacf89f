//! The check that the monitor would start again, made before a restart of the monitor stops all bots.

use crate::commands::Commands;
use crate::settings::Settings;
use daemonize_core::attach::{Attachment, Handle};
use daemonize_sys::escape::escape_bytes;
use std::error::Error;
use std::os::unix::ffi::OsStrExt;

/// Refuses a restart of the monitor, with the reason.
pub(crate) type RestartCheck = Box<dyn Fn() -> Checked + Send + Sync>;

/// The reason that the monitor is not restarted.
type Checked = Result<(), Box<dyn Error>>;

/// All that may refuse a restart of the monitor.
pub(crate) struct RestartChecks {
    commands: Commands,
    /// The settings in the configuration file that the monitor runs with; `None` without such a file.
    settings: Option<Settings>,
    checks: Vec<RestartCheck>,
}

impl RestartChecks {
    pub(crate) fn new(commands: Commands, settings: Option<Settings>, checks: Vec<RestartCheck>) -> RestartChecks {
        RestartChecks { commands, settings, checks }
    }

    fn check(&self) -> Checked {
        let config = self.commands.read_source()?;
        if let (Some(config), Some(settings)) = (&config, &self.settings) {
            check_identity(settings, &config.settings)?;
        }
        self.checks.iter().try_for_each(|check| check())
    }
}

/// A program that is started to take over from a daemon knows it by its name and its pidfile: with others it would be a second
/// monitor.
fn check_identity(old: &Settings, new: &Settings) -> Checked {
    let refused = |what: String| Err(format!("{what}: shut it down and start it again").into());
    if old.name != new.name {
        let (old, new) = (old.name.escape_debug(), new.name.escape_debug());
        return refused(format!("the monitor is called `{new}` in its configuration now, not `{old}`"));
    }
    if old.pidfile != new.pidfile {
        let path = |settings: &Settings| match &settings.pidfile {
            Some(path) => format!("`{}`", escape_bytes(path.as_os_str().as_bytes())),
            None => "that of its name".to_owned(),
        };
        return refused(format!(
            "the pidfile of the monitor is {} in its configuration now, not {}",
            path(new),
            path(old)
        ));
    }
    Ok(())
}

impl Attachment for RestartChecks {
    fn start(&self, _: Handle) -> Checked {
        Ok(())
    }

    fn check_restart(&self) -> Checked {
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.31.
    #[test]
    fn restart_with_another_name_or_pidfile_is_refused() {
        let settings = |name: &str, pidfile: Option<&str>| Settings {
            name: name.into(),
            pidfile: pidfile.map(Into::into),
            ..Settings::default()
        };
        let refused =
            |new: Settings| check_identity(&settings("a", Some("/run/a.pid")), &new).map_err(|error| error.to_string());
        assert_eq!(refused(settings("a", Some("/run/a.pid"))), Ok(()));
        let fix = "shut it down and start it again";
        assert_eq!(
            refused(settings("b", Some("/run/a.pid"))),
            Err(format!("the monitor is called `b` in its configuration now, not `a`: {fix}"))
        );
        assert_eq!(
            refused(settings("a", None)),
            Err(format!(
                "the pidfile of the monitor is that of its name in its configuration now, not `/run/a.pid`: {fix}"
            ))
        );
    }
}
