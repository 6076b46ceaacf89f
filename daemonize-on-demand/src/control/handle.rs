//! The daemon's end: carries out one request.

use super::{ControlAnswer, ControlRequest, DaemonReport, DaemonState, RetireRequest};
use crate::activity;
use crate::greeting::Greeting;

/// The daemon, as far as requests concern it.
pub(crate) trait ControlledDaemon {
    /// Returns its greeting: its name, pid and build.
    fn greeting(&self) -> Greeting;

    /// Returns its state.
    fn state(&self) -> DaemonState;

    /// Returns how many clients wait for the body.
    fn queued(&self) -> u64;

    /// Exits in favour of another build, if the request's time has come. Returns `true` if the daemon exits now, or as soon as the
    /// sender's own connections are closed.
    fn retire(&mut self, request: &RetireRequest) -> bool;
}

/// Carries out the request in this line, and returns the line of the answer. The peer's user was checked. Does not block.
pub(crate) fn handle(line: &[u8], daemon: &mut impl ControlledDaemon) -> String {
    let answer = match ControlRequest::parse(line) {
        Ok(ControlRequest::Ping) => ControlAnswer::Pong(daemon.greeting().pid),
        Ok(ControlRequest::Status) => ControlAnswer::Status(Box::new(report(daemon))),
        Ok(ControlRequest::Retire(request)) => retire(&request, daemon),
        Err(why) => ControlAnswer::Refused(why.to_owned()),
    };
    answer.to_line()
}

fn report(daemon: &impl ControlledDaemon) -> DaemonReport {
    let Greeting { name, pid, build, protocol, version, constraint, .. } = daemon.greeting();
    let (state, queued) = (daemon.state(), daemon.queued());
    let (clients, guards, idle_for) = (activity::clients(), activity::guards(), activity::idle_since());
    DaemonReport { name, pid, build, protocol, version, constraint, state, clients, queued, guards, idle_for }
}

/// Retires, unless the request is for another daemon than this one: the sender has read an earlier one's greeting.
fn retire(request: &RetireRequest, daemon: &mut impl ControlledDaemon) -> ControlAnswer {
    let own = daemon.greeting();
    let is_other_build = request.build.is_some() && own.build.is_some() && request.build != own.build;
    if request.pid != own.pid || is_other_build {
        return ControlAnswer::OtherDaemon;
    }
    if daemon.retire(request) {
        return ControlAnswer::Retiring;
    }
    ControlAnswer::Busy { clients: activity::clients(), guards: activity::guards() }
}
