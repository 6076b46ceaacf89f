//! Locates the monitor that a command applies to.

use crate::bot_filter;
use crate::exit_status::{CliError, ExitStatus};
use crate::find_config;
use crate::monitor_client::Connection;
use crate::output::Output;
use daemonize_monitor::__daemonctl;
use daemonize_monitor::Settings;
use daemonize_sys::escape::escape_bytes;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The monitor that a command applies to, and the output settings.
pub(crate) struct CommandContext {
    pub(crate) output: Output,
    /// The configuration file; `None` if the monitor was named by its pidfile.
    config: Option<PathBuf>,
    /// `true` if the user named the configuration file, `false` if it was looked for.
    pub(crate) is_named: bool,
    /// The pidfile of the running monitor, or of the one to start.
    pub(crate) pidfile: PathBuf,
    /// The configured pidfile, if the monitor runs with another one.
    configured_pidfile: Option<PathBuf>,
    /// How long its shutdown may take, as configured.
    pub(crate) stop_timeout: Duration,
}

impl CommandContext {
    /// Locates the monitor of a configuration or a pidfile.
    ///
    /// # Errors
    /// There is no configuration, it cannot be read, or the monitor at its pidfile runs with another one, or in another pid
    /// namespace.
    pub(super) fn find(
        given: Option<&Path>,
        pidfile: Option<&Path>,
        output: Output,
    ) -> Result<CommandContext, CliError> {
        CommandContext::locate(given, pidfile, output, Err)
    }

    /// As [`find`](CommandContext::find), for a monitor that is to be started. A pidfile that says nothing certain about a process
    /// is not an error: a container that was killed leaves that of its pid namespace to the next one, and the launch finds out
    /// by the lock whether its monitor lives.
    pub(super) fn find_to_start(
        given: Option<&Path>,
        pidfile: Option<&Path>,
        output: Output,
    ) -> Result<CommandContext, CliError> {
        CommandContext::locate(given, pidfile, output, |_| Ok(Holder::None))
    }

    fn locate(
        given: Option<&Path>,
        pidfile: Option<&Path>,
        output: Output,
        uncertain: fn(CliError) -> Result<Holder, CliError>,
    ) -> Result<CommandContext, CliError> {
        if let Some(pidfile) = pidfile {
            let stop_timeout = Settings::default().stop_timeout;
            let pidfile = find_config::absolute(pidfile)?;
            return Ok(CommandContext {
                output,
                config: None,
                is_named: true,
                pidfile,
                configured_pidfile: None,
                stop_timeout,
            });
        }
        let config = find_config::config(given)?;
        let settings = __daemonctl::settings(&config).map_err(|error| unreadable(&config, &error.to_string()))?;
        let own = __daemonctl::pidfile(&settings);
        let others = __daemonctl::other_pidfiles(&config, &settings);
        let found = running(&config, &own, others, uncertain)?;
        let is_elsewhere = found.is_some();
        Ok(CommandContext {
            output,
            config: Some(config),
            is_named: find_config::is_named(given),
            pidfile: found.unwrap_or_else(|| own.clone()),
            configured_pidfile: is_elsewhere.then_some(own),
            stop_timeout: settings.stop_timeout,
        })
    }

    /// Returns the configuration of a monitor that is to be started.
    ///
    /// # Errors
    /// Only the pidfile was named.
    pub(super) fn config(&self) -> Result<&Path, CliError> {
        let text = "a monitor cannot be started by its pidfile: name its configuration, with `-c FILE`";
        self.config.as_deref().ok_or_else(|| CliError::new(ExitStatus::Usage, text))
    }

    /// Refuses the monitor of another file, which may have come up since this one was looked for.
    pub(super) fn refuse_foreign(&self) -> Result<(), CliError> {
        let Some(config) = &self.config else { return Ok(()) };
        match holder(&self.pidfile, config)? {
            Holder::Foreign(file) => Err(foreign(config, &self.pidfile, &file)),
            Holder::None | Holder::Ours | Holder::Unknown => Ok(()),
        }
    }

    /// Refuses a second monitor of the configuration, where one runs with another pidfile.
    pub(super) fn refuse_second(&self) -> Result<(), CliError> {
        if self.configured_pidfile.is_none() {
            return Ok(());
        }
        let Some(pid) = self.connection().pid()? else { return Ok(()) };
        let text = format!(
            "failed to start the monitor: one runs with this configuration already, as process {pid} with the pidfile `{}`: \
             shut it down first, with `daemonctl shutdown`",
            shown(&self.pidfile)
        );
        Err(CliError::new(ExitStatus::Failed, text))
    }

