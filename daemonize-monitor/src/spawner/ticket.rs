//! What whoever has given something to a thread holds of it.

use super::Made;
use crate::program::Refusal;
use crate::sys::spawn::Newborn;
use daemonize_core::Pid;
use nix::sys::eventfd::EventFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What has become of something so far.
pub(crate) enum Begun<T> {
    Over(Result<T, Refusal>),
    /// It hangs.
    Hangs(Ticket<T>),
}

/// Something that is going on.
pub(crate) struct Ticket<T>(Arc<Shared<T>>);

struct Shared<T> {
    state: Mutex<State<T>>,
    is_over: Condvar,
    /// Where the child of a start is seen.
    newborn: Option<Arc<Newborn>>,
}

struct State<T> {
    stage: Stage<T>,
    /// Whoever wanted it waits no more, and hears the bell.
    is_left: bool,
}

enum Stage<T> {
    /// There is no process yet.
    Begun,
    /// There may be one.
    Making,
    Over(Result<T, Refusal>),
    /// Nobody wants to know any more.
    Closed,
}

impl<T> Ticket<T> {
    /// Of something that a thread is about to do, the child of which, if it makes one, is seen as `newborn`; for both sides.
    pub(super) fn pair(newborn: Option<&Arc<Newborn>>) -> (Ticket<T>, Ticket<T>) {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { stage: Stage::Begun, is_left: false }),
            is_over: Condvar::new(),
            newborn: newborn.cloned(),
        });
        (Ticket(Arc::clone(&shared)), Ticket(shared))
    }

    /// Waits so long for the outcome.
    pub(super) fn wait(self, patience: Duration) -> Begun<T> {
        let goes_on = |state: &mut State<T>| !matches!(state.stage, Stage::Over(_));
        let waited = self.0.is_over.wait_timeout_while(self.state(), patience, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = state.take() {
            return Begun::Over(outcome);
        }
        state.is_left = true;
        drop(state);
        Begun::Hangs(self)
    }

    /// What has become of it, once; `None` while it goes on.
    pub(crate) fn outcome(&self) -> Option<Result<T, Refusal>> {
        self.state().take()
    }

    /// Whether the thread has nothing to do with it any more.
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(super) fn settle(&self, outcome: Result<T, Refusal>, bell: &EventFd) {
        let mut state = self.state();
        if matches!(state.stage, Stage::Closed) {
            return;
        }
        state.stage = Stage::Over(outcome);
        if state.is_left {
            let _ = bell.write(1);
        }
        drop(state);
        self.0.is_over.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<Made> {
    /// Ends it: true if there is no process and will be none, else its process is killed, and there will be an outcome.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.state();
        match state.stage {
            Stage::Begun => state.stage = Stage::Closed,
            Stage::Making => self.newborn().kill(),
            Stage::Over(_) | Stage::Closed => {}
        }
        matches!(state.stage, Stage::Closed)
    }

    /// The process that it makes or has made, if there is one.
    pub(crate) fn pid(&self) -> Option<Pid> {
        match &self.state().stage {
            Stage::Making => self.newborn().pid(),
            Stage::Over(Ok(made)) => Some(made.pid),
            Stage::Begun | Stage::Over(Err(_)) | Stage::Closed => None,
        }
    }

    /// Where its child is seen.
    pub(super) fn newborn(&self) -> &Newborn {
        self.0.newborn.as_ref().expect("a start has one")
    }

    /// Whether somebody still wants the process; from now on there may be one.
    pub(super) fn is_to_be_made(&self) -> bool {
        let mut state = self.state();
        let is_wanted = matches!(state.stage, Stage::Begun);
        if is_wanted {
            // The last one of this thread is nothing to us.
            self.newborn().clear();
            state.stage = Stage::Making;
        }
        is_wanted
    }
}

impl<T> State<T> {
    /// The outcome, which is nobody else's then.
    fn take(&mut self) -> Option<Result<T, Refusal>> {
        match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Over(outcome) => Some(outcome),
            other => {
                self.stage = other;
                None
            }
        }
    }
}
