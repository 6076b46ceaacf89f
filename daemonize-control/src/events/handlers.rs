//! Which handler an event has, and how it is run: beside the endpoint, so that a slow one keeps nobody waiting.

use super::IntoReply;
use crate::blocking;
use crate::json::{Object, failure};
use daemonize_sys::escape::escape;
use daemonize_sys::mutex::{read, write};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use tokio::sync::OwnedSemaphorePermit;

/// An event that somebody sent: a JSON object with a `name`; what else is in it is the sender's. Reads like the
/// [`Value`] that it is.
///
/// ```
/// # fn handler(event: daemon::control::Event) -> Result<(), String> {
/// let path = event["path"].as_str().ok_or("there is no `path`")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    name: String,
    value: Value,
}

impl Event {
    /// The event in an object; nothing where it has no name.
    pub(crate) fn new(value: Value) -> Option<Event> {
        let name = value.as_object()?.get("name")?.as_str()?.to_owned();
        Some(Event { name, value })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it: an object.
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl Deref for Event {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// What a handler of events returns: a reply, or a future of one.
///
/// `How` is which of the two it is, and found by the compiler.
#[diagnostic::on_unimplemented(
    message = "a handler of events cannot return `{Self}`",
    note = "it returns `()`, JSON, a `Result` of these, or a future of one of them: see `IntoReply`"
)]
pub trait Answer<How>: Sized {
    /// Runs the handler, in a thread or a task of its own, which goes on when nobody waits for it any more.
    #[doc(hidden)]
    fn begin(handler: &Arc<dyn Fn(Event) -> Self + Send + Sync>, event: Event, work: Work) -> Handling;
}

/// A handler that returns its reply, and may take its time: it has a thread of its own.
#[derive(Debug)]
#[doc(hidden)]
pub enum Plain {}

/// A handler that awaits its reply, in the endpoint's own thread.
#[derive(Debug)]
#[doc(hidden)]
pub enum Awaited {}

/// The permit of a slow request, which is given back when it is dropped; `None` where none is needed.
pub(crate) type SlowRequestPermit = Option<OwnedSemaphorePermit>;

/// What a handler has while it is at work.
#[derive(Debug)]
#[doc(hidden)]
pub struct Work {
    name: String,
    permit: SlowRequestPermit,
}

/// Describes the value that a handler returns.
#[derive(Debug)]
#[doc(hidden)]
pub struct Done {
    reply: Object,
    permit: SlowRequestPermit,
}

/// A future of what a running handler returns; `None` if it panicked.
#[doc(hidden)]
#[allow(unreachable_pub)] // A public trait's hidden method returns it.
pub type Handling = Pin<Box<dyn Future<Output = Option<Done>> + Send>>;

impl Work {
    fn done(mut self, reply: Object) -> Done {
        Done { reply, permit: self.permit.take() }
    }
}

impl Drop for Work {
    /// Whoever asked may have gone.
    fn drop(&mut self) {
        if thread::panicking() {
            log::error!("the handler of the event `{}` panicked", escape(&self.name));
        }
    }
}

impl<R: IntoReply + 'static> Answer<Plain> for R {
    fn begin(handler: &Arc<dyn Fn(Event) -> R + Send + Sync>, event: Event, work: Work) -> Handling {
        let (handler, name) = (Arc::clone(handler), work.name.clone());
        let running = blocking::spawn("daemon-event", move || {
            let reply = handler(event).into_reply();
            work.done(reply)
        });
        Box::pin(async move {
            match running {
                Ok(done) => done.await.ok(),
                Err(error) => {
                    let reply = failure(format!("failed to handle {name}: no thread can be had: {error}"));
                    Some(Done { reply, permit: None })
                }
            }
        })
    }
}

impl<F> Answer<Awaited> for F
where
    F: Future<Output: IntoReply> + Send + 'static,
{
    fn begin(handler: &Arc<dyn Fn(Event) -> F + Send + Sync>, event: Event, work: Work) -> Handling {
        let handler = Arc::clone(handler);
        let running = tokio::spawn(async move {
            let reply = handler(event).await.into_reply();
            work.done(reply)
        });
        Box::pin(async move { running.await.ok() })
    }
}

