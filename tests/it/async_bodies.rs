//! Async bodies: how they start and how they end.

use std::time::{Duration, Instant};

use look::{Lab, Process};
use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::common::{EVENT_TIMEOUT, PIDFILE, adopt, each, ended, nothing_left, run, start, stop};

/// Far below the default grace of ten seconds.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(4);

/// A lab with the helper program `awaits`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_awaits"))
}

/// Starts a daemon, and waits until it has noted `begun`.
#[track_caller]
pub(crate) fn begun(lab: &Lab, settings: &[&str]) -> Process {
    let daemon = adopt(start(lab, &[settings, &["stderr=log"]].concat()));
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon
}

/// Stops a daemon with SIGTERM, asserts its exit status, and returns the time that it took.
#[track_caller]
pub(crate) fn stops(lab: &Lab, daemon: Process, status: i32) -> Duration {
    let told = Instant::now();
    daemon.signal(Signal::SIGTERM);
    ended(daemon, status);
    nothing_left(lab);
    told.elapsed()
}

/// Returns the number of threads of its runtime.
pub(crate) fn workers(daemon: Process) -> usize {
    let names = daemon.threads().into_iter().filter_map(|thread| Some(thread.stat()?.name));
    names.filter(|name| name.starts_with("tokio")).count()
}

pub(crate) const RUNTIMES: [&str; 2] = ["runtime=multi_thread", "runtime=current_thread"];

/// Promise 10.01.
#[test]
fn body_that_never_asks_is_dropped_where_it_awaits() {
    each(RUNTIMES, |runtime| {
        for body in [
            "note:begun,hang",
            "note:begun,pause:3600000",
            "sleep_ignoring_stop",
            "block_ignoring_stop",
            "two_sleeps_ignoring_stop",
        ] {
            let lab = lab();
            let daemon = begun(&lab, &[runtime, "guard=left", &format!("body={body}")]);
            let took = stops(&lab, daemon, 0);
            assert!(took < AT_ONCE, "{runtime}, `{body}`: {took:?}");
            assert_eq!(lab.read("left"), format!("dropped {}\n", daemon.id()), "{runtime}, `{body}`");
            assert_eq!(lab.read("log"), "", "{runtime}, `{body}`");
        }
    });
}

/// Promise 10.01.
#[test]
fn stop_of_body_drops_its_tasks() {
    each(RUNTIMES, |runtime| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "guard=left", "body=spawn_two_tasks"]);
        assert!(stops(&lab, daemon, 0) < AT_ONCE);
        for file in ["left", "one", "two"] {
            assert_eq!(lab.read(file), format!("dropped {}\n", daemon.id()), "{runtime}, {file}");
        }
    });
}

/// Promise 10.01.
#[test]
fn end_of_body_drops_its_tasks() {
    for (end, status) in [("return", 0), ("error", 4), ("panic", 4)] {
        let lab = lab();
        let daemon = begun(&lab, &[&format!("body=spawn_task_and_end:{end}")]);
        lab.write("go", "");
        ended(daemon, status);
        nothing_left(&lab);
        assert!(lab.read("task").starts_with("dropped"), "{end}");
    }
}

/// Promise 10.01. A thread cannot be ended from outside, but the daemon exits once its body has ended.
#[test]
fn task_that_blocks_its_thread_does_not_keep_the_process() {
    for end in ["return", "panic"] {
        let lab = lab();
        let daemon = begun(&lab, &[&format!("body=block_thread_and_end:{end}")]);
        let outcome = daemon.died(Duration::from_secs(30)).expect("its body has ended");
        assert!(matches!(outcome, Some(WaitStatus::Exited(_, 0 | 4))), "{end}: {outcome:?}");
        assert!(lab.read("log").contains("still blocks its thread"), "{end}: {}", lab.read("log"));
        nothing_left(&lab);
    }
}

/// Promise 10.02.
#[test]
fn body_that_asks_has_its_grace() {
    each(RUNTIMES, |runtime| {
        for asks in
            ["note:begun,idle,pause:200,note:cleaned", "sleep_and_clean_up", "await_stop_beside_work_and_clean_up"]
        {
            let lab = lab();
            let daemon = begun(&lab, &[runtime, "guard=left", &format!("body={asks}")]);
            let took = stops(&lab, daemon, 0);
            assert!((Duration::from_millis(200)..AT_ONCE).contains(&took), "{runtime}, `{asks}`: {took:?}");
            assert!(lab.path("cleaned").exists() && lab.path("left").exists(), "{runtime}, `{asks}`");
            assert_eq!(lab.read("log"), "", "{runtime}, `{asks}`");
        }
    });
}

/// Promise 10.02.
#[test]
fn task_that_asks_has_the_grace() {
    let lab = lab();
    let daemon = begun(&lab, &["body=spawn_task_that_cleans_up"]);
    stops(&lab, daemon, 0);
    assert!(lab.path("cleaned").exists());
}

/// Promise 10.02.
#[test]
fn stop_reaches_another_runtime() {
    let lab = lab();
    let daemon = begun(&lab, &["body=await_stop_in_another_runtime"]);
    assert!(stops(&lab, daemon, 0) < AT_ONCE);
    assert!(lab.path("heard").exists());
}

