//! The attributes of a bot: directory, umask and streams, which do not depend on whether the monitor is a daemon.

use std::path::PathBuf;
use std::time::Duration;

use look::{Deadline, Process, Running};
use nix::sys::signal::Signal;

use crate::cli_lab::CliLab;

/// Runs the monitor of a `daemonctl` lab in the foreground, from another directory and with another umask.
fn run(cli: &CliLab) -> Running<'_> {
    let file = cli.lab.path("m.toml").display().to_string();
    let running = cli.lab.shell(&format!("umask 077; cd /; exec \"$D\" -c {file} run --no-container")).spawn();
    let pidfile = cli.lab.path("m.pid");
    look::until(&pidfile, Deadline::after(Duration::from_secs(20)), || {
        cli.lab.read("m.pid").contains("unix://").then_some(())
    })
    .expect("a pidfile with an address");
    running
}

/// Promise 6.44.
#[test]
fn bot_has_the_same_directory_and_umask_as_a_daemon_and_in_the_foreground() {
    let cli = CliLab::new(
        "[bot.plain]\ncommand = \"BOT\"\nargs = [\"idle\"]\n[bot.other]\ncommand = \"BOT\"\nargs = [\"idle\"]\ncwd = \"/\"\n\
         umask = \"027\"\n",
    );
    let seen = |name: &str| {
        let bot = Process::new(cli.pid(name));
        (bot.directory(), bot.umask())
    };
    let expected =
        [(Some(cli.lab.directory().canonicalize().unwrap()), Some(0o022)), (Some(PathBuf::from("/")), Some(0o027))];
    cli.start();
    assert_eq!([seen("plain"), seen("other")], expected);
    cli.ok(&["start", "/bin/sleep", "--", "1000"]);
    assert_eq!(seen("sleep"), (Some(PathBuf::from("/")), Some(0o022)));
    cli.shutdown();
    let running = run(&cli);
    cli.until_is("other", "running");
    assert_eq!([seen("plain"), seen("other")], expected);
    running.signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Promise 6.45.
#[test]
fn output_to_an_inherited_stream_reaches_the_monitors() {
    let cli = CliLab::new(
        r#"
[bot.out]
command = "/bin/sh"
args = ["-c", "echo to stdout; echo lost >&2"]
ready = "exit"
stdout = "/dev/stdout"
stderr = "/dev/null"

[bot.err]
command = "/bin/sh"
args = ["-c", "echo to both; echo to stderr >&2"]
ready = "exit"
stdout = "/proc/self/fd/1"
stderr = { file = "/dev/stderr" }
"#,
    );
    cli.ctl(&["check"]).run().ok();
    let running = run(&cli);
    cli.until_is("out", "exited");
    cli.until_is("err", "exited");
    running.signal(Signal::SIGTERM);
    let outcome = running.finish().ok();
    let mut lines: Vec<&str> = outcome.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!((&lines[..], &*outcome.stderr), (&["to both", "to stdout"][..], "to stderr\n"));
    // A daemon has no streams: the command that starts it reports that, and so does its log.
    cli.ctl(&["start"]).run().ok().says(&["bot `err` inherits the monitor's output", "bot `out` inherits"]);
    cli.lab.wait_for("m.log", Duration::from_secs(20), |log| {
        log.contains("the stdout of `out`, `err` is that of the monitor")
    });
    cli.shutdown();
}
