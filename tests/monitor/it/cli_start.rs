//! `daemonctl start`: which bots it starts, which it waits for, and the `status` afterwards.

use crate::cli_lab::CliLab;
use std::time::Duration;

/// Promise 6.42.
#[test]
fn start_of_one_bot_starts_the_monitor_and_no_other_bot() {
    let cli = CliLab::new(
        "[bot.db]\ncommand = \"BOT\"\nargs = [\"idle\"]\n\
         [bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\ndepends_on = [\"db\"]\n\
         [bot.other]\ncommand = \"BOT\"\nargs = [\"idle\"]\n",
    );
    let started = cli.ctl(&["start", "--wait=20s", "web"]).run().ok();
    assert!(started.stdout.starts_with("web: running, pid "), "{started}");
    let state = |name: &str| cli.bot(name)["state"].clone();
    assert_eq!((state("db"), state("other")), ("running".into(), "stopped".into()));
    assert_eq!(cli.bot("other")["events"][1]["total"], 0, "it was never started");
    cli.ok(&["start"]);
    cli.until_is("other", "running");
    // The monitor that takes over has all bots that start with it.
    cli.restart_monitor();
    cli.until_is("other", "running");
    cli.shutdown();
}

/// Promise 6.42.
#[test]
fn concurrent_starts_all_succeed() {
    let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
    let starts: Vec<_> =
        (0..6).map(|_| cli.ctl(&["start", "--wait=60s"]).within(Duration::from_secs(120)).spawn()).collect();
    let outcomes: Vec<_> = starts.into_iter().map(|start| start.finish().ok()).collect();
    let first = outcomes.iter().filter(|outcome| outcome.stderr.contains("the monitor was not running")).count();
    assert_eq!(first, 1, "{outcomes:?}");
    assert_eq!(cli.until_is("web", "running")["events"][1]["total"], 1);
    cli.shutdown();
}

/// Promise 6.42.
#[test]
fn start_of_all_runs_a_program_that_ends_at_once_only_once() {
    let cli = CliLab::new(
        "[bot.job]\ncommand = \"BOT\"\nargs = [\"append:LAB/runs:job\", \"exit:0\"]\nready = \"exit\"\n\
         [bot.fails]\ncommand = \"BOT\"\nargs = [\"append:LAB/runs:fails\", \"exit:1\"]\nrestart = \"never\"\nready = { after = \"1s\" }\n\
         [bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\ndepends_on = [\"job\"]\n",
    );
    let runs = |bot: &str| cli.lab.read("runs").lines().filter(|line| *line == bot).count();
    cli.ctl(&["start", "--wait=20s"]).run().exits(1).prints(&["job: exited", "web: running"]);
    assert_eq!((runs("job"), runs("fails")), (1, 1));
    // A start of all bots leaves finished jobs alone, and retries failed ones.
    cli.ctl(&["start", "--wait=20s"]).run().exits(1).prints(&["job: exited"]);
    assert_eq!((runs("job"), runs("fails")), (1, 2));
    cli.ok(&["start", "--wait=20s", "job"]);
    assert_eq!(runs("job"), 2, "one that is named runs again");
    cli.ok(&["stop", "--wait", "job"]);
    cli.ctl(&["start", "--wait=20s"]).run().exits(1);
    assert_eq!(runs("job"), 3);
    cli.shutdown();
}

/// Bots whose starts succeed, fail, wait and time out.
const BOTS_OF_EVERY_STATE: &str = r#"
[bot.dies]
command = "BOT"
args = ["print:no such file", "exit:1"]
limit = { exits = 1, window = "1h" }
ready = { after = "1s" }

[bot.fails]
command = "BOT"
args = ["print:no such table", "exit:3"]
backoff = { first = "50s", jitter = 0.0 }
ready = { after = "1s" }

[bot.app]
command = "BOT"
args = ["idle"]
depends_on = ["fails"]

[bot.stubborn]
command = "BOT"
args = ["ignore:TERM", "touch:LAB/ignores", "idle"]
stop = [{ signal = "TERM", timeout = "60s" }]

[bot.once]
command = "BOT"
args = ["exit:4"]
restart = "never"

[bot.job]
command = "BOT"
args = ["exit:0"]
restart = "on-failure"
ready = { after = "60s" }

[bot.mute]
command = "BOT"
args = ["idle"]
ready = "notify"

[bot.rests]
command = "BOT"
args = ["idle"]
autostart = false"#;

/// Promises 6.36, 6.37.
#[test]
fn start_and_status_report_the_result_of_each_bot() {
    let cli = CliLab::new(BOTS_OF_EVERY_STATE);
    cli.start();
    let told = cli.ctl(&["start", "--wait=20s", "dies"]).run().exits(1);
    let why = "failed to wait for bot `dies`: it was given up: ended 2 times within 1h, the last time by status 1";
    assert!(told.stderr.contains(&format!("{why} (its last line: `no such file`)")), "{told}");
    let told = cli.ctl(&["start", "--wait=1s", "app"]).run().exits(5);
    let why = "not done within 1s: `app` waits for `fails`, and `fails` is backing-off (ended by status 3, again in ";
    assert!(told.stderr.contains(why) && told.stderr.contains("its last line: `no such table`"), "{told}");
    cli.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    let told = cli.ctl(&["stop", "--wait=200ms", "stubborn"]).run().exits(5);
    assert!(told.stderr.contains("`stubborn` is stopping (SIGTERM was sent, and it has "), "{told}");
    cli.ctl(&["start", "--wait=20s", "job"]).run().ok();
    cli.until_is("once", "failed");
    for (bot, code) in
        [("job", 0), ("mute", 7), ("app", 8), ("rests", 9), ("stubborn", 9), ("dies", 10), ("fails", 10), ("once", 10)]
    {
        cli.ctl(&["status", bot]).run().exits(code);
    }
    cli.ctl(&["status"]).run().exits(10);
    cli.ctl(&["status", "nobody"]).run().exits(4);
    let metrics = cli.client().get("/metrics").expect("metrics");
    let metrics = metrics.as_str().expect("text");
    for line in [
        "daemon_bot_up{bot=\"job\"} 1",
        "daemon_bot_up{bot=\"once\"} 0",
        "daemon_bot_state{bot=\"once\",state=\"failed\"} 1",
        "daemon_bot_state{bot=\"once\",state=\"exited\"} 0",
        "daemon_bot_state{bot=\"app\",state=\"waiting\"} 1",
    ] {
        assert!(metrics.lines().any(|other| other == line), "{line}: {metrics}");
    }
    cli.ok(&["destroy", "stubborn"]);
    cli.shutdown();
    cli.ctl(&["status"]).run().exits(3);
}
