//! Daemons that cannot leave the scope of their session start regardless, and say so.

use std::time::{Duration, Instant};

use look::{Machine, Process};

use crate::session_machine::{LINGERING, ROOT, Session, User, WITHOUT_ANSWER, WITHOUT_BUS, cgroup, ends, machine};

/// Returns a command that replaces a user's bus by a server of the helper program.
fn serve(server: &str, user: User) -> String {
    let (bus, output) = (bus_of(user), format!("/tmp/{server}-{}", user.name));
    format!("$LAB scope {server} {bus} >{output} & while ! grep -q serves {output}; do sleep 0.01; done")
}

fn bus_of(user: User) -> String {
    format!("/run/user/{}/bus", user.uid)
}

/// Returns the children of a process.
fn children(machine: &Machine, parent: Process) -> usize {
    let is_child = |process: &Process| process.stat().is_some_and(|stat| stat.parent == parent.id());
    machine.processes().iter().filter(|process| is_child(process)).count()
}

/// Promise 12.12.
#[test]
fn daemon_without_a_working_bus_says_with_what_it_ends() {
    let machine = machine();
    let bus = bus_of(WITHOUT_BUS);
    let start = |name: &str| format!("$LAB scope start /tmp/{name}.pid");
    let script = [
        format!("rm -f {bus}; {}", start("absent")),
        format!("dbus-daemon --session --address=unix:path={bus} --fork --nopidfile; {}", start("refusing")),
        format!("{}; {}", serve("mute_bus", WITHOUT_BUS), start("mute")),
        format!("{}; {}", serve("flooding_bus", WITHOUT_BUS), start("flooding")),
        format!("chmod 770 /run/user/4714; {}; chmod 700 /run/user/4714", start("open")),
        "$LAB scope status /tmp/absent.pid".to_owned(),
    ];
    let before = Instant::now();
    let session = Session::open(&machine, WITHOUT_BUS, &script.join("; "));
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
    let daemons = [0, 1, 2, 3, 4].map(|index| session.daemon(index));
    let id = Session::id_of(daemons[0]);
    let failed = |cause: &str| format!("ends with session {id}, whose scope it could not leave: {cause}");
    let [absent, refusing, mute, flooding, open] = session.warnings()[..] else { panic!("{}", session.output) };
    assert_eq!(absent, failed("failed to connect to `/run/user/4714/bus`: no such file or directory"));
    assert!(session.output.contains(&format!("it says: {absent}\n")), "in the status: {}", session.output);
    assert!(refusing.starts_with(&failed("failed to start `app-my\\x2dagent-")), "{refusing}");
    assert!(mute.ends_with("the manager did not answer within 2 s"), "{mute}");
    assert!(flooding.contains("could not leave: "), "{flooding}");
    assert_eq!(open, failed("failed to use `/run/user/4714`: it is not a directory of this user's alone"));
    assert!(daemons.iter().all(|daemon| children(&machine, *daemon) == 0), "a helper that was not reaped");
    session.end();
    daemons.into_iter().for_each(ends);
}

#[test]
fn helper_of_a_killed_daemon_ends() {
    let machine = machine();
    // Launcher, session leader, daemon and helper; the newest is the helper. The shell's own arguments do not match.
    let is_started = "[ $(pgrep --count --full 'start /tmp/[a]borted.pid') = 4 ]";
    let script = format!(
        "{}; pidfile=/tmp/aborted.pid; $LAB scope start $pidfile & until {is_started}; do sleep 0.01; done; sleep 0.2; \
         helper=$(pgrep --newest --full 'start /tmp/[a]borted.pid'); kill -KILL $(ps -o ppid= -p $helper); wait $!; \
         echo helper $helper",
        serve("mute_bus", WITHOUT_ANSWER)
    );
    let session = Session::open(&machine, WITHOUT_ANSWER, &script);
    assert!(session.output.contains("killed by signal 9"), "{}", session.output);
    let helper = session.output.lines().find_map(|line| line.strip_prefix("helper ")).expect("a pid");
    if let Some(helper) = machine.process(helper.parse().expect("a number")) {
        ends(helper);
    }
    session.end();
}

/// A session's scope belongs to root: the user's manager needs the system's one.
#[test]
fn daemon_in_a_session_without_the_system_bus_stays() {
    let machine = machine();
    let properties = ["--property=TemporaryFileSystem=/run/dbus"];
    let session = Session::open_with(&machine, LINGERING, &properties, "$LAB scope start /tmp/no_system.pid");
    let id = Session::id_of(session.daemon(0));
    let cause = "failed to connect to `/run/dbus/system_bus_socket`: no such file or directory";
    assert_eq!(session.warnings(), [format!("may end with session {id}, whose scope it could not leave: {cause}")]);
    session.end();
}

/// The daemon's pid in a container is that of another process outside, which must not be moved.
#[test]
fn daemon_in_a_container_with_the_bus_of_its_host_stays() {
    let machine = machine();
    let script = "unshare --pid --fork --mount-proc sh -c '$LAB scope start /tmp/inner.pid; sleep 0.1'";
    let session = Session::open(&machine, ROOT, script);
    let [warning] = session.warnings()[..] else { panic!("{}", session.output) };
    assert!(warning.ends_with("/run/dbus/system_bus_socket`: it is outside of this container"), "{warning}");
    session.end();
}

#[test]
fn daemon_of_a_caller_that_ignores_sigchld_leaves() {
    let machine = machine();
    let session = Session::open(&machine, LINGERING, "trap '' CHLD; $LAB scope start /tmp/ignored.pid");
    let daemon = session.daemon(0);
    assert!(cgroup(daemon).0.starts_with("app-my"), "{}", session.output);
    assert_eq!(children(&machine, daemon), 0);
    session.end();
    assert!(daemon.alive());
}
