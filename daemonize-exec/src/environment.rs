//! The environment variables of a daemon that is launched by exec.

use crate::jobserver;
use daemonize_sys::account::{Account, variables};
use daemonize_sys::paths::PathContext;
use nix::unistd::geteuid;
use std::env;
use std::ffi::{OsStr, OsString};

/// The `PATH` of a clean environment: that of a service of systemd, and the directories of a machine without merged ones.
const CLEAN_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment variables that a daemon launched by exec gets from the process that starts it.
///
/// They are chosen before the new program is executed: a variable that is left out is not in `/proc/PID/environ` of the daemon either.
/// A daemon on demand has a [`Clean`](Environment::Clean) environment unless told otherwise, since whichever client comes first would
/// decide otherwise; any other launch by exec inherits, as a launch by fork does.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::body::Work;
/// use daemon::exec::Environment;
///
/// fn agent() -> Daemon<impl Work> {
///     Daemon::new("agent").run(|| while daemon::sleep(std::time::Duration::from_secs(20)) {})
/// }
///
/// daemon::exec::init();
/// let names = ["RUST_LOG", "TZ"].map(str::to_owned).to_vec();
/// daemon::exec::exec!(agent())?.environment(Environment::Names(names)).start()?;
/// # Ok::<(), daemon::Error>(())
/// ```
///
/// In all cases the jobserver of `make -j` is taken out of `MAKEFLAGS`, `MFLAGS` and `CARGO_MAKEFLAGS`: its descriptors are not passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// Only variables that are the same for every process of the user: `HOME`, `USER`, `LOGNAME` and `SHELL` of the passwd entry, a fixed
    /// `PATH` (`/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`), and for users other than root `XDG_RUNTIME_DIR`, if
    /// `/run/user/UID` belongs to the user and has mode 0700. No locale: the daemon's is `C`.
    Clean,
    /// All variables of the process that starts the daemon.
    #[default]
    Inherit,
    /// The clean environment, and these variables with the values that they have in the process that starts the daemon. One that is not set
    /// there is left out.
    Names(Vec<String>),
}

impl Environment {
    /// Returns the variables for the daemon, of this process.
    ///
    /// # Errors
    /// A name is not one of a variable.
    pub(crate) fn variables(&self) -> Result<Vec<(OsString, OsString)>, String> {
        let names = match self {
            Environment::Inherit => return Ok(env::vars_os().map(without_jobserver).collect()),
            Environment::Clean => &[],
            Environment::Names(names) => names.as_slice(),
        };
        if let Some(wrong) = names.iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
            return Err(format!("`environment`: `{wrong}` is not the name of a variable"));
        }
        let mut chosen = clean();
        for name in names {
            chosen.retain(|(known, _)| known != OsStr::new(name));
            chosen.extend(env::var_os(name).map(|value| without_jobserver((name.into(), value))));
        }
        Ok(chosen)
    }
}

/// Returns the variables of a clean environment.
fn clean() -> Vec<(OsString, OsString)> {
    let user = geteuid().to_string();
    // A user database that cannot be read has no entry, as one that lacks the user.
    let entry = Account::find(&user).ok().and_then(|account| account.entry);
    let mut chosen: Vec<(OsString, OsString)> = Vec::new();
    for (name, value) in variables(entry.as_ref()) {
        chosen.extend(value.map(|value| (name.into(), value.into())));
    }
    chosen.push(("PATH".into(), CLEAN_PATH.into()));
    // Judged by the path, not by the caller's variable.
    let directory = PathContext::now(false).user_directory;
    chosen.extend(directory.map(|directory| ("XDG_RUNTIME_DIR".into(), directory.into())));
    chosen
}

fn without_jobserver((name, value): (OsString, OsString)) -> (OsString, OsString) {
    let value = jobserver::removed(&name, &value).unwrap_or(value);
    (name, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(environment: &Environment) -> Vec<String> {
        let variables = environment.variables().unwrap();
        variables.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    /// Promise 12.07.
    #[test]
    fn clean_environment_has_nothing_of_the_caller() {
        let allowed = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "XDG_RUNTIME_DIR"];
        let clean = names(&Environment::Clean);
        assert!(clean.iter().all(|name| allowed.contains(&name.as_str())), "{clean:?}");
        assert_eq!(clean.iter().filter(|name| *name == "PATH").count(), 1);
        let path = |(name, _): &(OsString, OsString)| name == "PATH";
        let variables = Environment::Clean.variables().unwrap();
        assert_eq!(variables.iter().find(|variable| path(variable)).unwrap().1, CLEAN_PATH);
    }

    #[test]
    fn named_variable_is_added_with_the_callers_value_and_an_unset_one_is_not() {
        let named = Environment::Names(vec!["CARGO_PKG_NAME".into(), "PATH".into(), "NO_SUCH_VARIABLE".into()]);
        let variables = named.variables().unwrap();
        let value = |name: &str| {
            variables.iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(value("CARGO_PKG_NAME"), [env!("CARGO_PKG_NAME")]);
        assert_eq!(value("PATH"), [&env::var_os("PATH").unwrap()]);
        assert!(value("NO_SUCH_VARIABLE").is_empty());
        assert!(names(&Environment::Inherit).contains(&"CARGO_PKG_NAME".to_owned()));
    }

    #[test]
    fn name_that_no_variable_can_have_is_refused() {
        for name in ["", "A=B", "A\0"] {
            let error = Environment::Names(vec![name.into()]).variables().unwrap_err();
            assert!(error.contains("is not the name of a variable"), "{error}");
        }
    }
}
