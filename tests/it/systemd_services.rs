//! A real systemd as the client: what it starts, watches, stops and restarts is the helper program.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use look::Machine;
use nix::sys::signal::Signal;

use crate::common::{SOON, needs, shared_lab, times};
use crate::systemd_unit::Unit;

/// The pidfile of every service here: `%N` is the name of its unit.
const FORKING: &str = "Type=forking\nPIDFile=/run/%N.pid\nExecStart=LAB start detach=always pidfile=/run/%N.pid";

#[test]
fn p1_14_a_forking_service_is_active_and_its_file_names_its_main_process() {
    // The second becomes somebody else itself, after the pidfile was made.
    for (name, settings) in [("forking", ""), ("forking-drops", "user=65534")] {
        let unit = Unit::new(name, &format!("{FORKING} {settings}"));
        for _ in 0..times(3, 30) {
            let daemon = unit.start();
            assert_eq!(unit.named(), unit.main(), "the pidfile names another than systemd");
            assert!(daemon.alive());
            unit.stop();
            assert_eq!(unit.machine.read(unit.pidfile()), "", "a pidfile left behind");
        }
        unit.content();
    }
}

/// A service that was made unprivileged by systemd has its pidfile in a directory of its own.
#[test]
fn p1_14_a_forking_service_of_another_user_is_active_too() {
    let lines = "Type=forking\nUser=65534\nGroup=65534\nRuntimeDirectory=%N\nPIDFile=/run/%N/d.pid\n\
                 ExecStart=LAB start detach=always pidfile=/run/%N/d.pid";
    let unit = Unit::new("forking-user", lines);
    let daemon = unit.start();
    assert_eq!(daemon.ids().expect("it is alive").users, [65534; 4]);
    assert!(unit.machine.read("/run/forking-user/d.pid").starts_with(&format!("{}\n", unit.main())));
    unit.stop();
    unit.content();
}

/// A launcher that is about to exit waits for nobody, but systemd looks for the daemon as soon as it has: while its first
/// parent is still there, it is a stranger to systemd, which ends it with SIGKILL.
#[test]
fn p1_14_a_launcher_that_leaves_leaves_an_orphan() {
    needs(&["strace"]);
    // With -D it is strace that forks away, and what it traces is what systemd executed.
    let slow = "/usr/bin/strace -D -f -o LABDIR/%N.trace -e trace=poll,ppoll -e inject=poll,ppoll:delay_exit=300000 ";
    for (name, verb, strace, rounds) in [
        ("slow-start", "start", slow, 1),
        ("slow-activate", "activate", slow, 1),
        ("activate", "activate", "", times(30, 200)),
    ] {
        let begin = "Type=forking\nPIDFile=/run/%N.pid\nExecStart=";
        let unit = Unit::new(name, &format!("{begin}{strace}LAB {verb} detach=always pidfile=/run/%N.pid"));
        for _ in 0..rounds {
            unit.start();
            assert_eq!(unit.named(), unit.main());
            unit.stop();
        }
        unit.content();
    }
}

#[test]
fn p2_01_the_pidfile_of_a_service_that_drops_its_privileges_stays_roots() {
    let unit = Unit::new("drops", &format!("{FORKING} user=65534"));
    let daemon = unit.start();
    let file = fs::metadata(unit.machine.path(unit.pidfile())).expect("the pidfile");
    assert_eq!((file.uid(), file.permissions().mode() & 0o7777), (0, 0o644));
    assert_eq!(daemon.ids().expect("it is alive").users, [65534; 4]);
    unit.stop();
    unit.content();
}

