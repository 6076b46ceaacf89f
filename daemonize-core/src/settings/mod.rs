//! What can be configured: plain data, and what is wrong with it.

mod grace;
mod hooks;
mod output;
mod paths;
mod setting;
mod streams;

pub use crate::body::Runtime;
#[doc(inline)]
pub use crate::capability::{Capability, UnknownCapability};
pub use crate::stage::Stage;
pub(crate) use hooks::When;
pub use hooks::{Hook, Hooks};
pub(crate) use output::OnOutput;
pub(crate) use paths::expand;
use paths::{default_pidfile, other_default_pidfiles};
pub use setting::{Account, List, Setting};
pub use streams::Stdio;

use crate::attach::{Attachment, NoControl, ProcessControl};
#[cfg(feature = "tokio")]
use crate::body::RuntimePlan;
use crate::body::{HandlerSettings, IDLE_TIME, LARGEST_POOL, POOL_SIZE, Retry};
use crate::error::{Error, ErrorKind, Result};
use crate::signals::Signals;
use crate::sys::outlined::Outlined;
use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whether to leave the terminal behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detach {
    /// Detach, unless somebody watches over this process already: an init, a supervisor, a super-server.
    #[default]
    Auto,
    /// Detach whoever the parent is (a systemd unit of `Type=forking`).
    Always,
    /// Run here, as the process that was started.
    Never,
}

/// Which descriptors from 3 on are closed in the daemon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Close {
    /// Those that leaked in through `exec(2)`: all without close-on-exec. What this program opened itself stays.
    #[default]
    Inherited,
    /// All but those named by `inherit`.
    All,
    /// None.
    None,
}

/// When a daemon counts as started: until then, an error, a panic or any other end of its body is the failure of the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ready {
    /// At the first look of the body's own thread or task ([`sleep`](crate::sleep()), [`stopping`](crate::stopping()),
    /// [`stopped`](crate::stopped()), [`wait_handle`](crate::wait_handle()), the end of a step that succeeded, the first
    /// answer of a function that fetches messages), or 100 ms after the body was entered, whichever comes first. A body that
    /// returns well before that has succeeded.
    ///
    /// Effects that the body has had by then stay, even if the start fails. A body that executes another program in its place
    /// (`exec`) wants `Entered`, or calls [`ready`](crate::ready()) first.
    #[default]
    Auto,
    /// When its body is entered: the fastest start, which says nothing about the body.
    Entered,
    /// When its body calls [`ready`](crate::ready); what it prints until then reaches the launcher, through pipes that a
    /// program started before inherits: that program gets SIGPIPE when it prints after the start.
    Manual,
}

/// Longer than this is a mistake, not a time.
const ABSURD: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

/// Sets what has a default, if there is a value.
pub(crate) fn set<T>(setting: &mut T, value: impl Into<Option<T>>) {
    if let Some(value) = value.into() {
        *setting = value;
    }
}

/// Sets what may be unset, if there is a value.
pub(crate) fn set_optional<T>(setting: &mut Option<T>, value: impl Into<Option<T>>) {
    if let Some(value) = value.into() {
        *setting = Some(value);
    }
}

/// Everything that a daemon's builder collects. `None` means the default, which depends on whether it detaches.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is a setting of its own.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) pidfile: Option<PathBuf>,
    /// Set if it is to run without one.
    pub(crate) no_pidfile: bool,
    pub(crate) pidfile_mode: u32,
    pub(crate) lock_timeout: Duration,
    pub(crate) detach: Detach,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) umask: Option<u32>,
    pub(crate) user: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) init_groups: bool,
    pub(crate) chroot: Option<PathBuf>,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) no_new_privs: Option<bool>,
    pub(crate) core_dumps: bool,
    pub(crate) inherit: Vec<RawFd>,
    pub(crate) close: Close,
    pub(crate) stdin: Option<Stdio>,
    pub(crate) stdout: Option<Stdio>,
    pub(crate) stderr: Option<Stdio>,
    /// The destination of stdout and stderr if they are not set and the daemon detaches.
    pub(crate) log: Option<Stdio>,
    pub(crate) on_output: Option<OnOutput>,
    pub(crate) ready: Ready,
    pub(crate) start_timeout: Duration,
    pub(crate) stop_timeout: Option<Duration>,
    pub(crate) grace: Option<Duration>,
    pub(crate) kill: bool,
    pub(crate) every: Option<Duration>,
    pub(crate) pool_size: Option<usize>,
    pub(crate) idle_time: Option<Duration>,
    pub(crate) nack_timeout: Option<Duration>,
    pub(crate) retry: Option<Retry>,
    /// `true` if the body is async.
    #[cfg(feature = "tokio")]
    pub(crate) awaits: bool,
    pub(crate) runtime: Option<Runtime>,
    pub(crate) worker_threads: Option<usize>,
    pub(crate) signals: Signals,
    pub(crate) hooks: Hooks,
    pub(crate) attachments: Vec<Arc<dyn Attachment>>,
    /// Does what attachments ask of the daemon. Set with the first one, so that a program that has none, and does not call
    /// `restart`, is linked without the code of a restart.
    pub(crate) process_control: Arc<dyn ProcessControl>,
    /// The first thing that was wrong with what the builder was given.
    pub(crate) mistake: Option<String>,
}

