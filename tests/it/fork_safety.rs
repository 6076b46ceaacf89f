//! Code that must run once, or not at all, although a process forks.

use std::os::unix::fs::symlink;
use std::time::Duration;

use look::{Lab, Outcome, Process};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, lab, needs, needs_root, nothing_left, run, start, stop};
use crate::custom_shutdown::{self, begun};
use crate::faults::held_system_call::look_until;

/// Promise 4.01.
#[test]
fn start_with_several_threads_is_refused() {
    let lab = lab();
    let outcome = run(&lab, "start", &["first=start_thread:background", "stdout=log", "after=Detach:note:forked"]);
    outcome.exits(2).says(&["2 threads", "background"]);
    for trace in [PIDFILE, "log", "forked"] {
        assert!(!lab.path(trace).exists(), "`{trace}` exists");
    }
}

/// Promise 4.01.
#[test]
fn thread_started_by_a_hook_fails_the_start() {
    let lab = lab();
    let outcome = run(&lab, "start", &["before=Detach:start_thread:late", "after=Detach:note:forked"]);
    outcome.exits(2).says(&["2 threads", "late"]);
    nothing_left(&lab);
    assert!(!lab.path("forked").exists());
}

/// Promise 4.09.
#[test]
fn background_threads_are_named() {
    let lab = lab();
    let names = ["logger", "metrics", "a) b (c"];
    let threads = names.map(|name| format!("first=start_thread:{name}"));
    let outcome = run(&lab, "start", &threads.each_ref().map(String::as_str)).exits(2);
    outcome.says(&["4 threads"]).says(&names);
}

/// Promise 4.01.
#[test]
fn thread_that_has_just_ended_does_not_count() {
    let lab = lab();
    for _ in 0..20 {
        start(&lab, &["first=join_thread"]);
        stop(&lab);
    }
}

/// Promise 4.01.
#[test]
fn threads_of_program_with_misleading_name_are_counted() {
    let lab = lab();
    let name = "a) S 1 (b";
    symlink(lab.program(), lab.path(name)).unwrap();
    let program = lab.path(name);
    let program = program.to_str().unwrap();
    lab.command(program, &["start", "pidfile=d.pid"]).run().ok();
    assert_eq!(lab.daemon(PIDFILE).stat().unwrap().name, name);
    stop(&lab);
    lab.command(program, &["start", "pidfile=d.pid", "first=start_thread:background"])
        .run()
        .exits(2)
        .says(&["2 threads"]);
}

/// Promise 4.01.
#[test]
fn start_without_proc_is_refused() {
    needs(&["unshare", "umount"]);
    needs_root();
    let lab = lab();
    for first in ["first=", "first=start_thread:background"] {
        let script = format!("umount -l /proc && exec $D start pidfile=d.pid {first}");
        let unshare = ["--mount", "bash", "-c", &script];
        let outcome = lab.command("unshare", &unshare).env("D", lab.program()).run().exits(2);
        outcome.says(&["/proc"]);
        nothing_left(&lab);
    }
}

/// Promise 4.02.
#[test]
fn start_inside_a_runtime_is_refused() {
    for runtime in ["current", "multi"] {
        let lab = Lab::new(env!("CARGO_BIN_EXE_runtime"));
        let instead = ["a tokio runtime runs here", "from a plain `fn main` (no `#[tokio::main]`)", "an `async fn`"];
        lab.run(&[runtime]).exits(2).says(&instead);
        nothing_left(&lab);
    }
}

/// Promise 1.43. The notification reports that the body is entered.
#[test]
fn foreground_inside_a_runtime_runs_and_stops() {
    each(["current foreground", "multi foreground", "multi foreground async"], |how| {
        let lab = Lab::new(env!("CARGO_BIN_EXE_runtime"));
        let daemon = lab.shell(&format!("exec $D {how} > out")).env("D", lab.program()).spawn();
        lab.wait_for("out", EVENT_TIMEOUT, |text| text == "begun\n");
        assert_eq!(lab.daemon(PIDFILE).id(), daemon.process().id());
        daemon.signal(Signal::SIGTERM);
        daemon.finish().ok();
        nothing_left(&lab);
    });
}

/// Promise 1.43.
#[test]
fn foreground_inside_a_runtime_refuses_what_needs_one_thread() {
    for (how, says) in [
        (["current", "foreground", "async"], "a tokio runtime of one thread runs here"),
        (["multi", "foreground", "user"], "start the daemon before any other thread"),
    ] {
        let lab = Lab::new(env!("CARGO_BIN_EXE_runtime"));
        lab.run(&how).exits(2).says(&["failed to start", says]);
        nothing_left(&lab);
    }
}

