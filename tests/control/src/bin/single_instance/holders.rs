//! Programs that start an instance.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use daemon::control::serde_json::json;
use daemon::control::{Error, Event, Instance, Running};

use crate::instance::{instance, line};

/// Starts the instance of a directory, and calls one of the functions below, which the test names by `then=NAME`
/// ([`wait`] by default). `on_stop=waits` and `on_stop=panics` select the behaviour of `on_stop`.
pub(crate) fn hold(directory: &str, settings: &[&str]) -> Result<(), Error> {
    let setting = |key: &str| settings.iter().find_map(|setting| setting.strip_prefix(key)?.strip_prefix('='));
    let mut instance = instance(directory);
    if let Some(address) = setting("address") {
        instance = instance.address(address);
    }
    if setting("token") == Some("no") {
        instance = instance.without_token();
    }
    if let Some(patience) = setting("lock_timeout") {
        instance = instance.lock_timeout(Duration::from_millis(patience.parse().expect("milliseconds")));
    }
    match setting("on_stop") {
        Some("waits") => instance = instance.on_stop(wait_for_go),
        Some("panics") => instance = instance.on_stop(|| panic!("no pen")),
        _ => {}
    }
    match setting("then").unwrap_or("wait") {
        "wait" => wait(instance),
        "sleep" => sleep(instance),
        "run_forever" => instance.run_forever(),
        "drop_at_once" => drop_at_once(instance),
        "stop_at_once" => stop_at_once(instance),
        "drop_and_live_on" => drop_and_live_on(instance),
        "live_on_without" => live_on_without(instance),
        "drop_and_start_again" => drop_and_start_again(instance, directory),
        "start_another" => start_another(instance),
        other => panic!("no function is called `{other}`"),
    }
}

/// Starts the instance with a handler that replaces or removes another handler.
fn start(instance: Instance) -> Result<Arc<Running>, Error> {
    let running = Arc::new(instance.start()?);
    line(&format!("primary {} {}", std::process::id(), running.address()));
    let weak = Arc::downgrade(&running);
    running.on("switch", move |event: Event| {
        let running: Arc<Running> = weak.upgrade().expect("it runs");
        match event["to"].as_str().map(str::to_owned) {
            Some(to) => running.on("switched", move |_| json!({ "to": to })),
            None => drop(running.remove_handler("switched")),
        }
    });
    Ok(running)
}

/// Waits for a stop or a signal.
fn wait(instance: Instance) -> Result<(), Error> {
    let running = start(instance)?;
    running.wait();
    drop(running);
    line("goes on");
    Ok(())
}

/// Keeps the guard without using it.
fn sleep(instance: Instance) -> Result<(), Error> {
    let _running = start(instance)?;
    live_on()
}

fn drop_at_once(instance: Instance) -> Result<(), Error> {
    drop(start(instance)?);
    line("goes on");
    Ok(())
}

fn stop_at_once(instance: Instance) -> Result<(), Error> {
    instance.start()?.stop();
    Ok(())
}

fn drop_and_live_on(instance: Instance) -> Result<(), Error> {
    drop(start(instance)?);
    line("goes on");
    live_on()
}

/// Continues without an instance, which cannot start.
fn live_on_without(instance: Instance) -> Result<(), Error> {
    instance.start().expect_err("its address is taken");
    line("goes on");
    live_on()
}

fn drop_and_start_again(first: Instance, directory: &str) -> Result<(), Error> {
    drop(start(first)?);
    let _running = instance(directory).start()?;
    line("goes on");
    live_on()
}

fn start_another(first: Instance) -> Result<(), Error> {
    let _running = start(first)?;
    let _other = instance("other").start()?;
    line("goes on");
    live_on()
}

fn live_on() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

/// Delays the end of the instance until the test writes the file `go`.
fn wait_for_go() {
    line("on_stop begins");
    let go = look::in_lab("go");
    let deadline = look::Deadline::after(Duration::from_secs(20));
    look::until(&go, deadline, || go.exists().then_some(())).expect("a sign to go");
}
