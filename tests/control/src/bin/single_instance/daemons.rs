//! A daemon with an endpoint, for the tests of clients.

use std::process::ExitCode;
use std::time::Duration;

use daemon::Daemon;
use daemon::control::serde_json::json;
use daemon::control::{Endpoint, Event, Instance};

use crate::instance::line;

pub(crate) fn daemon(verb: &str, pidfile: &str, settings: &[&str]) -> ExitCode {
    let has = |setting: &str| settings.contains(&setting);
    let user = settings.iter().find_map(|setting| setting.strip_prefix("user="));
    let mut daemon = Daemon::new("clients").pidfile(pidfile).stderr("err");
    if let Some(user) = user {
        daemon = daemon.user(user);
    }
    if has("instance") {
        let fails = has("fails");
        let on_stop = move || {
            line("on_stop");
            assert!(!fails, "no pen");
        };
        daemon = daemon.attach(Instance::new("clients").on_start(|| line("on_start")).on_stop(on_stop));
    } else if !has("endpoint=no") {
        let endpoint = if has("tcp") { Endpoint::tcp("127.0.0.1:0") } else { Endpoint::new() };
        let publisher = endpoint.publisher();
        let publish = move |event: Event| json!({ "readers": publisher.publish("told", &event["what"]) });
        daemon =
            daemon.attach(endpoint.on("publish", publish).on("echo", |event: Event| json!({ "echo": event["what"] })));
    }
    let outcome = match verb {
        "start" => daemon.run(|| while daemon::sleep(Duration::from_secs(1000)) {}).start().map(drop),
        _ => daemon.stop().map(drop),
    };
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}
