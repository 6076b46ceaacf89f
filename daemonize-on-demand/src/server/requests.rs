//! Carries out the requests of the control socket. They never count as activity.

use super::acceptor::Acceptor;
use super::lifecycle::LifecycleStage;
use super::queue::QUEUE;
use crate::activity;
use crate::control::{ControlAnswer, ControlRequest, DaemonReport, DaemonState, RetireRequest, RetireTime};
use daemonize_sys::Pid;
use log::info;

/// Returns the answer to a request.
pub(super) fn respond(request: &[u8], acceptor: &mut Acceptor) -> ControlAnswer {
    match ControlRequest::parse(request) {
        Ok(ControlRequest::Ping) => ControlAnswer::Pong(Pid::this()),
        Ok(ControlRequest::Status) => ControlAnswer::Status(Box::new(report(acceptor))),
        Ok(ControlRequest::Retire(request)) => retire(&request, acceptor),
        Err(why) => ControlAnswer::Refused(why.to_owned()),
    }
}

fn report(acceptor: &Acceptor) -> DaemonReport {
    let greeting = acceptor.admission.identity();
    DaemonReport {
        name: greeting.name.clone(),
        pid: Pid::this(),
        build: greeting.build.clone(),
        protocol: greeting.protocol,
        version: greeting.version.clone(),
        constraint: greeting.constraint.clone(),
        state: state(acceptor.stage()),
        clients: activity::clients(),
        queued: u64::try_from(QUEUE.len()).unwrap_or(u64::MAX),
        guards: activity::guards(),
        idle_for: activity::idle_for(),
    }
}

fn state(stage: LifecycleStage) -> DaemonState {
    match stage {
        LifecycleStage::Starting => DaemonState::Starting,
        LifecycleStage::Ready if activity::is_retiring() => DaemonState::Retiring,
        LifecycleStage::Ready => DaemonState::Ready,
        _ => DaemonState::Leaving,
    }
}

/// Exits in favour of another build, at the time of the request.
fn retire(request: &RetireRequest, acceptor: &mut Acceptor) -> ControlAnswer {
    let greeting = acceptor.admission.identity();
    if request.pid != Pid::this() {
        return ControlAnswer::OtherDaemon;
    }
    if request.build.is_some() && request.build != greeting.build {
        return ControlAnswer::OtherDaemon;
    }
    match acceptor.stage() {
        LifecycleStage::Starting => return ControlAnswer::Refused("the daemon is starting".to_owned()),
        LifecycleStage::Ready => {}
        _ => return ControlAnswer::Retiring,
    }
    let retires = match request.when {
        RetireTime::Now => {
            acceptor.stop_daemon();
            true
        }
        RetireTime::IfIdle => acceptor.leave(&|| activity::is_inactive(request.own)),
        RetireTime::Idle => {
            let leaves = acceptor.leave(&|| activity::is_inactive(request.own));
            if !leaves {
                activity::retire();
            }
            leaves
        }
    };
    if retires {
        info!("exits: a client needs another build");
        ControlAnswer::Retiring
    } else {
        ControlAnswer::Busy { clients: activity::clients(), guards: activity::guards() }
    }
}
