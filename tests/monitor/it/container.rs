//! `daemonctl run` as process 1 of a pid namespace, as in a container.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use look::{Process, Running};
use nix::sys::signal::Signal;

use crate::cli_lab::CliLab;

/// The timeout of events that happen immediately, on a busy machine.
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

const BOTS: &str = r#"
[bot.web]
command = "BOT"
args = ["idle"]

[bot.job]
command = "BOT"
args = ["exit:3"]
restart = "never"
"#;

/// An entrypoint that leaves background processes.
const WITH_WORK: &[&str] = &["bash", "-c", "(sleep 0.1 &) ; sleep 0.1 & exec \"$D\" -c m.toml run"];

/// An entrypoint that leaves a zombie, after its SIGCHLD was delivered.
const WITH_ZOMBIE: &[&str] = &[
    "python3",
    "-c",
    "import os
child = os.fork() or os._exit(5)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
os.execv(os.environ['D'], ['daemonctl', '-c', 'm.toml', 'run'])",
];

/// Executes an entrypoint that executes the monitor; returns process 1 and the monitor as well, once both bots have
/// been started.
fn run<'a>(cli: &'a CliLab, entrypoint: &[&str]) -> (Running<'a>, Process, Process) {
    let unshare = [&["--pid", "--fork", "--mount-proc", "--kill-child"], entrypoint].concat();
    let running = cli.lab.command("unshare", &unshare).env("D", cli.lab.program()).spawn();
    until_begun(cli);
    let inside = |number: &str| {
        let has_it = |process: &Process| {
            process.status("NSpid").is_some_and(|numbers| numbers.split_whitespace().nth(1) == Some(number))
        };
        cli.lab.processes().into_iter().find(has_it).unwrap_or_else(|| panic!("no process {number} inside"))
    };
    let named = cli.lab.read("m.pid");
    (running, inside("1"), inside(named.lines().next().expect("a pid")))
}

/// Waits until one bot runs and the other has ended.
fn until_begun(cli: &CliLab) {
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("bot `web` runs") && log.contains("ended by status 3"));
}

/// Returns the children of all threads of a process, including zombies.
fn children(parent: Process) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{}/task", parent.id())).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .flat_map(|pid| pid.parse())
        .collect()
}

fn web(cli: &CliLab) -> Process {
    let is_web = |process: &Process| process.environment().contains(&"DAEMON_BOT=web".to_owned());
    cli.lab.processes().into_iter().find(is_web).expect("it runs")
}

/// Waits until process 1 has no child but the monitor, and the monitor none but the running bot.
#[track_caller]
fn until_nothing_else_is_left(cli: &CliLab, init: Process, monitor: Process) {
    let (web, deadline) = (web(cli), Instant::now() + EVENT_TIMEOUT);
    while (children(init), children(monitor)) != (vec![monitor.id()], vec![web.id()]) {
        assert!(Instant::now() < deadline, "left: {:?} {:?}", children(init), children(monitor));
        thread::sleep(Duration::from_millis(5));
    }
}

/// Promise 6.32.
#[test]
fn monitor_in_a_container_reaps_zombies_of_the_entrypoint() {
    let cli = CliLab::new(BOTS);
    for entrypoint in [WITH_WORK, WITH_ZOMBIE] {
        let (running, init, monitor) = run(&cli, entrypoint);
        until_nothing_else_is_left(&cli, init, monitor);
        let log = cli.lab.read("m.log");
        assert!(log.contains("ended by status 3"), "{log}");
        init.signal(Signal::SIGTERM);
        running.finish().ok();
        assert!(!cli.lab.path("m.pid").exists());
        std::fs::remove_file(cli.lab.path("m.log")).unwrap();
    }
}

