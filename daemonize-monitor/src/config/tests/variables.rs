//! Variables stand in every value, also for numbers and booleans.

use super::{config, mistakes};
use crate::bot::{Bot, Log, LogTarget, Ready, Restart};
use daemonize_core::Signal;
use std::time::Duration;

/// Promise 6.54.
#[test]
fn variable_in_any_value_means_what_it_holds() {
    let text = r#"
        include = ["${NONE:-/etc}/*.no-such-file"]
        [monitor]
        name = "m-${PORT}"
        control = { tcp = "127.0.0.1:${PORT}", token = "${NO}" }
        log = "${NONE:-null}"
        log_level = "${NONE:-debug}"
        stop_timeout = "${COUNT}m"
        [bot.db]
        command = "/bin/true"
        [bot.web]
        command = "/bin/true"
        autostart = "${NO}"
        clear_env = "${NONE:-true}"
        instances = "${COUNT:-7}"
        umask = "${NONE:-027}"
        restart = "${NONE:-never}"
        limit = { exits = "${NONE:-7}", window = "${COUNT}h" }
        backoff = { factor = "${COUNT}", jitter = "${NONE:-0.5}" }
        stop = [{ signal = "${NONE:-INT}", timeout = "${COUNT}s" }]
        depends_on = ["$DB"]
        ready = { tcp = "localhost:$PORT" }
        stdout = { file = "/var/log/$DB.log", max_size = "${COUNT}MB", keep = "$COUNT", timestamps = "${NONE:-true}" }
        stderr = "${NONE:-null}"
    "#;
    let found = config(text);
    let second = Duration::from_secs(1);
    let web = Bot::new("web", "/bin/true")
        .autostart(false)
        .clear_environment()
        .instances(2)
        .umask(0o27)
        .restart(Restart::Never)
        .limit(7, 7200 * second)
        .backoff(crate::bot::Backoff { factor: 2.0, jitter: 0.5, ..crate::bot::Backoff::default() })
        .stop([(Signal::SIGINT, 2 * second)])
        .depends_on("db")
        .ready(Ready::Tcp("127.0.0.1:8080".parse().unwrap()))
        .stdout(Log { max_size: 2_000_000, keep: 2, timestamps: true, ..Log::new("/var/log/db.log") })
        .stderr(LogTarget::Null);
    assert_eq!(found.bots, [Bot::new("db", "/bin/true"), web]);
    assert_eq!((&*found.settings.name, found.settings.stop_timeout), ("m-8080", 120 * second));
    assert_eq!((found.settings.control.tcp.unwrap().port(), found.settings.control.token), (8080, false));
}

#[test]
fn value_of_a_variable_that_does_not_fit_is_refused_with_what_it_held() {
    let of = |line: &str| mistakes(&format!("[bot.web]\ncommand = \"/bin/true\"\n{line}\n"));
    for (line, expected) in [
        (
            "instances = \"$DB\"",
            "3:13: `instances`: expected a whole number from 1 to 10000, found `db` by its variables",
        ),
        (
            "instances = \"${NONE:-0}\"",
            "3:13: `instances`: expected a whole number from 1 to 10000, found `0` by its variables",
        ),
        ("instances = \"3\"", "3:13: `instances`: `3` is not known: write a whole number, or \"cpus\""),
        ("autostart = \"$COUNT\"", "3:13: `autostart`: expected true or false, found `2` by its variables"),
        ("autostart = \"true\"", "3:13: `autostart`: expected true or false, found a string"),
        ("backoff = { jitter = \"$COUNT\" }", "3:22: `jitter`: expected a number from 0 to 1"),
        ("backoff = { jitter = \"${NONE:-nan}\" }", "3:22: `jitter`: expected a number from 0 to 1"),
        (
            "limit = { window = \"$DB\" }",
            "3:20: `window`: `db` is not a duration: write a number and a unit, such as \"3s\"",
        ),
        (
            "autostart = \"$UNSET\"",
            "3:13: `autostart`: the variable `UNSET` is not set: set it, write `${UNSET:-default}`, or `$$` for a dollar sign",
        ),
    ] {
        assert_eq!(of(line), expected, "{line}");
    }
}
