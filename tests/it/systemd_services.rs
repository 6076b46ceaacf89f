//! Services of a real systemd: started, watched, stopped and reloaded.

use std::os::unix::net::UnixStream;
use std::sync::Arc;

use look::Machine;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs, shared_lab};
use crate::systemd_unit::Unit;

/// The pidfile of every service here: `%N` is the name of its unit.
pub(crate) const FORKING: &str =
    "Type=forking\nPIDFile=/run/%N.pid\nExecStart=LAB start detach=always pidfile=/run/%N.pid";

/// Promise 2.06.
#[test]
fn manual_start_beside_a_service_is_refused() {
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

/// Promise 1.10. systemd watches the process that it executed: no process is forked and no session created, whichever
/// verb runs.
#[test]
fn detach_auto_under_systemd_stays_in_the_foreground() {
    needs(&["strace"]);
    for (kind, verb) in [("simple", "start"), ("exec", "start"), ("exec", "restart"), ("exec", "foreground")] {
        let name = format!("foreground-{kind}-{verb}");
        // With -D, strace forks itself away, and traces the process that systemd executed.
        let traced = "/usr/bin/strace -D -f -o LABDIR/%N.trace -e trace=fork,vfork,clone,clone3,setsid,setpgid";
        let unit = Unit::new(
            &name,
            &format!(
                "Type={kind}\nExecStart={traced} LAB {verb} ready=manual body=ready,note:%N.up,idle pidfile=/run/%N.pid"
            ),
        );
        let daemon = unit.start();
        unit.machine.lab().wait_for(&format!("{name}.up"), EVENT_TIMEOUT, |line| line.ends_with('\n'));
        assert_eq!(unit.named(), unit.main(), "the pidfile names another than systemd executed");
        assert_eq!(daemon.stat().expect("it is alive").parent, unit.machine.init().id());
        unit.stop();
        unit.forked_nothing();
        unit.content();
    }
}

/// Promise 1.10.
#[test]
fn sockets_of_systemd_stay_open() {
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

/// Promise 1.15.
#[test]
fn reload_of_a_service_keeps_it_running() {
    let unit = Unit::new(
        "reloads",
        "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid handle=HUP:note:reloaded\nExecReload=kill -HUP $MAINPID",
    );
    let daemon = unit.start();
    for round in 1..=3 {
        unit.machine.systemctl(&["reload", &unit.name]).ok();
        unit.machine.lab().wait_for("reloaded", EVENT_TIMEOUT, |lines| lines.lines().count() == round);
    }
    assert_eq!(unit.start(), daemon, "the same main process as before");
    unit.stop();
    unit.content();
}

/// Promise 1.08.
#[test]
fn failed_start_fails_the_unit_with_its_cause_in_the_journal() {
    for (name, body, causes) in [
        ("fails-err", "err:no-such-thing", ["the body failed", "no-such-thing"]),
        ("fails-exit", "exit:7", ["exited with status 7", ""]),
        ("fails-kill", "kill:SEGV", ["killed by signal 11", ""]),
    ] {
        let unit = Unit::new(name, &format!("{FORKING} ready=manual body={body}"));
        assert_ne!(unit.machine.systemctl(&["start", &unit.name]).code(), 0);
        assert_eq!((unit.show("ActiveState").as_str(), unit.show("Result").as_str()), ("failed", "exit-code"));
        assert_eq!(unit.show("ExecMainPID"), "0", "a process was taken for the main process");
        let journal = unit.machine.journal(&unit.name);
        assert!(causes.iter().all(|cause| journal.contains(cause)), "{journal}");
        assert_eq!(unit.machine.read(unit.pidfile()), "");
        unit.content();
    }
}

/// Promise 1.15. Stopped by its user, or by systemd because the start takes too long.
#[test]
fn service_stopped_while_starting_leaves_nothing() {
    for (name, limit) in [("starts", ""), ("starts-late", "TimeoutStartSec=1")] {
        // Without `PIDFile=`, so that systemd does not remove the file itself.
        let start = "Type=forking\nExecStart=LAB start detach=always pidfile=/run/%N.pid ready=manual";
        let unit = Unit::new(name, &format!("{start} body=note:{name},hang\n{limit}"));
        unit.machine.systemctl(&["start", "--no-block", &unit.name]).ok();
        unit.machine.lab().wait_for(name, EVENT_TIMEOUT, |lines| !lines.is_empty());
        if limit.is_empty() {
            unit.machine.systemctl(&["stop", &unit.name]).ok();
        }
        unit.wait_for("stopped", 1);
        assert_eq!(unit.machine.read(unit.pidfile()), "", "a pidfile left behind");
        let journal = unit.machine.journal(&unit.name);
        assert!(!journal.contains("SIGKILL"), "it had to be killed: {journal}");
    }
}

/// Promise 1.26. No process reads the daemon's standard error, so its last error goes to the journal through
/// `/dev/log`.
#[test]
fn error_of_a_detached_service_is_in_the_journal() {
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

/// Promise 1.10. The settings that `systemd-analyze security` recommends: a read-only file system, few system calls, no
/// other processes in `/proc`.
#[test]
fn hardened_service_works() {
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

/// Promise 1.15. A shutdown ends the daemons as a stop does, and no process of the machine stays on the host.
#[test]
fn shutdown_of_the_machine_stops_services_cleanly() {
    let machine = Arc::new(Machine::boot(shared_lab()));
    let traces = machine.traces();
    let units = [("ends", FORKING), ("ends-exec", "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid")]
        .map(|(name, lines)| Unit::on(Arc::clone(&machine), name, &format!("{lines} guard={name}")));
    for unit in &units {
        unit.start();
    }
    // The machine may be gone before the answer arrives.
    machine.systemctl(&["poweroff"]);
    machine.off(EVENT_TIMEOUT).expect("a shutdown");
    for name in ["ends", "ends-exec"] {
        assert!(machine.lab().read(name).starts_with("dropped"), "{name} was not told to stop");
        let events = machine.lab().read(&format!("{name}.events"));
        assert!(events.contains("stopped success exited 0\n"), "{name} had no clean end: {events}");
    }
    assert_eq!(traces.found(), [""; 0]);
}

/// Promise 1.18. To systemd, the end of the main process is the end of the service, and of every process in it: so a
/// restart is refused.
#[test]
fn service_does_not_restart_itself() {
    let exec = "Type=exec\nExecStart=LAB start pidfile=/run/%N.pid stderr=LABDIR/%N.errors";
    for (name, lines) in [("again-exec", exec), ("again-forking", &format!("{FORKING} stderr=LABDIR/%N.errors"))] {
        let unit = Unit::new(name, &format!("{lines} handle=USR1:restart body=note:{name},idle"));
        let daemon = unit.start();
        daemon.signal(Signal::SIGUSR1);
        let why = "let `systemctl restart` do it";
        unit.machine.lab().wait_for(&format!("{name}.errors"), EVENT_TIMEOUT, |errors| errors.contains(why));
        assert!(daemon.alive());
        unit.stop();
        unit.content();
    }
}