/// Promise 6.32. No child dies while the monitor runs, so that no SIGCHLD comes.
#[test]
fn monitor_reaps_a_child_that_died_before_its_exec() {
    let cli = CliLab::new("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
    let running = cli.lab.command("python3", &WITH_ZOMBIE[1..]).env("D", cli.lab.program()).spawn();
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("bot `web` runs"));
    let (monitor, web, deadline) = (cli.lab.daemon("m.pid"), web(&cli), Instant::now() + EVENT_TIMEOUT);
    while children(monitor) != [web.id()] {
        assert!(Instant::now() < deadline, "left: {:?}", children(monitor));
        thread::sleep(Duration::from_millis(5));
    }
    monitor.signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promise 6.32. Below an init (`docker run --init`), the children of the shell become those of the monitor that it
/// executed.
#[test]
fn monitor_executed_by_a_shell_reaps_the_shells_children() {
    let cli = CliLab::new(BOTS);
    let entrypoint = "(sleep 0.1 &) ; sleep 0.1 & sh -c 'sleep 0.3 & exit 7' & exec \"$D\" -c m.toml run";
    let running = cli.lab.shell(entrypoint).spawn();
    until_begun(&cli);
    let (monitor, web) = (cli.lab.daemon("m.pid"), web(&cli));
    let deadline = Instant::now() + EVENT_TIMEOUT;
    while children(monitor) != [web.id()] {
        assert!(Instant::now() < deadline, "left: {:?}", children(monitor));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(cli.lab.read("m.log").contains("ended by status 3"), "{}", cli.lab.read("m.log"));
    monitor.signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promises 1.36, 6.33. The bot receives the monitor's timeout: by default less than the 10 s of its own `stop`.
#[test]
fn shutdown_in_a_container_takes_8_seconds_unless_it_is_set() {
    for (settings, seconds) in [("", "8"), ("stop_timeout = \"9s\"", "9")] {
        let cli = CliLab::new(BOTS);
        cli.configure_with(settings, BOTS);
        let (running, init, _) = run(&cli, WITH_WORK);
        let environment = web(&cli).environment();
        assert!(environment.contains(&format!("DAEMON_STOP_TIMEOUT={seconds}")), "{environment:?}");
        // The monitor is a child of process 1 by now, and its configuration means the same.
        let (target, config) = (init.id().to_string(), cli.lab.path("m.toml").display().to_string());
        let enter = cli.lab.command("nsenter", &["--target", &target, "--pid", "--mount"]).arg(cli.lab.program());
        assert_eq!(enter.args(["-c", &config, "reload"]).run().ok().stdout, "2 bots untouched\n");
        // The 8 s were not chosen for these bots.
        assert_eq!(cli.lab.read("m.log").contains("longer than the `stop_timeout`"), !settings.is_empty());
        init.signal(Signal::SIGTERM);
        running.finish().ok();
    }
}

/// Promise 6.32. A container that is started again has its old files, and another pid namespace.
#[test]
fn monitor_starts_in_a_container_whose_last_monitor_was_killed() {
    let cli = CliLab::new(BOTS);
    let (running, init, monitor) = run(&cli, WITH_WORK);
    // The number of a namespace is not used again while this is open.
    let _namespace = fs::File::open(format!("/proc/{}/ns/pid", init.id())).expect("a namespace");
    monitor.signal(Signal::SIGKILL);
    assert_eq!(running.finish().code(), 137);
    // Only a start may lock the pidfile, and so find out that its process is dead.
    let status = cli.ctl(&["status"]).run();
    assert!(status.code() == 6 && status.stderr.contains("another pid namespace"), "{status}");
    fs::remove_file(cli.lab.path("m.log")).expect("a log");
    let (running, init, _) = run(&cli, WITH_WORK);
    // While it runs, no second one starts.
    let second = cli.ctl(&["start"]).run();
    assert!(second.code() == 1 && second.stderr.contains("holds the lock"), "{second}");
    init.signal(Signal::SIGTERM);
    running.finish().ok();
    assert!(!cli.lab.path("m.pid").exists());
}
