//! Services of OpenRC, s6 and runit: installed, started by the real tools, and removed without a trace.

use look::{Lab, Outcome};

const COMMON: &str = include_str!("scripts/common.sh");

/// Runs a script as process 1 of a pid namespace, which takes every process of it along.
fn run(script: &str) -> Outcome {
    let lab = Lab::new(env!("CARGO_BIN_EXE_servicelab"));
    let script = lab.write("script.sh", format!("{COMMON}{script}"));
    lab.command("unshare", &["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"])
        .arg(script)
        .env("D", lab.program())
        .run()
}

/// Asserts what each manager has in common, and returns the lines of the service's state.
#[track_caller]
fn assert_used_and_removed(outcome: Outcome, manager: &str, main_file: &str) {
    let outcome = outcome.ok();
    let said = outcome.stdout.replace("\n * ", "\n");
    for text in [
        &format!("servicelab: installed {main_file}"),
        "a  b|$HOME|*|it's||x;y|\ndaemon\n",
        &format!("servicelab: installed, {manager}, system: {main_file}"),
        "servicelab: start: enabled",
        "servicelab: already installed, unchanged: ",
        &format!("servicelab: removed {main_file}"),
    ] {
        assert!(said.contains(text), "{text:?}: {outcome}");
    }
    assert!(said.ends_with("left:\nend\nservicelab: no service is installed\n"), "{outcome}");
}

/// Promise 11.11.
#[test]
fn service_of_s6_runs_and_is_removed_without_a_trace() {
    assert_used_and_removed(run(include_str!("scripts/s6.sh")), "s6", "/etc/s6/sv/servicelab/run");
}

/// Promise 11.11.
#[test]
fn service_of_runit_runs_and_is_removed_without_a_trace() {
    assert_used_and_removed(run(include_str!("scripts/runit.sh")), "runit", "/etc/sv/servicelab/run");
}

/// Promise 11.11.
#[test]
fn service_of_openrc_runs_and_is_removed_without_a_trace() {
    assert_used_and_removed(run(include_str!("scripts/openrc.sh")), "openrc", "/etc/init.d/servicelab");
}
