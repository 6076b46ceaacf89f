//! What the user wants done before, after or instead of a stage.

use crate::body::{BodyResult, IntoExit};
use crate::mutex;
use crate::stage::Stage;
use std::fmt;
use std::sync::{Arc, Mutex};

/// What a function or closure must be to hook a stage: `FnMut()`, returning what [`IntoExit`] allows.
///
/// `Kind` only tells the implementations apart and is always inferred.
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

/// Where a hook stands relative to its stage.
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
    /// None yet.
    pub fn new() -> Hooks {
        Hooks::default()
    }

    /// Runs `hook` before the stage; an error fails the start. Before `Detach` is still in the launcher.
    #[must_use]
    pub fn before<K>(self, stage: Stage, hook: impl Hook<K>) -> Hooks {
        self.with(stage, When::Before, hook)
    }

    /// Runs `hook` after the stage; an error fails the start.
    #[must_use]
    pub fn after<K>(self, stage: Stage, hook: impl Hook<K>) -> Hooks {
        self.with(stage, When::After, hook)
    }

    /// Runs `hook` instead of the stage; the last one given counts. Without `Detach` there is no fork at all. Without `PidFile`
    /// the pidfile keeps a second daemon out, but stays empty: `stop`, `send`, `restart` and `pid` cannot reach such a daemon and say
    /// so, its `status` is unknown, and only the pid that its start returned leads to it.
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

    /// Whether any hook runs in the daemon, that is not before this stage.
    pub(crate) fn any_after(&self, stage: Stage) -> bool {
        self.0.iter().any(|(of, when, _)| (*of, *when) != (stage, When::Before))
    }

    /// Returns `true` if there is a hook at any stage.
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Runs those of one place in order, of replacements only the last; the first error ends it.
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
