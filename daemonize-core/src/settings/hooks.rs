//! Hooks: user functions that run before, after or instead of a stage of the launch.

use crate::body::{BodyResult, IntoExit};
use crate::mutex;
use crate::stage::Stage;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A function or closure that hooks a stage: `FnMut()`, with a return type that [`IntoExit`] allows.
///
/// `Kind` only distinguishes the implementations and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot hook a stage",
    label = "not a hook",
    note = "a hook is a `FnMut()`, `Send + 'static`, that returns `()` or a `Result`"
)]
pub trait Hook<Kind>: Send + 'static {
    /// Runs the hook.
    fn run(&mut self) -> BodyResult;
}

impl<F, R, K> Hook<(R, K)> for F
where
    F: FnMut() -> R + Send + 'static,
    R: IntoExit<K>,
{
    fn run(&mut self) -> BodyResult {
        self().into_exit()
    }
}

type SharedHook = Arc<Mutex<dyn FnMut() -> BodyResult + Send>>;

/// The position of a hook relative to its stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    Instead,
    After,
}

/// The hooks of a launch: see [`Daemon::hooks`](crate::Daemon::hooks).
///
/// ```
/// use daemon::settings::{Hooks, Stage};
///
/// let hooks = Hooks::new().before(Stage::Identity, || println!("still root"));
/// # drop(hooks);
/// ```
#[derive(Clone, Default)]
pub struct Hooks(Vec<(Stage, When, SharedHook)>);

impl Hooks {
    /// Returns an empty set of hooks.
    pub fn new() -> Hooks {
        Hooks::default()
    }

    /// Runs `hook` before the stage. An error fails the start. A hook before `Detach` runs in the launcher.
    #[must_use]
    pub fn before<K>(self, stage: Stage, hook: impl Hook<K>) -> Hooks {
        self.with(stage, When::Before, hook)
    }

    /// Runs `hook` after the stage. An error fails the start.
    #[must_use]
    pub fn after<K>(self, stage: Stage, hook: impl Hook<K>) -> Hooks {
        self.with(stage, When::After, hook)
    }

    /// Runs `hook` instead of the stage. Only the last replacement of a stage runs. Without the stage `Detach`, no process is
    /// forked. Without the stage `PidFile`, the pidfile is locked against a second daemon, but stays empty: `stop`, `send`,
    /// `restart` and `pid` return an error, `status` is unknown, and only the pid that the start returned identifies the daemon.
    #[must_use]
    pub fn replace<K>(self, stage: Stage, hook: impl Hook<K>) -> Hooks {
        self.with(stage, When::Instead, hook)
    }

    fn with<K>(mut self, stage: Stage, when: When, mut hook: impl Hook<K>) -> Hooks {
        self.0.push((stage, when, Arc::new(Mutex::new(move || hook.run()))));
        self
    }

    pub(crate) fn merge(&mut self, other: Hooks) {
        self.0.extend(other.0);
    }

    pub(crate) fn replaces(&self, stage: Stage) -> bool {
        self.has(stage, When::Instead)
    }

    pub(crate) fn has(&self, stage: Stage, when: When) -> bool {
        self.of(stage, when).next().is_some()
    }

    /// Returns `true` if there is any hook but those before this stage.
    pub(crate) fn any_after(&self, stage: Stage) -> bool {
        self.0.iter().any(|(of, when, _)| (*of, *when) != (stage, When::Before))
    }

    /// Returns `true` if there is any hook.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Runs the hooks of one position in order; of the replacements only the last. Stops at the first error.
    pub(crate) fn run(&self, stage: Stage, when: When) -> Result<(), String> {
        let skip = if when == When::Instead { self.of(stage, when).count().saturating_sub(1) } else { 0 };
        for hook in self.of(stage, when).skip(skip) {
            let ending = (mutex::lock(hook))();
            if let Some(error) = ending.error() {
                return Err(error.to_owned());
            }
        }
        Ok(())
    }

    fn of(&self, stage: Stage, when: When) -> impl Iterator<Item = &SharedHook> {
        self.0.iter().filter(move |(of, at, _)| (*of, *at) == (stage, when)).map(|(_, _, hook)| hook)
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(stage, when, _)| (stage, when))).finish()
    }
}