type Begin = dyn Fn(Event, Work) -> Handling + Send + Sync;

/// A handler, and how many events it has had.
struct Handler {
    begin: Box<Begin>,
    handled: AtomicU64,
}

/// The handlers, by the names of their events. Cheap to clone; all clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Handlers(Arc<RwLock<BTreeMap<String, Arc<Handler>>>>);

impl Handlers {
    /// From now on this handles events of that name, instead of what did before.
    pub(crate) fn on<H, R>(&self, name: String, handler: impl Fn(Event) -> R + Send + Sync + 'static)
    where
        R: Answer<H> + 'static,
    {
        let handler: Arc<dyn Fn(Event) -> R + Send + Sync> = Arc::new(handler);
        let begin: Box<Begin> = Box::new(move |event, work| R::begin(&handler, event, work));
        let before = self.write().insert(name, Arc::new(Handler { begin, handled: AtomicU64::new(0) }));
        // What it has captured may want to know of handlers when it is dropped: not before others may.
        drop(before);
    }

    /// From now on nothing handles events of that name; whether something did.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let before = self.write().remove(name);
        before.is_some()
    }

    /// Handles an event, and returns the reply. What goes wrong in a handler stays there. The handler keeps the permit until it
    /// has ended, whether or not a client waits for that.
    pub(crate) async fn handle(&self, value: Value, permit: SlowRequestPermit) -> (Object, SlowRequestPermit) {
        let Some(event) = Event::new(value) else { return (failure("an event is an object with a `name`"), None) };
        let name = event.name.clone();
        let handler = self.read().get(&name).map(Arc::clone);
        let Some(handler) = handler else { return (failure(format!("no handler found for {name}")), None) };
        handler.handled.fetch_add(1, Relaxed);
        match (handler.begin)(event, Work { name: name.clone(), permit }).await {
            Some(Done { reply, permit }) => (reply, permit),
            None => (failure(format!("the handler of {name} panicked")), None),
        }
    }

    /// How many events of each name have been handed to handlers.
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
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    fn handlers() -> Handlers {
        let handlers = Handlers::default();
        handlers.on("plain".into(), |event| json!({ "got": event["x"] }));
        handlers.on("awaited".into(), |event| async move { Ok::<_, String>(json!({ "got": event["x"] })) });
        handlers.on("nothing".into(), |_| ());
        handlers.on("error".into(), |_| Err::<(), _>("out of luck"));
        handlers.on("panic".into(), |event| assert!(event["x"] == 7, "a secret"));
        handlers.on("awaited panic".into(), |event| async move { assert!(event["x"] == 7, "a secret") });
        handlers
    }

    #[test]
    fn handlers_reply_whether_they_await_or_not() {
        let handlers = handlers();
        let reply = |value| Value::Object(run(handlers.handle(value, None)).0);
        for name in ["plain", "awaited"] {
            assert_eq!(reply(json!({"name": name, "x": [1]})), json!({"success": true, "got": [1]}), "{name}");
        }
        assert_eq!(reply(json!({"name": "nothing"})), json!({"success": true}));
        assert_eq!(reply(json!({"name": "error"})), json!({"success": false, "message": "out of luck"}));
        for name in ["panic", "awaited panic"] {
            let message = format!("the handler of {name} panicked");
            assert_eq!(reply(json!({"name": name})), json!({"success": false, "message": message}));
        }
        assert_eq!(reply(json!({"name": "x"})), json!({"success": false, "message": "no handler found for x"}));
        for value in [json!({}), json!({"name": 1}), json!([]), json!("plain"), Value::Null] {
            assert_eq!(reply(value)["message"], "an event is an object with a `name`");
        }
    }

