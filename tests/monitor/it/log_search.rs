//! Logs of several bots: merged by time, searched, followed, with the ends of runs; and the monitor's own.

use std::io::{Read, Write};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;
use crate::listener_routes::connect;

/// Bots that print when a file appears: one keeps its lines in memory, the others in files. Each
/// waits until the line before its own is written, and for longer than the 10 ms to which the time of a file's line is known.
const BOTS: &str = r#"
[bot.memory]
command = "/bin/sh"
args = ["-c", "echo m1; echo m2 error >&2; exit 3"]
stderr = "memory"
restart = "on-failure"
limit = { exits = 1, window = "1h" }
backoff = { first = "10ms" }

[bot.file]
command = "/bin/sh"
args = ["-c", "until [ -e LAB/go ]; do sleep 0.01; done; echo f1; until grep -qs d1 LAB/dated.log; do sleep 0.01; done; sleep 0.05; echo f2 error; exec sleep 999"]
stdout = "LAB/file.log"

[bot.dated]
command = "/bin/sh"
args = ["-c", "until [ -e LAB/go ]; do sleep 0.01; done; until grep -qs f1 LAB/file.log; do sleep 0.01; done; sleep 0.05; echo d1; exec sleep 999"]
stdout = { file = "LAB/dated.log", timestamps = true }
"#;

/// Returns a lab whose bots have printed all their lines, those in memory first.
fn printed() -> CliLab {
    let cli = CliLab::new(BOTS);
    cli.lab.write("file.log", "of an earlier monitor\n");
    cli.start();
    cli.until_is("memory", "gave-up");
    cli.lab.write("go", "");
    for (file, last) in [("file.log", "f2 error\n"), ("dated.log", "d1\n")] {
        cli.lab.wait_for(file, EVENT_TIMEOUT, |text| text.ends_with(last));
    }
    cli
}

/// Removes the time before each line, which has to be one.
fn without_times(shown: &str) -> Vec<String> {
    let line = |line: &str| {
        let (time, rest) = line.split_at(25);
        assert!(time == "-                        " || (time.starts_with("20") && time.ends_with("Z ")), "{line}");
        rest.to_owned()
    };
    shown.lines().map(line).collect()
}

/// Promise 6.59.
#[test]
fn tail_of_several_bots_is_merged_by_time_with_the_ends_of_runs() {
    let cli = printed();
    let shown = without_times(&cli.ok(&["tail", "-n", "50", "all"]));
    let is_end = |line: &String| line.starts_with("memory -- run ") && line.ends_with(", ended by status 3 --");
    // The order of two streams that are read at once is not known.
    let (mut runs, rest): (Vec<String>, Vec<String>) =
        shown.iter().cloned().partition(|line| line.starts_with("memory"));
    assert!(is_end(&runs[2]) && is_end(&runs[5]) && runs.len() == 6, "{shown:?}");
    runs.retain(|line| !is_end(line));
    runs.sort();
    assert_eq!(runs, ["memory ! m2 error", "memory ! m2 error", "memory | m1", "memory | m1"]);
    // Lines of an earlier monitor are older than all that is known of its file.
    let files = ["file   | of an earlier monitor", "file   | f1", "dated  | d1", "file   | f2 error"];
    assert_eq!(rest, files, "{shown:?}");
    // One bot is printed as it is kept, byte for byte.
    assert_eq!(cli.ok(&["tail", "file"]), cli.lab.read("file.log"));
    assert_eq!(cli.ok(&["tail", "dated"]), cli.lab.read("dated.log"));
    assert_eq!(cli.ok(&["tail", "--stream", "stderr", "memory"]), "m2 error\n".repeat(2));
    let of_files = without_times(&cli.ok(&["tail", "-n", "2", "f*", "dated"]));
    assert_eq!(of_files, ["dated | d1", "file  | f2 error"]);
    cli.ctl(&["tail", "file", "nope"]).run().exits(4);
    cli.shutdown();
}

