//! The monitor's own log: its destination, the format of its lines, and its level.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::cli_lab::{CliLab, daemonctl};

const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// A bot that exits now and then, so that there is something to log.
const BOT: &str = r#"
[bot.web]
command = "BOT"
args = ["idle"]
"#;

/// A system log that receives two messages.
const LISTENER: &str = "import os, socket
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
    log.bind('/dev/log'); open('listens', 'w').close(); log.settimeout(20)
    for _ in range(2): open('syslog', 'ab').write(log.recv(4096) + b'\\n')";

/// Returns a `daemonctl` lab whose monitor has these settings, and no log of its own unless they say so.
fn cli(settings: &str) -> CliLab {
    let cli = CliLab::new(BOT);
    let text = cli.lab.read("m.toml");
    let log = text.lines().find(|line| line.starts_with("log = ")).expect("a log").to_owned();
    let settings = settings.replace("LAB", &cli.lab.directory().display().to_string());
    cli.lab.write("m.toml", text.replace(&log, &settings));
    cli
}

#[test]
fn log_lines_have_the_format_and_level_of_the_settings() {
    let directory = |cli: &CliLab| cli.lab.directory().display().to_string();
    let info = CliLab::new("");
    info.configure_with("log_format = \"%(levelname)-7s|%(name)s|%(process)d|%(message)s\"", BOT);
    let monitor = info.start();
    let pid = info.pid("web");
    let line = format!("INFO   |lab|{}|bot `web` runs as process {pid}\n", monitor.id());
    info.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains(&line));
    assert!(directory(&info).starts_with('/') && !info.lab.read("m.log").contains("2026-"));
    // The level changes while the monitor runs.
    info.configure_with("log_level = \"error\"", BOT);
    info.ok(&["reload"]);
    let before = info.lab.read("m.log");
    info.ok(&["restart", "web", "--wait"]);
    assert_eq!(info.lab.read("m.log"), before);
    info.shutdown();
}

/// Promise 6.16.
#[test]
fn sighup_reopens_the_log() {
    let cli = CliLab::new(BOT);
    let monitor = cli.start();
    cli.until_is("web", "running");
    cli.lab.shell("mv m.log m.log.1").run().ok();
    cli.ok(&["restart", "web", "--wait"]);
    assert!(cli.lab.read("m.log").is_empty(), "it is still the old file");
    let old = cli.lab.read("m.log.1");
    monitor.signal(Signal::SIGHUP);
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |_| true);
    cli.ok(&["restart", "web", "--wait"]);
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |log| log.contains("bot `web` runs as process"));
    assert!(cli.lab.read("m.log.1").starts_with(&old));
    cli.shutdown();
}

/// Promise 6.07. A failure to write the log cannot be written to the log.
#[test]
fn missing_log_blocks_nothing() {
    let cli = cli("log = { file = \"logs/m.log\" }");
    cli.lab.shell("mkdir logs").run().ok();
    let monitor = cli.start();
    cli.lab.shell("rm -r logs").run().ok();
    for _ in 0..3 {
        monitor.signal(Signal::SIGHUP);
        let outcome = cli.ctl(&["restart", "web", "--wait", "--parallel", "all"]).run().ok();
        assert!(outcome.took < EVENT_TIMEOUT, "{outcome}");
    }
    cli.lab.shell("mkdir logs").run().ok();
    monitor.signal(Signal::SIGHUP);
    cli.lab.wait_for("logs/m.log", EVENT_TIMEOUT, |_| true);
    cli.shutdown();
    assert!(cli.lab.read("logs/m.log").contains("ended by SIGTERM"));
}

#[test]
fn log_goes_to_a_stream_if_set_or_by_default() {
    for (settings, to_stdout) in [("", false), ("log = \"stderr\"", false), ("log = \"stdout\"", true)] {
        let cli = cli(settings);
        let running = cli.ctl(&["run", "--no-container"]).spawn();
        look::until(&cli.lab.path("m.pid"), look::Deadline::after(EVENT_TIMEOUT), || {
            cli.lab.read("m.pid").contains("unix://").then_some(())
        })
        .expect("a pidfile with an address");
        cli.until_is("web", "running");
        running.signal(Signal::SIGTERM);
        let outcome = running.finish().ok();
        let (there, not_there) =
            if to_stdout { (&outcome.stdout, &outcome.stderr) } else { (&outcome.stderr, &outcome.stdout) };
        assert!(there.contains("bot `web` runs as process") && !not_there.contains("runs as"), "{settings}: {outcome}");
    }
}

#[test]
fn log_goes_to_syslog_without_stderr() {
    let cli = cli("");
    cli.lab.write("listener.py", LISTENER);
    let script = "set -eu; mkdir dev
        for name in null zero urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done; mount --rbind dev /dev
        timeout 30 python3 listener.py & until [ -e listens ]; do read -t 0.05 < <(:) || :; done
        $D -c m.toml start; $D -c m.toml restart web --wait; wait; $D -c m.toml shutdown";
    cli.lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", daemonctl()).run().ok();
    let heard = cli.lab.read("syslog");
    // A message that control groups are not delegated may come first.
    let first = heard.lines().find(|line| !line.contains("control groups")).expect("a line");
    // Facility daemon (3), severity info (6).
    assert!(first.starts_with("<30>lab[") && first.contains("]: bot `web` runs as process "), "{heard}");
    assert!(cli.lab.quiet(EVENT_TIMEOUT).is_ok());
}

