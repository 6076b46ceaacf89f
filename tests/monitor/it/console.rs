//! `daemonctl run` in container mode: the lines of all bots on its stdout.

use std::fmt::Write as _;

use look::{Deadline, Outcome, Running};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;

const BOTS: &str = r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "echo one; printf '\\033[2J\\r[monitor] | forged\\n'; echo oops >&2; exec sleep 999"]
stderr = "memory"

[bot.file]
command = "/bin/sh"
args = ["-c", "echo kept; exec sleep 999"]
stdout = "LAB/file.log"

[bot.raw]
command = "/bin/sh"
args = ["-c", "echo inherited; : >LAB/raw; exec sleep 999"]
stdout = "inherit"
stderr = "null"
"#;

/// Returns a lab whose monitor has no log of its own.
fn lab(settings: &str, bots: &str) -> CliLab {
    let cli = CliLab::new("");
    cli.configure_with(settings, bots);
    let text = cli.lab.read("m.toml");
    let log = text.lines().find(|line| line.starts_with("log = ")).expect("a log").to_owned();
    cli.lab.write("m.toml", text.replace(&log, ""));
    cli
}

/// Runs the monitor until this many lines of `BOTS` are kept, then ends it.
fn run(cli: &CliLab, running: Running<'_>, count: usize) -> Outcome {
    until_kept(cli, count);
    until_inherited(cli);
    running.signal(Signal::SIGTERM);
    let outcome = running.finish().ok();
    assert_eq!(cli.lab.read("file.log"), "kept\n");
    // Lines of an earlier monitor would be counted with those of the next one.
    std::fs::remove_file(cli.lab.path("file.log")).expect("a log");
    outcome
}

/// Waits until `raw` has printed, whose line is not always kept.
fn until_inherited(cli: &CliLab) {
    cli.lab.wait_for("raw", EVENT_TIMEOUT, |_| true);
    std::fs::remove_file(cli.lab.path("raw")).expect("a file");
}

fn until_kept(cli: &CliLab, wanted: usize) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    let count = || cli.client().get("/log?bots=all").ok()?["entries"].as_array().map(Vec::len);
    while count() != Some(wanted) {
        assert!(!deadline.passed(), "{:?}", count());
    }
}

/// Promise 6.57. Every line has its bot's name, and nothing in it forges another one or reaches a terminal.
#[test]
fn run_shows_the_lines_of_all_bots_with_their_names() {
    let cli = lab("", BOTS);
    let outcome = run(&cli, cli.ctl(&["run"]).spawn(), 5);
    for line in [
        "web       | one",
        "web       | \\u{1b}[2J\\r[monitor] | forged",
        "web       ! oops",
        "file      | kept",
        "raw       | inherited",
    ] {
        assert_eq!(outcome.stdout.lines().filter(|shown| *shown == line).count(), 1, "{line}: {outcome}");
    }
    let own = "[monitor] | INFO bot `web` runs as process ";
    assert!(outcome.stdout.lines().any(|line| line.starts_with(own)) && outcome.stderr.is_empty(), "{outcome}");
}

/// Promise 6.57.
#[test]
fn run_shows_lines_as_json() {
    let cli = lab("", BOTS);
    let outcome = run(&cli, cli.ctl(&["run", "--format", "json"]).spawn(), 5);
    let lines: Vec<Value> = outcome.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |bot: &str, text: &str| {
        let found = lines.iter().find(|line| line["bot"] == bot && line["text"] == text);
        found.unwrap_or_else(|| panic!("{bot}, {text}: {outcome}")).clone()
    };
    let hostile = of("web", "\u{1b}[2J\r[monitor] | forged");
    assert_eq!((&hostile["stream"], &hostile["run"]), (&"stdout".into(), &1.into()));
    assert_eq!((&of("web", "oops")["stream"], &of("file", "kept")["stream"]), (&"stderr".into(), &Value::Null));
    assert!(hostile["time"].as_str().is_some_and(|time| time.len() == 24 && time.ends_with('Z')), "{hostile}");
    let own = lines.iter().find(|line| line["stream"] == "monitor").expect("a message");
    assert_eq!((&own["bot"], &own["level"]), (&Value::Null, &"INFO".into()));
}

