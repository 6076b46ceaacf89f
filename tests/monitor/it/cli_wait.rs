//! `daemonctl` commands that wait until a bot has started or stopped.

use crate::cli_commands::STUBBORN;
use crate::cli_lab::CliLab;
use crate::common::EVENT_TIMEOUT;
use std::fs;
use std::time::{Duration, Instant};

#[test]
fn slow_stop_delays_only_commands_that_wait() {
    let cli = CliLab::new(STUBBORN);
    cli.start();
    cli.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    let stopping: Vec<_> = (0..8).map(|_| cli.ctl(&["stop", "stubborn", "--wait=30s"]).spawn()).collect();
    cli.until_is("stubborn", "stopping");
    let web = cli.pid("web");
    for (arguments, code) in [
        (&["status"][..], 9),
        (&["restart", "web"], 0),
        (&["reload"], 0),
        (&["tail", "web"], 0),
        (&["event", "web", "x"], 0),
    ] {
        let outcome = cli.ctl(arguments).run().exits(code);
        assert!(outcome.took < Duration::from_secs(10), "{arguments:?} took {:?}", outcome.took);
    }
    assert_ne!(cli.pid("web"), web);
    assert!(stopping.iter().all(|running| running.process().alive()));
    cli.ok(&["destroy", "stubborn"]);
    for running in stopping {
        running.finish().ok();
    }
    cli.shutdown();
}

#[test]
fn wait_times_out_and_the_stop_continues() {
    let cli = CliLab::new(&STUBBORN.replace("60s", "2s"));
    cli.start();
    cli.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    let pid = cli.pid("stubborn");
    let begin = Instant::now();
    let outcome = cli.ctl(&["stop", "stubborn", "web", "--wait=300ms"]).run().exits(5);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{outcome}");
    assert!(outcome.stderr.contains("failed to wait for `stubborn`: not done within 300ms"), "{outcome}");
    assert_eq!(outcome.stdout, "web: stopped\n");
    // A stop that is not to wait does not announce any wait.
    let outcome = cli.ctl(&["stop", "stubborn"]).run().ok();
    assert!(outcome.stdout.starts_with("stubborn: stopp") && outcome.stderr.is_empty(), "{outcome}");
    look::Process::new(pid).died(Duration::from_secs(20)).expect("it is killed in the end");
    cli.shutdown();
}

#[test]
fn start_with_wait_waits_for_readiness() {
    let cli = CliLab::new(
        r#"
[bot.slow]
command = "BOT"
args = ["sleep:700", "print:ready now", "idle"]
ready = { output = "ready now" }

[bot.after]
command = "BOT"
args = ["idle"]
depends_on = ["slow"]
"#,
    );
    let outcome = cli.ctl(&["start", "--wait=20s"]).run().ok();
    assert!(outcome.took >= Duration::from_millis(700), "{outcome}");
    assert!(outcome.stdout.contains("slow: running") && outcome.stdout.contains("after: running"), "{outcome}");
    cli.ctl(&["status"]).run().ok();
    cli.shutdown();
}

/// A request whose wait has timed out is forgotten before the bot becomes ready.
#[test]
fn requests_that_timed_out_are_forgotten() {
    let cli = CliLab::new("");
    let bots = "[bot.slow]\ncommand = \"BOT\"\nargs = [\"idle\"]\nready = { file = \"LAB/never\" }\n";
    cli.configure_with("log_level = \"debug\"", bots);
    cli.start();
    for _ in 0..5 {
        cli.ctl(&["start", "slow", "--wait=50ms"]).run().exits(5);
    }
    let log = cli.lab.read("m.log");
    assert_eq!(log.matches("a command waits for bot `slow`; 1 commands wait for it").count(), 5, "{log}");
    cli.shutdown();
}

/// A finished job and a failed bot, each with a dependent that takes its time to stop.
const DEPENDENTS: &str = r#"
[bot.job]
command = "BOT"
args = ["append:LAB/runs:job", "exit:0"]
ready = "exit"

[bot.fails]
command = "/bin/sh"
args = ["-c", "echo fails >>LAB/runs; until [ -e LAB/fail ]; do sleep 0.01; done; exit 1"]
restart = "never"

[bot.web]
command = "/bin/sh"
args = ["-c", "trap 'echo asked >>LAB/order; until [ -e LAB/go ]; do sleep 0.01; done; echo down >>LAB/order; exit 0' TERM; echo up >>LAB/order; while :; do sleep 0.01; done"]
stop = { signal = "TERM", timeout = "60s" }
depends_on = ["job", "fails"]
"#;

/// Promise 6.81.
#[test]
fn stop_of_bot_that_has_ended_waits_for_its_dependents() {
    for (bot, state) in [("job", "exited"), ("fails", "failed")] {
        let cli = CliLab::new(DEPENDENTS);
        cli.start();
        cli.lab.wait_for("order", EVENT_TIMEOUT, |order| order.contains("up"));
        if bot == "fails" {
            cli.lab.write("fail", "");
        }
        cli.until_is(bot, state);
        let stop = cli.ctl(&["stop", "--wait=60s", bot]).within(Duration::from_secs(90)).spawn();
        cli.lab.wait_for("order", EVENT_TIMEOUT, |order| order.contains("asked"));
        // Another one says what it waits for.
        let early = cli.ctl(&["stop", "--wait=100ms", bot]).run().exits(5);
        let why = format!("`{bot}` is {state} (it is stopped when `web` is down, which depends on it)");
        assert!(early.stderr.contains(&why), "{early}");
        assert!(stop.process().alive(), "it has returned before `web` was down");
        cli.lab.write("go", "");
        stop.finish().ok().prints(&[&format!("{bot}: stopped")]);
        assert_eq!(cli.lab.read("order").lines().last(), Some("down"));
        assert_eq!(cli.bot("web")["state"], "stopped");
        // All are down already: there is nothing to wait for.
        cli.ok(&["stop", "--wait=60s", bot]);
        // A start right after it starts all, and the job once more.
        let _ = fs::remove_file(cli.lab.path("fail"));
        cli.ok(&["start", "--wait=20s", "web"]);
        cli.lab.wait_for("order", EVENT_TIMEOUT, |order| order.matches("up").count() == 2);
        assert_eq!(cli.lab.read("runs").matches(bot).count(), 2, "{}", cli.lab.read("runs"));
        cli.shutdown();
    }
}

/// Promise 6.81. A start takes the stop back, which is over then for the bot that has not run on.
#[test]
fn stop_of_bot_that_has_ended_is_over_when_a_start_takes_it_back() {
    let middle = "[bot.middle]\ncommand = \"BOT\"\nargs = [\"idle\"]\ndepends_on = [\"job\"]\n\n[bot.web]";
    let bots = DEPENDENTS.replace("[bot.web]", middle).replace("[\"job\", \"fails\"]", "[\"middle\"]");
    let cli = CliLab::new(&bots);
    cli.start();
    cli.lab.wait_for("order", EVENT_TIMEOUT, |order| order.contains("up"));
    let stop = cli.ctl(&["stop", "--wait=60s", "job"]).within(Duration::from_secs(90)).spawn();
    cli.lab.wait_for("order", EVENT_TIMEOUT, |order| order.contains("asked"));
    cli.ok(&["start", "--wait=20s", "middle"]);
    stop.finish().ok().prints(&["job: exited"]);
    assert_eq!(cli.bot("middle")["state"], "running");
    cli.lab.write("go", "");
    cli.until_is("web", "stopped");
    cli.shutdown();
}
