//! The default locations of a daemon's files, by user and by manager, and how verbs find them.

use std::fs;
use std::path::Path;

use look::{Lab, Outcome, UNKNOWN_USER, USER_WITH_HOME};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs, needs_root, shared_lab};

/// A name that no daemon of the machine has.
const NAME: &str = "name=place";

/// Returns a lab with users, homes and a `/run` of its own.
pub(crate) fn household() -> Lab {
    needs(&["unshare", "setpriv"]);
    needs_root();
    let lab = shared_lab();
    lab.make_test_users();
    lab
}

/// Returns the name of the only pidfile in a directory of the lab.
#[track_caller]
fn only_pidfile(lab: &Lab, directory: &str) -> String {
    let entries = fs::read_dir(lab.path(directory)).expect("a directory");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let pidfiles: Vec<String> = names.filter(|name| Path::new(name).extension() == Some("pid".as_ref())).collect();
    assert_eq!(pidfiles.len(), 1, "{pidfiles:?}");
    pidfiles[0].clone()
}

#[track_caller]
fn running(outcome: &Outcome, pidfile: &Path) {
    let said = format!("(pidfile `{}`)", pidfile.display());
    assert!(
        outcome.code() == 0 && outcome.stdout.contains("running as pid") && outcome.stdout.contains(&said),
        "{outcome}"
    );
}

