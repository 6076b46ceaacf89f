//! The output of bots: files, memory, and readers that follow it.

use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::{configure, foreground, lab, lines, ping, size, start, start_program, stop, tell, wait_for};
use look::Process;
use nix::sys::signal::Signal;

/// Returns the private memory of a process, in KiB.
fn memory(process: Process) -> u64 {
    let kib = process.status("RssAnon").expect("a process that lives");
    kib.trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn output_goes_to_files_or_memory_in_order() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"file = { command = "/bin/sh", args = ["-c", "BOT lines:1000; echo oops >&2"], stdout = "LAB/file.log", restart = "never" }"#,
            r#"both = { command = "/bin/sh", args = ["-c", "echo one; echo two >&2"], stdout = "LAB/out.log", stderr = "LAB/err.log", restart = "never" }"#,
            r#"memory = { command = "/bin/sh", args = ["-c", "echo one; echo two >&2; echo three"], restart = "never" }"#,
            r#"stamped = { command = "BOT", args = ["print:now", "exit:0"], stdout = { file = "LAB/x.stamped", timestamps = true }, restart = "never" }"#,
            r#"null = { command = "BOT", args = ["print:nothing", "idle"], stdout = "null" }"#,
        ],
    );
    let mut expected: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
    expected.push("oops".into());
    assert_eq!(lines(&lab, "file.log", 1001), expected);
    assert_eq!((lines(&lab, "out.log", 1), lines(&lab, "err.log", 1)), (vec!["one".into()], vec!["two".into()]));
    wait_for(&lab, "memory", "exited");
    assert_eq!(tell(&lab, "tail -n 2 memory"), "two\nthree\n");
    assert_eq!(tell(&lab, "tail -n 2 file"), "line 999\noops\n");
    let stamped = lines(&lab, "x.stamped", 1);
    let (time, text) = stamped[0].split_once(' ').unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && text == "now", "{stamped:?}");
    assert_eq!(tell(&lab, "tail -n 9 null"), "");
    stop(&lab);
}

#[test]
fn lines_are_followed_as_they_come() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "for i in 1 2 3; do sleep 0.7; echo line $$i; done; exec sleep 999"] }"#,
        ],
    );
    let follow = format!("{} -c m.toml tail --follow web | grep --line-buffered -m 2 line", lab.program().display());
    let told = lab.shell(&follow).run().ok().stdout;
    assert_eq!(told.lines().count(), 2, "{told}");
    stop(&lab);
}

/// No thread of the monitor waits for a silent bot, and a reader that has disconnected is forgotten at once.
#[test]
fn readers_of_a_silent_bot_use_no_threads() {
    let cli = CliLab::new("");
    cli.configure_with("log_level = \"debug\"", "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
    let monitor = cli.start();
    cli.until_is("web", "running");
    let threads = monitor.threads().len();
    let readers: Vec<_> = (0..8).map(|_| cli.ctl(&["tail", "-f", "web"]).spawn()).collect();
    let says = |text: &str| drop(cli.lab.wait_for("m.log", Duration::from_secs(10), |log| log.contains(text)));
    says("a reader of a log has come, and 8 are there");
    assert!(monitor.threads().len() < threads + 4, "{} threads instead of {threads}", monitor.threads().len());
    let left = Instant::now();
    for reader in readers {
        reader.signal(Signal::SIGKILL);
        reader.finish();
    }
    says("a reader has left; of logs 0 are there");
    assert!(left.elapsed() < Duration::from_secs(5), "noticed after {:?}", left.elapsed());
    cli.shutdown();
}

/// A program that drops its subscription is forgotten at once, although no event occurs.
#[test]
fn dropped_subscription_is_forgotten() {
    let lab = lab();
    let bots = r#"web = { command = "BOT", args = ["idle"] }"#;
    configure(&lab, "log_level = \"debug\"", &[bots]);
    start_program(&lab, &[]);
    wait_for(&lab, "web", "running");
    let says = |text: &str| drop(lab.wait_for("m.log", Duration::from_secs(10), |log| log.contains(text)));
    lab.write("call", "web");
    says("a reader of a log has come, and 1 are there");
    // The endpoint is a subscriber, for clients that may read its events.
    says("a reader has left; of logs 0 are there, of changes 1");
    stop(&lab);
}

#[test]
fn large_log_is_rotated() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["lines:100000", "exit:0"], stdout = { file = "LAB/web.log", max_size = "100000B", keep = 2 }, restart = "never" }"#,
        ],
    );
    wait_for(&lab, "web", "exited");
    let all: String = ["web.log.2", "web.log.1", "web.log"].iter().map(|name| lab.read(name)).collect();
    assert!(!lab.path("web.log.3").exists());
    assert!(all.ends_with("line 99999\n"), "{:?}", all.lines().last());
    let numbers: Vec<u32> = all.lines().map(|line| line.strip_prefix("line ").unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "lines were lost or cut");
    for name in ["web.log.1", "web.log.2"] {
        assert!(lab.read(name).len() <= 170_000, "{name} has {}", lab.read(name).len());
    }
    stop(&lab);
}

