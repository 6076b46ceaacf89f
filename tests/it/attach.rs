//! Attachments: checked in the launcher, prepared with root's rights, started, told of the phases, ended once.

use look::Outcome;

use crate::common::{PIDFILE, lab, nothing_left, run, shared_lab, start, stop};

const SOCKET: &str = "unix:///run/lab.control/socket";

/// A start with an attachment that notes its moments.
const NOTING: [&str; 3] = ["attach=prepare:note:prepared", "attach=start:note:started", "attach=end:note:over"];

#[test]
fn attachment_check_that_fails_is_reported_before_the_start() {
    let lab = lab();
    let settings = ["attach=check:err:port 80 is taken", "first=", NOTING[0], NOTING[2]];
    run(&lab, "start", &settings).exits(2).says(&["failed to configure the daemon: port 80 is taken"]);
    nothing_left(&lab);
    assert!(!lab.path("prepared").exists() && !lab.path("over").exists(), "nothing was prepared, nothing ends");
}

#[test]
fn failure_after_the_preparation_ends_attachments_once() {
    let failures = [
        ("attach=start:err:no thread left", "start an attachment"),
        ("attach=start:panic:no idea", "start an attachment"),
        ("after=Identity:err:refused", "refused"),
        ("replace=Stdio:err:refused", "refused"),
    ];
    for (failure, text) in failures {
        for detach in ["always", "never"] {
            let lab = lab();
            let settings = [failure, NOTING[0], NOTING[2], &format!("detach={detach}")];
            run(&lab, "start", &settings).exits(2).says(&[text]);
            nothing_left(&lab);
            assert_eq!(lab.read("prepared").lines().count(), 1, "{failure}, detach {detach}");
            assert_eq!(lab.read("over").lines().count(), 1, "{failure}, detach {detach}");
        }
    }
}

#[test]
fn attachment_that_cannot_be_prepared_fails_the_start() {
    for what in ["err:the socket is taken", "panic:the socket is taken"] {
        let lab = lab();
        let outcome = run(&lab, "start", &[&format!("attach=prepare:{what}"), NOTING[2]]).exits(2);
        outcome.says(&["failed to prepare an attachment of the daemon", "the socket is taken"]);
        nothing_left(&lab);
        assert!(!lab.path("over").exists(), "what was not prepared does not end");
    }
}

#[test]
fn addresses_are_in_the_pidfile_and_the_status() {
    let lab = lab();
    let daemon = start(&lab, &[&format!("address={SOCKET}"), "address=http://127.0.0.1:4711", NOTING[2]]);
    let content = lab.read(PIDFILE);
    let lines: Vec<&str> = content.lines().collect();
    assert_eq!(lines[0], daemon.id().to_string());
    assert_eq!(lines[2..], [SOCKET, "http://127.0.0.1:4711"]);
    let told = run(&lab, "status", &[]).ok();
    assert!(told.stdout.contains(&format!("at {SOCKET} http://127.0.0.1:4711")), "{told}");
    assert!(lab.read("kept").contains(&format!("at {SOCKET} http://127.0.0.1:4711")), "{:?}", lab.read("kept"));
    stop(&lab);
    nothing_left(&lab);
    assert_eq!(lab.read("over").lines().count(), 1);
}

#[test]
fn invalid_address_is_an_error_and_leaves_nothing() {
    let lab = lab();
    let outcome: Outcome = run(&lab, "start", &["address=/run/socket", NOTING[2]]);
    outcome.exits(7).says(&["\"/run/socket\" is no URL"]);
    nothing_left(&lab);
    assert_eq!(lab.read("over").lines().count(), 1);
}

/// An object opened with root's rights stays usable after the change of user and the closing of descriptors.
#[test]
fn prepared_attachment_outlives_the_change_of_user() {
    let lab = shared_lab();
    let settings = ["user=nobody", "close=all", "attach=prepare:note:prepared", "attach=prepare:note_child:as-root"];
    let daemon = start(&lab, &settings);
    let kept = lab.read("kept");
    assert!(kept.starts_with("lab becomes Some(65534) Some(65534)\n"), "{kept:?}");
    assert!(kept.ends_with("at \n"), "written by who the daemon is now: {kept:?}");
    assert_eq!(daemon.status("Uid").expect("a uid"), "65534\t65534\t65534\t65534");
    stop(&lab);
}

/// Both the body's thread and the signal thread may end the process: one finishes what the other has begun.
#[test]
fn body_that_returns_after_the_grace_does_not_cut_off_the_end_of_attachments() {
    let lab = lab();
    let settings = ["body=ask,note:begun,await:late", "attach=end:note:ending,pause:300,note:over", "grace=200"];
    let daemon = crate::common::adopt(start(&lab, &settings));
    lab.wait_for("begun", crate::common::EVENT_TIMEOUT, |text| !text.is_empty());
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    lab.wait_for("ending", crate::common::EVENT_TIMEOUT, |text| !text.is_empty());
    lab.write("late", "");
    crate::common::ended(daemon, 1);
    assert_eq!(lab.read("over").lines().count(), 1);
    nothing_left(&lab);
}
