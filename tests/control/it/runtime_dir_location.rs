//! The location of the socket and the token.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use look::{Lab, UNKNOWN_USER, USER_WITH_HOME};

use crate::common::{EVENT_TIMEOUT, needs_root, shared_lab};

/// Returns a lab with its own users, home directories and `/run`.
fn household() -> Lab {
    needs_root();
    let lab = shared_lab();
    lab.make_test_users();
    // Output files that the daemon of each user can write.
    for file in ["out", "err"] {
        let path = lab.write(file, "");
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("a file of ours");
    }
    lab
}

/// Runs the helper as `USER_WITH_HOME`, about a daemon with its default pidfile.
fn ada(lab: &Lab, verb: &str, settings: &[&str]) -> look::Outcome {
    let run = lab.as_user(USER_WITH_HOME, &[verb, "pidfile=default"]).args(settings);
    run.run().ok()
}

/// Returns the path of a file of the daemon `lab` with this suffix.
fn file(lab: &Lab, directory: &str, ending: &str) -> Option<String> {
    let entries = fs::read_dir(lab.path(directory)).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|name| name.starts_with("lab@") && name.ends_with(ending))
}

/// Promise 2.16.
#[test]
fn control_socket_of_a_user_is_in_the_runtime_directory_of_the_user() {
    // Without `/run/user/UID`, or if other users can enter it, the socket is beside the pidfile.
    for mode in [None, Some(0o700), Some(0o755)] {
        let lab = household();
        if let Some(mode) = mode {
            lab.make_directory("run/user/4711", USER_WITH_HOME, mode);
        }
        ada(&lab, "start", &["tcp=127.0.0.1:0"]);
        let there = file(&lab, "run/user/4711", ".control");
        let beside = file(&lab, "home/.local/state", ".control");
        assert_eq!((there.is_some(), beside.is_some()), (mode == Some(0o700), mode != Some(0o700)), "{mode:?}");
        assert!(file(&lab, "home/.local/state", ".pid").is_some());
        let control = match (&there, &beside) {
            (Some(name), _) => lab.path("run/user/4711").join(name),
            (_, name) => lab.path("home/.local/state").join(name.as_ref().expect("one of them")),
        };
        assert_eq!(fs::metadata(&control).expect("a directory").permissions().mode() & 0o7777, 0o700);
        ada(&lab, "client", &[]).prints(&["\"success\":true"]);
        // Over TCP the client needs the token, which is beside the socket.
        fs::remove_file(control.join("socket")).expect("a socket");
        ada(&lab, "client", &[]).prints(&["\"success\":true"]);
        fs::write(control.join("token"), "another\n").expect("a token");
        ada(&lab, "client", &[]).prints(&["failed to", "token"]);
        ada(&lab, "stop", &[]);
        lab.quiet(EVENT_TIMEOUT).expect("it was stopped");
        assert!(!control.exists());
    }
}

/// Promise 2.22.
#[test]
fn control_socket_of_a_unit_is_in_its_runtime_directory() {
    let lab = household();
    lab.make_directory("run/user/4711", USER_WITH_HOME, 0o700);
    lab.make_directory("run/lab", USER_WITH_HOME, 0o755);
    let unit = lab.as_unit(USER_WITH_HOME, "/run/lab", &["start", "pidfile=default"]).spawn();
    lab.wait_for("run/lab/lab.pid", EVENT_TIMEOUT, |text| text.lines().count() == 3);
    assert!(lab.path("run/lab/lab.control/socket").exists());
    for user in [USER_WITH_HOME, 0] {
        lab.as_user(user, &["client", "pidfile=default"]).run().ok().prints(&["\"success\":true"]);
    }
    lab.as_user(0, &["stop", "pidfile=default"]).run().ok();
    unit.finish();
    assert!(!lab.path("run/lab/lab.control").exists());
}

/// Promise 2.23.
#[test]
fn endpoint_of_a_daemon_without_a_pidfile_is_refused() {
    let lab = household();
    let refused = lab.as_unit(UNKNOWN_USER, "", &["start", "pidfile=default"]).run();
    assert_ne!(refused.code(), 0, "{refused}");
    refused.says(&["the endpoint has no directory for its socket", "set `pidfile`"]);
}
