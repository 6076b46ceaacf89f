//! Daemons that cannot leave the scope of their session start regardless, and say so.

use std::time::{Duration, Instant};

use crate::session_machine::{Session, WITHOUT_BUS, cgroup, ends, machine};

/// A user's bus that does not exist, does not answer, belongs to another user, or to a manager that refuses.
#[test]
fn daemon_without_a_working_bus_says_with_what_it_ends() {
    let machine = machine();
    let (bus, mute) = ("/run/user/4714/bus", "mute_bus");
    let script = format!(
        "rm -f {bus}; $LAB scope start /tmp/no_bus.pid; \
         $LAB scope {mute} {bus} >/tmp/mute & while ! grep -q mute /tmp/mute; do sleep 0.01; done; \
         $LAB scope start /tmp/mute_bus.pid; \
         chmod 770 /run/user/4714; $LAB scope start /tmp/open.pid; $LAB scope status /tmp/no_bus.pid"
    );
    let before = Instant::now();
    let session = Session::open(&machine, WITHOUT_BUS, &script);
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
    let (scope, _) = cgroup(session.daemon(0));
    let id = scope.strip_prefix("session-").and_then(|rest| rest.strip_suffix(".scope")).expect("a session");
    let failed = |cause: &str| format!("ends with session {id}, whose scope it could not leave: {cause}");
    let [absent, mute, open] = session.warnings()[..] else { panic!("{}", session.output) };
    assert_eq!(absent, failed("failed to connect to `/run/user/4714/bus`: no such file or directory"));
    assert!(session.output.contains(&format!("it says: {absent}\n")), "in the status: {}", session.output);
    assert!(mute.contains("the manager did not answer within 2 s"), "{mute}");
    assert_eq!(open, failed("failed to use `/run/user/4714`: it is not a directory of this user's alone"));
    let daemons = [0, 1, 2].map(|index| session.daemon(index));
    // The helper was killed and reaped.
    let has_parent =
        |pid: i32| machine.processes().into_iter().any(|process| process.stat().is_some_and(|stat| stat.parent == pid));
    assert!(daemons.iter().all(|daemon| !has_parent(daemon.id())));
    session.end();
    daemons.into_iter().for_each(ends);
}
