//! The key `cli` on `main`, whose keys, source and handler use the parsed arguments, and `dispatch` on another function.

use std::time::Duration;

use look::{Lab, Outcome, USER_WITH_HOME};

/// The time in which a verb has its effect, on a busy machine.
const EFFECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns a lab with the program in it, and a user whose home is `home`.
fn lab(program: &str) -> Lab {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = Lab::new(program);
    lab.bring_program();
    lab.make_test_users();
    lab
}

/// Runs the program as the user, with its home as the option `--place`.
fn run(lab: &Lab, verb: &str, more: &[&str]) -> Outcome {
    let home = lab.path("home");
    lab.as_user(USER_WITH_HOME, &[verb, "--place", &home.to_string_lossy()]).args(more).run()
}

#[test]
fn keys_of_main_use_the_parsed_arguments() {
    let lab = lab(env!("CARGO_BIN_EXE_attribute"));
    let help = lab.as_user(USER_WITH_HOME, &["--help"]).run().ok();
    assert!(help.stdout.contains("Repeats a word\n") && help.stdout.contains("--word"), "{help}");
    run(&lab, "start", &["--word", "bird"]).ok();
    lab.wait_for("home/attribute.log", EFFECT_TIMEOUT, |log| log.contains("bird\n"));
    let daemon = lab.daemon("home/attribute.pid");
    lab.as_user(USER_WITH_HOME, &["reload"]).run().ok();
    lab.wait_for("home/attribute.log", EFFECT_TIMEOUT, |log| log.contains("bird, again\n"));
    assert!(daemon.alive());
    lab.as_user(USER_WITH_HOME, &["stop"]).run().ok();
    lab.wait_for("home/attribute.log", EFFECT_TIMEOUT, |log| log.contains("stopped in "));
    assert!(!daemon.alive());
}

#[test]
fn messages_of_main_are_handled_with_the_parsed_arguments() {
    let lab = lab(env!("CARGO_BIN_EXE_attribute-message"));
    run(&lab, "start", &["--count", "3"]).ok();
    let log = lab.wait_for("home/message.log", EFFECT_TIMEOUT, |log| log.contains("message 3 of 3\n"));
    assert_eq!(log, "message 1 of 3\nmessage 2 of 3\nmessage 3 of 3\n");
    lab.as_user(USER_WITH_HOME, &["stop"]).run().ok();
    lab.quiet(EFFECT_TIMEOUT).expect("a daemon is left");
}

#[test]
fn companion_performs_the_verbs_of_a_programs_own_command_line() {
    let lab = lab(env!("CARGO_BIN_EXE_attribute-dispatch"));
    let run = |arguments: &[&str]| lab.as_user(USER_WITH_HOME, arguments).run();
    assert_eq!(run(&["--word", "plain", "print"]).ok().stdout, "plain\n");
    run(&["--word", "bird", "start"]).ok().prints(&["greeter: started"]);
    run(&["status"]).ok();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let log = format!("home/.local/state/greeter@{}.log", host.trim_end());
    lab.wait_for(&log, EFFECT_TIMEOUT, |log| log.contains("bird from the daemon\n"));
    run(&["stop"]).ok();
    run(&["status"]).exits(3);
    lab.quiet(EFFECT_TIMEOUT).expect("a daemon is left");
}
