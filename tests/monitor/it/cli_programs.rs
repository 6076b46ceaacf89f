//! `daemonctl` with the path of a program instead of the name of a bot.

use look::Process;

use crate::cli_lab::{CliLab, daemonctl};

/// A bot with another name than the file of its program.
const GREET: &str = r#"
[bot.greet]
command = "LAB/greet.py"
"#;

/// Returns a `daemonctl` lab with a program `greet.py` that its bot runs, and a program `other` that no bot runs.
fn cli() -> CliLab {
    let cli = CliLab::new(GREET);
    cli.lab
        .shell("for name in greet.py other; do printf '#!/bin/sh\nexec sleep 1000\n' > $name; chmod 755 $name; done")
        .run()
        .ok();
    cli
}

/// Promise 6.46.
#[test]
fn program_without_bot_is_unknown_except_to_start() {
    let cli = cli();
    cli.start();
    let other = cli.lab.path("other").display().to_string();
    for arguments in [
        &["stop", &other][..],
        &["restart", &other],
        &["destroy", &other],
        &["signal", "HUP", &other],
        &["event", &other, "reply"],
        &["status", &other],
        &["tail", &other],
        &["stop", "./other"],
    ] {
        cli.ctl(arguments).run().exits(4).says(&[&format!("`{other}`: no bot runs this program")]);
    }
    let (status, _) = cli.json(&["status"]);
    assert_eq!(status["bots"].as_array().map(Vec::len), Some(1), "a bot that was never started: {status}");
    // The other bots of a command are handled regardless.
    cli.ctl(&["stop", &other, "greet"]).run().exits(4).prints(&["greet: stopped"]);
    cli.shutdown();
}

/// Promise 6.46.
#[test]
fn program_of_a_bot_means_that_bot() {
    let cli = cli();
    cli.start();
    let greet = cli.lab.path("greet.py").display().to_string();
    let pid = cli.pid("greet");
    assert!(cli.ok(&["start", &greet]).starts_with(&format!("greet: running, pid {pid}")));
    assert!(cli.ok(&["status", "./greet.py"]).contains("greet"));
    assert!(cli.ok(&["restart", "./greet.py"]).starts_with("greet: running"));
    assert!(!Process::new(pid).alive());
    let pid = cli.pid("greet");
    assert_eq!(cli.ok(&["stop", &greet, "--wait"]), "greet: stopped\n");
    assert!(!Process::new(pid).alive());
    // A path with `..` works, too.
    cli.lab.shell("mkdir sub").run().ok();
    let started = cli.lab.command(&daemonctl().display().to_string(), &["-c", "../m.toml", "start", "../greet.py"]);
    started.in_directory(cli.lab.path("sub")).run().ok().prints(&["greet: running"]);
    let (status, _) = cli.json(&["status"]);
    assert_eq!(status["bots"].as_array().map(Vec::len), Some(1), "{status}");
    cli.shutdown();
}

/// Promise 6.46.
#[test]
fn start_of_a_stopped_program_starts_it_again() {
    let cli = cli();
    cli.start();
    let other = cli.lab.path("other").display().to_string();
    cli.ok(&["start", &other, "--", "-v"]);
    let pid = cli.pid("other");
    assert!(cli.ok(&["start", &other, "--", "-v"]).contains(&format!("other: running, pid {pid}")));
    cli.ok(&["stop", &other, "--wait"]);
    assert!(cli.ok(&["start", &other, "--", "-v"]).starts_with("other: running"));
    cli.ctl(&["start", &other, "--", "-q"]).run().exits(1).says(&["there is another bot `other`"]);
    cli.ok(&["destroy", &other]);
    cli.ctl(&["status", &other]).run().exits(4);
    cli.shutdown();
}

/// Promise 6.46.
#[test]
fn program_added_to_the_configuration_is_not_started_twice() {
    let cli = cli();
    cli.start();
    cli.ok(&["start", "./other"]);
    let before = Process::new(cli.pid("other"));
    cli.configure(&format!("{GREET}\n[bot.named]\ncommand = \"LAB/other\"\ncwd = \"/\"\n"));
    cli.ok(&["reload"]);
    // The program is stopped before the configured bot starts, and no bot of the old name is left.
    let named = cli.until("named", |bot| bot["state"] == "running" && bot["pid"] != before.id());
    assert!(!before.alive() && named["configured"] == true, "{named}");
    cli.ctl(&["status", "other"]).run().exits(4);
    let programs = cli.lab.processes().into_iter().filter(|process| process.arguments() == ["sleep", "1000"]);
    assert_eq!(programs.count(), 2, "one for each bot");
    cli.shutdown();
}

/// Promise 6.46.
#[test]
fn program_of_several_bots_is_refused_with_their_names() {
    let cli = cli();
    cli.configure(
        "[bot.a]\ncommand = \"LAB/greet.py\"\nargs = [\"1\"]\n[bot.b]\ncommand = \"LAB/greet.py\"\nargs = [\"2\"]\n",
    );
    cli.start();
    let pids = (cli.pid("a"), cli.pid("b"));
    let greet = cli.lab.path("greet.py").display().to_string();
    for verb in ["start", "stop", "restart", "destroy"] {
        cli.ctl(&[verb, &greet]).run().exits(1).says(&["write one of their names, `a`, `b`"]);
    }
    assert_eq!((cli.pid("a"), cli.pid("b")), pids);
    assert!(cli.ok(&["start", &greet, "--", "2"]).starts_with("b: running"));
    cli.shutdown();
}

/// Promise 6.46.
#[test]
fn start_of_several_programs_reports_each_result() {
    let cli = cli();
    cli.lab.shell("printf '#!/bin/sh\nexit 7\n' > fails; chmod 755 fails").run().ok();
    cli.start();
    let outcome = cli.ctl(&["start", "./greet.py", "./other", "./fails"]).run().exits(1);
    outcome.prints(&["greet: running", "other: running", "fails: backing-off"]);
    cli.shutdown();
}

/// Promises 6.36 and 6.46.
#[test]
fn start_of_a_program_that_times_out_reports_what_it_waits_for() {
    let cli = cli();
    cli.configure("[bot.greet]\ncommand = \"LAB/greet.py\"\nready = \"notify\"\n");
    cli.start();
    for programs in [&["./greet.py"][..], &["./greet.py", "./other"]] {
        let outcome = cli.ctl(&["start", "--wait=1s"]).args(programs).run().exits(5);
        outcome.says(&["`greet` is starting (not ready for ", "ready is notify)"]);
    }
    cli.shutdown();
}
