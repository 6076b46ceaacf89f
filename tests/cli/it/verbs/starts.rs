//! The output of a start: where the daemon is, what it waits for, and why it failed.

use super::{VERB_TIMEOUT, file, lab, run, run_on_terminal};

#[test]
fn start_says_pid_and_log() {
    let lab = lab();
    let started = run(&lab, &["start", "--port", "9000"]).ok();
    let (pidfile, log) = (file("clilab", "pid"), file("clilab", "log"));
    let daemon = lab.daemon(&pidfile);
    assert_eq!(started.stdout, format!("clilab: started, pid {}, log {}\n", daemon.id(), lab.path(&log).display()));
    lab.wait_for(&log, VERB_TIMEOUT, |log| log == "port 9000\n");
    assert_eq!(run(&lab, &["stop"]).ok().stdout, format!("clilab: stopped, pid {}\n", daemon.id()));
    assert!(!daemon.alive());
}

#[test]
fn slow_start_says_after_a_second_what_it_waits_for() {
    let lab = lab();
    let started = run(&lab, &["start", "--slow", "1600"]).ok();
    assert_eq!(started.stderr, "clilab: waiting for the daemon to call `daemon::ready()`, 1 s of 60 s\n");
    run(&lab, &["stop"]).ok();
    assert_eq!(run(&lab, &["start", "--slow", "10"]).ok().stderr, "");
    run(&lab, &["stop"]).ok();
    let started = run_on_terminal(&lab, "start --slow 1600 --start-timeout 30s").ok().stdout;
    assert!(started.contains("1 s of 30 s\x1b[K") && started.contains("\r\x1b[Kclilab: started"), "{started:?}");
}

#[test]
fn failed_start_shows_what_was_printed_and_the_end_of_the_log() {
    let lab = lab();
    let failed = run(&lab, &["start", "--print", "opening", "--fail", "no\x1b[2J table"]).exits(4);
    assert_eq!(failed.stdout, "opening\n");
    assert!(failed.stderr.contains("the body failed: no\\u{1b}[2J table"), "{failed}");
    lab.write(&file("clilab", "log"), "of an earlier start\n");
    let failed = run(&lab, &["start", "--say", "a\x1b]0;t\x07b", "--fail", "no table"]).exits(4);
    assert!(failed.stderr.contains(":\n  a\\u{1b}]0;t\\u{7}b\nerror: failed to start: the body failed"), "{failed}");
    assert!(!failed.stderr.contains("earlier"), "{failed}");
    assert!(lab.processes().is_empty());
}

#[test]
fn standard_options_override_the_keys() {
    let lab = lab();
    let [pidfile, log, directory] =
        ["home/a.pid", "home/a.log", "home"].map(|name| lab.path(name).display().to_string());
    let place = lab.path("home/key.pid").display().to_string();
    let options = ["start", "--place", &place, "--pidfile", &pidfile, "--log", &log, "--working-directory", &directory];
    run(&lab, &options).ok().prints(&[&log]);
    let daemon = lab.daemon("home/a.pid");
    assert_eq!(daemon.directory(), Some(lab.path("home")));
    assert!(!lab.path("home/key.pid").exists());
    run(&lab, &["stop", "--pidfile", &pidfile]).ok();
    assert!(!daemon.alive());
    run(&lab, &["start", "--start-timeout", "0s"]).exits(2).says(&["it is zero"]);
    run(&lab, &["start", "--run-as", "no-such-user"]).exits(2).says(&["no-such-user"]);
}

#[test]
fn colours_are_for_terminals_only() {
    let lab = lab();
    assert!(!run(&lab, &["status"]).stdout.contains('\x1b'));
    assert!(run_on_terminal(&lab, "status").stdout.contains("\x1b[2mstopped"));
    let script = "script -qec \"$D status\" /dev/null";
    let plain = lab.shell_as_user(look::USER_WITH_HOME, script).env("TERM", "xterm").env("NO_COLOR", "1").run();
    assert!(plain.stdout.contains("stopped") && !plain.stdout.contains('\x1b'), "{plain}");
}
