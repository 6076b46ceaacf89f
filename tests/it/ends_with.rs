//! `ends_with`: the daemon stops when the process that started it ends.

use look::{Lab, Process, Running};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, nothing_left, run, stop};
use crate::faults::held_system_call::look_until;

/// Starts the daemon from a process that continues after the start. Returns both.
fn start_and_stay<'lab>(lab: &'lab Lab, settings: &[&str]) -> (Running<'lab>, Process) {
    let stays = ["continue_after_start=true", "last=note:started,hang", "ends_with=parent"];
    let parent = lab.helper(&["start", "pidfile=d.pid"]).args(settings).args(stays).spawn();
    lab.wait_for("started", EVENT_TIMEOUT, |notes| !notes.is_empty());
    (parent, lab.daemon(PIDFILE))
}

/// Runs a script in a shell that stays, with the program as `$0`, and returns the shell.
fn shell<'lab>(lab: &'lab Lab, script: &str) -> Running<'lab> {
    let program = lab.program().display().to_string();
    lab.command("sh", &["-c", script, &program]).spawn()
}

fn kill_and_see_the_daemon_stop(lab: &Lab, parent: Running<'_>, daemon: Process) {
    assert!(daemon.alive());
    parent.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("it stops with its parent");
    parent.finish();
    nothing_left(lab);
}

/// Promise 11.14.
#[test]
fn daemon_stops_when_the_process_that_started_it_ends() {
    for settings in [
        &["handle=TERM:note:handled"][..],
        &["handle=TERM:note:handled", "close=all", "ready=entered"],
        &["handle=TERM:note:handled", "ready=manual", "body=ready,idle"],
        &["handle=TERM:note:handled", "inbox=inbox"],
        &["handle=TERM:note:handled", "step=ask", "every=20"],
    ] {
        let lab = lab();
        lab.write("inbox", "");
        let (parent, daemon) = start_and_stay(&lab, settings);
        kill_and_see_the_daemon_stop(&lab, parent, daemon);
        // An ordinary stop.
        assert_eq!(lab.read("handled").lines().count(), 1, "{settings:?}");
    }
}

