//! Lines in files that the monitor has rotated: shown, searched and followed as those in the log itself.

use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;

/// A bot that counts, and whose log is rotated about ten times a second.
const COUNTING: &str = r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "i=100000; while :; do for n in 1 2 3 4 5 6 7 8 9 10; do echo $$i; i=$$((i+1)); done; sleep 0.01; done"]
stdout = { file = "LAB/web.log", max_size = "1KB", keep = 20 }
"#;

/// Returns the numbers, which follow one another: no line is lost, and none is there twice.
#[track_caller]
fn counted(shown: &str) -> Vec<u32> {
    let numbers: Vec<u32> = shown.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("{line}"))).collect();
    let gap = numbers.windows(2).find(|pair| pair[0] + 1 != pair[1]);
    assert_eq!(gap, None, "of {} lines", numbers.len());
    numbers
}

/// Promise 6.83. While the log is rotated, and while it is followed.
#[test]
fn lines_are_read_back_into_rotated_files() {
    let cli = CliLab::new(COUNTING);
    cli.start();
    cli.lab.wait_for("web.log.12", EVENT_TIMEOUT, |_| true);
    let begin = Instant::now();
    let mut whole = 0;
    while whole < 10 {
        let numbers = counted(&cli.ok(&["tail", "-n", "800", "web"]));
        whole += usize::from(numbers.len() == 800);
        assert!(numbers.len() <= 800 && begin.elapsed() < EVENT_TIMEOUT, "{whole}");
    }
    // More than one file holds, from the last lines on.
    let follow = format!("{} -c m.toml tail -f -n 500 web | head -n 1000", cli.lab.program().display());
    let followed = cli.lab.shell(&follow).within(EVENT_TIMEOUT).run().ok();
    assert_eq!(counted(&followed.stdout).len(), 1000);
    cli.shutdown();
}

/// Promises 6.59 and 6.83. The lines of a bot that has ended stay where they are.
#[test]
fn rotated_lines_have_their_times_and_runs() {
    let cli = CliLab::new(
        r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "echo first of $$$$; sleep 0.05; head -c 900 /dev/zero | tr '\\0' x; echo; sleep 0.05; echo last of $$$$; exit 3"]
stdout = { file = "LAB/web.log", max_size = "1KB", keep = 9 }
restart = "on-failure"
limit = { exits = 2, window = "1h" }
backoff = { first = "10ms" }
"#,
    );
    cli.start();
    cli.until_is("web", "gave-up");
    let answer = cli.client().get("/bots/web/log?grep=of").expect("lines");
    let entries = answer["entries"].as_array().expect("entries");
    let runs: Vec<u64> = entries.iter().filter_map(|entry| entry["run"].as_u64()).collect();
    assert_eq!(runs, [1, 1, 2, 2, 3, 3], "{answer}");
    let times: Vec<f64> = entries.iter().filter_map(|entry| entry["time"].as_f64()).collect();
    assert!(times.len() == 6 && times.is_sorted(), "{answer}");
    assert!(cli.lab.path("web.log.2").exists());
    let since = format!("@{}", times[3]);
    let late = cli.ctl(&["tail", "--since", &since, "--grep", "of", "web"]).run().ok();
    assert_eq!((late.stdout.lines().count(), &*late.stderr), (3, ""), "{late}");
    // An ended run is where it ended, also before the line in the next file.
    let shown = cli.ok(&["tail", "-n", "50", "-t", "web"]);
    assert_eq!(shown.matches(", ended by status 3 --").count(), 3, "{shown}");
    cli.shutdown();
}

/// Promise 6.83. What logrotate has compressed is not read, and an answer says when there is more.
#[test]
fn compressed_files_are_left_alone_and_large_ones_cut() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"print:new\", \"idle\"]\nstdout = { file = \"LAB/web.log\", max_size = \"0B\" }\n",
    );
    cli.lab.write("web.log.1", "old\n");
    cli.lab.write("web.log.2.gz", "compressed\n");
    cli.start();
    cli.lab.wait_for("web.log", EVENT_TIMEOUT, |log| log == "new\n");
    assert_eq!(cli.ok(&["tail", "-n", "99", "web"]), "old\nnew\n");
    cli.lab.write("web.log.1", "x\n".repeat(9_000_000));
    let found = cli.ctl(&["tail", "--grep", "none", "web"]).within(Duration::from_secs(20)).run().ok();
    assert!(found.stdout.is_empty() && found.stderr.starts_with('('), "{found}");
    let (answer, _) = cli.json(&["tail", "--grep", "none", "web"]);
    assert!(["size", "time"].contains(&answer["truncated"].as_str().expect("a limit")), "{answer}");
    cli.shutdown();
}
