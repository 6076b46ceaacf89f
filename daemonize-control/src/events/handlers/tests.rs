//! Handlers that reply, fail, panic, take long and are replaced.

use super::*;
use crate::events::SlowRequest;
use serde_json::json;
use std::thread;
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
fn blocking_and_async_handlers_reply() {
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
        assert_eq!(reply(value)["message"], "the event is not a JSON object with a string `name`");
    }
}

#[test]
fn handlers_can_be_replaced_and_are_counted() {
    let handlers = handlers();
    run(handlers.handle(json!({"name": "nothing"}), None));
    run(handlers.handle(json!({"name": "nothing"}), None));
    assert_eq!((handlers.counts()["nothing"], handlers.counts()["plain"]), (2, 0));
    assert!(handlers.remove("nothing") && !handlers.remove("nothing"));
    assert_eq!(run(handlers.handle(json!({"name": "nothing"}), None)).0["message"], "no handler found for nothing");
}

/// Promise 5.10.
#[test]
fn handler_keeps_its_permit_after_its_client_left() {
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
                let mut asked = std::pin::pin!(
                    handlers.handle(json!({"name": name, "well": well}), Some(SlowRequest::new(permit, None)))
                );
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

/// The captured values of a handler are dropped without the lock of the handlers.
#[test]
fn destructor_of_a_handler_may_use_the_handlers() {
    struct ReadsHandlers(Handlers);
    impl Drop for ReadsHandlers {
        fn drop(&mut self) {
            self.0.counts();
            self.0.on("the last".into(), |_| ());
        }
    }
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let handlers = Handlers::default();
        for _ in 0..2 {
            let reader = ReadsHandlers(handlers.clone());
            handlers.on("x".into(), move |_| drop(reader.0.counts()));
        }
        assert!(handlers.remove("x"));
        tell.send(handlers.counts().len()).unwrap();
    });
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(1), "it waits for itself");
}

#[test]
fn slow_handler_delays_no_other_event() {
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

#[test]
fn default_handler_answers_where_an_endpoint_has_none() {
    let (own, other) = (handlers(), Handlers::default());
    let reply = |handlers: &Handlers| run(handlers.handle(json!({"name": "shared"}), None)).0["message"].clone();
    assert_eq!(reply(&other), "no handler found for shared");
    default_handler("shared", |_| Err::<(), _>("the default"));
    own.on("shared".into(), |_| Err::<(), _>("its own"));
    assert_eq!((reply(&own), reply(&other)), (json!("its own"), json!("the default")));
    own.remove("shared");
    assert_eq!(reply(&own), "the default");
}