    /// Prints a note if the configuration now names another pidfile than that of the running monitor.
    pub(super) fn note_move(&self) {
        if let Some(configured) = &self.configured_pidfile {
            self.output.note(format!(
                "the monitor runs with the pidfile `{}`; its configuration means `{}` now: shut it down and start it again to \
                 move it",
                shown(&self.pidfile),
                shown(configured)
            ));
        }
    }

    /// Returns the names that a command is for: of a program (a name with a slash), those of its bots. What no bot runs stays
    /// as it is, to be refused with the others' outcome.
    pub(crate) fn names(&self, names: &[String]) -> Result<Vec<String>, CliError> {
        let mut found = Vec::new();
        for name in find_config::programs(names)? {
            bot_filter::selector(&name)?;
            let bots = if name.contains('/') { self.connection().named(&name) } else { Ok(Vec::new()) };
            match bots {
                Ok(bots) if !bots.is_empty() => found.extend(bots.into_iter().map(|bot| bot.name)),
                Ok(_) => found.push(name),
                Err(failure) if failure.exit == ExitStatus::NoSuchBot => found.push(name),
                Err(failure) => return Err(failure),
            }
        }
        Ok(found)
    }

    pub(crate) fn connection(&self) -> Connection {
        Connection::to(&self.pidfile)
    }
}

/// Returns the pidfile of the running monitor of this configuration, if that is another one than its own; the monitor may have
/// been started before the configuration was edited.
fn running(
    config: &Path,
    own: &Path,
    others: Vec<PathBuf>,
    uncertain: fn(CliError) -> Result<Holder, CliError>,
) -> Result<Option<PathBuf>, CliError> {
    let other = match holder(own, config).or_else(uncertain)? {
        Holder::None => None,
        Holder::Ours | Holder::Unknown => return Ok(None),
        Holder::Foreign(file) => Some(file),
    };
    let is_ours = |pidfile: &PathBuf| matches!(holder(pidfile, config), Ok(Holder::Ours));
    match (others.into_iter().find(is_ours), other) {
        (Some(found), _) => Ok(Some(found)),
        (None, None) => Ok(None),
        (None, Some(file)) => Err(foreign(config, own, &file)),
    }
}

/// Returns the failure to reach the monitor of a configuration where that of another file has its pidfile.
fn foreign(config: &Path, pidfile: &Path, file: &Path) -> CliError {
    let [config, pidfile, file] = [config, pidfile, file].map(shown);
    let text = format!(
        "failed to reach the monitor of `{config}`: the one with the pidfile `{pidfile}` runs with `{file}`: give each file its own \
         `name` and `pidfile`, or shut that one down, with `daemonctl shutdown --pidfile {pidfile}`"
    );
    CliError::new(ExitStatus::Unreachable, text)
}

/// The process that holds a pidfile.
enum Holder {
    /// No monitor runs.
    None,
    /// The monitor of the configuration.
    Ours,
    /// A monitor without a known configuration: a program embeds it, or it is starting or stopping.
    Unknown,
    /// A monitor with another configuration file.
    Foreign(PathBuf),
}

fn holder(pidfile: &Path, config: &Path) -> Result<Holder, CliError> {
    let connection = Connection::to(pidfile);
    if !connection.is_up()? {
        return Ok(Holder::None);
    }
    Ok(match connection.config()? {
        None => Holder::Unknown,
        Some(file) if __daemonctl::is_same_file(&file, config) => Holder::Ours,
        Some(file) => Holder::Foreign(file),
    })
}

/// Returns the failure to read a configuration, with the monitor that runs with it, if one does.
fn unreadable(config: &Path, why: &str) -> CliError {
    let runs = |pidfile: &PathBuf| Connection::to(pidfile).is_up().unwrap_or(false);
    let hint = __daemonctl::known_pidfiles(config).into_iter().find(runs).map(|pidfile| {
        format!("\na monitor that was started with it runs: command it with `--pidfile {}`", shown(&pidfile))
    });
    CliError::new(ExitStatus::Failed, format!("{why}{}", hint.unwrap_or_default()))
}

fn shown(path: &Path) -> std::borrow::Cow<'_, str> {
    escape_bytes(path.as_os_str().as_bytes())
}
