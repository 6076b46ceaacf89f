//! The time that a bot has to stop: it is told of it, it has all of it, and a second request does not take it away.

use crate::common::{
    begin, environment, lab, lines, number, process, start, start_again, status, stop, tell, wait_for,
};
use look::Lab;

/// Longer than the time within which two signals are one to a daemon of the library.
const NEXT: &str = "sleep 0.7";

/// A daemon of the library that cleans up for so long.
fn slow(name: &str, settings: &str, millis: u32) -> String {
    let program = env!("CARGO_BIN_EXE_slow_bot");
    format!(
        r#"{name} = {{ command = "{program}", args = ["LAB/{name}.pid", "{millis}"], {settings} stdout = "LAB/{name}.log" }}"#
    )
}

/// How many lines of a log are exactly this one.
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
    lab.wait_for("web.log", crate::common::SOON, |text| text.contains("up\n"));
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

/// Promise 6.30: the shutdown of a monitor leaves no more than its own stop time.
#[test]
fn bot_is_told_no_more_time_than_a_shutdown_has() {
    let lab = lab();
    crate::common::configure(
        &lab,
        "stop_timeout = \"4500ms\"",
        &[
            r#"web = { command = "BOT", args = ["touch:LAB/up", "idle"], stop = { signal = "TERM", timeout = "30s" }, env.A = "b", clear_env = true }"#,
        ],
    );
    start_again(&lab);
    lab.wait_for("up", crate::common::SOON, |_| true);
    assert!(environment(process(&lab, "web")).contains(&"DAEMON_STOP_TIMEOUT=4.5".to_owned()));
    stop(&lab);
}

/// Promise 6.30.
#[test]
fn second_stop_of_a_bot_does_not_hurry_the_first() {
    let lab = lab();
    start(&lab, &[&slow("web", r#"stop = { signal = "TERM", timeout = "30s" },"#, 2500)]);
    lines(&lab, "web.log", 2);
    // However long the commands take: a restart that finds the bot down would start it.
    lab.write("web.pid.hold", "");
    begin(&lab, "stop web");
    wait_for(&lab, "web", "stopping");
    // Each of them from another client, a while after the one before it.
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
    lab.wait_for("web.log", crate::common::SOON, |text| text.lines().filter(|line| *line == "up").count() == 2);
    begin(&lab, "stop web");
    lab.shell(NEXT).run().ok();
    tell(&lab, "restart --wait=20s web");
    lab.wait_for("web.log", crate::common::SOON, |text| text.lines().filter(|line| *line == "up").count() == 3);
    assert_eq!(count(&lab, "web.log", "clean"), 2, "{}", lab.read("web.log"));
    // A shutdown that finds it stopping leaves it its time.
    begin(&lab, "stop web");
    lab.shell(NEXT).run().ok();
    stop(&lab);
    assert_eq!(count(&lab, "web.log", "clean"), 3, "{}", lab.read("web.log"));
}

/// Promise 6.30: the kernel asks a bot to stop when its monitor is killed, and the next monitor asks it once more.
#[test]
fn bot_of_a_killed_monitor_is_not_hurried_by_the_next_one() {
    let lab = lab();
    let program = env!("CARGO_BIN_EXE_slow_bot");
    // Its output has to outlive the monitor.
    let bot = format!(
        r#"web = {{ command = "/bin/sh", args = ["-c", "exec {program} LAB/web.pid 3000 >>LAB/words 2>&1"], stop = {{ signal = "TERM", timeout = "30s" }} }}"#
    );
    let monitor = start(&lab, &[&bot]);
    lines(&lab, "words", 1);
    monitor.signal(nix::sys::signal::Signal::SIGKILL);
    lab.wait_for("words", crate::common::SOON, |text| text.contains("stopping\n"));
    lab.shell(NEXT).run().ok();
    start_again(&lab);
    let words = lab.wait_for("words", crate::common::SOON, |text| text.matches("up\n").count() == 2);
    let words: Vec<&str> = words.lines().filter(|line| !line.starts_with("not detaching")).collect();
    assert_eq!(words, ["up", "stopping", "clean", "up"]);
    stop(&lab);
}