/// With `PIDFile=` systemd removes the file of a killed service itself; without, it stays and is no obstacle.
#[test]
fn p2_12_a_killed_service_comes_back() {
    let exec = "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid";
    for (name, lines) in [("killed-forking", FORKING), ("killed-exec", exec)] {
        let unit = Unit::new(name, &format!("{lines}\nRestart=on-failure\nRestartSec=0"));
        let mut daemon = unit.start();
        for round in 1..=times(3, 20) {
            daemon.signal(Signal::SIGKILL);
            daemon.died(SOON).expect("nobody survives that");
            unit.wait_for("stopped signal killed KILL", round);
            unit.wait_for("started", round + 1);
            let next = unit.start();
            assert_ne!(next, daemon, "the unit is active, and its main process the dead one");
            assert_eq!(unit.named(), unit.main());
            daemon = next;
        }
        unit.stop();
        unit.content();
    }
}

#[test]
fn p2_06_a_start_beside_systemd_is_refused_and_its_service_lives_on() {
    let unit = Unit::new("beside", &format!("{FORKING}\nRestart=on-failure"));
    let daemon = unit.start();
    let before = unit.machine.read(unit.pidfile());
    for detach in ["always", "never", "auto"] {
        let second = unit.by_hand("start", &[&format!("detach={detach}")]);
        second.exits(3).says(&["already running", &unit.main().to_string()]);
    }
    assert!(daemon.alive());
    assert_eq!(unit.machine.read(unit.pidfile()), before);
    unit.by_hand("status", &[]).ok();
    // A stop by hand is a clean end to systemd as well.
    unit.by_hand("stop", &[]).ok();
    unit.wait_for("stopped success exited 0", 1);
    unit.machine.systemctl(&["stop", &unit.name]).ok();
    assert_eq!((unit.show("Result").as_str(), unit.show("NRestarts").as_str()), ("success", "0"));
    unit.content();
}

/// What systemd executed is what it watches: nothing is forked, no session is made, whichever verb it was told.
#[test]
fn p1_10_under_systemd_auto_stays_in_the_foreground() {
    needs(&["strace"]);
    for (kind, verb) in [("simple", "start"), ("exec", "start"), ("exec", "restart"), ("exec", "foreground")] {
        let name = format!("foreground-{kind}-{verb}");
        // With -D it is strace that forks away, and what it traces is what systemd executed.
        let traced = "/usr/bin/strace -D -f -o LABDIR/%N.trace -e trace=fork,vfork,clone,clone3,setsid,setpgid";
        let unit = Unit::new(
            &name,
            &format!(
                "Type={kind}\nExecStart={traced} LAB {verb} ready=manual body=ready,note:%N.up,idle pidfile=/run/%N.pid"
            ),
        );
        let daemon = unit.start();
        unit.machine.lab().wait_for(&format!("{name}.up"), SOON, |line| line.ends_with('\n'));
        assert_eq!(unit.named(), unit.main(), "the pidfile names another than systemd executed");
        assert_eq!(daemon.stat().expect("it is alive").parent, unit.machine.init().id());
        unit.stop();
        unit.forked_nothing();
        unit.content();
    }
}

#[test]
fn p1_10_sockets_handed_over_by_systemd_stay_open() {
    let unit = Unit::new("handed", "Type=exec\nExecStart=LAB start close=all pidfile=/run/%N.pid");
    unit.machine.unit("handed.socket", "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/handed.socket\n");
    unit.machine.systemctl(&["start", "handed.socket"]).ok();
    let _client = UnixStream::connect(unit.machine.path("/run/handed.socket")).expect("systemd listens");
    unit.wait_for("started", 1);
    let open = unit.start().descriptors();
    assert!(open.get(&3).is_some_and(|fd| fd.target.to_string_lossy().starts_with("socket:")), "{open:?}");
    unit.machine.systemctl(&["stop", "handed.socket"]).ok();
    unit.stop();
    unit.content();
}

#[test]
fn p1_15_a_reload_is_no_end() {
    let unit = Unit::new(
        "reloads",
        "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid handle=HUP:note:reloaded\nExecReload=kill -HUP $MAINPID",
    );
    let daemon = unit.start();
    for round in 1..=3 {
        unit.machine.systemctl(&["reload", &unit.name]).ok();
        unit.machine.lab().wait_for("reloaded", SOON, |lines| lines.lines().count() == round);
    }
    assert_eq!(unit.start(), daemon, "the same main process as before");
    unit.stop();
    unit.content();
}

