//! Programs that cannot be launched by exec are refused before anything is executed, or as soon as the new process shows it.

use crate::common::{lab, nothing_left};
use look::Lab;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

/// A user without rights.
const OTHER_USER: &str = "65534";

/// Runs the helper, which must refuse the start with these words, and leaves nothing.
#[track_caller]
fn refused(lab: &Lab, settings: &[&str], variable: Option<&str>, texts: &[&str]) {
    let mut run = lab.helper(&["exec", "main", "start"]).args(settings);
    if let Some(value) = variable {
        run = run.env("LAB_UNINITIALISED", value);
    }
    run.run().exits(2).says(texts);
    nothing_left(lab);
}

/// Promise 12.04. It would run `main` again and again.
#[test]
fn start_without_init_is_refused_with_advice() {
    let advice = "this process has not called `daemon::init()`, without which the new process would run `main` again";
    let place = "`daemon::test_support!();` once, at the root of the test crate";
    refused(&lab(), &[], Some("never"), &[advice, "make it the first statement of `main`", place]);
}

#[test]
fn start_after_a_late_init_is_refused_with_advice() {
    refused(&lab(), &[], Some("late"), &["had 2 threads already", "make it the first statement of `main`"]);
}

#[test]
fn new_process_that_does_not_call_init_is_killed_at_the_deadline() {
    let texts = ["the new process did not call `daemon::init()` in time, and was killed"];
    refused(&lab(), &["timeout=300"], Some("new"), &texts);
}

/// Promise 12.06.
#[test]
fn start_that_is_not_ready_at_the_deadline_is_undone() {
    let texts =
        ["failed to start `sleeper` by exec: the deadline has passed: the launcher was killed, and the start undone"];
    refused(&lab(), &["timeout=300", "body=never"], None, &texts);
    refused(&lab(), &["timeout=0"], None, &["the deadline has passed already"]);
}

/// Promise 12.16.
#[test]
fn settings_that_differ_in_the_new_process_are_refused() {
    refused(
        &lab(),
        &["body=differs"],
        None,
        &["returned other settings in the new process", "must be named in `environment`"],
    );
}

#[test]
fn panic_or_exit_in_the_new_process_is_reported() {
    refused(&lab(), &["body=panic"], None, &["its function panicked in the new process: no settings today"]);
    refused(&lab(), &["body=exit"], None, &["the new process exited with status 3 before the daemon was ready"]);
}

/// Promise 12.05. The new process would have more rights than the one that starts it.
#[test]
fn setuid_program_is_refused_and_believes_no_link() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = lab();
    lab.bring_program();
    fs::set_permissions(lab.program(), Permissions::from_mode(0o4755)).expect("our file");
    let setpriv = ["--reuid", OTHER_USER, "--regid", OTHER_USER, "--clear-groups"];
    let program = lab.program().display().to_string();
    let run = lab.command("setpriv", &setpriv).args([&program, "exec", "main", "start"]);
    run.run().exits(2).says(&["the program is setuid, setgid or has file capabilities"]);
    nothing_left(&lab);
    // Its parent offers a link as it is right for other programs.
    let hostile = lab.command("setpriv", &setpriv).args([&program, "exec", "hostile", "closes"]);
    hostile.run().ok().prints(&["main of", "child 0"]);
}

#[test]
fn program_on_a_mount_without_exec_is_refused_with_the_cause() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let lab = lab();
    let script = "mkdir m && mount -t tmpfs none m && cp $D m/program && mkfifo gate && { m/program exec main start gate=gate & } \
                  && exec 3>gate && mount -o remount,noexec m && exec 3>&- && wait $!";
    let run = lab.command("unshare", &["-m", "bash", "-c", script]).env("D", lab.program());
    run.run().exits(2).says(&["failed to start `sleeper` by exec", "permission denied"]);
}

#[test]
fn start_without_proc_is_refused_with_the_cause() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let lab = lab();
    let script =
        "mkfifo gate && { $D exec main start gate=gate & } && exec 3>gate && umount -l /proc && exec 3>&- && wait $!";
    let run = lab.command("unshare", &["-m", "bash", "-c", script]).env("D", lab.program());
    run.run().exits(2).says(&["/proc"]);
    nothing_left(&lab);
}