/// Promises 6.59, 6.60.
#[test]
fn lines_are_searched_by_time_and_expression() {
    let cli = printed();
    let found = without_times(&cli.ok(&["tail", "--grep", "^(m2|f2) ERR|(?i)ERROR$", "-n", "3", "all"]));
    assert_eq!(found, ["memory ! m2 error", "memory ! m2 error", "file   | f2 error"]);
    let answer = cli.client().get("/log?bots=all&lines=100").expect("lines");
    let entries = answer["entries"].as_array().expect("entries");
    let of =
        |text: &str| entries.iter().rfind(|entry| entry["text"] == text).unwrap_or_else(|| panic!("{text}: {answer}"));
    assert_eq!(
        (&of("of an earlier monitor")["time"], &of("of an earlier monitor")["run"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!((&of("m1")["run"], &of("m1")["stream"], &of("f1")["run"]), (&2.into(), &"stdout".into(), &1.into()));
    let since = of("d1")["time"].as_f64().expect("a time");
    let late = cli.ctl(&["tail", "--since", &format!("@{since}"), "file", "dated"]).run().ok();
    assert_eq!(without_times(&late.stdout), ["dated | d1", "file  | f2 error"]);
    assert!(late.stderr.contains("(1 lines are left out whose time or stream is not known"), "{late}");
    assert_eq!(cli.ok(&["tail", "--since", "1h", "memory"]).lines().count(), 4);
    assert_eq!(cli.ok(&["tail", "--since", "2100-01-01T00:00:00Z", "memory"]), "");
    for (option, value, says) in [
        ("--grep", "a(", "unclosed group"),
        ("--grep", "((a{99}){99}){99}", "it means too many texts"),
        ("--since", "soon", "is not a time: write how long ago"),
    ] {
        cli.ctl(&["tail", option, value, "memory"]).run().exits(2).says(&[says]);
    }
    let refused = cli.client().get("/log?bots=memory&grep=a(").expect_err("a refusal").to_string();
    assert!(refused.contains("400") || refused.contains("unclosed group"), "{refused}");
    // To be saved.
    let mut stream = connect(&cli);
    stream
        .write_all(b"GET /bots/file/log?download=1&grep=^f HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert!(response.contains("content-disposition: attachment; filename=\"file.log\"\r\n"), "{response}");
    assert!(
        response.contains("x-content-type-options: nosniff\r\n") && response.ends_with("\r\n\r\nf1\nf2 error\n"),
        "{response}"
    );
    cli.shutdown();
}

/// Promise 6.59. Each line is sent once, those that were there and those that come.
#[test]
fn several_bots_are_followed() {
    let counting = r#"
[bot.counts]
command = "/bin/sh"
args = ["-c", "i=0; while [ $$i -lt 300 ]; do echo $$i; echo $$i >>LAB/count; i=$$((i+1)); [ $$((i % 50)) = 0 ] && sleep 0.02; done; exit 4"]
restart = "never"

[bot.other]
command = "/bin/sh"
args = ["-c", "echo here; exec sleep 999"]
"#;
    let cli = CliLab::new("");
    cli.configure_with("log_level = \"debug\"", counting);
    cli.start();
    let running = cli.ctl(&["tail", "-f", "-n", "1000", "counts", "other"]).spawn();
    cli.until_is("counts", "failed");
    let followed = cli.ctl(&["tail", "-f", "-n", "0", "-t", "--grep", "^yes", "other"]).spawn();
    let log = cli.lab.shell("exec \"$D\" -c m.toml log -f -n 1 >own").spawn();
    // All three are connected.
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.matches("a client follows a log").count() == 2);
    cli.lab.wait_for("own", EVENT_TIMEOUT, |own| !own.is_empty());
    cli.shutdown();
    let shown = running.finish().exits(3).stdout;
    let numbers: Vec<String> = (0..300).map(|number| format!("counts | {number}")).collect();
    let of_counts: Vec<String> = without_times(&shown).into_iter().filter(|line| line.starts_with("counts")).collect();
    assert_eq!(of_counts[..300], numbers[..], "{shown}");
    assert!(of_counts[300].contains("-- run 1, pid ") && of_counts.len() == 301, "{shown}");
    assert!(without_times(&shown).contains(&"other  | here".to_owned()), "{shown}");
    assert_eq!(followed.finish().exits(3).stdout.matches("here").count(), 0);
    log.finish().exits(3);
}

/// Wherever the log goes.
#[test]
fn log_prints_the_messages_of_the_monitor() {
    for log in ["log = \"null\"", "log = { file = \"LAB/m.log\" }"] {
        let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
        let text = cli.lab.read("m.toml");
        let old = text.lines().find(|line| line.starts_with("log = ")).expect("a log").to_owned();
        let log = log.replace("LAB", &cli.lab.directory().display().to_string());
        cli.lab.write("m.toml", text.replace(&old, &log));
        cli.start();
        cli.until_is("web", "running");
        look::Process::new(cli.pid("web")).signal(Signal::SIGKILL);
        cli.until("web", |bot| bot["state"] == "running" && bot["exits"] == 1);
        let shown = without_times(&cli.ok(&["log", "--grep", "web"]));
        assert!(shown[0].starts_with("INFO bot `web` runs as process "), "{shown:?}");
        assert!(shown[1].ends_with(" ended by SIGKILL") && shown.len() == 3, "{shown:?}");
        let (answer, _) = cli.json(&["log", "-n", "1"]);
        assert_eq!((&answer["entries"][0]["level"], &answer["entries"][0]["bot"]), (&"INFO".into(), &Value::Null));
        cli.shutdown();
    }
}
