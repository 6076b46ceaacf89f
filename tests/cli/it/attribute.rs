//! The key `cli` on `main`: keys, source and handler use the parsed arguments.

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
