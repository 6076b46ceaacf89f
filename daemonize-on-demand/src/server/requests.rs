//! Carries out the requests of the control socket. They never count as activity.

use super::acceptor::Acceptor;
use super::lifecycle::LifecycleStage;
use crate::activity;
use crate::control::{ControlAnswer, ControlRequest, DaemonReport, RetireRequest, RetireTime};
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
        clients: activity::clients(),
        guards: activity::guards(),
        idle_for: activity::idle_for(),
        is_retiring: activity::is_retiring() || acceptor.stage() >= LifecycleStage::Stopping,
    }
}

/// Exits in favour of another build, at the time of the request.
fn retire(request: &RetireRequest, acceptor: &mut Acceptor) -> ControlAnswer {
    let greeting = acceptor.admission.identity();
    if request.pid != Pid::this() {
        return ControlAnswer::Refused(format!("the request is for pid {}", request.pid));
    }
    if request.build.is_some() && request.build != greeting.build {
        return ControlAnswer::Refused("the request is for another build".to_owned());
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