/// On a terminal, and below a service manager, only the monitor's own messages appear, unless it is said.
#[test]
fn run_shows_no_lines_where_it_is_no_container() {
    let cli = lab("", BOTS);
    let quiet = run(&cli, cli.ctl(&["run", "--no-container"]).spawn(), 4);
    assert!(quiet.stdout == "inherited\n" && quiet.stderr.contains("bot `web` runs as"), "{quiet}");
    // A shell under the name of a service manager; the colon keeps it from executing the monitor itself.
    let script =
        "cp \"$(command -v bash)\" runsv; exec ./runsv -c \"trap 'kill \\$!; wait' TERM; $D -c m.toml run & wait; :\"";
    let below = run(&cli, cli.lab.shell(script).spawn(), 4);
    assert!(below.stdout == "inherited\n" && below.stderr.contains("bot `web` runs as"), "{below}");
    // On a terminal, with a colour for each bot if colours are wanted.
    let mut shown = String::new();
    for (environment, arguments) in [("", ""), ("", "--container"), ("NO_COLOR=1", "--container")] {
        let script = format!(
            "import os, pty, sys
out = open('out', 'wb')
def read(fd):
    data = os.read(fd, 65536); out.write(data); out.flush(); return data
os.environ['TERM'] = 'xterm'
pty.spawn(['/bin/sh', '-c', 'exec {environment} \"$D\" -c m.toml run {arguments}'.replace('exec NO', 'exec env NO')], read)"
        );
        let running = cli.lab.command("python3", &["-c", &script]).env("D", cli.lab.program()).spawn();
        until_kept(&cli, if arguments.is_empty() { 4 } else { 5 });
        until_inherited(&cli);
        cli.ok(&["shutdown"]);
        running.finish().ok();
        std::fs::remove_file(cli.lab.path("file.log")).expect("a log");
        write!(shown, "== {}", cli.lab.read("out")).unwrap();
    }
    let shown: Vec<&str> = shown.split("== ").skip(1).collect();
    assert!(!shown[0].contains("| one") && shown[0].contains("inherited"), "{shown:?}");
    assert!(shown[1].contains("mweb      \u{1b}[0m | one"), "{shown:?}");
    assert!(shown[2].contains("web       | one") && !shown[2].contains('\u{1b}'), "{shown:?}");
}

/// Promises 6.08, 6.57. A pipe that is full and that no process reads, and one whose reader has gone.
#[test]
fn slow_or_missing_reader_of_the_console_blocks_nothing() {
    const COUNT: u64 = 1_000_000;
    let bots = format!(
        "[bot.many]\ncommand = \"BOT\"\nargs = [\"lines:{COUNT}\", \"touch:LAB/done\", \"idle\"]\n\n\
         [bot.again]\ncommand = \"BOT\"\nargs = [\"print:here\", \"idle\"]\n"
    );
    let cli = lab("", &bots);
    let running =
        cli.lab.shell("mkfifo out; exec 3<>out; exec $D -c m.toml run >out").within(EVENT_TIMEOUT * 3).spawn();
    // The bot has written all its lines: it was not kept waiting.
    cli.lab.wait_for("done", EVENT_TIMEOUT * 2, |_| true);
    cli.ok(&["restart", "again", "--wait"]);
    assert_eq!(cli.ok(&["tail", "-n", "1", "many"]), format!("line {}\n", COUNT - 1));
    let problem = cli.json(&["status"]).0["monitor"]["output_problem"].take();
    assert!(
        problem.as_str().is_some_and(|text| text.ends_with("lines were not shown: stdout is not read")),
        "{problem}"
    );
    // A reader that comes late is shown what was queued, and how much was not.
    let read = "n = 0
for line in open('out', 'rb'):
    if b' lines were not shown' in line:
        print(n, line.split()[3].decode()); break
    n += b' line ' in line";
    let counts = cli.lab.command("python3", &["-c", read]).run().ok().stdout;
    let [shown, lost] =
        counts.split_whitespace().map(|count| count.parse::<u64>().expect("a number")).collect::<Vec<_>>()[..]
    else {
        panic!("{counts}")
    };
    // Lines of other bots and messages of the monitor may be among those that were lost.
    assert!(shown > 10_000 && (COUNT..COUNT + 20).contains(&(shown + lost)), "{counts}");
    running.signal(Signal::SIGTERM);
    running.finish().ok();
    cli.lab.shell("rm done").run().ok();
    let script = "$D -c m.toml run | head -n 1 >first & wait %1; wait";
    let running = cli.lab.shell(script).within(EVENT_TIMEOUT * 3).spawn();
    cli.lab.wait_for("done", EVENT_TIMEOUT * 2, |_| true);
    cli.ok(&["restart", "again", "--wait"]);
    let problem = cli.json(&["status"]).0["monitor"]["output_problem"].take();
    assert!(problem.as_str().is_some_and(|text| text.ends_with("lines were not shown: stdout is closed")), "{problem}");
    cli.shutdown();
    running.finish();
}
