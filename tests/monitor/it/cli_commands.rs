//! `daemonctl`: the effect, the output and the exit status of every command.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::cli_lab::{CliLab, names};

pub(crate) const TWO: &str = r#"
[bot.web]
command = "BOT"
args = ["print:hello", "idle"]
instances = 2

[bot.late]
command = "BOT"
args = ["idle"]
autostart = false
"#;

/// A bot that only SIGKILL ends, after a minute.
pub(crate) const STUBBORN: &str = r#"
[bot.stubborn]
command = "BOT"
args = ["ignore:TERM", "touch:LAB/ignores", "idle"]
stop = [{ signal = "TERM", timeout = "60s" }]

[bot.web]
command = "BOT"
args = ["idle"]
"#;

#[test]
fn start_starts_the_monitor_once_and_shutdown_ends_it() {
    let cli = CliLab::new(TWO);
    cli.ctl(&["status"]).run().exits(3).says(&["m.pid`: it is not running"]);
    let monitor = cli.start();
    let again = cli.ctl(&["start"]).run().ok();
    assert!(again.stderr.is_empty() && again.stdout.contains("web:1: running, pid "), "{again}");
    assert_eq!(cli.monitor().id(), monitor.id());
    let status = cli.ok(&["status"]);
    assert!(status.starts_with(&format!("lab: pid {}, up ", monitor.id())), "{status}");
    assert!(status.contains("2 of 3 bots up") && status.contains("BOT    STATE"), "{status}");
    assert_eq!(cli.shutdown().stdout, "the monitor has stopped\n");
    assert!(!monitor.alive());
    cli.ctl(&["shutdown"]).run().ok().prints(&["the monitor is not running"]);
    let (status, code) = cli.json(&["status"]);
    assert_eq!((status["success"].as_bool(), status["bots"].as_array().map(Vec::len), code), (Some(false), Some(0), 3));
}

#[test]
fn run_is_the_monitor_in_the_foreground() {
    let cli = CliLab::new(TWO);
    let running = cli.ctl(&["run"]).spawn();
    look::until(&cli.lab.path("m.pid"), look::Deadline::after(Duration::from_secs(20)), || {
        cli.lab.read("m.pid").contains("unix://").then_some(())
    })
    .expect("a pidfile with an address");
    cli.until_is("web:1", "running");
    assert_eq!(cli.monitor().id(), running.process().id());
    running.signal(Signal::SIGTERM);
    running.finish().ok();
    assert!(cli.lab.processes().is_empty());
}

/// Promise 6.14.
#[test]
fn second_monitor_of_a_configuration_is_refused() {
    let cli = CliLab::new(TWO);
    let monitor = cli.start();
    cli.ctl(&["run"]).run().exits(1).says(&["already running"]);
    let pids = (cli.pid("web:1"), cli.pid("web:2"));
    assert_eq!((cli.monitor().id(), (cli.pid("web:1"), cli.pid("web:2"))), (monitor.id(), pids));
    // Another configuration belongs to another monitor.
    let other = CliLab::new(TWO);
    assert_ne!(other.start().id(), monitor.id());
    other.shutdown();
    assert_eq!(cli.pid("web:1"), pids.0);
    cli.shutdown();
}

#[test]
fn commands_by_name_stop_start_and_restart_a_bot() {
    let cli = CliLab::new(TWO);
    cli.start();
    let before = cli.pid("web:1");
    assert_eq!(cli.ok(&["stop", "web:1"]), "web:1: stopped\n");
    assert_eq!(
        (cli.bot("web:1")["state"].as_str(), cli.bot("web:2")["state"].as_str()),
        (Some("stopped"), Some("running"))
    );
    cli.ctl(&["status"]).run().exits(9);
    cli.ctl(&["status", "web:2"]).run().ok();
    assert!(cli.ok(&["start", "web:1"]).starts_with("web:1: running, pid "));
    assert_ne!(cli.pid("web:1"), before);
    let (first, second) = (cli.pid("web:1"), cli.pid("web:2"));
    // The name of several instances means all of them.
    let (told, code) = cli.json(&["restart", "web"]);
    assert_eq!((names(&told["bots"]), told["success"].as_bool(), code), (vec!["web:1", "web:2"], Some(true), 0));
    assert!(cli.pid("web:1") != first && cli.pid("web:2") != second);
    // A bot without autostart starts by hand, and `start` without a name leaves it.
    assert_eq!(cli.bot("late")["state"], "stopped");
    cli.ok(&["stop", "--all"]);
    cli.ok(&["start"]);
    assert_eq!(
        (cli.bot("web:2")["state"].as_str(), cli.bot("late")["state"].as_str()),
        (Some("running"), Some("stopped"))
    );
    cli.ok(&["start", "late"]);
    let late = cli.pid("late");
    assert_eq!(cli.ok(&["destroy", "late"]), "late: stopped\n");
    assert!(!look::Process::new(late).alive());
    cli.shutdown();
}

