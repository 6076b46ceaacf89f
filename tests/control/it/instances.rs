//! There can be only one: launches of one program at the same time and one after another.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::FileTypeExt;
use std::time::Duration;

use look::{Deadline, Lab};
use nix::sys::signal::Signal;

use crate::single_instance::{
    First, PIDFILE, SOON, call, client, freeze, hold, lab, times, times_in_log, wait_for_state,
};

/// One launch wins, and every other one gets its answer from the winner.
#[test]
fn of_a_hundred_launches_at_once_one_is_the_first_and_reaches_all_others() {
    let lab = lab();
    for round in 0..times(1, 10) {
        let _ = fs::remove_file(lab.path("log"));
        let launches: Vec<_> =
            (0..100).map(|number| lab.helper(&["launch", "app", &format!("n{number}")]).spawn()).collect();
        lab.wait_for("log", Duration::from_secs(30), |log| {
            log.lines().filter(|line| line.starts_with("arrived ")).count() == 99
        });
        let log = lab.read("log");
        let first: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("primary ")).collect();
        assert_eq!(first.len(), 1, "round {round}: {log}");
        call(&lab, &["stop"]);
        let outcomes: Vec<_> = launches.into_iter().map(|launch| launch.finish().ok().stdout).collect();
        let primary = format!("primary {}\n", first[0]);
        assert_eq!(outcomes.iter().filter(|said| **said == primary).count(), 1, "{outcomes:?}");
        for (number, said) in outcomes.iter().enumerate().filter(|(_, said)| **said != primary) {
            assert_eq!(*said, format!("forwarded {} \"n{number}\"\n", first[0]), "round {round}");
        }
        let arrivals: Vec<&str> = log.lines().filter(|line| line.starts_with("arrived ")).collect();
        let different: std::collections::BTreeSet<&&str> = arrivals.iter().collect();
        assert_eq!(different.len(), 99, "an event came twice: {arrivals:?}");
        assert_eq!(times_in_log(&lab, "on_stop"), 1);
        nothing_left(&lab);
    }
}

/// Promise 1.44.
#[test]
fn second_launch_hands_over_what_is_not_utf8_from_a_directory_that_is_gone() {
    let lab = lab();
    let first = lab.helper(&["open", "app"]).spawn();
    lab.wait_for("log", SOON, |log| log.starts_with("primary "));
    let script = "APP=$PWD/app && mkdir gone && cd gone && $1 rmdir ../gone && exec $D open $APP $'\\xff\\xfe' plain";
    for (place, directory) in [("", "None"), (":", "Some(")] {
        lab.command("bash", &["-c", script, "bash", place]).env("D", lab.program()).run().ok();
        let opened =
            format!("\"open\", \"{}\", \"\\xFF\\xFE\", \"plain\"], directory: {directory}", lab.path("app").display());
        let log = lab.read("log");
        assert!(log.lines().last().is_some_and(|line| line.contains(&opened)), "{opened}: {log}");
    }
    first.signal(Signal::SIGTERM);
    first.finish().ok();
}

