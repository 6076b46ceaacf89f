//! The output of `daemonctl status` and `tail` on a terminal, in a pipe, and for programs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::cli_lab::{CliLab, daemonctl, names};

const BOTS: &str = r#"
[bot.web]
command = "BOT"
args = ["print:hello", "error:oh", "event:reply:3", "idle"]

[bot.dies]
command = "BOT"
args = ["exit:1"]
limit = { exits = 0, window = "1h" }

[bot.job]
command = "BOT"
args = ["exit:0"]
restart = "on-failure"
"#;

/// Runs `daemonctl` on a terminal of 200 columns, and returns the terminal's output.
fn on_a_terminal(cli: &CliLab, environment: &str, arguments: &str) -> String {
    let command = format!("stty cols 200 rows 20; {environment} {} -c m.toml {arguments}", daemonctl().display());
    cli.lab.command("script", &["-qec", &command, "/dev/null"]).env("TERM", "xterm").run().stdout
}

#[test]
fn status_table_and_json_show_each_bot() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("dies", "gave-up");
    cli.until_is("job", "exited");
    let table = cli.ctl(&["status"]).run().exits(10);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(lines[0].ends_with("2 of 3 bots up") && lines[1].starts_with("BOT   STATE"), "{table}");
    assert!(lines[2].starts_with("web   running") && lines[2].ends_with("reply 3/3"), "{table}");
    assert!(lines[3].starts_with("dies  gave-up") && lines[3].contains("1/0"), "{table}");
    assert!(lines[4].starts_with("job   exited"), "{table}");
    assert!(!table.stdout.contains('\x1b'));
    let (status, code) = cli.json(&["status"]);
    assert_eq!((names(&status["bots"]), code), (vec!["web", "dies", "job"], 10));
    let web = &status["bots"][0];
    let fields = [
        "name",
        "family",
        "group",
        "state",
        "reason",
        "pid",
        "since",
        "frozen_since",
        "uptime",
        "exits",
        "limit",
        "window",
        "next_start",
        "next_run",
        "last_exit",
        "cpu",
        "memory",
        "memory_max",
        "dropped",
        "autostart",
        "configured",
        "rolling",
        "events",
        "health",
        "last_check",
    ];
    assert_eq!(web.as_object().expect("a bot").keys().collect::<Vec<_>>(), fields);
    assert!(web["memory"].as_u64().expect("memory") > 100_000, "{web}");
    assert_eq!((web["limit"].as_i64(), web["window"].as_f64()), (Some(5), Some(3600.0)));
    let events: Vec<_> = web["events"].as_array().expect("events").iter().map(|event| event["name"].as_str()).collect();
    assert_eq!(events, ["exit", "start", "restart", "kill", "reply"].map(Some));
    let minutes = web["events"][4]["minutes"].as_array().expect("minutes");
    assert_eq!((minutes.len(), minutes.iter().filter_map(Value::as_u64).sum::<u64>()), (60, 3));
    let monitor = &status["monitor"];
    assert_eq!((monitor["name"].as_str(), monitor["problem"].clone()), (Some("lab"), Value::Null));
    assert!(monitor["config"].as_str().expect("a path").ends_with("/m.toml") && monitor["version"].is_string());
    cli.ctl(&["status", "web", "job"]).run().ok();
    cli.shutdown();
}

#[test]
fn colours_appear_on_terminals_only() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("dies", "gave-up");
    let red = "\x1b[31mgave-up\x1b[0m";
    assert!(on_a_terminal(&cli, "", "status").contains(red));
    assert!(!on_a_terminal(&cli, "NO_COLOR=1", "status").contains("\x1b["));
    assert!(on_a_terminal(&cli, "NO_COLOR=", "status").contains(red), "empty means nothing");
    assert!(!on_a_terminal(&cli, "TERM=dumb", "status").contains("\x1b["));
    assert!(!on_a_terminal(&cli, "", "status --color=never").contains("\x1b["));
    assert!(!on_a_terminal(&cli, "", "status | cat").contains("\x1b["));
    assert!(on_a_terminal(&cli, "NO_COLOR=1", "status --color=always | cat").contains(red));
    assert!(on_a_terminal(&cli, "", "stop absent").contains("\x1b[31merror:\x1b[0m"));
    cli.shutdown();
}

