//! Pidfiles that cannot be used: each is an error with an exit status of its own, and no file is left behind.

use crate::common::{PIDFILE, lab, needs_root, run, shared_lab};
use crate::invalid_settings::{as_nobody, unchanged};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn pidfile_without_name_is_refused() {
    let lab = lab();
    for verb in ["start", "foreground", "restart", "stop", "status", "send", "pid"] {
        let outcome = lab.run(&[verb, "pidfile="]);
        assert!(
            if verb == "status" { [2, 4].contains(&outcome.code()) } else { outcome.code() == 2 },
            "{verb}: {outcome}"
        );
        outcome.says(&["pidfile"]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn pidfile_in_missing_directory_is_inaccessible() {
    let lab = lab();
    for place in ["missing/d.pid", "a/b/c/d.pid"] {
        let path = lab.path(place).display().to_string();
        lab.run(&["start", &format!("pidfile={place}")]).exits(6).says(&[&path, "no such file or directory"]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn relative_pidfile_in_removed_directory_is_an_error() {
    let lab = lab();
    let script = "mkdir gone && cd gone && rmdir ../gone && exec $D start pidfile=d.pid";
    let outcome = lab.shell(script).run();
    assert!([2, 6].contains(&outcome.code()), "{outcome}");
    outcome.says(&["no such file or directory"]);
    unchanged(&lab, &[]);
}

#[test]
fn pidfile_without_write_permission_is_inaccessible() {
    let lab = shared_lab();
    let path = lab.path(PIDFILE).display().to_string();
    as_nobody(&lab, &["start", "pidfile=d.pid"]).exits(6).says(&[&path, "permission denied"]);
    unchanged(&lab, &["helper"]);
}

#[test]
fn directory_as_pidfile_is_refused() {
    let lab = lab();
    fs::create_dir(lab.path(PIDFILE)).unwrap();
    let outcome = run(&lab, "start", &[]);
    assert!([6, 7].contains(&outcome.code()), "{outcome}");
    outcome.says(&[&lab.path(PIDFILE).display().to_string(), "directory"]);
    unchanged(&lab, &[PIDFILE]);
}

#[test]
fn pidfile_writable_by_others_is_refused() {
    needs_root();
    let lab = lab();
    let file = lab.write(PIDFILE, "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    run(&lab, "start", &[]).exits(7).says(&[&file.display().to_string(), "writ"]);
    unchanged(&lab, &[PIDFILE]);
}
