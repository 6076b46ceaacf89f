//! `daemonctl`: every command, what it does, what it says, its exit status.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::daemonctl::{Site, names};

const TWO: &str = r#"
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
const STUBBORN: &str = r#"
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
    let site = Site::new(TWO);
    site.ctl(&["status"]).run().exits(3).says(&["m.pid`: it is not running"]);
    let monitor = site.start();
    let again = site.ctl(&["start"]).run().ok();
    assert!(again.stderr.is_empty() && again.stdout.contains("web:1: running, pid "), "{again}");
    assert_eq!(site.monitor().id(), monitor.id());
    let status = site.ok(&["status"]);
    assert!(status.starts_with(&format!("lab: pid {}, up ", monitor.id())), "{status}");
    assert!(status.contains("2 of 3 bots up") && status.contains("BOT    STATE"), "{status}");
    assert_eq!(site.shutdown().stdout, "the monitor has stopped\n");
    assert!(!monitor.alive());
    site.ctl(&["shutdown"]).run().ok().prints(&["the monitor is not running"]);
    let (status, code) = site.json(&["status"]);
    assert_eq!((status["success"].as_bool(), status["bots"].as_array().map(Vec::len), code), (Some(false), Some(0), 3));
}

#[test]
fn run_is_the_monitor_in_the_foreground() {
    let site = Site::new(TWO);
    let running = site.ctl(&["run"]).spawn();
    look::until(&site.lab.path("m.pid"), look::Deadline::after(Duration::from_secs(20)), || {
        site.lab.read("m.pid").contains("unix://").then_some(())
    })
    .expect("a pidfile with an address");
    site.until_is("web:1", "running");
    assert_eq!(site.monitor().id(), running.process().id());
    running.signal(Signal::SIGTERM);
    running.finish().ok();
    assert!(site.lab.processes().is_empty());
}

#[test]
fn p6_14_there_is_one_monitor_per_configuration() {
    let site = Site::new(TWO);
    let monitor = site.start();
    site.ctl(&["run"]).run().exits(1).says(&["already running"]);
    let pids = (site.pid("web:1"), site.pid("web:2"));
    assert_eq!((site.monitor().id(), (site.pid("web:1"), site.pid("web:2"))), (monitor.id(), pids));
    // Another configuration is another monitor.
    let other = Site::new(TWO);
    assert_ne!(other.start().id(), monitor.id());
    other.shutdown();
    assert_eq!(site.pid("web:1"), pids.0);
    site.shutdown();
}

#[test]
fn a_bot_is_stopped_started_and_restarted_by_its_name() {
    let site = Site::new(TWO);
    site.start();
    let before = site.pid("web:1");
    assert_eq!(site.ok(&["stop", "web:1"]), "web:1: stopped\n");
    assert_eq!(
        (site.bot("web:1")["state"].as_str(), site.bot("web:2")["state"].as_str()),
        (Some("stopped"), Some("running"))
    );
    site.ctl(&["status"]).run().exits(9);
    site.ctl(&["status", "web:2"]).run().ok();
    assert!(site.ok(&["start", "web:1"]).starts_with("web:1: running, pid "));
    assert_ne!(site.pid("web:1"), before);
    let (first, second) = (site.pid("web:1"), site.pid("web:2"));
    // A family is all of them.
    let (told, code) = site.json(&["restart", "web"]);
    assert_eq!((names(&told["bots"]), told["success"].as_bool(), code), (vec!["web:1", "web:2"], Some(true), 0));
    assert!(site.pid("web:1") != first && site.pid("web:2") != second);
    // What does not start with the monitor starts by hand, and `start` alone does not mean it.
    assert_eq!(site.bot("late")["state"], "stopped");
    site.ok(&["stop", "--all"]);
    site.ok(&["start"]);
    assert_eq!(
        (site.bot("web:2")["state"].as_str(), site.bot("late")["state"].as_str()),
        (Some("running"), Some("stopped"))
    );
    site.ok(&["start", "late"]);
    let late = site.pid("late");
    assert_eq!(site.ok(&["destroy", "late"]), "late: stopped\n");
    assert!(!look::Process::new(late).alive());
    site.shutdown();
}

#[test]
fn completions_into_a_closed_pipe_end_quietly() {
    let site = Site::new("");
    let script = "mkfifo p; exec 3<>p; exec 4>p; exec 3>&-; \"$D\" completions bash >&4; echo status $?";
    let outcome = site.lab.shell(script).run().ok();
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("status 0\n", ""));
    assert!(site.ok(&["completions", "bash"]).contains("_daemonctl()"));
}

