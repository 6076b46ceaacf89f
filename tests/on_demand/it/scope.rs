//! Daemons leave the scope of the session that started them, where that makes them live longer.

use std::collections::BTreeSet;

use look::Process;

use crate::session_machine::{KILLED, LINGERING, ROOT, SPARED, Session, cgroup, ends, machine};

/// A start that leaves the session's scope.
const START: &str = "$LAB scope start";

/// Asserts that a daemon is in a scope of its own.
#[track_caller]
fn has_own_scope(daemon: Process, slice: &str) {
    let (name, path) = cgroup(daemon);
    let inside = daemon.status("NSpid").expect("it is alive");
    let pid = inside.split_whitespace().last().expect("a pid");
    assert_eq!(name, format!("app-my\\x2dagent-{pid}.scope"), "{path}");
    assert!(path.contains(slice), "{path}");
}

/// Promise 12.12.
#[test]
fn daemon_of_lingering_user_outlives_her_session() {
    let machine = machine();
    let script = format!("{START} /tmp/lingering.pid; $LAB scope start_in_session /tmp/staying.pid");
    let session = Session::open(&machine, LINGERING, &script);
    let (daemon, staying) = (session.daemon(0), session.daemon(1));
    assert!(session.warnings().is_empty() && !session.output.contains("warning"), "{}", session.output);
    has_own_scope(daemon, "/user@4711.service/app.slice/");
    assert!(cgroup(staying).0.starts_with("session-"), "{:?}", cgroup(staying));
    session.end();
    ends(staying);
    assert!(daemon.alive());
    machine
        .command("/usr/local/bin/on-demand-lab", &["scope", "status", "/tmp/lingering.pid"])
        .run()
        .ok()
        .prints(&[""]);
}

/// Promise 12.12.
#[test]
fn daemon_of_user_without_linger_says_that_it_ends_with_the_last_session() {
    let machine = machine();
    let script = format!(
        "{START} /tmp/killed.pid; $LAB scope start_in_session /tmp/sibling.pid; $LAB scope status /tmp/killed.pid"
    );
    let first = Session::open(&machine, KILLED, &script);
    let (daemon, sibling) = (first.daemon(0), first.daemon(1));
    has_own_scope(daemon, "/user@4712.service/app.slice/");
    let warning = "ends with the user's last session; `loginctl enable-linger` keeps it";
    assert_eq!(first.warnings(), [warning], "{}", first.output);
    assert!(first.output.contains(&format!("\nwarning: {warning}\n")), "on stderr: {}", first.output);
    assert!(first.output.contains(&format!("it says: {warning}\n")), "in the status: {}", first.output);
    let last = Session::open(&machine, KILLED, "true");
    first.end();
    ends(sibling);
    assert!(daemon.alive(), "ended with its first session");
    last.end();
    ends(daemon);
}

/// The user's manager would end with the last session; the scope of a session that logind abandons does not.
#[test]
fn daemon_whose_session_is_not_killed_stays_in_it() {
    let machine = machine();
    let session = Session::open(&machine, SPARED, &format!("{START} /tmp/spared.pid"));
    let daemon = session.daemon(0);
    let (scope, id) = (cgroup(daemon).0, Session::id_of(daemon));
    let expected = format!("stays in session {id}: elsewhere it would end with the user's last session");
    assert!(session.warnings()[0].starts_with(&expected), "{}", session.output);
    session.end();
    assert_eq!(machine.property(&scope, "SubState"), "abandoned");
    assert!(daemon.alive());
    machine.systemctl(&["stop", &scope]).ok();
    ends(daemon);
}

/// The launcher is a fresh execution of the client's program.
#[test]
fn daemon_on_demand_outlives_the_session_of_its_first_client() {
    let machine = machine();
    let session = Session::open(&machine, LINGERING, "$LAB scope connect; $LAB scope start_in_session /tmp/beside.pid");
    let (daemon, staying) = (session.daemon(0), session.daemon(1));
    has_own_scope(daemon, "/user@4711.service/app.slice/");
    session.end();
    ends(staying);
    let later = Session::open(&machine, LINGERING, "$LAB scope connect");
    assert_eq!(later.daemon(0).id(), daemon.id(), "another daemon: {}", later.output);
    later.end();
}