#[test]
fn p1_08_a_start_that_fails_is_a_failed_unit_with_the_cause_in_the_journal() {
    for (name, body, causes) in [
        ("fails-err", "err:no-such-thing", ["the body failed", "no-such-thing"]),
        ("fails-exit", "exit:7", ["exited with status 7", ""]),
        ("fails-kill", "kill:SEGV", ["killed by signal 11", ""]),
    ] {
        let unit = Unit::new(name, &format!("{FORKING} ready=manual body={body}"));
        assert_ne!(unit.machine.systemctl(&["start", &unit.name]).code(), 0);
        assert_eq!((unit.show("ActiveState").as_str(), unit.show("Result").as_str()), ("failed", "exit-code"));
        assert_eq!(unit.show("ExecMainPID"), "0", "somebody was taken for the main process");
        let journal = unit.machine.journal(&unit.name);
        assert!(causes.iter().all(|cause| journal.contains(cause)), "{journal}");
        assert_eq!(unit.machine.read(unit.pidfile()), "");
        unit.content();
    }
}

/// Told to stop by its user, or by systemd because it takes too long.
#[test]
fn p1_15_a_service_that_is_stopped_while_it_starts_leaves_nothing() {
    for (name, limit) in [("starts", ""), ("starts-late", "TimeoutStartSec=1")] {
        // Without `PIDFile=`, so that it is not systemd that removes the file.
        let start = "Type=forking\nExecStart=LAB start detach=always pidfile=/run/%N.pid ready=manual";
        let unit = Unit::new(name, &format!("{start} body=note:{name},hang\n{limit}"));
        unit.machine.systemctl(&["start", "--no-block", &unit.name]).ok();
        unit.machine.lab().wait_for(name, SOON, |lines| !lines.is_empty());
        if limit.is_empty() {
            unit.machine.systemctl(&["stop", &unit.name]).ok();
        }
        unit.wait_for("stopped", 1);
        assert_eq!(unit.machine.read(unit.pidfile()), "", "a pidfile left behind");
        let journal = unit.machine.journal(&unit.name);
        assert!(!journal.contains("SIGKILL"), "it had to be killed: {journal}");
    }
}

/// Nobody reads the daemon's standard error, so the journal gets its last words through `/dev/log`.
#[test]
fn p1_26_an_error_of_a_detached_service_is_in_the_journal() {
    let unit = Unit::new("laments", &format!("{FORKING} body=idle,err:no-such-luck"));
    unit.start();
    let pid = unit.main();
    unit.machine.systemctl(&["stop", &unit.name]).ok();
    assert_eq!((unit.show("Result").as_str(), unit.show("ExecMainStatus").as_str()), ("exit-code", "4"));
    let log = unit.machine.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("no-such-luck")).collect();
    assert!(lines.len() == 1 && lines[0].contains(&format!("lab[{pid}]: ")), "{lines:?}");
    unit.content();
}

/// What `systemd-analyze security` asks for: a file system to read only, few system calls, nobody else in `/proc`.
#[test]
fn p1_10_a_hardened_service_works() {
    let hardened = "ProtectSystem=strict\nRuntimeDirectory=%N\nProtectHome=yes\nPrivateDevices=yes\n\
                    ProtectKernelTunables=yes\nProtectControlGroups=yes\nProtectProc=invisible\n\
                    NoNewPrivileges=yes\nRestrictAddressFamilies=AF_UNIX\nRestrictNamespaces=yes\n\
                    RestrictRealtime=yes\nMemoryDenyWriteExecute=yes\nLockPersonality=yes\n\
                    SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM\n\
                    CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_SETPCAP\n";
    let exec = "Type=exec\nExecStart=LAB start pidfile=/run/%N/d.pid user=65534";
    let forking = "Type=forking\nPIDFile=/run/%N/d.pid\nExecStart=LAB start detach=always pidfile=/run/%N/d.pid";
    for (name, lines) in [("hardened", exec), ("hardened-forking", forking)] {
        let unit = Unit::new(name, &format!("{hardened}{lines}"));
        let daemon = unit.start();
        assert!(unit.machine.read(format!("/run/{name}/d.pid")).starts_with(&format!("{}\n", unit.main())));
        assert_eq!(daemon.status("NoNewPrivs").as_deref(), Some("1"));
        unit.stop();
        unit.content();
    }
}