/// Promise 4.02.
#[test]
fn start_with_inherited_epoll_is_allowed() {
    let lab = lab();
    run(&lab, "start", &["first=open_epoll"]).exits(2).says(&["descriptor 3, eventpoll", "`inherit = [3]`"]);
    nothing_left(&lab);
    let daemon = start(&lab, &["first=open_epoll", "inherit=3"]);
    assert!(daemon.descriptors()[&3].is("anon_inode:[eventpoll]"));
}

/// Promise 4.03.
#[test]
fn output_before_the_fork_is_printed_once() {
    let lab = lab();
    let once = |outcome: Outcome| {
        assert_eq!(outcome.stdout.matches("pending").count(), 1, "{outcome}");
    };
    once(lab.shell("$D start pidfile=d.pid first=say:pending | cat").run().ok());
    stop(&lab);
    once(lab.shell("$D start pidfile=d.pid first=say:pending stdout=inherit body=ready,pause:100 | cat").run().ok());
    nothing_left(&lab);
    once(lab.shell("$D start pidfile=d.pid first=say:pending ready=manual body=exit:7 | cat").run().ok());
    nothing_left(&lab);
    once(lab.shell("$D start pidfile=d.pid first=say:pending before=Umask:panic:no | cat").run().ok());
}

/// Promise 4.04.
#[test]
fn continuing_launcher_runs_exit_functions_once() {
    let lab = lab();
    let settings = ["first=note_at_exit", "continue_after_start=true", "last=note:end-of-main", "guard=dropped"];
    let launcher = run(&lab, "start", &settings).ok();
    let own = format!("atexit {} ", launcher.pid);
    assert!(lab.read("atexit").starts_with(&own), "{:?} is not from {}", lab.read("atexit"), launcher.pid);
    stop(&lab);
    nothing_left(&lab);
    assert_eq!(lab.read("atexit").lines().count(), 1, "{:?}", lab.read("atexit"));
    assert_eq!(lab.read("end-of-main").lines().count(), 1, "{:?}", lab.read("end-of-main"));
    assert_eq!(lab.read("dropped").lines().count(), 1, "{:?}", lab.read("dropped"));
    assert_ne!(lab.read("dropped"), format!("dropped {}\n", launcher.pid));
}

/// Promise 4.04.
#[test]
fn failed_start_runs_exit_functions_of_the_launcher_only() {
    let lab = lab();
    for failing in ["before=Umask:err:no", "before=Umask:panic:no", "before=PidFile:kill:KILL"] {
        let launcher = run(&lab, "start", &["first=note_at_exit", "continue_after_start=true", failing]).exits(2);
        nothing_left(&lab);
        let notes = lab.read("atexit");
        assert!(notes.lines().count() == 1 && notes.contains(&format!(" {} ", launcher.pid)), "{failing}: {notes:?}");
        std::fs::remove_file(lab.path("atexit")).unwrap();
    }
}

/// Promise 4.04.
#[test]
fn annotated_main_runs_exit_functions_in_the_daemon_only() {
    let lab = look::Lab::new(env!("CARGO_BIN_EXE_annotated"));
    lab.run(&[]).ok();
    let daemon = adopt(lab.daemon("annotated.pid"));
    assert_eq!(lab.read("atexit"), "", "the launcher or the middle ran it");
    assert_eq!(lab.read("dropped"), "");
    daemon.signal(Signal::SIGTERM);
    daemon.died(EVENT_TIMEOUT).expect("it stops");
    assert_eq!(lab.read("dropped"), format!("{}\n", daemon.id()));
    assert_eq!(lab.read("atexit"), format!("{}\n", daemon.id()));
    assert!(!lab.path("annotated.pid").exists());
}

/// Promise 4.05.
#[test]
fn code_after_a_failed_start_runs_in_one_process() {
    let lab = lab();
    for failing in ["before=Detach:panic:no", "before=Stdio:err:no", "after=PidFile:exit:9", "user=nobody-of-that-name"]
    {
        let launcher = run(&lab, "start", &[failing, "last=note:behind"]);
        assert_ne!(launcher.code(), 0, "{launcher}");
        nothing_left(&lab);
        let notes = lab.read("behind");
        assert!(notes.lines().count() == 1 && notes.contains(&format!(" {} ", launcher.pid)), "{failing}: {notes:?}");
        std::fs::remove_file(lab.path("behind")).unwrap();
    }
}

