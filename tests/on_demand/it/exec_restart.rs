//! A daemon that was launched by exec restarts itself.

use crate::common::{EVENT_TIMEOUT, PIDFILE, ended, lab, nothing_left};
use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

/// Has the daemon restart itself, and returns the new one.
fn restart(lab: &Lab, daemon: Process, signal: Signal) -> Process {
    let old = daemon.id().to_string();
    daemon.signal(signal);
    let is_new = |content: &[u8]| content.contains(&b'\n') && !content.starts_with(old.as_bytes());
    look::file(&lab.path(PIDFILE), Deadline::after(EVENT_TIMEOUT), is_new).expect("another pid");
    ended(daemon);
    lab.daemon(PIDFILE)
}

fn stop(lab: &Lab, daemon: Process) {
    daemon.signal(Signal::SIGTERM);
    ended(daemon);
    nothing_left(lab);
}

/// The link is followed to the new release, as a restart of a daemon started by fork does.
#[test]
fn restart_from_inside_executes_the_path_as_called() {
    let mut lab = lab();
    lab.bring_program();
    let first = lab.program().to_owned();
    let second: PathBuf = lab.path("helper-2");
    fs::copy(&first, &second).expect("a copy");
    let called = lab.path("current");
    symlink(&first, &called).expect("a free name");
    lab.command(&called.display().to_string(), &["exec", "tokio", "start"]).run().ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(daemon.program(), Some(first));
    let daemon = restart(&lab, daemon, Signal::SIGUSR1);
    assert_eq!(daemon.arguments()[1..], ["sleeper"]);
    fs::remove_file(&called).and_then(|()| symlink(&second, &called)).expect("our directory");
    // The second time as well: the request is passed on.
    let daemon = restart(&lab, daemon, Signal::SIGUSR2);
    assert_eq!(daemon.program(), Some(second));
    stop(&lab, daemon);
}

/// The daemon goes on.
#[test]
fn restart_into_a_program_without_the_function_is_refused() {
    let mut lab = lab();
    lab.bring_program();
    let called = lab.path("current");
    symlink(lab.program(), &called).expect("a free name");
    lab.command(&called.display().to_string(), &["exec", "tokio", "start", "body=library"]).run().ok();
    let daemon = lab.daemon(PIDFILE);
    let successor = lab.write("other", "#!/bin/sh\nexit 0\n");
    fs::set_permissions(&successor, fs::Permissions::from_mode(0o755)).expect("our file");
    fs::remove_file(&called).and_then(|()| symlink(&successor, &called)).expect("our directory");
    daemon.signal(Signal::SIGUSR1);
    let refused = |content: &[u8]| String::from_utf8_lossy(content).contains("before it was ready to take over");
    look::file(&lab.path("refused"), Deadline::after(EVENT_TIMEOUT), refused).expect("a refusal");
    assert!(daemon.alive());
    stop(&lab, daemon);
}
