//! Invalid settings: each is an error with an exit status of its own, and no file or process is left behind.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use look::{Lab, Outcome};

use crate::common::{PIDFILE, each, lab, needs, needs_root, nothing_left, run, shared_lab, start, stop};

/// Runs the program as uid and gid 65534, in the lab.
pub(crate) fn as_nobody(lab: &Lab, arguments: &[&str]) -> Outcome {
    needs(&["setpriv"]);
    needs_root();
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    lab.command("setpriv", &nobody).arg(lab.program()).args(arguments).run()
}

/// Asserts that no process lives, and that the directory holds only these files.
#[track_caller]
pub(crate) fn unchanged(lab: &Lab, files: &[&str]) {
    lab.quiet(Duration::from_secs(5)).expect("no process left");
    let mut there: Vec<String> =
        fs::read_dir(lab.directory()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    assert_eq!(there, files, "files left behind");
}

#[test]
fn unknown_user_or_group_is_named() {
    let lab = lab();
    for (setting, name) in [
        ("user=no-such-user", "no-such-user"),
        ("group=no-such-group", "no-such-group"),
        ("user=", "user"),
        ("user=-1", "-1"),
        ("user=0day", "0day"),
        ("user=+0", "+0"),
        ("user=00", "00"),
        ("user=4294967295", "4294967295"),
        ("user=4294967296", "4294967296"),
    ] {
        run(&lab, "start", &[setting, "body=note:ran,idle"]).exits(2).says(&[name]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn unknown_signal_is_named() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    for number in ["999", "0", "-1"] {
        run(&lab, "send", &[&format!("signal={number}")]).exits(2).says(&[number]);
    }
    assert!(daemon.alive());
    stop(&lab);
    run(&lab, "start", &["handle=999:note:handled"]).exits(2).says(&["999"]);
    unchanged(&lab, &[]);
}

#[test]
fn signal_that_cannot_be_handled_is_refused_with_the_reason() {
    let lab = lab();
    for (signal, name) in
        [("KILL", "SIGKILL"), ("STOP", "SIGSTOP"), ("SEGV", "SIGSEGV"), ("FPE", "SIGFPE"), ("ILL", "SIGILL")]
    {
        run(&lab, "start", &[&format!("handle={signal}:note:handled")]).exits(2).says(&[name]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn missing_working_directory_is_named() {
    let lab = lab();
    let path = lab.path("missing").display().to_string();
    run(&lab, "start", &["working_directory=missing"]).exits(2).says(&[&path, "no such file or directory"]);
    unchanged(&lab, &[]);
}

#[test]
fn log_that_cannot_be_written_is_named() {
    let lab = lab();
    fs::create_dir(lab.path("directory")).unwrap();
    lab.write("victim", "precious");
    symlink("victim", lab.path("link")).unwrap();
    let before = ["directory", "link", "victim"];
    for stream in ["stdout", "stderr"] {
        for place in ["missing/log", "directory", "link"] {
            let path = lab.path(place).display().to_string();
            run(&lab, "start", &[&format!("{stream}={place}")]).exits(2).says(&[&path]);
            unchanged(&lab, &before);
        }
    }
    assert_eq!(lab.read("victim"), "precious");
}

#[test]
fn missing_standard_input_is_named() {
    let lab = lab();
    let path = lab.path("missing").display().to_string();
    run(&lab, "start", &["stdin=missing"]).exits(2).says(&[&path, "no such file or directory"]);
    unchanged(&lab, &[]);
}

#[test]
fn zero_durations_are_refused() {
    let lab = lab();
    for key in ["start_timeout", "stop_timeout"] {
        run(&lab, "start", &[&format!("{key}=0")]).exits(2).says(&[key]);
        unchanged(&lab, &[]);
    }
}

/// The setting is refused or means "never": no panic, and the daemon can be stopped.
#[test]
fn longest_durations_do_not_panic() {
    let lab = lab();
    for setting in ["start_timeout=max", "stop_timeout=max", "grace=max", "lock_timeout=max", "step=pause:1 every=max"]
    {
        let settings: Vec<&str> = setting.split(' ').collect();
        let outcome = run(&lab, "start", &settings);
        match outcome.code() {
            0 => drop(run(&lab, "stop", &[]).ok()),
            _ => drop(
                outcome.exits(2).says(&[setting.split(['=', ' ']).rfind(|word| word.len() > 4).unwrap_or_default()]),
            ),
        }
        unchanged(&lab, &[]);
    }
}

/// Fifty years, in milliseconds.
#[test]
fn durations_of_fifty_years_work() {
    let lab = lab();
    let life = ["start_timeout", "stop_timeout", "grace"].map(|key| format!("{key}=1576800000000"));
    let life: Vec<&str> = life.iter().map(String::as_str).collect();
    start(&lab, &life);
    run(&lab, "start", &life).exits(3);
    run(&lab, "stop", &life).ok();
    nothing_left(&lab);
    start(&lab, &["step=note:stepped", "every=1576800000000"]);
    stop(&lab);
    nothing_left(&lab);
}

#[test]
fn grace_above_the_stop_timeout_is_refused() {
    let lab = lab();
    for verb in ["start", "stop"] {
        run(&lab, verb, &["grace=3000", "stop_timeout=2000"]).exits(2).says(&["grace", "stop_timeout"]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn invalid_umask_or_mode_is_refused() {
    let lab = lab();
    for (setting, word) in [("umask=1777", "umask"), ("pidfile_mode=1777", "mode"), ("pidfile_mode=666", "mode")] {
        run(&lab, "start", &[setting]).exits(2).says(&[word]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn closed_descriptor_to_inherit_is_named() {
    let lab = lab();
    run(&lab, "start", &["inherit=77"]).exits(2).says(&["77"]);
    unchanged(&lab, &[]);
}

#[test]
fn name_with_slash_is_refused() {
    let lab = lab();
    for name in ["", "a/b", "../escape"] {
        lab.run(&["start", &format!("name={name}")]).exits(2).says(&["name"]);
        unchanged(&lab, &[]);
    }
}

#[test]
fn second_start_names_the_running_daemon() {
    let lab = lab();
    let pid = start(&lab, &[]).id().to_string();
    run(&lab, "start", &["body=note:second,idle"]).exits(3).says(&["already", &pid]);
    run(&lab, "foreground", &["body=note:second,idle"]).exits(3).says(&["already", &pid]);
    assert!(!lab.path("second").exists());
    assert_eq!(lab.daemon(PIDFILE).id().to_string(), pid);
}

#[test]
fn stop_without_daemon_succeeds_and_names_the_pidfile() {
    let lab = lab();
    let path = lab.path(PIDFILE).display().to_string();
    run(&lab, "stop", &[]).ok().prints(&["not running", &path]);
    run(&lab, "status", &[]).exits(3).prints(&[&path]);
    run(&lab, "pid", &[]).ok().prints(&["no process"]);
    unchanged(&lab, &[]);
}

#[test]
fn send_without_daemon_fails_and_names_the_pidfile() {
    let lab = lab();
    let path = lab.path(PIDFILE).display().to_string();
    let outcome = run(&lab, "send", &["signal=HUP"]).says(&[&path]);
    assert_ne!(outcome.code(), 0);
    unchanged(&lab, &[]);
}

#[test]
fn stop_of_another_users_daemon_is_refused_and_names_the_user() {
    let lab = shared_lab();
    let daemon = start(&lab, &[]);
    let pid = daemon.id().to_string();
    let begun = std::time::Instant::now();
    let outcome = as_nobody(&lab, &["stop", "pidfile=d.pid"]).exits(5);
    let outcome = outcome.says(&[&pid]);
    assert!(outcome.stderr.contains("root"), "it does not say whose daemon it is: {outcome}");
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited for what cannot happen");
    assert!(daemon.alive());
    as_nobody(&lab, &["status", "pidfile=d.pid"]).exits(0).prints(&[&pid]);
    let sent = as_nobody(&lab, &["send", "pidfile=d.pid", "signal=HUP"]);
    assert_ne!(sent.code(), 0, "{sent}");
}

#[test]
fn restart_of_another_users_daemon_starts_no_second_one() {
    let lab = shared_lab();
    let daemon = start(&lab, &[]);
    let outcome = as_nobody(&lab, &["restart", "pidfile=d.pid", "body=note:second,idle"]);
    assert_ne!(outcome.code(), 0, "{outcome}");
    assert!(daemon.alive());
    assert_eq!(lab.processes(), [daemon]);
}

#[test]
fn change_of_user_without_permission_is_refused() {
    let lab = shared_lab();
    let home = lab.path("home");
    fs::create_dir(&home).unwrap();
    nix::unistd::chown(&home, Some(nix::unistd::Uid::from_raw(65534)), None).unwrap();
    let pidfile = format!("pidfile={}", home.join(PIDFILE).display());
    as_nobody(&lab, &["start", &pidfile, "user=root", "body=note:home/ran,idle"]).exits(2).says(&["root"]);
    unchanged(&lab, &["helper", "home"]);
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    as_nobody(&lab, &["start", &pidfile, "user=nobody"]).ok();
    as_nobody(&lab, &["stop", &pidfile]).ok();
}

#[test]
fn contradictory_settings_are_refused_before_the_start() {
    let lab = lab();
    each(["grace=9000 stop_timeout=100", "user=no-such-user", "umask=7777", "handle=KILL:note:x"], |settings| {
        let settings: Vec<&str> = settings.split(' ').chain(["first=note:first", "after=Detach:note:forked"]).collect();
        run(&lab, "start", &settings).exits(2);
    });
    unchanged(&lab, &["first"]);
}

#[test]
fn stop_needs_no_settings_but_those_of_the_stop() {
    let lab = lab();
    let daemon = start(&lab, &["body=ask,idle"]);
    // Of a daemon that got a `user` by the arguments of its start, the keys alone are `capabilities` without one.
    let wrong = "capabilities=NET_BIND_SERVICE";
    run(&lab, "restart", &[wrong]).exits(2).says(&["`capabilities` without `user`"]);
    assert!(daemon.alive());
    run(&lab, "stop", &["stop_timeout=0"]).exits(2).says(&["`stop_timeout` is zero"]);
    run(&lab, "stop", &[wrong]).ok().prints(&["stopped"]);
    nothing_left(&lab);
}
