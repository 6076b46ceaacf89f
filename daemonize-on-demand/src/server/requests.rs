//! The acceptor as the daemon of the control requests, which never count as activity.

use super::acceptor::Acceptor;
use super::lifecycle::LifecycleStage;
use super::queue::QUEUE;
use crate::activity;
use crate::control::{ControlledDaemon, DaemonState, RetireRequest, RetireTime};
use crate::greeting::{Greeting, GreetingState};

impl ControlledDaemon for Acceptor {
    fn greeting(&self) -> Greeting {
        self.admission.greeting(GreetingState::Ready)
    }

    fn state(&self) -> DaemonState {
        match self.stage() {
            LifecycleStage::Starting => DaemonState::Starting,
            LifecycleStage::Ready if activity::is_retiring() => DaemonState::Retiring,
            LifecycleStage::Ready => DaemonState::Ready,
            _ => DaemonState::Leaving,
        }
    }

    fn queued(&self) -> u64 {
        u64::try_from(QUEUE.len()).unwrap_or(u64::MAX)
    }

    /// No client is accepted meanwhile, because this thread accepts them. A client that waits in the backlog is served before the daemon
    /// exits, or starts the next one.
    fn retire(&mut self, request: &RetireRequest) -> bool {
        if self.stage() > LifecycleStage::Ready {
            return true;
        }
        match request.when {
            RetireTime::Now => {
                self.stop_daemon();
                true
            }
            RetireTime::Idle => activity::retire_when_idle(request.own),
            RetireTime::IfIdle => activity::retire_if_idle(request.own),
        }
    }
}