#[test]
fn daemon_of_root_gets_a_scope_of_the_machine() {
    let machine = machine();
    let session = Session::open(&machine, ROOT, &format!("{START} /tmp/root.pid"));
    let daemon = session.daemon(0);
    assert!(session.warnings().is_empty(), "{}", session.output);
    has_own_scope(daemon, "/system.slice/");
    session.end();
    assert!(daemon.alive());
}

/// A window of a terminal, or a pane of tmux, has a scope below the user's manager.
#[test]
fn daemon_outlives_the_scope_of_its_terminal() {
    let machine = machine();
    let script = format!(
        "export XDG_RUNTIME_DIR=/run/user/4711; \
        systemd-run --user --quiet --scope --unit=vte-spawn-1 sh -c '{START} /tmp/window.pid; $LAB scope start_in_session /tmp/w2.pid'"
    );
    let session = Session::open(&machine, LINGERING, &script);
    let (daemon, staying) = (session.daemon(0), session.daemon(1));
    has_own_scope(daemon, "/user@4711.service/app.slice/");
    assert_eq!(cgroup(staying).0, "vte-spawn-1.scope");
    machine.user_systemctl(&["stop", "vte-spawn-1.scope"]).ok();
    ends(staying);
    assert!(daemon.alive());
}

#[test]
fn daemon_of_a_service_stays_in_it() {
    let machine = machine();
    let run = ["--user", "--quiet", "--pipe", "--wait", "--unit=starter", "--property=KillMode=process"];
    let outcome = machine
        .login("systemd-run", &run)
        .args([
            "sh",
            "-c",
            "/usr/local/bin/on-demand-lab scope start /tmp/service.pid; cat /proc/$(head -1 /tmp/service.pid)/cgroup",
        ])
        .run()
        .ok();
    assert!(outcome.stdout.contains("/starter.service\n") && !outcome.stdout.contains("warning"), "{outcome}");
    assert!(!outcome.stderr.contains("warning"), "{outcome}");
}

#[test]
fn process_that_does_not_detach_stays_in_its_session() {
    let machine = machine();
    let session = Session::open(&machine, LINGERING, "$LAB scope run /tmp/foreground.pid");
    assert!(session.output.contains("/session-") && !session.output.contains("warning"), "{}", session.output);
}

/// Promise 12.12.
#[test]
fn attempt_leaves_no_thread_no_child_and_no_descriptor() {
    let machine = machine();
    let script = format!("{START} /tmp/clean.pid; $LAB scope start_in_session /tmp/bare.pid");
    let session = Session::open(&machine, LINGERING, &script);
    let (daemon, bare) = (session.daemon(0), session.daemon(1));
    has_own_scope(daemon, "/user@4711.service/app.slice/");
    assert_eq!(daemon.threads().len(), bare.threads().len());
    let kinds = |process: Process| {
        let kinds = process.descriptors().into_values().map(|descriptor| descriptor.target);
        kinds
            .map(|target| target.display().to_string())
            .filter(|target| !target.contains(".pid."))
            .collect::<BTreeSet<_>>()
    };
    // The later daemon may have a socket to its launcher for a moment.
    assert!(kinds(daemon).is_subset(&kinds(bare)), "{:?} and {:?}", kinds(daemon), kinds(bare));
    assert!(!kinds(daemon).iter().any(|kind| kind.starts_with("socket:")), "{:?}", kinds(daemon));
    let is_child = |process: &Process| process.stat().is_some_and(|stat| stat.parent == daemon.id());
    assert_eq!(machine.processes().into_iter().filter(is_child).count(), 0);
}