/// Promise 5.16.
#[test]
fn output_of_bots_is_escaped_on_terminals() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"/bin/sh\"\nargs = [\"-c\", '''printf '\\033]0;title\\007\\033[2Jred\\n'; exec sleep 1000''']\n",
    );
    cli.start();
    let printed = "\x1b]0;title\x07\x1b[2Jred\n";
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !cli.ok(&["tail", "web"]).ends_with("red\n") {
        assert!(std::time::Instant::now() < end, "nothing was printed");
    }
    assert_eq!(cli.ok(&["tail", "web"]), printed, "a pipe gets what was printed");
    let shown = on_a_terminal(&cli, "", "tail web");
    assert!(shown.contains("\\u{1b}]0;title\\u{7}\\u{1b}[2Jred") && !shown.contains('\x1b'), "{shown:?}");
    let (json, _) = cli.json(&["tail", "web"]);
    assert_eq!(json["lines"][0].as_str(), printed.strip_suffix('\n'));
    cli.shutdown();
}

/// Promise 5.18.
#[test]
fn command_line_mistakes_show_control_text_escaped() {
    let cli = CliLab::new("");
    let wild = "st\x1b[2Jop\u{202e}\u{61c}\u{200b}\u{9b}";
    let shown = "st\\u{1b}[2Jop\\u{202e}\\u{61c}\\u{200b}\\u{9b}";
    let wait = format!("--wait={wild}");
    for words in [&[wild][..], &["start", &wait], &["signal", wild, "web"], &["tail", "--stream", wild, "web"]] {
        let outcome = cli.ctl(words).run().exits(2);
        assert!(outcome.stderr.contains(shown), "{outcome}");
        assert!(outcome.stderr.chars().all(|letter| matches!(letter, ' '..='~' | '\n')), "{:?}", outcome.stderr);
    }
    // Bytes that are not UTF-8 are escaped one by one.
    let outcome = cli.lab.shell("$CTL start $'web\\xff\\x1b'").env("CTL", cli.lab.program()).run().exits(2);
    assert!(outcome.stderr.starts_with("error: `web\\xff\\u{1b}` is not UTF-8\n"), "{outcome}");
}

#[test]
fn tail_shows_the_last_lines_and_follows() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"lines:20\", \"idle\"]\nstdout = { file = \"LAB/web.log\" }\nstderr = { file = \"LAB/web.err\" }\n",
    );
    cli.start();
    cli.lab.wait_for("web.log", Duration::from_secs(20), |text| text.lines().count() == 20);
    let all = cli.lab.read("web.log");
    let last = |count: usize| all.split_inclusive('\n').skip(20 - count).collect::<String>();
    assert_eq!(cli.ok(&["tail", "web"]), last(10));
    assert_eq!(cli.ok(&["tail", "-n", "3", "--stream=stdout", "web"]), last(3));
    assert_eq!(cli.ok(&["tail", "--stream=stderr", "web"]), "");
    let mut following = Follower::new(&cli, &["tail", "-f", "-n", "2", "web"]);
    assert_eq!(
        (following.line(), following.line()),
        (last(2).lines().next().map(str::to_owned), last(1).lines().next().map(str::to_owned))
    );
    cli.ok(&["restart", "web"]);
    let again: Vec<_> = (0..20).filter_map(|_| following.line()).collect();
    assert_eq!(again, all.lines().collect::<Vec<_>>());
    cli.shutdown();
    assert_eq!((following.line(), following.status()), (None, 3));
}

/// Promise 6.45.
#[test]
fn tail_of_output_that_is_not_kept_reports_it() {
    let cli = CliLab::new(
        "[bot.null]\ncommand = \"BOT\"\nargs = [\"idle\"]\nstdout = \"/dev/null\"\n\n[bot.half]\ncommand = \"BOT\"\nargs = [\"error:oh\", \"idle\"]\nstdout = \"inherit\"\nstderr = \"memory\"\n",
    );
    cli.start();
    cli.ctl(&["tail", "null"]).run().ok().says(&["(the output of `null` is not kept:"]);
    let (json, _) = cli.json(&["tail", "null"]);
    assert_eq!((json["lines"].as_array().map(Vec::len), json["kept"].as_bool()), (Some(0), Some(false)));
    let half = cli.ctl(&["tail", "half"]).run().ok();
    assert_eq!(half.stderr, "", "a stream of it is kept");
    cli.shutdown();
}