#[test]
fn a_second_launch_gets_a_client_of_the_first() {
    let lab = lab();
    // No patience is too long for the clock.
    let first = hold(&lab, &[&format!("patience={}", u64::MAX)]);
    let pid = first.process.id();
    assert_eq!(call(&lab, &["pid"]), format!("Some({pid})"));
    let second = call(&lab, &["start"]);
    assert!(second.starts_with(&format!("AlreadyRunning {{ pid: Pid({pid}) }}")), "{second}");
    assert!(second.ends_with(r#"{"success":true,"echo":"you"}"#), "{second}");
    lab.helper(&["hold", "app"]).run().exits(3).says(&["AlreadyRunning", &format!("already running as pid {pid}")]);
    assert_eq!(call(&lab, &["get", "/custom"]), "\"a route of its own\"");
    assert_eq!(call(&lab, &["send", "event", r#"{"name":"echo","what":[1]}"#]), r#"{"success":true,"echo":[1]}"#);
    end(&lab, first);
}

/// Nobody, somebody who answers, and somebody who does not.
#[test]
fn whether_it_runs_has_three_answers() {
    let lab = lab();
    assert_eq!(call(&lab, &["running"]), "None");
    let first = hold(&lab, &[]);
    let pid = first.process.id();
    assert_eq!(call(&lab, &["running"]), format!("Running {{ pid: Pid({pid}), address: {:?} }}", first.address));
    freeze(first.process);
    let held = lab.helper(&["call", "app", "running"]).run().ok();
    assert!(held.stdout.starts_with("Held(\"failed to ask for `/`: no answer within"), "{held}");
    first.process.signal(Signal::SIGCONT);
    end(&lab, first);
    assert_eq!(call(&lab, &["running"]), "None");
    let lock = lab.helper(&["lock", PIDFILE, "100000"]).spawn();
    lab.wait_for(PIDFILE, SOON, str::is_empty);
    assert_eq!(call(&lab, &["running"]), "Held(\"it is starting\")");
    lock.signal(Signal::SIGKILL);
}

/// After a crash the kernel has freed the lock; what lies around is replaced.
#[test]
fn p5_08_after_a_crash_the_next_launch_is_the_first() {
    let lab = lab();
    let mut before = None;
    for _ in 0..3 {
        let first = hold(&lab, &["address=127.0.0.1:0"]);
        let socket = lab.path("app/.control/socket");
        assert!(fs::metadata(&socket).expect("a socket").file_type().is_socket());
        let token = lab.read("app/.control/token");
        assert!(before.as_ref() != Some(&token), "the token is not new");
        before = Some(token);
        assert_eq!(call(&lab, &["event", "echo", r#"{"what":1}"#]), r#"{"success":true,"echo":1}"#);
        first.process.signal(Signal::SIGKILL);
        first.program.finish();
        assert_eq!(call(&lab, &["running"]), "None");
        lab.helper(&["call", "app", "get", "/"]).run().exits(5).says(&["NotRunning", "it is dead"]);
    }
    let first = hold(&lab, &[]);
    end(&lab, first);
}

/// What is no socket of ours is not removed.
#[test]
fn p5_08_a_planted_file_is_an_error_and_stays() {
    let lab = lab();
    fs::create_dir_all(lab.path("app/.control")).expect("a directory");
    lab.write("app/.control/socket", "precious");
    lab.helper(&["hold", "app"]).run().exits(2).says(&["Start", "app/.control/socket", "it is no socket"]);
    assert_eq!(lab.read("app/.control/socket"), "precious");
    assert!(!lab.path(PIDFILE).exists(), "a pidfile left behind");
}

#[test]
fn p5_15_a_port_that_a_stranger_has_is_an_error_that_says_so() {
    let lab = lab();
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("address={}", stranger.local_addr().expect("an address"));
    let said = lab.helper(&["hold", "app", &address]).run().exits(2);
    said.says(&["failed to start instance `only`", &address[8..], "in use"]);
    assert!(!lab.path(PIDFILE).exists() && times_in_log(&lab, "on_stop") == 0);
    drop(stranger);
    let first = hold(&lab, &[&address]);
    assert!(lab.read(PIDFILE).lines().any(|line| line == format!("http://{}", &address[8..])));
    end(&lab, first);
}

/// A launch that finds the lock held and no address waits for either, but not for ever.
#[test]
fn a_lock_without_an_address_is_waited_for() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let lock = lab.helper(&["lock", PIDFILE, "5000"]).spawn();
    lab.wait_for(PIDFILE, SOON, str::is_empty);
    let impatient = lab.helper(&["hold", "app", "patience=300"]).run().exits(3);
    assert!(impatient.took < crate::common::AT_ONCE, "{impatient}");
    impatient.says(&["Held", "locked, but not by a daemon"]);
    let first = hold(&lab, &["patience=20000"]);
    lock.finish().ok();
    end(&lab, first);
}

/// Whoever was first and cannot be reached any more is waited for, and followed.
#[test]
fn a_first_one_on_its_way_out_is_waited_for() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let leaving = lab.helper(&["seal", PIDFILE, "unix:///no/socket"]).spawn();
    lab.wait_for(PIDFILE, SOON, |text| text.lines().count() == 3);
    let launch = lab.helper(&["launch", "app", "next"]).spawn();
    // It has looked and sleeps now and then; the first one is still there.
    wait_for_state(launch.process(), 'S');
    std::thread::sleep(Duration::from_millis(300));
    assert!(launch.process().alive(), "it has given up");
    leaving.signal(Signal::SIGKILL);
    lab.wait_for("log", SOON, |log| log.contains(&format!("primary {}\n", launch.process().id())));
    call(&lab, &["stop"]);
    launch.finish().ok();
    nothing_left(&lab);
}

/// However the end comes, `on_stop` runs once, and the next launch is the first.
#[test]
fn on_stop_runs_once_whichever_way_the_end_comes() {
    for (settings, how) in [
        ("then=wait", Signal::SIGTERM),
        ("then=wait", Signal::SIGINT),
        ("then=wait", Signal::SIGHUP),
        ("then=sleep", Signal::SIGTERM),
        ("then=sleep", Signal::SIGINT),
    ] {
        let lab = lab();
        let first = hold(&lab, &[settings]);
        // Two at the same moment, where it goes on after them.
        freeze(first.process);
        first.process.signal(how);
        if settings == "then=wait" {
            first.process.signal(if how == Signal::SIGTERM { Signal::SIGINT } else { Signal::SIGTERM });
        }
        first.process.signal(Signal::SIGCONT);
        let outcome = first.program.finish();
        // Who waits goes on; who knows nothing of the signal dies of it.
        let expected = if settings == "then=wait" { 0 } else { 128 + how as i32 };
        assert_eq!(outcome.code(), expected, "{settings} {how}: {outcome}");
        assert_eq!(times_in_log(&lab, "goes on"), usize::from(settings == "then=wait"));
        assert_eq!(times_in_log(&lab, "on_stop"), 1, "{settings} {how}");
        nothing_left(&lab);
    }
    let lab = lab();
    lab.helper(&["hold", "app", "then=drop_at_once"]).run().ok();
    assert_eq!(lab.read("log").lines().skip(2).collect::<Vec<_>>(), ["on_stop", "goes on"]);
    nothing_left(&lab);
    let forever = lab.helper(&["hold", "app", "then=run_forever"]).spawn();
    lab.wait_for(PIDFILE, SOON, |text| !text.is_empty());
    forever.signal(Signal::SIGTERM);
    forever.finish().ok();
    assert_eq!(times_in_log(&lab, "on_stop"), 2);
    nothing_left(&lab);
}

/// Promise 2.27: the lock is free all the same, and the program does not end as if all were well.
#[test]
fn on_stop_that_panics_makes_the_program_fail() {
    let lab = lab();
    let waits = hold(&lab, &["on_stop=panics", "then=wait"]);
    waits.process.signal(Signal::SIGTERM);
    let stops = lab.helper(&["hold", "other", "on_stop=panics", "then=stop_at_once"]).spawn();
    for program in [waits.program, stops] {
        program.finish().exits(101).says(&["no pen"]);
    }
    nothing_left(&lab);
}

/// The guard is dropped while a client asks for the end, and a signal comes as well.
#[test]
fn all_ends_at_once_are_one_end() {
    for _ in 0..times(5, 100) {
        let lab = lab();
        let first = hold(&lab, &["then=wait"]);
        let stops: Vec<_> = (0..4).map(|_| lab.helper(&["call", "app", "stop"]).spawn()).collect();
        first.process.signal(Signal::SIGTERM);
        let outcome = first.program.finish();
        // The signal came to the instance, or to a program that has none any more.
        let is_killed = outcome.code() == 128 + Signal::SIGTERM as i32;
        assert!(is_killed || outcome.code() == 0, "{outcome}");
        for stop in stops {
            stop.finish().ok();
        }
        assert_eq!(times_in_log(&lab, "on_stop"), 1);
        assert!(is_killed || times_in_log(&lab, "goes on") == 1);
        nothing_left(&lab);
    }
}

/// An ignored signal stays ignored: a program under `nohup` does not end when the terminal goes.
#[test]
fn an_ignored_signal_does_not_end_it() {
    let lab = lab();
    let program = lab.shell("trap '' HUP; exec \"$D\" hold app then=sleep").spawn();
    lab.wait_for("log", SOON, |log| log.contains("primary "));
    program.signal(Signal::SIGHUP);
    assert!(call(&lab, &["running"]).starts_with("Running"));
    program.signal(Signal::SIGTERM);
    assert_eq!(program.finish().code(), 128 + 15);
    assert_eq!(times_in_log(&lab, "on_stop"), 1);
}

#[test]
fn a_stop_is_answered_before_the_end() {
    let lab = lab();
    let first = hold(&lab, &[]);
    assert_eq!(call(&lab, &["stop"]), r#"{"success":true,"state":"stopping"}"#);
    // Whoever stops it returns when it is gone: its lock is free already.
    assert!(!lab.path(PIDFILE).exists());
    first.program.finish().ok();
    // It is no failure that there is nobody to stop.
    assert_eq!(call(&lab, &["stop"]), r#"{"success":true,"state":"stopped"}"#);
    // What only a daemon can do is refused.
    let first = hold(&lab, &[]);
    for verb in ["restart", "reload"] {
        lab.helper(&["call", "app", "send", verb, "{}"]).run().exits(5).says(&["Refused(409)", "no daemon"]);
    }
    end(&lab, first);
}

/// Handlers come and go.
#[test]
fn handlers_change_while_it_runs() {
    let lab = lab();
    let first = hold(&lab, &[]);
    let event = |name: &str, data: &str| lab.helper(&["call", "app", "event", name, data]).run();
    let nobody = ["NoHandler", "failed to handle event `switched`: no handler found for switched"];
    event("gone", "null").exits(5).says(&["NoHandler"]);
    for _ in 0..2 {
        event("switched", "null").exits(5).says(&nobody);
        for to in ["one", "other"] {
            event("switch", &format!("{{\"to\":{to:?}}}")).ok();
            event("switched", "null").ok().prints(&[&format!("\"to\":{to:?}")]);
        }
        event("switch", "null").ok();
    }
    event("switched", "null").exits(5).says(&nobody);
    end(&lab, first);
}

#[test]
fn a_handler_that_fails_panics_or_takes_long_hurts_nobody_else() {
    let lab = lab();
    let first = hold(&lab, &[]);
    let event = |name: &str| lab.helper(&["call", "app", "event", name, "null"]).run();
    event("fail").exits(5).says(&["Handler: failed to handle event `fail`: out of luck"]);
    let panicked = event("panic").exits(5).says(&["Handler", "panicked"]);
    assert!(!panicked.stderr.contains("TOPSECRET") && !panicked.stderr.contains("instance.rs"), "{panicked}");
    let slow: Vec<_> = (0..8).map(|_| lab.helper(&["call", "app", "event", "slow", "null"]).spawn()).collect();
    lab.wait_for("log", SOON, |log| log.lines().filter(|line| *line == "slow begins").count() == 8);
    let quick = lab.helper(&["call", "app", "get", "/"]).run().ok();
    assert!(quick.took < crate::common::AT_ONCE, "a slow handler blocks: {quick}");
    for one in slow {
        one.finish().ok();
    }
    end(&lab, first);
}

/// The third line of the pidfile is an address, from the moment that it has more than none.
#[test]
fn the_pidfile_is_empty_or_complete() {
    let lab = lab();
    fs::create_dir(lab.path("app")).expect("a directory");
    let program = lab.helper(&["hold", "app", "address=127.0.0.1:0"]).spawn();
    let text = look::file(&lab.path(PIDFILE), Deadline::after(SOON), |bytes| !bytes.is_empty()).expect("an instance");
    let text = String::from_utf8(text).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0], program.process().id().to_string());
    // What was asked for comes first; a client of ours goes to the socket all the same, where it needs no token.
    assert!(lines[2].starts_with("http://127.0.0.1:"), "{text}");
    assert_eq!(lines[3], format!("unix://{}", lab.path("app/.control/socket").display()));
    fs::remove_file(lab.path("app/.control/token")).expect("a token");
    // Whoever reads an address can connect to it.
    assert!(call(&lab, &["get", "/"]).contains("\"success\":true"));
    client(&lab, PIDFILE, &["async", "get", "/"]).ok();
    let running = call(&lab, &["running"]);
    assert!(running.ends_with(&format!("address: {:?} }}", lines[2])), "{running}");
    wait_for_state(program.process(), 'S');
    program.signal(Signal::SIGTERM);
    program.finish().ok();
}

#[track_caller]
fn end(lab: &Lab, first: First<'_>) {
    call(lab, &["stop"]);
    first.program.finish().ok();
    nothing_left(lab);
}

#[track_caller]
fn nothing_left(lab: &Lab) {
    lab.quiet(SOON).expect("processes are left behind");
    for left in [PIDFILE, "app/.control"] {
        assert!(!lab.path(left).exists(), "`{left}` is left behind");
    }
}