/// A shutdown ends the daemons as a stop does, and nothing of the machine stays on the host.
#[test]
fn p1_15_a_shutdown_is_a_clean_end() {
    let machine = Arc::new(Machine::boot(shared_lab()));
    let traces = machine.traces();
    let units = [("ends", FORKING), ("ends-exec", "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid")]
        .map(|(name, lines)| Unit::on(Arc::clone(&machine), name, &format!("{lines} guard={name}")));
    for unit in &units {
        unit.start();
    }
    // The machine may be gone before this has its answer.
    machine.systemctl(&["poweroff"]);
    machine.off(SOON).expect("a shutdown");
    for name in ["ends", "ends-exec"] {
        assert!(machine.lab().read(name).starts_with("dropped"), "{name} was not told to stop");
        let events = machine.lab().read(&format!("{name}.events"));
        assert!(events.contains("stopped success exited 0\n"), "{name} had no clean end: {events}");
    }
    assert_eq!(traces.found(), [""; 0]);
}

/// To systemd the end of the main process is the end of the service, and of everything in it: so it is refused.
#[test]
fn p1_18_a_service_does_not_restart_itself() {
    let exec = "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid stderr=LABDIR/%N.errors";
    for (name, lines) in [("again-exec", exec), ("again-forking", &format!("{FORKING} stderr=LABDIR/%N.errors"))] {
        let unit = Unit::new(name, &format!("{lines} handle=USR1:restart body=note:{name},idle"));
        let daemon = unit.start();
        daemon.signal(Signal::SIGUSR1);
        let why = "let `systemctl restart` do it";
        unit.machine.lab().wait_for(&format!("{name}.errors"), SOON, |errors| errors.contains(why));
        assert!(daemon.alive());
        unit.stop();
        unit.content();
    }
}

/// Promise 2.22. A verb in a shell finds what systemd started in its directory, also as another user.
#[test]
fn unit_without_a_pidfile_of_its_own_has_it_in_its_runtime_directory() {
    for (name, lines) in [
        ("placed", "User=65534\nGroup=65534"),
        ("placed-root", ""),
        ("placed-dynamic", "DynamicUser=yes\nBindPaths=LABDIR"),
    ] {
        let exec = format!("Type=notify\nRuntimeDirectory=%N\nExecStart=LAB start name=%N\n{lines}");
        let unit = Unit::new(name, &exec);
        unit.start();
        let by_hand = |verb: &str| unit.machine.helper(&[verb, &format!("name={name}")]).run();
        let pidfile = format!("/run/{name}/{name}.pid");
        let status = by_hand("status").ok();
        assert!(status.stdout.contains(&format!("running as pid {} (pidfile `{pidfile}`)", unit.main())), "{status}");
        by_hand("stop").ok();
        unit.wait_for("stopped success exited 0", 1);
        by_hand("status").exits(3);
        unit.content();
    }
}

/// Promise 2.23.
#[test]
fn unit_without_any_place_runs_without_a_pidfile() {
    let unit = Unit::new("unplaced", "Type=notify\nDynamicUser=yes\nBindPaths=LABDIR\nExecStart=LAB start name=%N");
    unit.start();
    let journal = unit.machine.journal(&unit.name);
    assert!(
        journal.contains("running without a pidfile") && journal.contains("RuntimeDirectory=unplaced"),
        "{journal}"
    );
    unit.stop();
    unit.content();
}
