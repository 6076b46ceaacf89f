//! OpenRC, s6 and runit by their real tools, each in namespaces of its own.

use look::{Lab, Outcome};

const COMMON: &str = include_str!("scripts/common.sh");

/// Runs a script as process 1 of a pid namespace, which takes every process of it along.
fn run(script: &str) -> Outcome {
    let lab = Lab::new(env!("CARGO_BIN_EXE_managedlab"));
    let script = lab.write("script.sh", format!("{COMMON}{script}"));
    lab.command("unshare", &["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"])
        .arg(script)
        .env("D", lab.program())
        .run()
}

#[test]
fn service_of_runit_is_found_and_acted_on_by_sv() {
    let mut outcome = run(include_str!("scripts/runit.sh")).ok();
    outcome.stdout = outcome.stdout.replace(&scan_directory(), "/etc/service");
    let web = "runit system /etc/service/web unknown\nsv -w 60 stop /etc/service/web\n";
    let own = "runit user /run/own unknown\nsv -w 60 stop /run/own\n";
    assert_eq!(outcome.stdout, format!("{web}{web}none\ntrue\nfalse\nnone\n{own}refused\n"), "{outcome}");
    outcome.says(&["failed to stop `/run/own`: `/run/own` is a service of uid 4711; run `sv -w 60 stop /run/own`"]);
}

#[test]
fn service_of_s6_is_found_and_acted_on_by_s6_svc() {
    let outcome = run(include_str!("scripts/s6.sh")).ok();
    let web = "s6 system /run/service/web unknown\ns6-svc -d -wD -T 60000 /run/service/web\n";
    assert_eq!(outcome.stdout, format!("{web}{web}none\nrefused\nrefused\n"), "{outcome}");
    outcome.says(&[
        "`/run/service/web`: it belongs to uid 4711, who could swap what is in it",
        "`/run/service/web/supervise`: it belongs to uid 4711, who could swap what is in it",
    ]);
}

#[test]
fn service_of_openrc_is_found_and_acted_on_by_rc_service() {
    let outcome = run(include_str!("scripts/openrc.sh")).ok();
    let web = "openrc system web started\nrc-service web stop\n";
    let refused =
        "failed to stop `web`: `web` is a service of OpenRC, which obeys root alone; run `rc-service web stop`";
    let other = "failed to stop `another`: it executes another program than this one; run `rc-service another stop`";
    let refusals = format!("{refused}\nrefused\n{other}\nrefused\n");
    assert_eq!(outcome.stdout, format!("{web}{web}none\ntrue\nfalse\n{refusals}"), "{outcome}");
}

/// Returns the directory of runit's services without links, as a supervisor reports it.
fn scan_directory() -> String {
    std::fs::canonicalize("/etc/service").expect("made by the package of runit").display().to_string()
}