    #[test]
    fn handlers_come_and_go_and_are_counted() {
        let handlers = handlers();
        run(handlers.handle(json!({"name": "nothing"}), None));
        run(handlers.handle(json!({"name": "nothing"}), None));
        assert_eq!((handlers.counts()["nothing"], handlers.counts()["plain"]), (2, 0));
        assert!(handlers.remove("nothing") && !handlers.remove("nothing"));
        assert_eq!(run(handlers.handle(json!({"name": "nothing"}), None)).0["message"], "no handler found for nothing");
    }

    #[test]
    fn p5_10_a_handler_keeps_its_permit_to_its_end_when_nobody_waits_for_it() {
        let handlers = Handlers::default();
        let (going, gate) = (Arc::new(tokio::sync::Semaphore::new(0)), Arc::new(tokio::sync::Semaphore::new(0)));
        let (begun, ends) = (Arc::clone(&going), Arc::clone(&gate));
        handlers.on("awaited".into(), move |event| {
            let (begun, ends) = (Arc::clone(&begun), Arc::clone(&ends));
            async move {
                begun.add_permits(1);
                ends.acquire().await.unwrap().forget();
                assert!(event["well"] == true, "it was not well");
            }
        });
        let (begun, (end, ends)) = (Arc::clone(&going), std::sync::mpsc::channel::<()>());
        let ends = std::sync::Mutex::new(ends);
        handlers.on("plain".into(), move |event| {
            begun.add_permits(1);
            daemonize_sys::mutex::lock(&ends).recv_timeout(Duration::from_secs(10)).unwrap();
            assert!(event["well"] == true, "it was not well");
        });
        run(async {
            let places = Arc::new(tokio::sync::Semaphore::new(1));
            for (name, well) in [("awaited", true), ("awaited", false), ("plain", true), ("plain", false)] {
                let soon = |place| tokio::time::timeout(Duration::from_secs(10), place);
                let permit = Arc::clone(&places).try_acquire_owned().unwrap();
                {
                    let mut asked = std::pin::pin!(handlers.handle(json!({"name": name, "well": well}), Some(permit)));
                    tokio::select! {
                        _ = &mut asked => panic!("it waits"),
                        begun = soon(going.acquire()) => begun.unwrap().unwrap().forget(),
                    }
                }
                assert_eq!(places.available_permits(), 0, "{name}");
                if name == "plain" {
                    end.send(()).unwrap();
                } else {
                    gate.add_permits(1);
                }
                drop(soon(places.acquire()).await.unwrap_or_else(|_| panic!("{name} {well}: it was not given back")));
            }
        });
    }

    /// What a handler has captured is dropped where handlers can be looked at, and changed.
    #[test]
    fn a_handler_s_end_may_look_at_handlers() {
        struct Curious(Handlers);
        impl Drop for Curious {
            fn drop(&mut self) {
                self.0.counts();
                self.0.on("the last".into(), |_| ());
            }
        }
        let (tell, told) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let handlers = Handlers::default();
            for _ in 0..2 {
                let curious = Curious(handlers.clone());
                handlers.on("x".into(), move |_| drop(curious.0.counts()));
            }
            assert!(handlers.remove("x"));
            tell.send(handlers.counts().len()).unwrap();
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(1), "it waits for itself");
    }

    #[test]
    fn a_slow_handler_keeps_nobody_waiting() {
        let handlers = handlers();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        handlers.on("slow".into(), move |_| {
            wait.lock().unwrap().recv_timeout(Duration::from_secs(10)).is_ok().then_some(()).ok_or("late")
        });
        run(async {
            let slow = tokio::spawn({
                let handlers = handlers.clone();
                async move { handlers.handle(json!({"name": "slow"}), None).await.0 }
            });
            assert_eq!(handlers.handle(json!({"name": "nothing"}), None).await.0["success"], true);
            assert!(!slow.is_finished());
            release.send(()).unwrap();
            assert_eq!(slow.await.unwrap()["success"], true);
        });
        assert!(!thread::panicking());
    }
}