#[test]
fn signals_and_events_reach_a_bot() {
    let site = Site::new(TWO);
    site.start();
    let pid = site.pid("web:1");
    site.ok(&["signal", "KILL", "web:1"]);
    let back = site.until("web:1", |bot| bot["state"] == "running" && bot["pid"] != pid);
    assert_eq!((back["last_exit"].as_str(), back["exits"].as_i64()), (Some("killed by SIGKILL"), Some(1)));
    site.ctl(&["signal", "HUP", "late"]).run().exits(1).says(&["failed to signal bot `late`: it does not run"]);
    site.ctl(&["signal", "nonsense", "web"]).run().exits(2).says(&["`nonsense` is not a known signal"]);
    site.ctl(&["signal", "SIGRTMIN+3", "late"]).run().exits(1).says(&["failed to signal bot `late`: it does not run"]);
    site.ok(&["event", "web:1", "reply"]);
    site.ok(&["event", "web", "reply"]);
    let count = |name: &str| {
        let bot = site.bot(name);
        let events = bot["events"].as_array().expect("events");
        events.iter().find(|event| event["name"] == "reply").map(|event| event["total"].clone())
    };
    assert_eq!((count("web:1"), count("web:2")), (Some(2.into()), Some(1.into())));
    assert!(site.ok(&["status", "web:1"]).contains("reply 2/2"));
    site.ctl(&["event", "web", "two words"]).run().exits(6).says(&["1 to 64 printable ASCII characters"]);
    site.shutdown();
}

/// One of a family that does not run keeps the signal from none of the others.
#[test]
fn a_signal_reaches_all_of_a_family_that_run() {
    let site = Site::new(&TWO.replace("instances = 2", "instances = 4"));
    site.start();
    site.ok(&["stop", "web:1", "web:3", "--wait"]);
    let before = (site.pid("web:2"), site.pid("web:4"));
    let why = |name: &str| format!("failed to signal bot `{name}`: it does not run");
    site.ctl(&["signal", "KILL", "web"]).run().exits(1).says(&[&format!("{}; {}", why("web:1"), why("web:3"))]);
    for (name, pid) in [("web:2", before.0), ("web:4", before.1)] {
        let back = site.until(name, |bot| bot["state"] == "running" && bot["pid"] != pid);
        assert_eq!(back["last_exit"], "killed by SIGKILL");
    }
    site.shutdown();
}

/// Stuck is something else than slow.
#[test]
fn a_monitor_that_does_not_answer_is_told_from_one_that_takes_long() {
    let site = Site::new(TWO);
    let monitor = site.start();
    monitor.signal(Signal::SIGSTOP);
    let asking: Vec<_> = [&["status"][..], &["restart", "web:1"], &["stop", "web:2", "--wait=1s"]]
        .map(|arguments| site.ctl(arguments).spawn())
        .into_iter()
        .collect();
    for running in asking {
        running.finish().exits(6);
    }
    monitor.signal(Signal::SIGCONT);
    site.shutdown();
}

#[test]
fn who_misspells_a_name_is_told_what_may_have_been_meant() {
    let site = Site::new(TWO);
    site.start();
    for command in ["start", "stop", "restart", "destroy", "status", "tail"] {
        let outcome = site.ctl(&[command, "wbe"]).run().exits(4);
        assert!(
            outcome.stderr.contains("`wbe`") && outcome.stderr.contains("(did you mean `web`?)"),
            "{command}: {outcome}"
        );
    }
    site.ctl(&["event", "wbe:1", "reply"]).run().exits(4).says(&["(did you mean `web:1`?)"]);
    site.ctl(&["stop", "something-else"]).run().exits(4).says(&["failed to find bot `something-else`"]);
    // The others of a command are done nevertheless.
    let (told, code) = site.json(&["stop", "web:1", "nobody"]);
    assert_eq!(
        (code, told["failures"][0]["name"].as_str(), told["bots"][0]["state"].as_str()),
        (4, Some("nobody"), Some("stopped"))
    );
    site.shutdown();
}

#[test]
fn a_program_in_no_configuration_is_a_bot_until_it_is_destroyed() {
    let site = Site::new(TWO);
    site.start();
    let started = site.ok(&["start", "/bin/sleep", "--", "1000"]);
    assert!(started.starts_with("sleep: running, pid ") && started.contains("in no configuration"), "{started}");
    let pid = site.pid("sleep");
    assert_eq!(look::Process::new(pid).arguments(), ["/bin/sleep", "1000"]);
    assert!(site.ok(&["start", "/bin/sleep", "--", "1000"]).contains(&format!("pid {pid}")));
    site.ctl(&["start", "/bin/sleep", "--", "2000"]).run().exits(1).says(&["there is another bot `sleep`"]);
    site.ok(&["reload"]);
    assert_eq!(site.pid("sleep"), pid);
    site.ok(&["destroy", "sleep"]);
    assert!(!look::Process::new(pid).alive());
    site.ctl(&["status", "sleep"]).run().exits(4);
    site.ctl(&["start", "/nowhere/at-all"])
        .run()
        .exits(1)
        .prints(&["at-all: backing-off: failed to execute `/nowhere/at-all`"]);
    site.shutdown();
}

