//! Places of the sockets of a daemon on demand: every caller finds them, and places that are not safe are refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::time::Duration;

use look::{Lab, Outcome, Process, UNKNOWN_USER, USER_WITH_HOME};
use nix::sys::signal::Signal;

/// The timeout of events that happen immediately, on a busy machine.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the daemon with the default pidfile.
const CONNECT: [&str; 2] = ["isolate", "connect"];

fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"))
}

/// Returns a lab with users, homes and a `/run` of its own; `None` for a user who cannot have one.
fn household() -> Option<Lab> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let mut lab = lab();
    lab.bring_program();
    lab.make_test_users();
    Some(lab)
}

fn connect_to(lab: &Lab, pidfile: &str) -> Outcome {
    lab.run(&["isolate", "connect", pidfile])
}

fn served(outcome: Outcome) -> Process {
    Process::new(outcome.ok().number("served"))
}

/// Ends a daemon and waits until it is dead.
fn end(daemon: Process, signal: Signal) {
    daemon.signal(signal);
    daemon.died(EVENT_TIMEOUT).expect("it ends");
}

/// Promise 12.10.
#[test]
fn callers_of_a_user_with_different_environments_find_the_same_daemon() {
    let Some(lab) = household() else { return };
    lab.make_directory("elsewhere", USER_WITH_HOME, 0o700);
    lab.make_directory("run/user/4711", USER_WITH_HOME, 0o700);
    let session = lab.as_user(USER_WITH_HOME, &CONNECT);
    let session = ["HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "RUNTIME_DIRECTORY"]
        .into_iter()
        .fold(session, |session, name| session.env(name, lab.path("elsewhere")));
    let daemon = served(session.run());
    let runtime = daemon.environment().into_iter().find(|variable| variable.starts_with("XDG_RUNTIME_DIR="));
    assert_eq!(runtime.as_deref(), Some("XDG_RUNTIME_DIR=/run/user/4711"));
    // An editor in another directory, and cron.
    let script = "cd \"$HOME\"; \"$D\" isolate connect; env -i LOOK_LAB=$LOOK_LAB \"$D\" isolate connect";
    let others = lab.shell_as_user(USER_WITH_HOME, script).env("HOME", lab.path("elsewhere")).run().ok();
    let expected = format!("served {} 1", daemon.id());
    assert_eq!(others.stdout.lines().filter(|line| **line == expected).count(), 2, "{others}");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let directory = lab.path(&format!("home/.local/state/place@{}.agent", host.trim_end()));
    let status = directory.symlink_metadata().expect("the directory of the documented name");
    assert_eq!((status.uid(), status.mode() & 0o7777), (USER_WITH_HOME, 0o700));
    for name in ["socket", "control"] {
        let status = directory.join(name).symlink_metadata().expect("a socket");
        assert!(status.file_type().is_socket() && status.mode() & 0o7777 == 0o600, "{name}: {:o}", status.mode());
    }
    // Another user has another one: root, whose variables are the user's as with `sudo -E`.
    let root = served(lab.as_user(0, &CONNECT).env("HOME", lab.path("home")).run());
    assert!(root != daemon && lab.path("run/place.agent/socket").exists());
    end(daemon, Signal::SIGTERM);
    end(root, Signal::SIGTERM);
    assert!(!directory.join("socket").exists(), "a daemon that was stopped has left its socket");
}

/// Promise 12.10. A service manager has started the daemon, in its own directory.
#[test]
fn daemon_of_a_unit_is_found_by_clients_in_a_shell() {
    let Some(lab) = household() else { return };
    lab.make_directory("run/place", USER_WITH_HOME, 0o755);
    let unit = lab.as_unit(USER_WITH_HOME, "/run/place", &["isolate", "unit"]).spawn();
    lab.wait_for("run/place/place.pid", EVENT_TIMEOUT, |pidfile| pidfile.lines().count() > 1);
    let daemon = served(lab.as_user(USER_WITH_HOME, &CONNECT).run());
    assert_eq!(daemon, lab.daemon("run/place/place.pid"));
    assert!(lab.path("run/place/place.agent/socket").exists() && !lab.path("home/.local").exists());
    daemon.signal(Signal::SIGTERM);
    unit.finish().ok();
}

/// Promise 12.10. A client that is a service itself does not start the daemon in the directory of its unit.
#[test]
fn client_in_a_unit_and_client_in_a_shell_share_a_daemon() {
    let Some(lab) = household() else { return };
    lab.make_directory("run/other", USER_WITH_HOME, 0o755);
    let daemon = served(lab.as_unit(USER_WITH_HOME, "/run/other", &CONNECT).run());
    assert_eq!(served(lab.as_user(USER_WITH_HOME, &CONNECT).run()), daemon);
    assert_eq!(served(lab.as_unit(USER_WITH_HOME, "/run/other", &CONNECT).run()), daemon);
    assert_eq!(fs::read_dir(lab.path("run/other")).expect("a directory").count(), 0);
    end(daemon, Signal::SIGTERM);
}

#[test]
fn user_without_a_home_is_told_what_to_set() {
    let Some(lab) = household() else { return };
    let refused = lab.as_user(UNKNOWN_USER, &CONNECT).run().exits(2);
    refused.says(&["failed to connect to `place`: no home directory is known for uid 4712", ": set `pidfile`"]);
    // One without a right to its home: `nobody`, whose home does not exist.
    let refused = lab.as_user(65534, &CONNECT).run().exits(6);
    refused.says(&["failed to make directory `/nonexistent/.local/state`: permission denied: set `pidfile` to a path"]);
    lab.quiet(EVENT_TIMEOUT).expect("no process");
}

/// Promise 12.10.
#[test]
fn path_too_long_for_a_socket_is_bound_and_connected_through_the_directory() {
    let lab = lab();
    let deep = format!("{}/{}", "a".repeat(120), "b".repeat(120));
    fs::create_dir_all(lab.path(&deep)).expect("directories");
    let pidfile = lab.path(&deep).join("p.pid");
    let pidfile = pidfile.to_str().expect("UTF-8");
    let daemon = served(connect_to(&lab, pidfile));
    assert_eq!(served(connect_to(&lab, pidfile)), daemon);
    assert!(lab.path(&deep).join("p.agent/socket").exists());
    end(daemon, Signal::SIGTERM);
}

/// Promise 12.10. What a killed daemon or another program has left does not hinder a start.
#[test]
fn stale_socket_is_replaced() {
    let lab = lab();
    let pidfile = lab.path("p.pid").display().to_string();
    let mut daemon = served(connect_to(&lab, &pidfile));
    for leave in
        ["", "rm p.agent/socket; echo > p.agent/socket; echo > p.agent/socket.new", "ln -sf /etc/passwd p.agent/socket"]
    {
        end(daemon, Signal::SIGKILL);
        lab.shell(leave).run().ok();
        let next = served(connect_to(&lab, &pidfile));
        assert!(next != daemon, "{leave}");
        assert_eq!(served(connect_to(&lab, &pidfile)), next, "{leave}");
        daemon = next;
    }
    end(daemon, Signal::SIGKILL);
    lab.shell("rm p.agent/socket; mkdir p.agent/socket").run().ok();
    connect_to(&lab, &pidfile).exits(2).says(&["p.agent/socket", "is a directory: remove it"]);
    lab.quiet(EVENT_TIMEOUT).expect("the start has failed");
}

/// Promise 12.10. A cleaner of temporary files has removed the socket, or the directory, of a daemon that lives.
#[test]
fn daemon_whose_socket_is_gone_is_stopped_and_replaced() {
    let lab = lab();
    let pidfile = lab.path("p.pid").display().to_string();
    let mut daemon = served(connect_to(&lab, &pidfile));
    for remove in ["rm p.agent/socket", "rm -r p.agent"] {
        lab.shell(remove).run().ok();
        let next = served(connect_to(&lab, &pidfile));
        assert!(next != daemon && !daemon.alive(), "{remove}: {daemon:?}");
        daemon = next;
    }
    end(daemon, Signal::SIGTERM);
}

/// Promise 12.01.
#[test]
fn directory_that_others_could_have_made_or_open_is_refused() {
    let lab = lab();
    let pidfile = lab.path("p.pid").display().to_string();
    let directory = lab.path("p.agent");
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("our own");
    connect_to(&lab, &pidfile)
        .exits(5)
        .says(&["p.agent", "others than its owner can open it (mode 0755): `chmod 700` it"]);
    fs::set_permissions(&directory, Permissions::from_mode(0o700)).expect("our own");
    if nix::unistd::geteuid().is_root() {
        chown(&directory, Some(UNKNOWN_USER), None).expect("root");
        connect_to(&lab, &pidfile)
            .exits(5)
            .says(&["p.agent", "it belongs to uid 4712: remove it, or set another `pidfile`"]);
    }
    fs::rename(&directory, lab.path("other")).expect("our own");
    symlink("other", &directory).expect("a link");
    connect_to(&lab, &pidfile).exits(5).says(&["p.agent", "it is not a directory"]);
    assert!(!lab.path("p.pid").exists() && fs::read_dir(lab.path("other")).expect("a directory").next().is_none());
    lab.quiet(EVENT_TIMEOUT).expect("no process");
}

/// A start that finds no room or no right to write says so, and leaves nothing behind.
#[test]
fn full_or_read_only_file_system_is_named_and_nothing_is_left() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let lab = lab();
    let disk = lab.path("disk");
    fs::create_dir(&disk).expect("a directory");
    let (mut failures, mut successes) = (0, 0);
    // With so many files at most: one more fails in each run, until all fit.
    for inodes in 1..10 {
        let script = format!(
            "mount -t tmpfs -o nr_inodes={inodes} none disk && \"$D\" isolate connect $PWD/disk/p.pid; status=$?; \
             [ $status != 0 ] || kill $(head -1 disk/p.pid); exit $status"
        );
        let outcome = lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program()).run();
        if outcome.code() == 0 {
            successes += 1;
        } else {
            failures += 1;
            assert!(outcome.stderr.contains("no space left on device"), "{outcome}");
            assert!(outcome.stderr.contains(&disk.display().to_string()), "{outcome}");
        }
        lab.quiet(EVENT_TIMEOUT).expect("no process is left");
    }
    assert!(failures > 1 && successes > 0, "{failures} {successes}");
    let script = "mount -t tmpfs -o ro none disk && \"$D\" isolate connect $PWD/disk/p.pid";
    let outcome = lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", lab.program()).run();
    assert!(outcome.code() != 0 && outcome.stderr.contains("read-only file system"), "{outcome}");
    lab.quiet(EVENT_TIMEOUT).expect("no process is left");
    assert!(Path::new(&disk).exists());
}