/// Promise 2.16.
#[test]
fn default_pidfile_of_a_user_is_in_the_home_of_the_passwd_entry() {
    let lab = household();
    lab.make_directory("elsewhere", USER_WITH_HOME, 0o700);
    lab.as_user(USER_WITH_HOME, &["start", NAME]).run().ok();
    let file = only_pidfile(&lab, "home/.local/state");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    assert_eq!(file, format!("place@{}.pid", host.trim_end()));
    // Another session with another environment finds the same daemon.
    let status = lab.as_user(USER_WITH_HOME, &["status", NAME]);
    let status = ["HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "RUNTIME_DIRECTORY"]
        .into_iter()
        .fold(status, |status, name| status.env(name, lab.path("elsewhere")));
    running(&status.run(), &lab.path("home/.local/state").join(&file));
    lab.as_user(USER_WITH_HOME, &["stop", NAME]).run().ok();
    lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
    assert_eq!(fs::read_dir(lab.path("elsewhere")).expect("a directory").count(), 0);
}

/// Promise 2.16.
#[test]
fn default_pidfile_of_root_is_in_run() {
    let lab = household();
    lab.as_user(0, &["start", NAME]).env("XDG_RUNTIME_DIR", lab.path("root")).run().ok();
    running(&lab.as_user(0, &["status", NAME]).run(), Path::new("/run/place.pid"));
    assert_eq!(only_pidfile(&lab, "run"), "place.pid");
    lab.as_user(0, &["stop", NAME]).run().ok();
}

/// Promise 2.16.
#[test]
fn tilde_means_the_home_of_the_passwd_entry() {
    let lab = household();
    lab.as_user(USER_WITH_HOME, &["status", "pidfile=~/x.pid"])
        .run()
        .exits(3)
        .prints(&[&lab.path("home/x.pid").display().to_string()]);
    lab.as_user(0, &["status", "pidfile=~/x.pid"])
        .run()
        .exits(3)
        .prints(&[&lab.path("root/x.pid").display().to_string()]);
    // A variable is not expanded like `~`.
    let given = lab.as_user(USER_WITH_HOME, &["status", "pidfile=$HOME/x.pid"]).env("HOME", "/given").run();
    given.exits(3).prints(&["/given/x.pid"]);
    // A directory called `~` in the working directory is not meant.
    let homeless = lab.as_user(UNKNOWN_USER, &["status", "pidfile=~/x.pid"]).run();
    assert!(homeless.code() != 3, "{homeless}");
    homeless.says(&["`pidfile`", "no home directory is known for uid 4712", "write an absolute path"]);
}

/// Promise 2.22. A process that a service starts with systemd's variables is not a service.
#[test]
fn pidfile_of_a_unit_is_in_its_runtime_directory_and_shells_find_it() {
    let lab = household();
    for user in [0, USER_WITH_HOME] {
        lab.make_directory("run/place", user, 0o755);
        lab.as_unit(user, "/run/other:/run/place", &["start", NAME, "detach=always"]).run().ok();
        let pidfile = Path::new("/run/place/place.pid");
        assert!(lab.path("run/place/place.pid").exists());
        running(&lab.as_unit(user, "/run/place", &["status", NAME]).run(), pidfile);
        for shell in [0, user] {
            running(&lab.as_user(shell, &["status", NAME]).run(), pidfile);
            running(&lab.as_user(shell, &["status", NAME]).env("RUNTIME_DIRECTORY", "/run/place").run(), pidfile);
        }
        // Only one daemon of this name may run.
        lab.as_user(user, &["start", NAME]).run().exits(3).says(&["already running", "/run/place/place.pid"]);
        lab.as_user(0, &["stop", NAME]).run().ok();
        lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
        assert!(!lab.path("run/place/place.pid").exists());
        lab.as_user(user, &["status", NAME]).run().exits(3);
    }
}

/// Promise 2.22. The variable alone proves nothing.
#[test]
fn runtime_directory_that_systemd_cannot_have_made_is_ignored() {
    let lab = household();
    lab.make_directory("elsewhere", 0, 0o755);
    for (name, user, mode) in [("run/theirs", USER_WITH_HOME, 0o755), ("run/open", 0, 0o777), ("run/mine", 0, 0o755)] {
        lab.make_directory(name, user, mode);
    }
    let outside = lab.path("elsewhere").display().to_string();
    for directory in [&*outside, "elsewhere", "/run/theirs", "/run/open", "/run/../run/mine", "/run/none", "/run", ""] {
        lab.as_unit(0, directory, &["status", NAME]).run().exits(3).prints(&["(no `/run/place.pid`)"]);
    }
    lab.as_unit(0, "/run/mine", &["status", NAME]).run().exits(3).prints(&["(no `/run/mine/place.pid`)"]);
    // A child of the process that systemd started, instead of that process.
    let child = lab.as_user(0, &["status", NAME]).env("SYSTEMD_EXEC_PID", "1").env("RUNTIME_DIRECTORY", "/run/mine");
    child.run().exits(3).prints(&["(no `/run/place.pid`)"]);
}

/// Promise 2.22. Version 0.1 wrote no host into the file's name.
#[test]
fn daemon_of_an_earlier_version_is_found_stopped_and_restarted() {
    let lab = household();
    let old = lab.path("home/.local/state/place.pid");
    lab.make_directory("home/.local", USER_WITH_HOME, 0o700);
    lab.make_directory("home/.local/state", USER_WITH_HOME, 0o700);
    let explicit = format!("pidfile={}", old.display());
    lab.as_user(USER_WITH_HOME, &["start", NAME, &explicit]).run().ok();
    running(&lab.as_user(USER_WITH_HOME, &["status", NAME]).run(), &old);
    lab.as_user(USER_WITH_HOME, &["start", NAME]).run().exits(3).says(&["already running", "place.pid"]);
    lab.as_user(USER_WITH_HOME, &["restart", NAME]).run().ok();
    assert!(only_pidfile(&lab, "home/.local/state").starts_with("place@"));
    lab.as_user(USER_WITH_HOME, &["stop", NAME]).run().ok();
    lab.as_user(USER_WITH_HOME, &["start", NAME, &explicit]).run().ok();
    lab.as_user(USER_WITH_HOME, &["stop", NAME]).run().ok();
    lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
    // The pidfile of a dead daemon is not checked: several machines may share a home.
    fs::write(&old, "4711\n").expect("a file");
    lab.as_user(USER_WITH_HOME, &["status", NAME]).run().exits(3);
}

/// Promise 2.23. Started by hand, the daemon could not be found again, and is refused.
#[test]
fn daemon_under_a_manager_without_a_place_runs_without_a_pidfile() {
    let lab = household();
    lab.make_directory("open", 0, 0o777);
    // One user has no passwd entry, the other a home that does not exist.
    for (user, why) in
        [(UNKNOWN_USER, "no home directory is known for uid 4712"), (65534, "`/nonexistent/.local/state`")]
    {
        let body = format!("body=note:open/{user},idle");
        let settings = ["restart", NAME, &body];
        let unit = lab.as_unit(user, "", &settings).spawn();
        lab.wait_for(&format!("open/{user}"), EVENT_TIMEOUT, |text| !text.is_empty());
        unit.signal(Signal::SIGTERM);
        let ended = unit.finish().ok();
        assert_eq!(ended.stderr.matches("running without a pidfile").count(), 1, "{ended}");
        assert!(ended.stderr.contains(why) && ended.stderr.contains("RuntimeDirectory=place"), "{ended}");
        for verb in ["start", "foreground"] {
            let refused = lab.as_user(user, &[verb, NAME, &body]).run();
            assert!(refused.code() != 0 && refused.stderr.contains(why), "{refused}");
        }
        // A pidfile that was set explicitly is not a default: without it, the start fails.
        let given = lab.as_unit(user, "", &["start", NAME, "pidfile=/nowhere/x.pid"]).run();
        assert!(given.code() != 0, "{given}");
    }
}

/// Promise 2.25.
#[test]
fn annotated_main_is_named_after_its_program() {
    let mut lab = Lab::new(env!("CARGO_BIN_EXE_unnamed"));
    needs_root();
    lab.bring_program();
    lab.make_test_users();
    // The daemon recognizes itself, also as a user whose default location differs.
    for user in [&[][..], &["nobody"]] {
        let outcome = lab.as_user(0, user).run().ok();
        let lines: Vec<&str> = outcome.stdout.lines().collect();
        assert_eq!(lines[0], "/run/unnamed.pid", "{outcome}");
        assert!(
            lines[1].starts_with("running as pid") && lines[1].ends_with("(pidfile `/run/unnamed.pid`)"),
            "{outcome}"
        );
    }
}