#[test]
fn daemon_that_became_another_user_stops_with_its_parent() {
    needs_root();
    let lab = lab();
    let (parent, daemon) = start_and_stay(&lab, &["user=nobody", "close=all"]);
    parent.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("it stops with its parent");
    parent.finish();
    // It could not remove its files.
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn daemon_of_a_command_line_stops_when_the_parent_of_the_launcher_ends() {
    for (verb, setting) in [("start", "launcher_parent"), ("activate", "parent"), ("activate", "launcher_parent")] {
        let lab = lab();
        let script =
            format!("mkfifo wait; \"$0\" {verb} pidfile=d.pid ends_with={setting} && : >up; read never <>wait");
        let parent = shell(&lab, &script);
        lab.wait_for("up", EVENT_TIMEOUT, |_| true);
        let daemon = lab.daemon(PIDFILE);
        kill_and_see_the_daemon_stop(&lab, parent, daemon);
    }
}

#[test]
fn daemon_in_the_foreground_stops_when_its_parent_ends() {
    for setting in ["parent", "launcher_parent"] {
        let lab = lab();
        let script = format!("\"$0\" foreground pidfile=d.pid ends_with={setting} body=note:up,idle; :");
        let parent = shell(&lab, &script);
        lab.wait_for("up", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let daemon = lab.daemon(PIDFILE);
        kill_and_see_the_daemon_stop(&lab, parent, daemon);
    }
}

/// Promise 11.14.
#[test]
fn parent_that_ends_during_the_start_undoes_it() {
    for body in ["before=Umask:note:up,await:go", "body=note:up,await:go"] {
        let lab = lab();
        let settings = format!("pidfile=d.pid ends_with=launcher_parent ready=manual {body} grace=1000");
        let parent = shell(&lab, &format!("\"$0\" start {settings} 2>said & : ; wait"));
        lab.wait_for("up", EVENT_TIMEOUT, |notes| !notes.is_empty());
        parent.signal(Signal::SIGKILL);
        parent.finish();
        lab.wait_for("said", EVENT_TIMEOUT, |said| said.contains("has ended meanwhile"));
        nothing_left(&lab);
    }
}

#[test]
fn parent_that_has_ended_already_or_cannot_be_seen_is_an_error() {
    needs_root();
    let lab = lab();
    // As `systemd --user`, which adopts the orphans of a session.
    let adopted = r#"printf systemd >/proc/$$/comm; "$0" start pidfile=d.pid ends_with=launcher_parent; exit $?"#;
    shell(&lab, adopted).finish().exits(2).says(&["has ended already, and `systemd` (pid"]);
    // systemd has started the process itself.
    let service = r#"printf systemd >/proc/$$/comm; sh -c 'export SYSTEMD_EXEC_PID=$$; exec "$0" foreground ends_with=parent body=note:served' "$0"; :"#;
    shell(&lab, service).finish().ok();
    assert!(lab.path("served").exists());
    let unshared = r#"exec unshare --pid --fork --mount-proc "$0" foreground pidfile=d.pid ends_with=parent"#;
    shell(&lab, unshared).finish().exits(2).says(&["is in another pid namespace", "end when stdin ends"]);
    nothing_left(&lab);
}

#[test]
fn parent_lives_while_one_of_its_threads_does() {
    let lab = lab();
    let program = lab.program().display().to_string();
    let script = "import ctypes, subprocess, sys, threading, time\n\
        def stay():\n \
            subprocess.run([sys.argv[1], 'start', 'pidfile=d.pid', 'ends_with=launcher_parent'], check=True)\n \
            open('up', 'w').close()\n \
            time.sleep(100)\n\
        threading.Thread(target=stay).start()\n\
        ctypes.CDLL(None).pthread_exit(None)";
    let parent = lab.command("/usr/bin/python3", &["-c", script, &program]).spawn();
    lab.wait_for("up", EVENT_TIMEOUT, |_| true);
    let daemon = lab.daemon(PIDFILE);
    // The main thread has ended: `ps` shows the process as a zombie.
    assert!(parent.process().status("State").is_some_and(|state| state.starts_with('Z')));
    run(&lab, "status", &[]).ok();
    assert!(daemon.alive());
    kill_and_see_the_daemon_stop(&lab, parent, daemon);
}

#[test]
fn restart_from_inside_keeps_the_parent() {
    let lab = lab();
    let script = r#"mkfifo wait; "$0" start pidfile=d.pid ends_with=launcher_parent handle=USR1:restart && : >up; read never <>wait"#;
    let parent = shell(&lab, script);
    lab.wait_for("up", EVENT_TIMEOUT, |_| true);
    let daemon = lab.daemon(PIDFILE);
    daemon.signal(Signal::SIGUSR1);
    daemon.died(EVENT_TIMEOUT).expect("it hands over");
    look_until("no successor is ready", || run(&lab, "status", &[]).code() == 0);
    let successor = lab.daemon(PIDFILE);
    assert_ne!(successor.id(), daemon.id());
    kill_and_see_the_daemon_stop(&lab, parent, successor);
}

#[test]
fn stop_does_not_wait_for_the_parent() {
    let lab = lab();
    let (parent, daemon) = start_and_stay(&lab, &[]);
    stop(&lab);
    assert!(!daemon.alive() && parent.process().alive());
    parent.signal(Signal::SIGKILL);
    parent.finish();
}

/// Promise 11.14.
#[test]
fn parent_that_ends_while_it_is_opened_is_not_mistaken_for_another_process() {
    needs(&["strace"]);
    for (error, says) in
        [("ESRCH", "the process that started this one has ended already"), ("EMFILE", "too many open files")]
    {
        let lab = lab();
        let inject = format!("inject=pidfd_open:error={error}:when=1");
        let strace = ["-qq", "-o", "trace", "-e", "signal=none", "-e", "trace=pidfd_open", "-e", &inject];
        let start = ["start", "pidfile=d.pid", "ends_with=launcher_parent"];
        lab.command("strace", &strace).arg(lab.program()).args(start).run().exits(2).says(&[says]);
        nothing_left(&lab);
    }
    // Its pid may be given to another process right after it was looked up.
    let lab = lab();
    let strace =
        "strace -D -qq -o trace -e signal=none -e trace=pidfd_open -e inject=pidfd_open:delay_exit=700000:when=1";
    let script = format!("{strace} \"$0\" start pidfile=d.pid ends_with=launcher_parent 2>said & : ; wait");
    let parent = shell(&lab, &script);
    lab.wait_for("trace", EVENT_TIMEOUT, |trace| trace.contains("pidfd_open"));
    parent.signal(Signal::SIGKILL);
    parent.finish();
    lab.wait_for("said", EVENT_TIMEOUT, |said| said.contains("has ended already"));
    nothing_left(&lab);
}

#[test]
fn program_that_closes_the_descriptor_of_its_parent_is_told_and_goes_on() {
    let lab = lab();
    let body = "body=lose_process_descriptors_and_idle";
    let started = run(&lab, "start", &["ends_with=launcher_parent", body, "ready=manual", "stderr=said"]);
    started.ok();
    // Wakes the thread that watches the descriptor: without a handler, the signal thread takes the signal itself.
    lab.daemon(PIDFILE).signal(Signal::SIGHUP);
    lab.wait_for("said", EVENT_TIMEOUT, |said| said.contains("the program has closed the descriptor"));
    assert!(lab.daemon(PIDFILE).alive());
    stop(&lab);
    nothing_left(&lab);
}
