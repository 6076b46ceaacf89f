//! Events that bots send.

use std::time::{Duration, Instant};

use crate::common::{lab, lines, number, ping, process, size, start, status, stop, tell, wait_for};
use look::Process;

#[test]
fn events_are_counted_by_name() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["event:reply:1000", "event:miss:7", "exit:0"], restart = "never", ready = "exit" }"#,
            r#"shell = { command = "/bin/sh", args = ["-c", '''echo done >&3; printf 'a\n\nb b\n' >&3'''], restart = "never", ready = "exit" }"#,
        ],
    );
    wait_for(&lab, "web", "exited");
    wait_for(&lab, "shell", "exited");
    tell(&lab, "event web reply");
    let web = status(&lab, "web");
    assert_eq!((number(&web, "reply"), number(&web, "miss"), number(&web, "exit")), (1001, 7, 1), "{web}");
    let shell = status(&lab, "shell");
    assert_eq!((number(&shell, "done"), number(&shell, "a")), (1, 1), "{shell}");
    stop(&lab);
}

/// A million events are received in a second or so, and commands are answered meanwhile. (The time is not asserted,
/// since the machine may be busy; the answers are.)
#[test]
fn flood_of_events_delays_no_command() {
    let lab = lab();
    let count = size(500_000, 5_000_000);
    let bot = format!(
        r#"web = {{ command = "BOT", args = ["event:reply:{count}", "exit:0"], restart = "never", ready = "exit" }}"#
    );
    start(&lab, &[r#"quiet = { command = "BOT", args = ["idle"] }"#, &bot]);
    let begin = Instant::now();
    let mut slowest = Duration::ZERO;
    while !status(&lab, "web").contains("exited") {
        let asked = Instant::now();
        ping(&lab);
        slowest = slowest.max(asked.elapsed());
        assert!(begin.elapsed() < Duration::from_secs(60), "{}", status(&lab, "web"));
    }
    println!("{count} events in {:?}, slowest answer {slowest:?}", begin.elapsed());
    assert_eq!(number(&status(&lab, "web"), "reply"), count as u64);
    assert!(slowest < Duration::from_secs(5), "a command took {slowest:?}");
    stop(&lab);
}

/// A daemon made with the library works as a bot: its events are counted, and it does not detach.
#[test]
fn daemon_of_the_library_is_counted_and_does_not_detach() {
    let lab = lab();
    let worker = env!("CARGO_BIN_EXE_library_bot");
    let monitor = start(
        &lab,
        &[&format!(
            r#"web = {{ command = "{worker}", limit = {{ exits = 0, window = "1s" }}, stdout = "LAB/web.log" }}"#
        )],
    );
    let said = lines(&lab, "web.log", 2);
    // The program may have printed before the monitor has noticed that it was executed.
    wait_for(&lab, "web", "running");
    let web = process(&lab, "web");
    assert!(said[0].starts_with("not detaching: ") && said[1] == format!("at work as {}", web.id()), "{said:?}");
    let stat = web.stat().unwrap();
    assert_eq!((stat.parent, stat.session), (monitor.id(), web.id()), "it has detached");
    let is_one = |other: &Process| other.program().is_some_and(|program| program == std::path::Path::new(worker));
    assert_eq!(lab.processes().into_iter().filter(is_one).collect::<Vec<_>>(), [web]);
    let begin = Instant::now();
    while number(&status(&lab, "web"), "reply") != 3 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{}", status(&lab, "web"));
    }
    let has = |name: &str, value: &str| web.environment().iter().any(|line| *line == format!("{name}={value}"));
    let pipe = std::fs::metadata(format!("/proc/{}/fd/3", web.id())).unwrap();
    let pipe = format!("{}:{}", std::os::unix::fs::MetadataExt::dev(&pipe), std::os::unix::fs::MetadataExt::ino(&pipe));
    assert!(
        has("DAEMON_EVENTS", "3")
            && has("DAEMON_EVENTS_PIPE", &pipe)
            && has("DAEMON_MONITOR", &monitor.id().to_string())
    );
    stop(&lab);
}
