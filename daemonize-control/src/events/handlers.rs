//! The event handlers of an endpoint, by name.

use super::event::Event;
use super::handler_output::{HandlerFuture, HandlerOutput, HandlerResult, HandlerRun, SlowRequestPermit};
use crate::json::{Object, failure};
use daemonize_sys::mutex::{read, write};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

type Run = dyn Fn(Event, HandlerRun) -> HandlerFuture + Send + Sync;

/// A handler, and the number of events that it has received.
struct Handler {
    run: Box<Run>,
    handled: AtomicU64,
}

/// The handlers, by the names of their events. Clones share the same handlers.
#[derive(Clone, Default)]
pub(crate) struct Handlers(Arc<RwLock<BTreeMap<String, Arc<Handler>>>>);

/// The handlers of events for which an endpoint has none.
static DEFAULT_HANDLERS: LazyLock<Handlers> = LazyLock::new(Handlers::default);

/// Sets the handler of events of this name for every endpoint of this process that has no handler of its own: for libraries that
/// answer an event wherever there is an endpoint. Replaces an earlier one. Who may send events is decided as for all others.
///
/// ```
/// use daemon::control::default_handler;
///
/// default_handler("cache-size", |_| serde_json::json!({ "entries": 4711 }));
/// ```
pub fn default_handler<Kind, R>(name: impl Into<String>, handler: impl Fn(Event) -> R + Send + Sync + 'static)
where
    R: HandlerOutput<Kind> + 'static,
{
    DEFAULT_HANDLERS.on(name.into(), handler);
}

impl Handlers {
    /// Sets the handler of events of this name, and replaces an earlier one.
    pub(crate) fn on<Kind, R>(&self, name: String, handler: impl Fn(Event) -> R + Send + Sync + 'static)
    where
        R: HandlerOutput<Kind> + 'static,
    {
        let handler: Arc<dyn Fn(Event) -> R + Send + Sync> = Arc::new(handler);
        let run: Box<Run> = Box::new(move |event, run| R::run(&handler, event, run));
        let before = self.write().insert(name, Arc::new(Handler { run, handled: AtomicU64::new(0) }));
        // Dropped without the lock: the destructors of captured values may use the handlers.
        drop(before);
    }

    /// Removes the handler of events of this name. Returns `false` if there was none.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let before = self.write().remove(name);
        before.is_some()
    }

    /// Handles an event, and returns the reply. An error or a panic of the handler becomes a reply, too. The handler keeps the
    /// permit until it returns, even if the client leaves before.
    pub(crate) async fn handle(&self, value: Value, permit: SlowRequestPermit) -> (Object, SlowRequestPermit) {
        let Some(event) = Event::new(value) else {
            return (failure("the event is not a JSON object with a string `name`"), None);
        };
        let name = event.name().to_owned();
        let own = self.read().get(&name).map(Arc::clone);
        let handler = own.or_else(|| DEFAULT_HANDLERS.read().get(&name).map(Arc::clone));
        let Some(handler) = handler else { return (failure(format!("no handler found for {name}")), None) };
        handler.handled.fetch_add(1, Relaxed);
        match (handler.run)(event, HandlerRun { name: name.clone(), permit }).await {
            Some(HandlerResult { reply, permit }) => (reply, permit),
            None => (failure(format!("the handler of {name} panicked")), None),
        }
    }

    /// Returns the number of events that each handler has received.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.read().iter().map(|(name, handler)| (name.clone(), handler.handled.load(Relaxed))).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Arc<Handler>>> {
        read(&self.0)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Handler>>> {
        write(&self.0)
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.read().keys()).finish()
    }
}

#[cfg(test)]
mod tests;
