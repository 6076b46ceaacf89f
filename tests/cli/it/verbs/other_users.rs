//! Daemons of other users: a verb that finds none says which user's daemon is running.

use super::{file, lab, run};
use look::{UNKNOWN_USER, USER_WITH_HOME};
use serde_json::Value;
use std::os::unix::fs::chown;

/// Promise 11.05.
#[test]
fn status_of_root_by_sudo_names_the_daemon_of_the_user() {
    let lab = lab();
    run(&lab, &["start"]).ok();
    let daemon = lab.daemon(&file("clilab", "pid"));
    let by_sudo = |verb: &[&str]| lab.as_user(0, verb).env("SUDO_UID", USER_WITH_HOME.to_string()).run();
    let sentence = format!("a daemon of user `ada` (uid {USER_WITH_HOME}) is running, pid {}", daemon.id());
    by_sudo(&["status"]).exits(3).prints(&["clilab: stopped", &sentence, "without sudo"]);
    by_sudo(&["stop"]).ok().says(&[&sentence]);
    by_sudo(&["reload"]).exits(5).says(&[&sentence]);
    assert!(daemon.alive());
    let document: Value = serde_json::from_str(&by_sudo(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(document["other_daemon"]["uid"], USER_WITH_HOME);
    // Without sudo, and for a number without a user, root has no other place to look.
    for number in ["", "0", "-1", "99999999999", "4242424242", "x"] {
        let status = lab.as_user(0, &["status"]).env("SUDO_UID", number).run().exits(3);
        assert!(!status.stdout.contains("is running"), "{number}: {status}");
    }
    // A pidfile that another user could have made names no daemon of ada's.
    chown(lab.path(&file("clilab", "pid")), Some(UNKNOWN_USER), None).expect("root");
    assert!(!by_sudo(&["status"]).stdout.contains("is running"));
    chown(lab.path(&file("clilab", "pid")), Some(USER_WITH_HOME), None).expect("root");
    run(&lab, &["stop"]).ok();
}

/// Promise 11.05.
#[test]
fn status_of_a_user_names_the_daemon_of_root() {
    let lab = lab();
    let pidfile = ["--pidfile", "/run/clilab.pid", "--log", "/dev/null"];
    let script = format!("mount -t tmpfs none /var/lib; exec \"$D\" start {}", pidfile.join(" "));
    lab.shell_as_user(0, &script).run().ok();
    let daemon = lab.daemon("run/clilab.pid");
    run(&lab, &["status"])
        .exits(3)
        .prints(&[&format!("root` (uid 0) is running, pid {}", daemon.id()), "as that user"]);
    assert!(daemon.alive());
}
