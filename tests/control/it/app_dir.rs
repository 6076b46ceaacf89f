//! The application's directory: where root creates it, and where it does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use look::{Deadline, UNKNOWN_USER, USER_WITH_HOME};
use nix::sys::signal::Signal;

use crate::instance_helpers::{EVENT_TIMEOUT, PIDFILE, lab, needs_root, wait_for_state};

/// A user that is not root.
const STRANGER: u32 = 65534;

/// Promise 5.21.
#[test]
fn instance_of_root_creates_no_directory_through_another_user() {
    needs_root();
    let lab = lab();
    for (name, mode) in [("target", 0o755), ("theirs", 0o755), ("sticky", 0o1777), ("open", 0o777)] {
        fs::create_dir(lab.path(name)).expect("a directory");
        fs::set_permissions(lab.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    chown(lab.path("theirs"), Some(STRANGER), None).expect("root may");
    for link in ["theirs/link", "sticky/link", "open/link"] {
        symlink(lab.path("target"), lab.path(link)).expect("a link");
        lchown(lab.path(link), Some(STRANGER), None).expect("root may");
    }
    for (directory, why) in [
        ("theirs/link/app", "belongs to user"),
        ("sticky/link/app", "it is a symbolic link that others than root could have made"),
        ("sticky/link", "it is a symbolic link that others than root could have made"),
        ("open/link/a/b", "can write it (mode 0777)"),
        ("theirs/new/app", "belongs to user"),
        ("open/new/app", "can write it (mode 0777)"),
    ] {
        lab.helper(&["hold", directory]).run().exits(2).says(&["Configuration: failed to create directory", why]);
    }
    let is_empty = |name: &str, count| fs::read_dir(lab.path(name)).expect("ours").count() == count;
    assert!(is_empty("target", 0) && is_empty("theirs", 1) && is_empty("sticky", 1) && is_empty("open", 1));
}

/// Root follows its own link, and creates missing directories for itself alone.
#[test]
fn instance_of_root_creates_its_directory_through_its_own_link() {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("target")).expect("a directory");
    symlink("target", lab.path("link")).expect("a link");
    let first = lab.helper(&["hold", "link/a/app"]).spawn();
    for directory in ["target/a", "target/a/app"] {
        let path = lab.path(directory);
        look::until(&path, Deadline::after(EVENT_TIMEOUT), || path.exists().then_some(())).expect("a directory");
    }
    lab.wait_for("target/a/app/.pid", EVENT_TIMEOUT, |text| text.lines().count() >= 3);
    for directory in ["target/a", "target/a/app"] {
        let mode = fs::metadata(lab.path(directory)).expect("a directory").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700, "{directory}");
    }
    first.signal(Signal::SIGTERM);
    first.finish();
}

/// The directory is created in the data directory of the user with mode 0700. A directory that others can write is refused.
#[test]
fn app_dir_is_private() {
    needs_root();
    let mut lab = lab();
    lab.bring_program();
    lab.make_test_users();
    lab.make_directory("data", USER_WITH_HOME, 0o700);
    lab.write("log", "");
    fs::set_permissions(lab.path("log"), fs::Permissions::from_mode(0o666)).expect("a file of ours");
    // Environment variables do not change the location.
    let program = lab.as_user(USER_WITH_HOME, &["hold", "default"]).env("XDG_DATA_HOME", lab.path("data")).spawn();
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("primary "));
    let mode = |path: &str| fs::metadata(lab.path(path)).expect(path).permissions().mode() & 0o7777;
    assert_eq!(mode("home/.local/share/only"), 0o700, "{log}");
    assert_eq!(mode("home/.local/share/only/.control"), 0o700);
    assert_eq!(mode("home/.local/share/only/.control/socket"), 0o600);
    wait_for_state(program.process(), 'S');
    program.signal(Signal::SIGTERM);
    program.finish().ok();
    assert!(!lab.path("data/only").exists() && !lab.path(".local").exists());
    fs::create_dir(lab.path("app")).expect("a directory");
    fs::set_permissions(lab.path("app"), fs::Permissions::from_mode(0o777)).expect("a directory of ours");
    lab.helper(&["hold", "app"]).run().exits(2).says(&["Configuration", "can write it (mode 0777)"]);
    assert!(!lab.path(PIDFILE).exists());
}

/// Promise 2.16. The home directory is that of the passwd entry only.
#[test]
fn app_dir_without_home_variable_is_that_of_passwd() {
    needs_root();
    let mut lab = lab();
    lab.bring_program();
    lab.make_test_users();
    let launch = |home: &str, user: u32| lab.as_user(user, &["hold", "default"]).env("HOME", home).run().exits(2);
    for home in ["here", "./here", ""] {
        // The home directory of `nobody` in `/etc/passwd` does not exist.
        launch(home, 65534).says(&["Configuration", "failed to create directory `/nonexistent/.local/share/only`"]);
        launch(home, UNKNOWN_USER).says(&["Configuration", "no home directory is known for uid 4712", "set `app_dir`"]);
    }
    assert!(!lab.path(".local").exists() && !lab.path("here").exists());
}
