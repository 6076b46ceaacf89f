//! The process that a pidfile names, and its state.

use crate::pid::Pid;
use crate::process::Identity;
use crate::sys::account::describe;
use nix::unistd::Uid;
use std::fmt;
use std::time::Duration;

/// The age from which an empty pidfile is unlikely to belong to a start in progress.
const STALE_START_AGE: Duration = Duration::from_secs(60);

/// The state of the process that a pidfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// There is no file.
    Nothing,
    /// The file was emptied this long ago: a start is in progress, or was killed.
    Unsealed(Duration),
    /// The file names no process for certain.
    Unidentified,
    /// The pidfile of another program: a pid without an identity, whose process is older than the file.
    Unproven(Pid),
    /// The daemon that the file names is dead.
    Dead(Identity),
    /// It is not known whether the daemon is alive, for this reason.
    Unknown(&'static str),
    /// The file is not a pidfile.
    Foreign,
    /// The file is in a directory of this user, but names a process that does not run as that user.
    WrongUser(Pid, u32),
    /// The daemon that the file names is alive.
    Alive(Identity),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holder::Nothing => f.write_str("there is no pidfile"),
            Holder::Unsealed(age) if *age > STALE_START_AGE => f.write_str(
                "another start or stop is under way, or a hook replaced the stage `PidFile` of a daemon, which no verb can reach then",
            ),
            Holder::Unsealed(_) => f.write_str("another start or stop is under way"),
            Holder::Unidentified => f.write_str("the pidfile names no process for certain"),
            Holder::Unproven(pid) => write!(
                f,
                "it names the living process {pid}, but another program wrote it: end that process first, or remove the file"
            ),
            Holder::Dead(identity) => write!(f, "the daemon it names (pid {}) is dead", identity.pid),
            Holder::Unknown(why) => f.write_str(why),
            Holder::Foreign => f.write_str("it is not a pidfile"),
            Holder::WrongUser(pid, user) => write!(
                f,
                "its directory belongs to {}, but pid {pid}, which it names, does not run as that user",
                describe(Uid::from_raw(*user))
            ),
            Holder::Alive(identity) => write!(f, "pid {} is alive", identity.pid),
        }
    }
}
