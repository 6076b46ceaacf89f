//! Runs the daemon's side of on-demand daemons beside the body.

use super::acceptor::Acceptor;
use super::admission::{Admission, is_trusted, send_line};
use super::event_loop::EventLoop;
use super::lifecycle::{Lifecycle, LifecycleStage};
use super::listeners::{Listeners, accept};
use super::peer::Peer;
use super::queue::QUEUE;
use crate::directory::Directory;
use crate::greeting::{Greeting, GreetingState};
use crate::settings::OnDemand;
use daemonize_core::attach::{AttachContext, Attachment, Handle, Phase, Prepared};
use daemonize_sys::Pid;
use daemonize_sys::build_id::build_id;
use daemonize_sys::mutex::lock;
use daemonize_sys::thread;
use log::error;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};

/// The sockets of the launch in progress: bound by the launcher, taken by the acceptor of the daemon that inherits them.
static BOUND: Mutex<Option<Bound>> = Mutex::new(None);
/// The stage of this process, once it is a daemon on demand.
static LIFECYCLE: OnceLock<Arc<Lifecycle>> = OnceLock::new();

struct Bound {
    listeners: Listeners,
    greeting: Greeting,
}

impl Attachment for OnDemand {
    fn check(&self, context: &AttachContext) -> Result<(), Box<dyn Error>> {
        self.check_settings(context.name()).map_err(|why| format!("failed to set up `on_demand`: {why}"))?;
        Directory::of_launch(context)?;
        Ok(())
    }

    fn launching(&self, context: &AttachContext) -> Result<(), Box<dyn Error>> {
        let mut bound = lock(&BOUND);
        if bound.is_some() || LIFECYCLE.get().is_some_and(|lifecycle| lifecycle.stage() != LifecycleStage::Ended) {
            return Err("`on_demand` is set twice for one daemon".into());
        }
        let listeners = Listeners::bind(&Directory::of_launch(context)?)?;
        *bound = Some(Bound { listeners, greeting: self.greeting(context.name()) });
        Ok(())
    }

    fn launched(&self, outcome: Result<(), &dyn Error>) {
        let Some(bound) = lock(&BOUND).take() else { return };
        if let Err(cause) = outcome {
            share_failure(&bound, cause);
        }
    }

    fn prepare(&self, _: &AttachContext) -> Result<Prepared, Box<dyn Error>> {
        let mut prepared = Prepared::default();
        if let Some(bound) = lock(&BOUND).as_ref() {
            prepared.descriptors = bound.listeners.descriptors();
        }
        Ok(prepared)
    }

    fn start(&self, daemon: Handle) -> Result<(), Box<dyn Error>> {
        let mut bound = lock(&BOUND).take().ok_or("the sockets were not bound")?;
        bound.listeners.take_passed(&daemon)?;
        let lifecycle = Arc::new(Lifecycle::new()?);
        let greeting = Greeting { pid: daemon.pid(), ..bound.greeting };
        let admission = Admission::new(greeting, self.max_queued);
        let acceptor = Acceptor::new(bound.listeners, admission, daemon.clone());
        let event_loop = EventLoop::new(acceptor, Arc::clone(&lifecycle), self)?;
        let _ = LIFECYCLE.set(Arc::clone(&lifecycle));
        QUEUE.open();
        thread::spawn(c"daemon-clients", Box::new(move || run_until_end(event_loop, &daemon, &lifecycle)))?;
        Ok(())
    }

    fn phase(&self, phase: Phase) {
        let stage = match phase {
            Phase::Ready => LifecycleStage::Ready,
            Phase::Stopping => LifecycleStage::Stopping,
            _ => return,
        };
        if let Some(lifecycle) = LIFECYCLE.get() {
            lifecycle.advance(stage);
        }
    }

    fn end(&self) {
        if let Some(lifecycle) = LIFECYCLE.get() {
            lifecycle.advance(LifecycleStage::Ending);
            // The names are removed while the pidfile is locked.
            lifecycle.wait_for_end();
        }
    }
}

impl OnDemand {
    /// Returns the greeting of this process.
    fn greeting(&self, name: &str) -> Greeting {
        let mut greeting = Greeting::new(name, Pid::this());
        greeting.build = Some(build_id().to_owned());
        greeting.protocol = self.protocol;
        greeting.version.clone_from(&self.version);
        greeting.package.clone_from(&self.package);
        greeting.constraint.clone_from(&self.constraint);
        greeting
    }
}

/// Runs the event loop. If it panics, the daemon stops, since no client can reach it any more: the next one starts another daemon.
fn run_until_end(mut event_loop: EventLoop, daemon: &Handle, lifecycle: &Lifecycle) {
    if catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err() {
        error!("the thread that accepts clients has panicked: the daemon stops");
        QUEUE.close();
        daemon.stop();
    }
    // Closes the sockets: a client that has found one and was not accepted is reset, and tries again.
    drop(event_loop);
    lifecycle.advance(LifecycleStage::Ended);
}

/// Answers the clients that have waited for a start that has failed.
fn share_failure(bound: &Bound, cause: &dyn Error) {
    let mut greeting = bound.greeting.clone();
    (greeting.state, greeting.error) = (GreetingState::Failed, Some(cause.to_string()));
    let line = greeting.to_line();
    for (listener, _) in bound.listeners.for_clients() {
        while let Ok(Some(stream)) = accept(listener) {
            if Peer::of(&stream).is_ok_and(is_trusted) {
                send_line(&stream, &line);
            }
        }
    }
}
