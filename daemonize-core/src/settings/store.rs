//! The value of every setting, with its default.

use super::{Close, Detach, EndsWith, Hooks, Log, OnOutput, OnWait, Ready, Stdio};
use crate::attach::{Attachment, NoControl, ProcessControl};
#[cfg(feature = "tokio")]
use crate::body::RuntimePlan;
use crate::body::{HandlerSettings, IDLE_TIME, POOL_SIZE, Retry, Runtime};
use crate::capability::Capability;
use crate::signals::Signals;
use crate::stage::Stage;
use crate::sys::outlined::Outlined;
use std::fmt;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// All settings of a daemon. `None` means the default, which may depend on whether the daemon detaches.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools)] // Each is a setting of its own.
pub(crate) struct Settings {
    pub(crate) name: String,
    pub(crate) pidfile: Option<PathBuf>,
    /// `true` if the daemon runs without a pidfile.
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
    pub(crate) log: Option<Log>,
    /// `true` if a daemon without `log` has one at the default path, and each log has a maximum size.
    pub(crate) default_log: bool,
    pub(crate) on_output: Option<OnOutput>,
    pub(crate) on_wait: Option<OnWait>,
    pub(crate) ends_with: Option<EndsWith>,
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
    /// Stops, restarts and reloads the daemon for its attachments. Set with the first attachment, so that a program that has none,
    /// and does not call `restart`, is linked without the code of a restart.
    pub(crate) process_control: Arc<dyn ProcessControl>,
    /// The first invalid value that the builder was given.
    pub(crate) mistake: Option<String>,
}

impl Settings {
    /// Returns the defaults.
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
            default_log: false,
            on_output: None,
            on_wait: None,
            ends_with: None,
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

    /// Returns a copy. Compiled in this crate, unlike the derived `clone`, which every calling program would instantiate.
    pub(crate) fn copy(&self) -> Outlined<Settings> {
        Outlined::new(self.clone())
    }

    /// Records a mistake until a verb can report it. Only the first mistake is kept.
    pub(crate) fn record_mistake(&mut self, mistake: impl fmt::Display) {
        self.mistake.get_or_insert_with(|| format!("{mistake}"));
    }

    /// Returns the runtime of an async body.
    #[cfg(feature = "tokio")]
    pub(crate) fn runtime_plan(&self) -> RuntimePlan {
        RuntimePlan { runtime: self.runtime.unwrap_or_default(), worker_threads: self.worker_threads }
    }

    /// Returns how messages are handled.
    pub(crate) fn handling(&self) -> HandlerSettings {
        HandlerSettings {
            pool_size: self.pool_size.unwrap_or(POOL_SIZE),
            idle_time: self.idle_time.unwrap_or(IDLE_TIME),
            retry: self.retry.unwrap_or_default(),
        }
    }

    /// Returns `true` if user code runs before stdout and stderr are redirected, so that the launcher captures their output.
    pub(crate) fn captures_start_output(&self) -> bool {
        self.ready == Ready::Manual || !self.attachments.is_empty() || self.hooks.any_after(Stage::Detach)
    }
}
