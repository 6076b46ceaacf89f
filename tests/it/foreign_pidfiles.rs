//! Root's commands in the directories of other users: no user makes root signal a process of another user.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};

use look::{Lab, Process, USER_WITH_HOME};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE};
use crate::default_locations::household;
use crate::faults::held_system_call::look_until;

/// Returns a lab in which a daemon of `USER_WITH_HOME` has its pidfile in that user's home.
fn with_daemon() -> (Lab, Process) {
    let lab = household();
    let pidfile = setting(&lab);
    lab.as_user(USER_WITH_HOME, &["start", &pidfile]).run().ok();
    let daemon = lab.daemon("home/d.pid");
    (lab, daemon)
}

fn setting(lab: &Lab) -> String {
    format!("pidfile={}", lab.path("home/d.pid").display())
}

/// Promise 2.24.
#[test]
fn root_asks_after_and_stops_the_daemon_of_a_user() {
    let (lab, daemon) = with_daemon();
    let pidfile = setting(&lab);
    lab.as_user(0, &["status", &pidfile]).run().ok().prints(&[&format!("running as pid {}", daemon.id())]);
    lab.as_user(0, &["send", &pidfile, "signal=CONT"]).run().ok();
    // Root starts no daemon there.
    for verb in ["start", "foreground"] {
        let refused = lab.as_user(0, &[verb, &pidfile]).run();
        assert!(![0, 3].contains(&refused.code()), "{refused}");
        refused.says(&["home`: it belongs to user `ada`", "could swap"]);
    }
    assert!(daemon.alive());
    lab.as_user(0, &["stop", &pidfile]).run().ok().prints(&[&format!("stopped pid {}", daemon.id())]);
    lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
    lab.as_user(0, &["status", &pidfile]).run().exits(3);
    // No file of root blocks the next start, also where a daemon was killed.
    lab.as_user(USER_WITH_HOME, &["start", &pidfile]).run().ok();
    let killed = lab.daemon("home/d.pid");
    killed.signal(Signal::SIGKILL);
    killed.died(EVENT_TIMEOUT).expect("killed");
    lab.as_user(0, &["status", &pidfile]).run().exits(1);
    lab.as_user(0, &["stop", &pidfile]).run().ok();
    lab.as_user(USER_WITH_HOME, &["start", &pidfile]).run().ok();
    assert!(lab.daemon("home/d.pid").alive());
}

/// Promise 2.24.
#[test]
fn root_signals_no_process_that_does_not_run_as_the_owner_of_the_directory() {
    let lab = household();
    lab.helper(&["start", "pidfile=d.pid"]).run().ok();
    let victim = lab.daemon(PIDFILE);
    // A user can name any live process in a pidfile: all of the file's content can be read from `/proc`.
    let file = lab.write("home/d.pid", lab.read(PIDFILE));
    chown(&file, Some(USER_WITH_HOME), Some(USER_WITH_HOME)).expect("root");
    let pidfile = setting(&lab);
    let why = format!("pid {}, which it names, does not run as that user", victim.id());
    let status = lab.as_user(0, &["status", &pidfile]).run().exits(4);
    assert!(status.stdout.contains(&why) && status.stdout.contains("user `ada`"), "{status}");
    for verb in ["stop", "send"] {
        let refused = lab.as_user(0, &[verb, &pidfile, "signal=TERM"]).run();
        assert_ne!(refused.code(), 0, "{refused}");
        refused.says(&[&why]);
    }
    assert!(victim.alive() && file.exists());
    // The directory of a service is searched without being named.
    lab.make_directory("run/place", USER_WITH_HOME, 0o755);
    let file = lab.write("run/place/place.pid", lab.read(PIDFILE));
    chown(&file, Some(USER_WITH_HOME), Some(USER_WITH_HOME)).expect("root");
    let refused = lab.as_user(0, &["stop", "name=place"]).run();
    assert!(refused.code() != 0 && victim.alive(), "{refused}");
    refused.says(&[&why]);
    // That file does not block root from starting a daemon of that name.
    lab.as_user(0, &["start", "name=place"]).run().ok();
    lab.as_user(0, &["stop", "name=place"]).run().ok();
    assert!(victim.alive());
}

/// Promise 2.24.
#[test]
fn root_reads_no_pidfile_that_a_third_user_could_have_made() {
    let (lab, daemon) = with_daemon();
    let pidfile = setting(&lab);
    let refused = |why: &str| {
        let status = lab.as_user(0, &["status", &pidfile]).run().exits(4);
        assert!(status.stdout.contains(why), "{status}");
        let stop = lab.as_user(0, &["stop", &pidfile]).run();
        assert!(stop.code() != 0 && daemon.alive(), "{stop}");
    };
    let home = lab.path("home");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o775)).expect("root");
    refused("others than its owner can write it");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).expect("root");
    let file = lab.path("home/d.pid");
    chown(&file, Some(65534), None).expect("root");
    refused("it belongs to user `nobody`");
    chown(&file, Some(0), None).expect("root");
    refused("it belongs to user `root`");
    chown(&file, Some(USER_WITH_HOME), None).expect("root");
    // A link in such a directory leads wherever its owner wants.
    lab.make_directory("home/real", USER_WITH_HOME, 0o755);
    fs::copy(&file, lab.path("home/real/d.pid")).expect("a copy");
    chown(lab.path("home/real/d.pid"), Some(USER_WITH_HOME), None).expect("root");
    symlink("real", lab.path("home/link")).expect("a link");
    for (through, why) in [("link", "symbolic link"), ("real/..", "")] {
        let pidfile = format!("pidfile={}/{through}/d.pid", home.display());
        let status = lab.as_user(0, &["status", &pidfile]).run();
        if why.is_empty() {
            status.ok();
        } else {
            assert!(status.code() == 4 && status.stdout.contains(why), "{status}");
        }
    }
    // Back out of it, to a directory of root.
    let out = format!("pidfile={}/../d.pid", home.display());
    let status = lab.as_user(0, &["status", &out]).run().exits(4);
    assert!(status.stdout.contains("it belongs to user `root`"), "{status}");
    assert!(daemon.alive());
}

/// Promise 2.24. R5: a start in progress in the directory of a user is neither stopped nor running.
#[test]
fn root_stop_waits_for_a_start_under_way_in_the_directory_of_a_user() {
    let lab = household();
    let pidfile = setting(&lab);
    let starting = lab.as_user(USER_WITH_HOME, &["start", &pidfile, "before=Detach:await:go"]).spawn();
    look_until("nothing is starting", || lab.path("home/d.pid").exists());
    let stopping = lab.as_user(0, &["stop", &pidfile]).spawn();
    stopping.process().died(std::time::Duration::from_millis(300)).expect_err("it has not waited");
    lab.write("go", "");
    // The daemon may be stopped before it is ready.
    let started = starting.finish();
    assert!(started.code() == 0 || started.stderr.contains("stopped while starting"), "{started}");
    stopping.finish().ok().prints(&["stopped pid"]);
    lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
}