#[test]
fn a_slow_stop_keeps_nobody_waiting_but_whoever_wants_to_wait() {
    let site = Site::new(STUBBORN);
    site.start();
    site.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    let stopping: Vec<_> = (0..8).map(|_| site.ctl(&["stop", "stubborn", "--wait=30s"]).spawn()).collect();
    site.until_is("stubborn", "stopping");
    let web = site.pid("web");
    for (arguments, code) in [
        (&["status"][..], 9),
        (&["restart", "web"], 0),
        (&["reload"], 0),
        (&["tail", "web"], 0),
        (&["event", "web", "x"], 0),
    ] {
        let outcome = site.ctl(arguments).run().exits(code);
        assert!(outcome.took < Duration::from_secs(10), "{arguments:?} took {:?}", outcome.took);
    }
    assert_ne!(site.pid("web"), web);
    assert!(stopping.iter().all(|running| running.process().alive()));
    site.ok(&["destroy", "stubborn"]);
    for running in stopping {
        running.finish().ok();
    }
    site.shutdown();
}

#[test]
fn a_wait_has_an_end_and_the_stop_goes_on() {
    let site = Site::new(&STUBBORN.replace("60s", "2s"));
    site.start();
    site.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    let pid = site.pid("stubborn");
    let begin = Instant::now();
    let outcome = site.ctl(&["stop", "stubborn", "web", "--wait=300ms"]).run().exits(5);
    assert!(begin.elapsed() >= Duration::from_millis(300), "{outcome}");
    assert!(outcome.stderr.contains("failed to wait for `stubborn`: not done within 300ms"), "{outcome}");
    assert_eq!(outcome.stdout, "web: stopped\n");
    // Who does not ask to wait is not told of it.
    let outcome = site.ctl(&["stop", "stubborn"]).run().ok();
    assert!(outcome.stdout.starts_with("stubborn: stopp") && outcome.stderr.is_empty(), "{outcome}");
    look::Process::new(pid).died(Duration::from_secs(20)).expect("it is killed in the end");
    site.shutdown();
}

#[test]
fn what_cannot_start_fails() {
    let site = Site::new(
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
    site.start();
    let outcome = site.ctl(&["start", "missing", "--wait=10s"]).run().exits(1);
    assert!(outcome.stderr.contains("/nowhere/at-all"), "{outcome}");
    assert_eq!(site.bot("missing")["state"], "gave-up");
    site.ctl(&["status", "missing"]).run().exits(10).prints(&["gave-up"]);
    site.ctl(&["start", "slow", "--wait=200ms"])
        .run()
        .exits(5)
        .says(&["failed to wait for `slow`: not done within 200ms"]);
    assert_eq!(site.bot("slow")["state"], "starting");
    site.shutdown();
}

#[test]
fn start_with_wait_waits_for_readiness() {
    let site = Site::new(
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
    let outcome = site.ctl(&["start", "--wait=20s"]).run().ok();
    assert!(outcome.took >= Duration::from_millis(700), "{outcome}");
    assert!(outcome.stdout.contains("slow: running") && outcome.stdout.contains("after: running"), "{outcome}");
    site.ctl(&["status"]).run().ok();
    site.shutdown();
}

/// Whoever has waited in vain is not remembered until the bot is ready after all.
#[test]
fn those_whose_time_is_over_are_forgotten() {
    let site = Site::new("");
    let bots = "[bot.slow]\ncommand = \"BOT\"\nargs = [\"idle\"]\nready = { file = \"LAB/never\" }\n";
    site.configure_with("log_level = \"debug\"", bots);
    site.start();
    for _ in 0..5 {
        site.ctl(&["start", "slow", "--wait=50ms"]).run().exits(5);
    }
    let log = site.lab.read("m.log");
    assert_eq!(log.matches("a command waits for bot `slow`, and 1 do").count(), 5, "{log}");
    site.shutdown();
}

#[test]
fn the_second_shutdown_is_in_a_hurry() {
    let site = Site::new(STUBBORN);
    let monitor = site.start();
    site.lab.wait_for("ignores", Duration::from_secs(20), |_| true);
    site.ctl(&["shutdown", "--wait=0"]).run().ok().prints(&["the monitor is stopping"]);
    assert!(monitor.alive());
    site.ctl(&["start", "web"]).run().exits(1).says(&["the monitor is stopping"]);
    site.shutdown();
    assert!(!monitor.alive());
}

#[test]
fn a_monitor_that_is_told_to_restart_takes_over_from_itself() {
    let site = Site::new(TWO);
    let before = site.start();
    let bot = site.pid("web:1");
    assert_eq!(site.client().restart().expect("an answer")["success"], true);
    before.died(Duration::from_secs(20)).expect("the old one ends");
    look::until(&site.lab.path("m.pid"), look::Deadline::after(Duration::from_secs(20)), || {
        let text = site.lab.read("m.pid");
        (text.contains("unix://") && !text.starts_with(&format!("{}\n", before.id()))).then_some(())
    })
    .expect("a new one");
    site.until_is("web:1", "running");
    assert_ne!(site.pid("web:1"), bot);
    site.shutdown();
}
