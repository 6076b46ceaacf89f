//! Daemons by attribute that are launched by exec, or are on demand.

use look::Lab;

use crate::common::{ended, lab, nothing_left};

/// Runs a verb of the helper, and returns its standard output.
#[track_caller]
fn attribute(lab: &Lab, verb: &str) -> String {
    lab.run(&["attribute", verb]).ok().stdout
}

/// Promise 12.02. The example of the documentation.
#[test]
fn connect_starts_the_daemon_once_and_its_body_serves_each_client() {
    let lab = lab();
    let first = attribute(&lab, "connect");
    let daemon = lab.daemon("agent.pid");
    assert_eq!(first.trim_end(), format!("{} hello", daemon.id()));
    assert_eq!(attribute(&lab, "connect"), first);
    assert_eq!(attribute(&lab, "connect-async"), first);
    assert_eq!(attribute(&lab, "stop").trim_end(), format!("stopped pid {}", daemon.id()));
    ended(daemon);
    assert!(!lab.path("agent.pid").exists());
}

#[test]
fn connect_async_starts_an_async_daemon_with_its_argument() {
    let lab = lab();
    let first = attribute(&lab, "connect-async-to-async");
    let daemon = lab.daemon("later.pid");
    assert_eq!(first.trim_end(), format!("{} good day, hello", daemon.id()));
    assert_eq!(attribute(&lab, "connect-async-to-async"), first);
    attribute(&lab, "stop");
    ended(daemon);
}

/// Promise 12.04.
#[test]
fn arguments_of_a_start_in_a_thread_are_owned_by_the_new_process_and_lent_to_the_body() {
    let lab = lab();
    attribute(&lab, "arguments");
    nothing_left(&lab);
    let settings = r#"Settings { hosts: ["a"], limit: Some(3) }"#;
    assert_eq!(lab.read("arguments"), format!("caf\u{e9} [1, 2] {settings} /srv a Some(3) 8\n"));
    attribute(&lab, "step");
    nothing_left(&lab);
    assert_eq!(lab.read("steps"), "tick 13\n");
    attribute(&lab, "message");
    nothing_left(&lab);
    assert_eq!(lab.read("message"), "7\n");
}

/// Promise 12.16.
#[test]
fn argument_that_refuses_to_be_encoded_is_named_and_nothing_is_started() {
    let lab = lab();
    let outcome = lab.run(&["attribute", "unencodable"]).exits(2);
    assert_eq!(
        outcome.stderr,
        "error: failed to encode the arguments of `unencodable`: the argument `_vault`: the vault is locked\n"
    );
    nothing_left(&lab);
}

/// The process that starts the daemon is the parent of the launcher, which ends at once.
#[test]
fn daemon_that_ends_with_its_parent_ends_with_the_process_that_started_it() {
    let lab = lab();
    let output = attribute(&lab, "bound");
    assert!(output.starts_with("it runs\n"), "{output}");
    nothing_left(&lab);
}

#[test]
fn daemon_by_exec_that_would_end_with_the_parent_of_its_starter_is_refused() {
    let lab = lab();
    let outcome = lab.run(&["attribute", "bound-to-grandparent"]).exits(2);
    assert!(outcome.stderr.contains("not its parent: use `EndsWith::Parent`"), "{}", outcome.stderr);
    nothing_left(&lab);
}

#[test]
fn two_functions_of_one_name_are_refused_with_the_name() {
    let lab = lab();
    let outcome = lab.run(&["attribute", "same-name"]).exits(2);
    assert_eq!(
        outcome.stderr,
        "error: failed to start `same` by exec: two functions of this program are named `on_demand_lab::attribute::same`: rename \
         one of them\n"
    );
    nothing_left(&lab);
}

/// The pidfile of this daemon is named by a variable that is not in its `environment`.
#[test]
fn key_that_reads_a_variable_which_is_not_passed_on_is_refused() {
    let lab = lab();
    let outcome = lab.run(&["attribute", "forgetful"]).exits(2);
    assert!(outcome.stderr.contains("variables that must be named in `environment`"), "{}", outcome.stderr);
    nothing_left(&lab);
}