#[test]
fn completions_into_a_closed_pipe_end_quietly() {
    let cli = CliLab::new("");
    let script = "mkfifo p; exec 3<>p; exec 4>p; exec 3>&-; \"$D\" completions bash >&4; echo status $?";
    let outcome = cli.lab.shell(script).run().ok();
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("status 0\n", ""));
    assert!(cli.ok(&["completions", "bash"]).contains("_daemonctl()"));
}

#[test]
fn signals_and_events_reach_a_bot() {
    let cli = CliLab::new(TWO);
    cli.start();
    let pid = cli.pid("web:1");
    cli.ok(&["signal", "KILL", "web:1"]);
    let back = cli.until("web:1", |bot| bot["state"] == "running" && bot["pid"] != pid);
    assert_eq!((back["last_exit"].as_str(), back["exits"].as_i64()), (Some("killed by SIGKILL"), Some(1)));
    cli.ctl(&["signal", "HUP", "late"]).run().exits(1).says(&["failed to signal bot `late`: it does not run"]);
    cli.ctl(&["signal", "nonsense", "web"]).run().exits(2).says(&["`nonsense` is not a known signal"]);
    cli.ctl(&["signal", "SIGRTMIN+3", "late"]).run().exits(1).says(&["failed to signal bot `late`: it does not run"]);
    cli.ok(&["event", "web:1", "reply"]);
    cli.ok(&["event", "web", "reply"]);
    let count = |name: &str| {
        let bot = cli.bot(name);
        let events = bot["events"].as_array().expect("events");
        events.iter().find(|event| event["name"] == "reply").map(|event| event["total"].clone())
    };
    assert_eq!((count("web:1"), count("web:2")), (Some(2.into()), Some(1.into())));
    assert!(cli.ok(&["status", "web:1"]).contains("reply 2/2"));
    cli.ctl(&["event", "web", "two words"]).run().exits(1).says(&["1 to 64 printable ASCII characters"]);
    cli.shutdown();
}

/// An instance that does not run does not keep the signal from the others.
#[test]
fn signal_reaches_all_running_instances() {
    let cli = CliLab::new(&TWO.replace("instances = 2", "instances = 4"));
    cli.start();
    cli.ok(&["stop", "web:1", "web:3", "--wait"]);
    let before = (cli.pid("web:2"), cli.pid("web:4"));
    let why = |name: &str| format!("failed to signal bot `{name}`: it does not run");
    cli.ctl(&["signal", "KILL", "web"]).run().exits(1).says(&[&why("web:1"), &why("web:3")]);
    for (name, pid) in [("web:2", before.0), ("web:4", before.1)] {
        let back = cli.until(name, |bot| bot["state"] == "running" && bot["pid"] != pid);
        assert_eq!(back["last_exit"], "killed by SIGKILL");
    }
    cli.shutdown();
}

/// A monitor that is stuck is distinguished from a slow one.
#[test]
fn unresponsive_monitor_is_distinguished_from_a_slow_one() {
    let cli = CliLab::new(TWO);
    let monitor = cli.start();
    monitor.signal(Signal::SIGSTOP);
    let asking: Vec<_> = [&["status"][..], &["restart", "web:1"], &["stop", "web:2", "--wait=1s"]]
        .map(|arguments| cli.ctl(arguments).spawn())
        .into_iter()
        .collect();
    for running in asking {
        running.finish().exits(6);
    }
    monitor.signal(Signal::SIGCONT);
    cli.shutdown();
}

