//! `daemonctl` commands that wait until a bot has started or stopped.

use crate::cli_commands::STUBBORN;
use crate::cli_lab::CliLab;
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
    assert_eq!(log.matches("a command waits for bot `slow`, and 1 do").count(), 5, "{log}");
    cli.shutdown();
}