impl Settings {
    pub(crate) fn new(name: String) -> Settings {
        Settings {
            name,
            pidfile: None,
            no_pidfile: false,
            pidfile_mode: 0o644,
            lock_timeout: Duration::ZERO,
            detach: Detach::Auto,
            working_directory: None,
            umask: None,
            user: None,
            group: None,
            init_groups: true,
            chroot: None,
            capabilities: Vec::new(),
            no_new_privs: None,
            core_dumps: false,
            inherit: Vec::new(),
            close: Close::Inherited,
            stdin: None,
            stdout: None,
            stderr: None,
            log: None,
            on_output: None,
            ready: Ready::Auto,
            start_timeout: Duration::from_secs(60),
            stop_timeout: None,
            grace: None,
            kill: true,
            every: None,
            pool_size: None,
            idle_time: None,
            nack_timeout: None,
            retry: None,
            #[cfg(feature = "tokio")]
            awaits: false,
            runtime: None,
            worker_threads: None,
            signals: Signals::new(),
            hooks: Hooks::new(),
            attachments: Vec::new(),
            process_control: Arc::new(NoControl),
            mistake: None,
        }
    }

    /// Returns a copy. Compiled here, unlike the derived `clone`, and not into the program that calls it.
    pub(crate) fn copy(&self) -> Outlined<Settings> {
        Outlined::new(self.clone())
    }

    /// Remembers a mistake until a verb can report it; the first one counts.
    pub(crate) fn mistaken(&mut self, mistake: impl fmt::Display) {
        self.mistake.get_or_insert_with(|| format!("{mistake}"));
    }

    /// What a verb that only looks has to know: which file, and whose.
    pub(crate) fn check_name(&self) -> Result<()> {
        let name = &self.name;
        let wrong = match name.as_str() {
            "" => Some("its name is empty".to_owned()),
            "." | ".." => Some(format!("its name `{name}` is no file name")),
            _ if name.contains(['/', '\0', '\n']) => {
                Some(format!("its name {name:?} holds a `/`, a NUL or a line's end"))
            }
            _ => None,
        };
        wrong.or_else(|| self.mistake.clone()).map_or(Ok(()), |wrong| Err(Error::configuration(wrong)))
    }

