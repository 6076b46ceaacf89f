//! The requests of the control socket. They never count as activity.

use super::acceptor::Acceptor;
use super::lifecycle::LifecycleStage;
use super::queue::QUEUE;
use crate::activity;
use crate::greeting::GreetingState;

/// Returns the reply to a request: one line with its end.
pub(super) fn respond(request: &str, acceptor: &mut Acceptor) -> String {
    match request.split(' ').next().unwrap_or_default() {
        "ping" => format!("pong {}\n", state(acceptor)),
        "greeting" => acceptor.admission.greeting(GreetingState::Ready).to_line(),
        "status" => format!(
            "status state={} clients={} queued={} busy={} idle_ms={}\n",
            state(acceptor),
            activity::clients(),
            QUEUE.len(),
            activity::guards(),
            activity::idle_since().as_millis()
        ),
        "retire" if acceptor.retire() => "retired\n".to_owned(),
        "retire" => "busy\n".to_owned(),
        _ => "error unknown%20request\n".to_owned(),
    }
}

/// Returns the word for the daemon's stage.
fn state(acceptor: &Acceptor) -> &'static str {
    match acceptor.stage() {
        LifecycleStage::Starting => "starting",
        LifecycleStage::Ready => "ready",
        _ => "leaving",
    }
}