/// Promise 6.37.
#[test]
fn status_of_a_stopped_bot_does_not_show_the_end_of_an_earlier_run() {
    let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
    cli.start();
    let first = cli.pid("web");
    cli.ok(&["signal", "KILL", "web"]);
    cli.until("web", |bot| bot["state"] == "running" && bot["pid"].as_i64() != Some(first.into()));
    assert_eq!(cli.ok(&["stop", "web", "--wait"]), "web: stopped\n");
    cli.shutdown();
}

#[test]
fn watch_prints_every_change_and_ends_with_the_monitor() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n[bot.other]\ncommand = \"BOT\"\nargs = [\"idle\"]\n",
    );
    cli.start();
    cli.until_is("web", "running");
    let mut plain = Follower::new(&cli, &["status", "--watch", "web"]);
    let mut json = Follower::new(&cli, &["status", "--watch", "--json"]);
    let pid = cli.pid("web");
    assert_eq!(plain.line(), Some(format!("web: running, pid {pid}")));
    let mut next = || serde_json::from_str::<Value>(&json.line().expect("a line")).expect("JSON");
    assert_eq!((next()["bot"]["name"].as_str(), next()["bot"]["name"].as_str()), (Some("web"), Some("other")));
    look::Process::new(pid).signal(Signal::SIGKILL);
    let new = cli.until("web", |bot| bot["state"] == "running" && bot["pid"] != pid)["pid"].clone();
    let end = format!("web: running, pid {new}");
    let mut seen = Vec::new();
    while seen.last() != Some(&end) {
        seen.push(plain.line().unwrap_or_else(|| panic!("not {end:?}: {seen:?}\n{}", cli.lab.read("m.log"))));
    }
    while next()["bot"]["pid"] != new {}
    cli.shutdown();
    while plain.line().is_some() {}
    while json.line().is_some() {}
    assert_eq!((plain.status(), json.status()), (3, 3));
}

#[test]
fn watch_redraws_the_table_on_a_terminal() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("dies", "gave-up");
    let command = format!("stty cols 60 rows 20; exec {} -c m.toml status --watch", daemonctl().display());
    let terminal = ["-qefc", &command, "screen"];
    let watching = cli.lab.command("script", &terminal).env("TERM", "xterm").spawn();
    let soon = Duration::from_secs(20);
    cli.lab.wait_for("screen", soon, |text| text.contains("\x1b[31mgave-up\x1b[0m"));
    cli.ok(&["stop", "web"]);
    cli.lab.wait_for("screen", soon, |text| text.contains("\x1b[2mstopped\x1b[0m"));
    cli.shutdown();
    watching.finish();
    let seen = cli.lab.read("screen");
    assert!(seen.matches("\x1b[H").count() >= 2, "{seen:?}");
    assert!(seen.contains("the monitor has ended"), "{seen:?}");
    let codes = ["\x1b[H", "\x1b[K", "\x1b[J", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m", "\r"];
    let lines = seen.lines().filter(|line| !line.starts_with("Script "));
    let widest =
        lines.map(|line| codes.iter().fold(line.to_owned(), |line, code| line.replace(code, "")).chars().count());
    assert!(widest.max() <= Some(60), "{seen:?}");
}

/// A `daemonctl` whose lines are read as they come.
struct Follower {
    child: std::process::Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Follower {
    fn new(cli: &CliLab, arguments: &[&str]) -> Follower {
        let mut command = Command::new("timeout");
        command.arg("30").arg(daemonctl()).args(["-c", "m.toml"]).args(arguments);
        command.current_dir(cli.lab.directory()).env("LOOK_LAB", cli.lab.directory());
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("timeout");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Follower { child, lines }
    }

    /// Returns the next line; `None` at the end, which comes after 30 seconds at the latest.
    fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("a line"))
    }

    fn status(mut self) -> i32 {
        self.child.wait().expect("a status").code().expect("no signal")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // `timeout` passes the signal on.
        if let Ok(pid) = self.child.id().try_into() {
            look::Process::new(pid).signal(Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}