    /// Everything that can be wrong without looking at the system.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_name()?;
        let wrong = |why: String| Err(Error::configuration(why));
        for (key, time) in [
            ("start_timeout", Some(self.start_timeout)),
            ("stop_timeout", self.stop_timeout),
            ("grace", self.grace),
            ("lock_timeout", Some(self.lock_timeout)),
            ("every", self.every),
            ("idle_time", self.idle_time),
            ("nack_timeout", self.nack_timeout),
        ] {
            match time {
                Some(Duration::ZERO) if key != "lock_timeout" => return wrong(format!("`{key}` is zero")),
                Some(time) if time > ABSURD => return wrong(format!("`{key}` is longer than a hundred years")),
                _ => {}
            }
        }
        self.check_grace()?;
        match self {
            _ if self.pool_size == Some(0) => wrong("`pool_size` is zero: nobody could handle a message".into()),
            _ if self.pool_size.is_some_and(|size| size > LARGEST_POOL) => {
                wrong(format!("`pool_size` is more than {LARGEST_POOL}: no process has that many threads"))
            }
            _ if self.worker_threads == Some(0) => wrong("`worker_threads` is zero: nobody would run a task".into()),
            _ if self.worker_threads.is_some_and(|count| count > LARGEST_POOL) => {
                wrong(format!("`worker_threads` is more than {LARGEST_POOL}: no process has that many threads"))
            }
            _ if self.worker_threads.is_some() && self.runtime == Some(Runtime::CurrentThread) => {
                wrong("`worker_threads` with `runtime = current_thread`, which has none".into())
            }
            _ if self.umask.is_some_and(|umask| umask > 0o777) => wrong("`umask` is more than 0o777".into()),
            _ if self.pidfile_mode & !0o755 != 0 || self.pidfile_mode & 0o600 != 0o600 => wrong(format!(
                "`pidfile_mode` 0o{:o} is not one that its owner alone can write (0o600 to 0o755)",
                self.pidfile_mode
            )),
            _ => self
                .check_capabilities()
                .and_then(|()| self.signals.check())
                .and_then(|()| self.check_retry())
                .or_else(wrong),
        }
    }

    /// What may be kept of root's capabilities, and when.
    fn check_capabilities(&self) -> std::result::Result<(), String> {
        let way_back = |capability: &&Capability| matches!(**capability, Capability::SETUID | Capability::SETGID);
        if !self.capabilities.is_empty() && self.user.is_none() {
            return Err("`capabilities` without `user`: they are what is kept when the user changes".into());
        }
        match self.capabilities.iter().find(way_back) {
            Some(capability) => Err(format!("`capabilities`: with {capability} the daemon could become root again")),
            None => Ok(()),
        }
    }

    fn check_retry(&self) -> std::result::Result<(), String> {
        self.retry.unwrap_or_default().check()
    }

    /// The runtime of a body that awaits.
    #[cfg(feature = "tokio")]
    pub(crate) fn runtime_plan(&self) -> RuntimePlan {
        RuntimePlan { runtime: self.runtime.unwrap_or_default(), worker_threads: self.worker_threads }
    }

    /// For a body that is not repeated.
    pub(crate) fn refuse_pace(&mut self, why: &str) {
        self.refuse([("every", self.every.is_some())], &format!("is the pace of steps; {why}"));
    }

    /// For a body that fetches no messages.
    pub(crate) fn refuse_pool(&mut self) {
        let keys = [
            ("pool_size", self.pool_size.is_some()),
            ("idle_time", self.idle_time.is_some()),
            ("nack_timeout", self.nack_timeout.is_some()),
            ("retry", self.retry.is_some()),
        ];
        self.refuse(keys, "is for messages; this daemon fetches none");
    }

    /// For a body that does not await.
    pub(crate) fn refuse_runtime(&mut self) {
        let keys = [("runtime", self.runtime.is_some()), ("worker_threads", self.worker_threads.is_some())];
        self.refuse(keys, "is about the runtime of an async body; this one is none");
    }

    /// Those of these keys that are set mean nothing here.
    fn refuse<const N: usize>(&mut self, keys: [(&str, bool); N], why: &str) {
        for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
            self.mistaken(format_args!("`{key}` {why}"));
        }
    }

    /// How messages are handled.
    pub(crate) fn handling(&self) -> HandlerSettings {
        HandlerSettings {
            pool_size: self.pool_size.unwrap_or(POOL_SIZE),
            idle_time: self.idle_time.unwrap_or(IDLE_TIME),
            retry: self.retry.unwrap_or_default(),
        }
    }

    /// Returns where a start makes the pidfile.
    pub(crate) fn pidfile(&self) -> Result<PathBuf> {
        self.check_name()?;
        if self.no_pidfile {
            return Err(self.cannot_find_without_pidfile("find"));
        }
        self.pidfile.clone().map_or_else(|| default_pidfile(&self.name).map_err(Error::configuration), Ok)
    }

    /// Returns the pidfiles that verbs look at as well: none where it was set.
    pub(crate) fn other_pidfiles(&self) -> Vec<PathBuf> {
        if self.pidfile.is_some() || self.no_pidfile { Vec::new() } else { other_default_pidfiles(&self.name) }
    }

    /// Returns the error of a verb that would have to find the daemon, which is to run without a pidfile.
    pub(crate) fn cannot_find_without_pidfile(&self, verb: &str) -> Error {
        let why = "it runs without a pidfile (`pidfile = none`): use the pid that its start returned";
        Error::failed(ErrorKind::Stop, verb, &self.name, why)
    }

    /// Returns `true` if user code runs before stdout and stderr are in place, whose output the launcher wants to see.
    pub(crate) fn speaks_while_starting(&self) -> bool {
        self.ready == Ready::Manual || !self.attachments.is_empty() || self.hooks.any_after(Stage::Detach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(grace: u64, nack_timeout: Option<u64>) -> Settings {
        let mut settings = Settings::new("test".into());
        settings.grace = Some(Duration::from_millis(grace));
        settings.nack_timeout = nack_timeout.map(Duration::from_millis);
        settings
    }

    #[test]
    fn nack_timeout_is_a_fifth_of_the_grace_within_bounds_unless_set() {
        let timeout = |grace| settings(grace, None).nack_timeout().as_millis();
        assert_eq!([300, 5_000, 8_000, 10_000, 600_000].map(timeout), [1_000, 1_000, 1_600, 2_000, 2_000]);
        assert_eq!(settings(300, Some(7)).nack_timeout(), Duration::from_millis(7));
    }

    #[test]
    fn stop_timeout_leaves_time_for_the_grace_and_the_receipts() {
        let timeout = |nack_timeout| settings(10_000, nack_timeout).stop_timeout().as_secs();
        assert_eq!([None, Some(1_000), Some(2_000), Some(30_000)].map(timeout), [15, 15, 15, 43]);
    }
}
