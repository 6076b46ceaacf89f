//! The stop timeout of a bot: it receives the timeout, has all of it, and a second request does not shorten it.

use crate::common::{
    begin, environment, lab, lines, number, process, start, start_again, status, stop, tell, wait_for,
};
use look::Lab;

/// Longer than the time within which a daemon of the library counts two signals as one.
const NEXT: &str = "sleep 0.7";

/// Returns a daemon of the library that cleans up for `millis`.
fn slow(name: &str, settings: &str, millis: u32) -> String {
    let program = env!("CARGO_BIN_EXE_slow_bot");
    format!(
        r#"{name} = {{ command = "{program}", args = ["LAB/{name}.pid", "{millis}"], {settings} stdout = "LAB/{name}.log" }}"#
    )
}

/// Returns the number of lines of a log that equal this one.
fn count(lab: &Lab, log: &str, line: &str) -> usize {
    lab.read(log).lines().filter(|other| *other == line).count()
}

/// Promise 1.30.
#[test]
fn library_bot_ends_itself_before_the_monitor_kills_it() {
    let lab = lab();
    start(
        &lab,
        &[&slow(
            "web",
            r#"stop = [{ signal = "TERM", timeout = "2s" }, { signal = "INT", timeout = "30s" }],"#,
            600_000,
        )],
    );
    lab.wait_for("web.log", crate::common::EVENT_TIMEOUT, |text| text.contains("up\n"));
    assert!(environment(process(&lab, "web")).contains(&"DAEMON_STOP_TIMEOUT=2".to_owned()));
    let told = tell(&lab, "stop --wait=20s web");
    assert!(told.starts_with("web: stopped") && number(&status(&lab, "web"), "kill") == 0, "{told}");
    let log = lab.read("web.log");
    assert!(
        log.contains("did not end within its grace of 1.6s, and was ended")
            && !log.contains("received a second stop signal"),
        "{log}"
    );
    stop(&lab);
}

/// Promise 6.30. The shutdown of a monitor leaves no more than its own timeout.
#[test]
fn bot_receives_at_most_the_shutdown_timeout() {
    let lab = lab();
    crate::common::configure(
        &lab,
        "stop_timeout = \"4500ms\"",
        &[
            r#"web = { command = "BOT", args = ["touch:LAB/up", "idle"], stop = { signal = "TERM", timeout = "30s" }, env.A = "b", clear_env = true }"#,
        ],
    );
    start_again(&lab);
    lab.wait_for("up", crate::common::EVENT_TIMEOUT, |_| true);
    assert!(environment(process(&lab, "web")).contains(&"DAEMON_STOP_TIMEOUT=4.5".to_owned()));
    stop(&lab);
}

/// Promise 6.30.
#[test]
fn second_stop_of_a_bot_does_not_shorten_the_first() {
    let lab = lab();
    start(&lab, &[&slow("web", r#"stop = { signal = "TERM", timeout = "30s" },"#, 2500)]);
    lines(&lab, "web.log", 2);
    // Held until then, since a restart that finds the bot down would start it.
    lab.write("web.pid.hold", "");
    begin(&lab, "stop web");
    wait_for(&lab, "web", "stopping");
    // Each command comes from another client, a while after the previous one.
    for command in ["stop web", "restart web", "stop web"] {
        lab.shell(NEXT).run().ok();
        begin(&lab, command);
    }
    std::fs::remove_file(lab.path("web.pid.hold")).unwrap();
    tell(&lab, "stop --wait=20s web");
    assert_eq!(
        (count(&lab, "web.log", "clean"), number(&status(&lab, "web"), "start")),
        (1, 1),
        "{}",
        lab.read("web.log")
    );
    // A restart after a stop waits as well, and follows it.
    tell(&lab, "start --wait=20s web");
    lab.wait_for("web.log", crate::common::EVENT_TIMEOUT, |text| {
        text.lines().filter(|line| *line == "up").count() == 2
    });
    begin(&lab, "stop web");
    lab.shell(NEXT).run().ok();
    tell(&lab, "restart --wait=20s web");
    lab.wait_for("web.log", crate::common::EVENT_TIMEOUT, |text| {
        text.lines().filter(|line| *line == "up").count() == 3
    });
    assert_eq!(count(&lab, "web.log", "clean"), 2, "{}", lab.read("web.log"));
    // A shutdown during the stop does not shorten it.
    begin(&lab, "stop web");
    lab.shell(NEXT).run().ok();
    stop(&lab);
    assert_eq!(count(&lab, "web.log", "clean"), 3, "{}", lab.read("web.log"));
}

/// Promise 6.30. The kernel signals a bot when its monitor is killed, and the next monitor signals it once more.
#[test]
fn next_monitor_does_not_shorten_the_stop_of_a_bot() {
    let lab = lab();
    let program = env!("CARGO_BIN_EXE_slow_bot");
    // Its output must outlive the monitor.
    let bot = format!(
        r#"web = {{ command = "/bin/sh", args = ["-c", "exec {program} LAB/web.pid 3000 >>LAB/words 2>&1"], stop = {{ signal = "TERM", timeout = "30s" }} }}"#
    );
    let monitor = start(&lab, &[&bot]);
    lines(&lab, "words", 1);
    monitor.signal(nix::sys::signal::Signal::SIGKILL);
    lab.wait_for("words", crate::common::EVENT_TIMEOUT, |text| text.contains("stopping\n"));
    lab.shell(NEXT).run().ok();
    start_again(&lab);
    let words = lab.wait_for("words", crate::common::EVENT_TIMEOUT, |text| text.matches("up\n").count() == 2);
    let words: Vec<&str> = words.lines().filter(|line| !line.starts_with("not detaching")).collect();
    assert_eq!(words, ["up", "stopping", "clean", "up"]);
    stop(&lab);
}