/// Promise 6.07. No process reads stderr, and its pipe is full before the monitor starts. Messages without room are
/// counted.
#[test]
fn full_log_stream_blocks_nothing() {
    let cli = CliLab::new(&format!("{BOT}instances = 60\n"));
    let text = cli.lab.read("m.toml");
    let log = text.lines().find(|line| line.starts_with("log = ")).expect("a log").to_owned();
    cli.lab.write("m.toml", text.replace(&log, "log = \"stderr\""));
    let script = "mkfifo out; exec 3<>out; timeout 1 head -c 1000000 /dev/zero >out || :; touch full; exec $D -c m.toml run 2>out";
    let running = cli.lab.shell(script).within(Duration::from_secs(120)).spawn();
    cli.lab.wait_for("full", EVENT_TIMEOUT, |_| true);
    look::until(&cli.lab.path("m.pid"), look::Deadline::after(EVENT_TIMEOUT), || {
        cli.lab.read("m.pid").contains("unix://").then_some(())
    })
    .expect("a pidfile with an address");
    for _ in 0..25 {
        let outcome = cli.ctl(&["restart", "web", "--wait", "--parallel", "all"]).run().ok();
        assert!(outcome.took < EVENT_TIMEOUT, "{outcome}");
    }
    // Promise 6.52.
    let problem = cli.json(&["status"]).0["monitor"]["log_problem"].take();
    assert!(problem.as_str().is_some_and(|text| text.ends_with("were lost: stderr is not read")), "{problem}");
    // Once a reader reads, it receives the queued messages, then the number of lost ones, then new messages.
    let lost = "timeout 20 grep -a -m 1 -o '[0-9]* messages lost' out";
    let lost = cli.lab.shell(lost).run().ok().stdout;
    let count: u64 = lost.split(' ').next().and_then(|count| count.parse().ok()).expect("a number");
    assert!(count > 100, "{lost}");
    let reader = cli.lab.shell("timeout 20 grep -a -m 1 'web:7. runs as process' out").spawn();
    cli.ok(&["restart", "web", "--wait"]);
    reader.finish().ok();
    // Its last messages do not delay the exit for long.
    running.signal(Signal::SIGTERM);
    let outcome = running.finish().ok();
    assert!(outcome.took < Duration::from_secs(60), "{outcome}");
}

/// Promise 6.52.
#[test]
fn log_that_cannot_be_opened_is_reported_until_it_can() {
    let cli = cli("log = { file = \"LAB/missing/m.log\" }");
    let problem = format!("failed to open `{}`: ", cli.lab.path("missing/m.log").display());
    let warning = format!("warning: the monitor's own log is not written: {problem}");
    let started = cli.ctl(&["start"]).run().ok();
    assert!(started.stderr.contains(&warning), "{started}");
    cli.until_is("web", "running");
    let status = cli.ctl(&["status"]).run().ok();
    assert!(status.stderr.contains(&warning) && status.stderr.contains(" lost"), "{status}");
    let told = |cli: &CliLab| cli.json(&["status"]).0["monitor"]["log_problem"].take();
    assert!(told(&cli).as_str().is_some_and(|told| told.starts_with(&problem)), "{}", told(&cli));
    cli.lab.shell("mkdir missing").run().ok();
    let end = Instant::now() + EVENT_TIMEOUT;
    while !told(&cli).is_null() {
        assert!(Instant::now() < end, "{}", told(&cli));
    }
    let status = cli.ctl(&["status"]).run().ok();
    assert!(status.stderr.is_empty(), "{status}");
    cli.ok(&["restart", "web", "--wait"]);
    let log = cli.lab.read("missing/m.log");
    assert!(log.contains("bytes of output were lost here]\n") && log.contains("bot `web` runs as process"), "{log}");
    cli.shutdown();
    // In the foreground, stderr receives the warning as well.
    cli.lab.shell("rm -r missing").run().ok();
    let running = cli.ctl(&["run"]).spawn();
    look::until(&cli.lab.path("m.pid"), look::Deadline::after(EVENT_TIMEOUT), || {
        cli.lab.read("m.pid").contains("unix://").then_some(())
    })
    .expect("a pidfile with an address");
    running.signal(Signal::SIGTERM);
    let outcome = running.finish().ok();
    assert_eq!(outcome.stderr.matches(&problem).count(), 1, "{outcome}");
}

/// Promise 6.52.
#[test]
fn missing_system_log_is_reported_and_used_once_it_exists() {
    let cli = cli("");
    cli.lab.write("listener.py", LISTENER);
    let script = "set -eu; mkdir dev
        for name in null zero urandom; do touch dev/$name; mount --bind /dev/$name dev/$name; done; mount --rbind dev /dev
        $D -c m.toml start 2>started; $D -c m.toml restart web --wait; $D -c m.toml status >/dev/null 2>missing
        timeout 30 python3 listener.py & until [ -e listens ]; do read -t 0.05 < <(:) || :; done
        $D -c m.toml status >/dev/null 2>there
        $D -c m.toml restart web --wait; wait; $D -c m.toml shutdown";
    cli.lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", daemonctl()).run().ok();
    let warning = "warning: the monitor's own log is not written: failed to connect to `/dev/log`: ";
    for file in ["started", "missing"] {
        assert!(cli.lab.read(file).contains(warning), "{file}: {}", cli.lab.read(file));
    }
    assert!(cli.lab.read("missing").contains(" lost"), "{}", cli.lab.read("missing"));
    assert_eq!(cli.lab.read("there"), "");
    let heard = cli.lab.read("syslog");
    let second = heard.lines().nth(1).expect("two lines");
    assert!(second.contains(" lost before the last one: failed to connect to `/dev/log`: "), "{heard}");
    assert!(cli.lab.quiet(EVENT_TIMEOUT).is_ok());
}
