//! Descriptors that a service manager hands over (`sd_listen_fds(3)`).

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, nothing_left};
use crate::service_manager::ServiceManager;
use nix::sys::signal::Signal;
use std::fs;

/// Promise 1.12.
#[test]
fn descriptors_for_this_process_are_received() {
    let lab = lab();
    lab.write("one", "");
    lab.write("two", "");
    let script = "exec 3<one 4<two 5</etc/passwd; PIDS; exec $D foreground pidfile=d.pid body=note_listen_fds:handed";
    for (variables, expected) in [
        ("export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:", "web 3 LAB/one\nunknown 4 LAB/two\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b:c:d", "a 3 LAB/one\nb 4 LAB/two\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=1", "unknown 3 LAB/one\n"),
        ("export LISTEN_PID=$$ LISTEN_FDS=0", ""),
        ("export LISTEN_PID=$$ LISTEN_FDS=-1", ""),
        ("export LISTEN_PID=$$ LISTEN_FDS=two", ""),
        ("export LISTEN_PID=$$", ""),
        ("export LISTEN_PID=1 LISTEN_FDS=2", ""),
        ("export LISTEN_PID=$$x LISTEN_FDS=2", ""),
        ("export LISTEN_FDS=2", ""),
    ] {
        lab.shell(&script.replace("PIDS", variables)).run().ok();
        let expected = expected.replace("LAB", &lab.directory().display().to_string());
        assert_eq!(lab.read("handed"), format!("{expected}that is all\n"), "{variables}");
        fs::remove_file(lab.path("handed")).expect("it was written");
    }
}

/// Promise 1.12. Neither variables nor descriptors are passed on. The handed-over descriptors do not exist: the numbers
/// are those of files opened since.
#[test]
fn missing_descriptors_are_not_received() {
    let lab = lab();
    let script = "exec 3<&- 4<&- 5<&-; export LISTEN_PID=$$ LISTEN_FDS=3; \
                  exec $D foreground pidfile=d.pid stdin=null stdout=log body=note_listen_fds_and_idle:handed";
    let daemon = lab.shell(script).spawn();
    lab.wait_for("up", EVENT_TIMEOUT, |note| !note.is_empty());
    assert_eq!(lab.read("handed"), "that is all\n");
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
}

/// Promise 1.19.
#[test]
fn children_inherit_nothing_from_the_manager() {
    let (lab, manager) = (lab(), ServiceManager::with_abstract_name());
    let script = "exec 3</etc/passwd; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web WATCHDOG_PID=$$ \
                  WATCHDOG_USEC=9000000 SYSTEMD_EXEC_PID=$$ OWN=kept; exec $D VERB pidfile=d.pid ready=entered \
                  body=note_child_and_idle:child";
    // The body is entered after the start has completed: an earlier stop would be one of a starting daemon.
    for verb in ["foreground", "start detach=always"] {
        let starter = lab.shell(&script.replace("VERB", verb)).env("NOTIFY_SOCKET", &manager.address).spawn();
        let child = lab.wait_for("child", EVENT_TIMEOUT, |text| text.ends_with("that is all\n"));
        for name in ["NOTIFY_SOCKET", "LISTEN_", "WATCHDOG_", "/etc/passwd", "socket:"] {
            assert!(!child.contains(name), "{verb}: {name} in {child}");
        }
        assert!(child.contains("OWN=kept\n"), "{child}");
        lab.daemon(PIDFILE).signal(Signal::SIGTERM);
        starter.finish().ok();
        nothing_left(&lab);
        fs::remove_file(lab.path("child")).expect("it was written");
    }
}
