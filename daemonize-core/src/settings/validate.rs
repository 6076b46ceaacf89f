//! Validates the settings before a launch does anything.

use super::{Log, Settings};
use crate::body::{LARGEST_POOL, Runtime};
use crate::capability::Capability;
use crate::error::{Error, Result};
use std::time::Duration;

/// The longest time that a setting may have: 100 years. More is a mistake.
const MAX_DURATION: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);

impl Settings {
    /// Validates the settings that every verb needs: the name, and that the builder was given valid values.
    pub(crate) fn check_name(&self) -> Result<()> {
        let name = &self.name;
        let wrong = match name.as_str() {
            "" => Some("its name is empty".to_owned()),
            "." | ".." => Some(format!("its name `{name}` is not a file name")),
            _ if name.contains(['/', '\0', '\n']) => {
                Some(format!("its name {name:?} holds a `/`, a NUL or a line's end"))
            }
            _ => None,
        };
        match wrong.or_else(|| self.mistake.clone()) {
            Some(wrong) => Err(Error::configuration(wrong)),
            None => Ok(()),
        }
    }

    /// Validates the settings that a stop needs: the name and the times. Another mistake keeps no daemon from being stopped: it may have
    /// been started with other arguments, such as a `user` of its own.
    pub(crate) fn check_times(&self) -> Result<()> {
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
                Some(time) if time > MAX_DURATION => return wrong(format!("`{key}` is longer than a hundred years")),
                _ => {}
            }
        }
        self.check_grace()
    }

    /// Validates everything that does not depend on the system.
    pub(crate) fn check(&self) -> Result<()> {
        self.check_times()?;
        let wrong = |why: String| Err(Error::configuration(why));
        match self {
            _ if self.pool_size == Some(0) => wrong("`pool_size` is zero: no worker could handle a message".into()),
            _ if self.pool_size.is_some_and(|size| size > LARGEST_POOL) => {
                wrong(format!("`pool_size` is more than {LARGEST_POOL}: no process has that many threads"))
            }
            _ if self.worker_threads == Some(0) => wrong("`worker_threads` is zero: no thread would run a task".into()),
            _ if self.worker_threads.is_some_and(|count| count > LARGEST_POOL) => {
                wrong(format!("`worker_threads` is more than {LARGEST_POOL}: no process has that many threads"))
            }
            _ if self.worker_threads.is_some() && self.runtime == Some(Runtime::CurrentThread) => {
                wrong("`worker_threads` with `runtime = current_thread`, which has none".into())
            }
            _ if self.umask.is_some_and(|umask| umask > 0o777) => wrong("`umask` is more than 0o777".into()),
            _ if self.pidfile_mode & !0o755 != 0 || self.pidfile_mode & 0o600 != 0o600 => wrong(format!(
                "`pidfile_mode` 0o{:o} is not allowed: only the owner may write the pidfile (0o600 to 0o755)",
                self.pidfile_mode
            )),
            _ => self
                .check_capabilities()
                .and_then(|()| self.signals.check())
                .and_then(|()| self.check_retry())
                .and_then(|()| self.log.as_ref().map_or(Ok(()), Log::check))
                .or_else(wrong),
        }
    }

    /// Validates the capabilities that the daemon keeps of root's.
    fn check_capabilities(&self) -> std::result::Result<(), String> {
        let regains_root = |capability: &&Capability| matches!(**capability, Capability::SETUID | Capability::SETGID);
        if !self.capabilities.is_empty() && self.user.is_none() {
            return Err("`capabilities` without `user`: they are what is kept when the user changes, so set `user` too (on a command line `--run-as`)".into());
        }
        match self.capabilities.iter().find(regains_root) {
            Some(capability) => Err(format!("`capabilities`: with {capability} the daemon could become root again")),
            None => Ok(()),
        }
    }

    fn check_retry(&self) -> std::result::Result<(), String> {
        self.retry.unwrap_or_default().check()
    }

    /// Records a mistake if `every` is set, for a body that is not repeated.
    pub(crate) fn refuse_pace(&mut self, why: &str) {
        self.refuse([("every", self.every.is_some())], &format!("is the pace of steps; {why}"));
    }

    /// Records a mistake for each setting of messages that is set, for a body that fetches none.
    pub(crate) fn refuse_pool(&mut self) {
        let keys = [
            ("pool_size", self.pool_size.is_some()),
            ("idle_time", self.idle_time.is_some()),
            ("nack_timeout", self.nack_timeout.is_some()),
            ("retry", self.retry.is_some()),
        ];
        self.refuse(keys, "is for messages; this daemon fetches none");
    }

    /// Records a mistake for each setting of the runtime that is set, for a body that is not async.
    pub(crate) fn refuse_runtime(&mut self) {
        let keys = [("runtime", self.runtime.is_some()), ("worker_threads", self.worker_threads.is_some())];
        self.refuse(keys, "is about the runtime of an async body; this one is none");
    }

    /// Records a mistake for each of the `keys` that is set.
    fn refuse<const N: usize>(&mut self, keys: [(&str, bool); N], why: &str) {
        for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
            self.record_mistake(format_args!("`{key}` {why}"));
        }
    }
}