/// Promise 4.11.
#[test]
fn pid_of_the_daemon_is_the_same_everywhere() {
    let lab = lab();
    let daemon = start(&lab, &["body=note:noted,idle"]);
    let note = lab.wait_for("noted", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    assert!(note.starts_with(&format!("was here {} ", daemon.id())), "{note:?}");
    run(&lab, "pid", &[]).ok().prints(&[&format!("pid {}", daemon.id())]);
}

/// Promise 4.13.
#[test]
fn signal_to_forked_child_ends_it_and_tells_the_daemon_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1] {
        let lab = lab();
        let settings = ["body=fork_sleeper_and_idle", "stdout=log", "handle=TERM:note:told", "handle=USR1:note:told"];
        let daemon = start(&lab, &settings);
        lab.wait_for("forked", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let child = |process: &Process| process.stat().is_some_and(|stat| stat.parent == daemon.id());
        let child = lab.processes().into_iter().find(child).expect("a child");
        child.signal(signal);
        child.died(EVENT_TIMEOUT).unwrap_or_else(|_| panic!("{signal} does not end it"));
        // The daemon handles signals in the order in which they come.
        daemon.signal(Signal::SIGUSR1);
        lab.wait_for("told", EVENT_TIMEOUT, |notes| !notes.is_empty());
        assert_eq!(lab.read("told").lines().count(), 1, "{signal}");
        assert!(daemon.alive());
        stop(&lab);
    }
}

/// Promise 4.13. A handler installed before the daemon that runs once (`SA_RESETHAND`) restores the default action.
#[test]
fn second_signal_to_forked_child_ends_it_where_the_handler_was_to_run_once() {
    let lab = custom_shutdown::lab();
    let daemon = begun(&lab, &["by=once", "at=main", "body=forks"]);
    let child = |process: &Process| process.stat().is_some_and(|stat| stat.parent == daemon.id());
    let child = lab.processes().into_iter().find(child).expect("a child");
    child.signal(Signal::SIGTERM);
    child.died(Duration::from_millis(200)).expect_err("the handler takes the first");
    child.signal(Signal::SIGTERM);
    child.died(EVENT_TIMEOUT).expect("the second ends it");
    assert!(daemon.alive());
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("it is killed");
}

/// Promise 4.13.
#[test]
fn forked_child_that_comes_back_from_the_body_leaves_the_daemon_alone() {
    let ends = [("panic", 4), ("error", 4), ("ready", 0), ("stop", 0)];
    each(ends.into_iter().flat_map(|end| ["", "late-"].map(|before| (before, end))), |(before, (end, status))| {
        let lab = lab();
        let daemon =
            start(&lab, &["stdout=log", "stderr=log", &format!("body=return_from_forked_child:{before}{end}")]);
        let notes = lab.wait_for("forked", EVENT_TIMEOUT, |notes| notes.ends_with('\n'));
        assert!(notes.ends_with(&format!(" {}\n", daemon.id())), "{notes:?}");
        let state = || lab.processes().into_iter().filter(|process| *process != daemon).find_map(Process::stat);
        look::until(lab.directory(), look::Deadline::after(EVENT_TIMEOUT), || {
            state().is_none_or(|it| it.state == 'Z').then_some(())
        })
        .unwrap_or_else(|_| panic!("{before}{end}: the child does not end"));
        assert!(status == 0 || lab.read("log").contains("lost"), "{before}{end}");
        assert!(daemon.alive(), "{before}{end}");
        run(&lab, "pid", &[]).ok().prints(&[&format!("pid {}", daemon.id())]);
        stop(&lab);
        nothing_left(&lab);
    });
}

/// The child has only the thread that forked: no signal would wake it, and the child would keep the lock.
#[test]
fn child_that_returns_from_a_handler_ends() {
    let lab = lab();
    let daemon = start(&lab, &["handle=USR1:return_from_forked_child:error"]);
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("forked", EVENT_TIMEOUT, |notes| !notes.is_empty());
    look_until("the child stays", || lab.processes() == [daemon]);
    daemon.signal(Signal::SIGKILL);
    look_until("the daemon stays", || !daemon.alive());
}

/// Promise 4.01. A logger may create its thread at a record that a restart logs after all checks.
#[test]
fn thread_that_a_logger_makes_during_a_restart_is_found() {
    let lab = lab();
    start(&lab, &[]);
    let restart = lab.helper(&["restart", "pidfile=d.pid"]).env("LAB_LOG", "records.thread");
    restart.run().exits(2).says(&["2 threads", "records"]);
    nothing_left(&lab);
}