#[test]
fn misspelled_name_gets_a_suggestion() {
    let cli = CliLab::new(TWO);
    cli.start();
    for command in ["start", "stop", "restart", "destroy", "status", "tail"] {
        let outcome = cli.ctl(&[command, "wbe"]).run().exits(4);
        assert!(
            outcome.stderr.contains("`wbe`") && outcome.stderr.contains("(did you mean `web`?)"),
            "{command}: {outcome}"
        );
    }
    cli.ctl(&["event", "wbe:1", "reply"]).run().exits(4).says(&["(did you mean `web:1`?)"]);
    cli.ctl(&["stop", "something-else"]).run().exits(4).says(&["failed to find bot `something-else`"]);
    // The other bots of a command are handled regardless.
    let (told, code) = cli.json(&["stop", "web:1", "nobody"]);
    assert_eq!(
        (code, told["failures"][0]["name"].as_str(), told["bots"][0]["state"].as_str()),
        (4, Some("nobody"), Some("stopped"))
    );
    cli.shutdown();
}

#[test]
fn program_without_configuration_is_a_bot_until_destroyed() {
    let cli = CliLab::new(TWO);
    cli.start();
    let started = cli.ok(&["start", "/bin/sleep", "--", "1000"]);
    assert!(started.starts_with("sleep: running, pid ") && started.contains("in no configuration"), "{started}");
    let pid = cli.pid("sleep");
    assert_eq!(look::Process::new(pid).arguments(), ["/bin/sleep", "1000"]);
    assert!(cli.ok(&["start", "/bin/sleep", "--", "1000"]).contains(&format!("pid {pid}")));
    cli.ctl(&["start", "/bin/sleep", "--", "2000"]).run().exits(1).says(&["there is another bot `sleep`"]);
    cli.ok(&["reload"]);
    assert_eq!(cli.pid("sleep"), pid);
    cli.ok(&["destroy", "sleep"]);
    assert!(!look::Process::new(pid).alive());
    cli.ctl(&["status", "sleep"]).run().exits(4);
    cli.ctl(&["start", "/nowhere/at-all"])
        .run()
        .exits(1)
        .prints(&["at-all: backing-off: failed to execute `/nowhere/at-all`"]);
    cli.shutdown();
}

#[test]
fn command_for_a_bot_that_cannot_start_fails() {
    let cli = CliLab::new(
        r#"
[bot.missing]
command = "/nowhere/at-all"
autostart = false
limit = { exits = 0, window = "1h" }

[bot.slow]
command = "BOT"
args = ["idle"]
autostart = false
ready = { output = "never" }
"#,
    );
    cli.start();
    let outcome = cli.ctl(&["start", "missing", "--wait=10s"]).run().exits(1);
    assert!(outcome.stderr.contains("/nowhere/at-all"), "{outcome}");
    assert_eq!(cli.bot("missing")["state"], "gave-up");
    cli.ctl(&["status", "missing"]).run().exits(10).prints(&["gave-up"]);
    cli.ctl(&["start", "slow", "--wait=200ms"])
        .run()
        .exits(5)
        .says(&["failed to wait for `slow`: not done within 200ms"]);
    assert_eq!(cli.bot("slow")["state"], "starting");
    cli.shutdown();
}

#[test]
fn second_shutdown_kills() {
    let cli = CliLab::new(STUBBORN);
    let monitor = cli.start();
    cli.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    cli.ctl(&["shutdown", "--wait=0"]).run().ok().prints(&["the monitor is stopping"]);
    assert!(monitor.alive());
    cli.ctl(&["start", "web"]).run().exits(1).says(&["the monitor is stopping"]);
    cli.shutdown();
    assert!(!monitor.alive());
}

#[test]
fn restarted_monitor_takes_over_its_bots() {
    let cli = CliLab::new(TWO);
    let before = cli.start();
    let bot = cli.pid("web:1");
    assert_eq!(cli.client().restart().expect("an answer")["success"], true);
    before.died(Duration::from_secs(20)).expect("the old one ends");
    look::until(&cli.lab.path("m.pid"), look::Deadline::after(Duration::from_secs(20)), || {
        let text = cli.lab.read("m.pid");
        (text.contains("unix://") && !text.starts_with(&format!("{}\n", before.id()))).then_some(())
    })
    .expect("a new one");
    cli.until_is("web:1", "running");
    assert_ne!(cli.pid("web:1"), bot);
    cli.shutdown();
}