/// Promise 10.02.
#[test]
fn blocked_thread_is_ended_after_the_grace_and_logged() {
    let bodies = ["note_and_block:begun", "note:begun,ask,hang", "spawn_task_that_blocks", "block_thread_and_end:hang"];
    each(RUNTIMES.iter().flat_map(|runtime| bodies.map(|body| (*runtime, body))), |(runtime, body)| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "grace=700", &format!("body={body}")]);
        let took = stops(&lab, daemon, 1);
        assert!((Duration::from_millis(700)..AT_ONCE).contains(&took), "{runtime}, `{body}`: {took:?}");
        assert_eq!(
            lab.read("log"),
            "awaits: did not end within its grace of 700ms, and was ended\n",
            "{runtime}, `{body}`"
        );
    });
}

/// Promise 10.04.
#[test]
fn error_or_panic_before_readiness_reaches_the_launcher() {
    for (end, says) in [
        ("err:no paper", "the body failed: no paper"),
        ("panic:no ink", "the body panicked: no ink"),
        ("exit:7", "exited with status 7"),
        ("pause:1", "the body returned before it was ready"),
    ] {
        let lab = lab();
        let outcome = run(&lab, "start", &["ready=manual", &format!("body=pause:1,{end}")]).says(&[says]);
        assert!([2, 4].contains(&outcome.code()), "{end}: {outcome}");
        nothing_left(&lab);
    }
}

/// Promise 10.04.
#[test]
fn error_or_panic_after_readiness_is_logged() {
    for (end, says) in [("err:no paper", "the body failed: no paper"), ("panic:no ink", "the body panicked: no ink")] {
        for ready in ["ready=manual", "stdout=out"] {
            let lab = lab();
            let daemon = begun(&lab, &[ready, &format!("body=pause:1,ready,note:begun,await:go,{end}")]);
            lab.write("go", "");
            ended(daemon, 4);
            nothing_left(&lab);
            assert!(lab.read("log").contains(&format!("awaits: {says}\n")), "{}", lab.read("log"));
        }
    }
}

/// Promise 10.04.
#[test]
fn ready_in_async_task_completes_the_start() {
    for body in ["pause:300,say:hello,ready,note:begun,hang", "spawn_task_that_gets_ready"] {
        let lab = lab();
        let outcome = run(&lab, "start", &["ready=manual", &format!("body={body}")]).ok().prints(&["hello"]);
        assert!(outcome.took >= Duration::from_millis(300), "{outcome}");
        lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 10.04.
#[test]
fn foreground_daemon_keeps_its_process() {
    for (end, status) in [("stop_itself", 0), ("say:working,err:no paper", 4), ("say:working,pause:1", 0)] {
        let lab = lab();
        run(&lab, "foreground", &["guard=left", &format!("body={end}")]).exits(status).prints(&["working"]);
        assert!(lab.path("left").exists());
        nothing_left(&lab);
    }
}

/// Promise 10.04.
#[test]
fn signal_handlers_of_daemon_and_tokio_both_run() {
    each(RUNTIMES, |runtime| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "body=note_hangups", "handle=SIGHUP:note:handled"]);
        for round in 1..=3 {
            daemon.signal(Signal::SIGHUP);
            for file in ["handled", "heard"] {
                lab.wait_for(file, EVENT_TIMEOUT, |notes| notes.lines().count() == round);
            }
        }
        stops(&lab, daemon, 0);
    });
}

/// Promise 10.04.
#[test]
fn annotated_async_function_runs() {
    let lab = lab();
    lab.run(&["serve"]).ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert_eq!(workers(daemon), 3);
    stops(&lab, daemon, 0);
    assert!(lab.path("left").exists());
}

/// Promise 10.04.
#[test]
fn annotated_async_main_never_returns() {
    let lab = Lab::new(env!("CARGO_BIN_EXE_awaits_main"));
    lab.run(&[]).ok();
    let daemon = adopt(lab.daemon(PIDFILE));
    assert_eq!(workers(daemon), 0);
    assert!(stops(&lab, daemon, 0) < AT_ONCE);
    assert_eq!(lab.read("left"), format!("dropped {}\n", daemon.id()));
}

/// Promise 10.02. Each sleep is the first of its future, and each returns at the stop.
#[test]
fn concurrent_sleeps_each_return_at_the_stop() {
    each(RUNTIMES, |runtime| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "body=two_sleeps_and_clean_up"]);
        stops(&lab, daemon, 0);
        assert!(["one", "other", "cleaned"].iter().all(|file| lab.path(file).exists()), "{runtime}");
    });
}

/// Promise 10.02. A body that has awaited the stop knows of it, as after `stopping`.
#[test]
fn body_that_awaited_the_stop_may_sleep_during_cleanup() {
    each(RUNTIMES, |runtime| {
        let lab = lab();
        let daemon = begun(&lab, &[runtime, "body=sleep_while_cleaning_up"]);
        stops(&lab, daemon, 0);
        assert!(lab.path("cleaned").exists(), "{runtime}");
    });
}
