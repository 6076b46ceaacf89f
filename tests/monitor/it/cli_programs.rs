//! `daemonctl` with the path of a program instead of the name of a bot.

use look::Process;

use crate::daemonctl::{Site, daemonctl};

/// `AUTOSTART` and the like: a bot that is called otherwise than the file of its program.
const GREET: &str = r#"
[bot.greet]
command = "LAB/greet.py"
"#;

/// A site with a program `greet.py` that its bot runs, and a program `other` that none does.
fn site() -> Site {
    let site = Site::new(GREET);
    site.lab
        .shell("for name in greet.py other; do printf '#!/bin/sh\nexec sleep 1000\n' > $name; chmod 755 $name; done")
        .run()
        .ok();
    site
}

/// Promise 6.46.
#[test]
fn program_of_no_bot_is_unknown_to_every_verb_but_start() {
    let site = site();
    site.start();
    let other = site.lab.path("other").display().to_string();
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
        site.ctl(arguments).run().exits(4).says(&[&format!("`{other}`: no bot runs this program")]);
    }
    let (status, _) = site.json(&["status"]);
    assert_eq!(status["bots"].as_array().map(Vec::len), Some(1), "a bot that was never started: {status}");
    // The others of a command are done nevertheless.
    site.ctl(&["stop", &other, "greet"]).run().exits(4).prints(&["greet: stopped"]);
    site.shutdown();
}

/// Promise 6.46.
#[test]
fn program_of_a_bot_means_that_bot() {
    let site = site();
    site.start();
    let greet = site.lab.path("greet.py").display().to_string();
    let pid = site.pid("greet");
    assert!(site.ok(&["start", &greet]).starts_with(&format!("greet: running, pid {pid}")));
    assert!(site.ok(&["status", "./greet.py"]).contains("greet"));
    assert!(site.ok(&["restart", "./greet.py"]).starts_with("greet: running"));
    assert!(!Process::new(pid).alive());
    let pid = site.pid("greet");
    assert_eq!(site.ok(&["stop", &greet, "--wait"]), "greet: stopped\n");
    assert!(!Process::new(pid).alive());
    // By a path that goes up, too.
    site.lab.shell("mkdir sub").run().ok();
    let started = site.lab.command(&daemonctl().display().to_string(), &["-c", "../m.toml", "start", "../greet.py"]);
    started.in_directory(site.lab.path("sub")).run().ok().prints(&["greet: running"]);
    let (status, _) = site.json(&["status"]);
    assert_eq!(status["bots"].as_array().map(Vec::len), Some(1), "{status}");
    site.shutdown();
}

/// Promise 6.46.
#[test]
fn start_of_a_stopped_program_starts_it_again() {
    let site = site();
    site.start();
    let other = site.lab.path("other").display().to_string();
    site.ok(&["start", &other, "--", "-v"]);
    let pid = site.pid("other");
    assert!(site.ok(&["start", &other, "--", "-v"]).contains(&format!("other: running, pid {pid}")));
    site.ok(&["stop", &other, "--wait"]);
    assert!(site.ok(&["start", &other, "--", "-v"]).starts_with("other: running"));
    site.ctl(&["start", &other, "--", "-q"]).run().exits(1).says(&["there is another bot `other`"]);
    site.ok(&["destroy", &other]);
    site.ctl(&["status", &other]).run().exits(4);
    site.shutdown();
}

/// Promise 6.46.
#[test]
fn program_that_comes_into_the_configuration_is_not_started_twice() {
    let site = site();
    site.start();
    site.ok(&["start", "./other"]);
    let before = Process::new(site.pid("other"));
    site.configure(&format!("{GREET}\n[bot.named]\ncommand = \"LAB/other\"\ncwd = \"/\"\n"));
    site.ok(&["reload"]);
    // The program is stopped before the configured bot starts, and no bot of the old name is left.
    let named = site.until("named", |bot| bot["state"] == "running" && bot["pid"] != before.id());
    assert!(!before.alive() && named["configured"] == true, "{named}");
    site.ctl(&["status", "other"]).run().exits(4);
    let programs = site.lab.processes().into_iter().filter(|process| process.arguments() == ["sleep", "1000"]);
    assert_eq!(programs.count(), 2, "one for each bot");
    site.shutdown();
}

/// Promise 6.46.
#[test]
fn program_of_several_bots_is_refused_with_their_names() {
    let site = site();
    site.configure(
        "[bot.a]\ncommand = \"LAB/greet.py\"\nargs = [\"1\"]\n[bot.b]\ncommand = \"LAB/greet.py\"\nargs = [\"2\"]\n",
    );
    site.start();
    let pids = (site.pid("a"), site.pid("b"));
    let greet = site.lab.path("greet.py").display().to_string();
    for verb in ["start", "stop", "restart", "destroy"] {
        site.ctl(&[verb, &greet]).run().exits(1).says(&["write one of their names, `a`, `b`"]);
    }
    assert_eq!((site.pid("a"), site.pid("b")), pids);
    assert!(site.ok(&["start", &greet, "--", "2"]).starts_with("b: running"));
    site.shutdown();
}

/// Promise 6.46.
#[test]
fn start_of_several_programs_says_what_becomes_of_each() {
    let site = site();
    site.lab.shell("printf '#!/bin/sh\nexit 7\n' > fails; chmod 755 fails").run().ok();
    site.start();
    let outcome = site.ctl(&["start", "./greet.py", "./other", "./fails"]).run().exits(1);
    outcome.prints(&["greet: running", "other: running", "fails: backing-off"]);
    site.shutdown();
}

/// Promises 6.36 and 6.46.
#[test]
fn start_of_a_program_that_times_out_says_what_its_bot_waits_for() {
    let site = site();
    site.configure("[bot.greet]\ncommand = \"LAB/greet.py\"\nready = \"notify\"\n");
    site.start();
    for programs in [&["./greet.py"][..], &["./greet.py", "./other"]] {
        let outcome = site.ctl(&["start", "--wait=1s"]).args(programs).run().exits(5);
        outcome.says(&["`greet` is starting (not ready for ", "ready is notify)"]);
    }
    site.shutdown();
}