/// Promise 6.08.
#[test]
fn flood_of_output_uses_no_memory_and_blocks_nothing() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"flood = { command = "/usr/bin/yes" }"#,
            r#"file = { command = "/usr/bin/yes", stdout = { file = "LAB/file.log", max_size = "1000000B", keep = 1 } }"#,
            r#"quiet = { command = "BOT", args = ["idle"] }"#,
            &format!(
                r#"endless = {{ command = "/usr/bin/head", args = ["-c", "{}", "/dev/zero"], restart = "never" }}"#,
                size(20_000_000, 100_000_000)
            ),
        ],
    );
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(u64::try_from(size(2, 30)).unwrap()) {
        let asked = Instant::now();
        ping(&lab);
        assert!(asked.elapsed() < Duration::from_secs(5), "a command took {:?}", asked.elapsed());
    }
    tell(&lab, "restart --wait=20s quiet");
    wait_for(&lab, "endless", "exited");
    assert!(memory(monitor) < 8 * 1024, "{} KiB", memory(monitor));
    stop(&lab);
}

/// Promise 6.16.
#[test]
fn sighup_reopens_logs_without_losing_lines() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "i=0; while [ $$i -lt 400 ]; do echo line $$i; i=$$((i+1)); sleep 0.005; done; touch LAB/done"], stdout = { file = "LAB/web.log", max_size = "0B" }, restart = "never" }"#,
        ],
    );
    for number in 1..=2 {
        lines(&lab, "web.log", 20);
        lab.shell(&format!("mv web.log old.{number}")).run().ok();
        monitor.signal(Signal::SIGHUP);
    }
    lab.wait_for("done", Duration::from_secs(40), |_| true);
    wait_for(&lab, "web", "exited");
    let all: String = ["old.1", "old.2", "web.log"].iter().map(|name| lab.read(name)).collect();
    let expected: Vec<String> = (0..400).map(|number| format!("line {number}")).collect();
    assert_eq!(all.lines().collect::<Vec<_>>(), expected);
    stop(&lab);
}

/// Promise 6.16. logrotate's `copytruncate`: the file is truncated under the monitor, which appends.
#[test]
fn truncated_log_is_appended_to() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "while sleep 0.02; do echo line; done"], stdout = { file = "LAB/web.log", max_size = "0B" } }"#,
        ],
    );
    lines(&lab, "web.log", 10);
    lab.shell("cp web.log copy; : > web.log").run().ok();
    let after = lines(&lab, "web.log", 5);
    assert!(after.iter().all(|line| line == "line"), "{after:?}");
    stop(&lab);
}

#[test]
fn foreground_monitor_passes_its_streams_on() {
    let lab = lab();
    let running = foreground(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#], "exec $D -c m.toml run");
    running.signal(Signal::SIGTERM);
    running.finish().ok();
}
