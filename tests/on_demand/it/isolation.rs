//! Proves that a daemon that is launched by exec has nothing of the process that starts it but what cannot be undone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use look::{Lab, Process};
use nix::sys::signal::Signal;

/// The timeout of events that happen immediately, on a busy machine.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Attributes of a client that a daemon must not have: a shell script that executes what it is given with them.
const ODD: &str = "ulimit -Sn 77; ulimit -Sf 4096; ulimit -St 1000; ulimit -Sv 9000000; ulimit -Ss 4000; umask 0; \
                   echo 400 > /proc/self/oom_score_adj; trap '' HUP TERM USR1; \
                   export SECRET=s3cret LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8; mkdir -p work && cd work && exec 9>held; \
                   exec taskset -c 0 nice -n 7 ionice -c 3 setarch -R \"$D\" isolate odd start";

/// A daemon without the mark of the lab, which is stopped when it is dropped.
struct Unmarked(Process);

impl Drop for Unmarked {
    fn drop(&mut self) {
        if self.0.alive() {
            self.0.signal(Signal::SIGTERM);
            let _ = self.0.died(EVENT_TIMEOUT);
        }
    }
}

fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"))
}

/// Starts a daemon from a process with odd attributes.
#[track_caller]
fn start_odd(lab: &Lab, options: &str) -> Unmarked {
    let pidfile = lab.path("d.pid");
    let started = lab.shell(&format!("{ODD} {} {options}", pidfile.display())).run().ok();
    let daemon = Unmarked(lab.daemon("d.pid"));
    assert_eq!(started.number("started"), daemon.0.id(), "{started}");
    daemon
}

fn read(process: Process, file: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{file}", process.id())).expect("a living process").trim().to_owned()
}

/// Returns a field of `/proc/PID/stat`, numbered as in `proc_pid_stat(5)`.
fn stat_field(process: Process, number: usize) -> i64 {
    let stat = read(process, "stat");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    fields.split(' ').nth(number - 3).and_then(|field| field.parse().ok()).expect("a number")
}

/// Promise 12.07.
#[test]
fn isolated_daemon_has_no_attribute_of_the_process_that_starts_it() {
    let lab = lab();
    let unmarked = start_odd(&lab, "reset clean");
    let (daemon, init) = (unmarked.0, Process::new(1));
    assert_eq!((daemon.directory().as_deref(), daemon.umask()), (Some(Path::new("/")), Some(0o077)));
    for (limit, soft) in [
        ("Max open files", Some(1024)),
        ("Max stack size", Some(8 << 20)),
        ("Max file size", None),
        ("Max cpu time", None),
        ("Max address space", None),
    ] {
        let found = daemon.limit(limit).expect("a limit");
        assert_eq!(found.soft, soft.map(|soft: u64| found.hard.map_or(soft, |hard| hard.min(soft))), "{limit}");
    }
    assert_eq!(daemon.status("Cpus_allowed"), init.status("Cpus_allowed"));
    assert_eq!(stat_field(daemon, 41), 0, "another scheduling policy than SCHED_OTHER");
    assert_eq!((read(daemon, "personality").as_str(), read(daemon, "timerslack_ns").as_str()), ("00000000", "50000"));
    // The kernel puts a program here whose address space is not randomized.
    assert!(!read(daemon, "maps").starts_with("555555554000-"), "{}", read(daemon, "maps"));
    assert!(daemon.status("THP_enabled").is_none_or(|enabled| enabled == "1"));
    let ignored = [Signal::SIGPIPE, Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU].map(|signal| signal as i32);
    let found: BTreeSet<i32> =
        daemon.signals("SigIgn").into_iter().filter(|signal| ![32, 33].contains(signal)).collect();
    assert_eq!(found, BTreeSet::from(ignored));
    let stat = daemon.stat().expect("it lives");
    assert_eq!((stat.tty, stat.foreground), (0, -1));
    for (number, descriptor) in daemon.descriptors() {
        assert!(number < 3 || !descriptor.is(lab.path("work/held")), "{number} is a file of the client");
        assert!(number > 2 || descriptor.is("/dev/null"), "{number} is {descriptor:?}");
    }
    if nix::unistd::geteuid().is_root() {
        assert_eq!((stat_field(daemon, 19), read(daemon, "oom_score_adj").as_str()), (0, "0"));
    }
}

/// Promise 12.07. Not even the initial environment, which `/proc` shows, has a variable of the client.
#[test]
fn clean_environment_of_a_daemon_has_fixed_names_only() {
    let lab = lab();
    let daemon = start_odd(&lab, "reset clean");
    let environment = daemon.0.environment();
    let allowed = ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "XDG_RUNTIME_DIR", "DAEMONIC_EXEC"];
    for variable in &environment {
        let name = variable.split_once('=').map_or("", |(name, _)| name);
        assert!(allowed.contains(&name), "{environment:?}");
    }
    // The home of the passwd entry, not the one of the client, which is the lab.
    let home = format!("HOME={}", lab.directory().display());
    assert!(!environment.contains(&home) && environment.iter().any(|variable| variable.starts_with("PATH=")));
    drop(daemon);
    let daemon = start_odd(&lab, "names=SECRET,HOME,UNSET");
    let environment = daemon.0.environment();
    assert!(environment.contains(&"SECRET=s3cret".to_owned()) && environment.contains(&home), "{environment:?}");
    assert!(!environment.iter().any(|variable| variable.starts_with("LANG=") || variable.starts_with("UNSET=")));
}

/// Without a request for isolation a launch by exec is as one by fork: limits and priorities that an administrator sets hold.
#[test]
fn daemon_that_is_not_isolated_keeps_limits_and_priorities() {
    let lab = lab();
    let unmarked = start_odd(&lab, "");
    let daemon = unmarked.0;
    assert_eq!(daemon.limit("Max open files").and_then(|limit| limit.soft), Some(77));
    assert_eq!((stat_field(daemon, 19), read(daemon, "oom_score_adj").as_str()), (7, "400"));
    assert_eq!(daemon.status("Cpus_allowed_list").as_deref(), Some("0"));
    assert!(daemon.environment().contains(&"SECRET=s3cret".to_owned()));
    assert!(cfg!(not(target_arch = "x86_64")) || read(daemon, "maps").starts_with("555555554000-"));
}

/// A start reports what cannot be undone.
#[test]
fn start_warns_of_hard_limits_and_a_nice_value_that_stay() {
    let mut lab = lab();
    let mut user = "";
    if nix::unistd::geteuid().is_root() {
        // A user may not lower its nice value.
        user = "setpriv --reuid 4711 --regid 4711 --clear-groups";
        lab.bring_program();
    }
    lab.make_directory("mine", if user.is_empty() { nix::unistd::geteuid().as_raw() } else { 4711 }, 0o700);
    let limits = "ulimit -t 3000; ulimit -n 500";
    let start =
        format!("{limits}; exec {user} nice -n 3 \"$D\" isolate start {} reset", lab.path("mine/d.pid").display());
    let started = lab.shell(&start).run().ok();
    let _daemon = Unmarked(lab.daemon("mine/d.pid"));
    started.prints(&[
        "warning: keeps the starting process's hard limit of the CPU time in seconds (`ulimit -t`): 3000",
        "warning: keeps the starting process's hard limit of the open files (`ulimit -n`): 500",
        "warning: keeps the starting process's nice value 3",
    ]);
}

/// A limit of file sizes would end the client by a signal when it writes the request.
#[test]
fn start_with_a_file_size_limit_of_the_client_is_an_error_and_no_signal() {
    let lab = lab();
    let start = format!("ulimit -Sf 0; exec \"$D\" isolate start {} reset", lab.path("d.pid").display());
    let refused = lab.shell(&start).run().exits(2);
    refused.says(&["failed to start `isolated` by exec", "this process may write 0 to a file: raise `ulimit -f`"]);
}

/// A relative path would depend on the client's working directory.
#[test]
fn isolated_daemon_with_a_relative_path_is_refused() {
    let lab = lab();
    let refused = lab.run(&["isolate", "start", "d.pid", "reset"]).exits(2);
    refused.says(&["failed to start `isolated` by exec", "on the working directory"]);
    assert!(!lab.path("d.pid").exists() && !Path::new("/d.pid").exists());
    lab.run(&["isolate", "start", "d.pid", "names=A=B"]).exits(2).says(&["`A=B` is not the name of a variable"]);
}

/// Promise 12.07. The daemon holds neither the pipe that prints the output of `make`, nor the jobserver's, in either style.
#[test]
fn make_with_a_jobserver_and_a_pipe_does_not_wait_for_the_daemon() {
    let lab = lab();
    let pidfile = lab.path("d.pid");
    lab.write("Makefile", format!("all:\n\t+@$(D) isolate start {} && echo built\n", pidfile.display()));
    // The pipe closes, and with it the run, when no process holds it.
    let built = lab.shell("set -o pipefail; make -j4 2>&1 | cat").within(EVENT_TIMEOUT).run().ok();
    let unmarked = Unmarked(lab.daemon("d.pid"));
    let daemon = unmarked.0;
    built.prints(&["built"]);
    assert!(daemon.alive());
    for descriptor in daemon.descriptors().into_values() {
        assert!(!format!("{descriptor:?}").contains("pipe:"), "it holds {descriptor:?}");
    }
    let environment = daemon.environment();
    let flags = environment.iter().find(|variable| variable.starts_with("MAKEFLAGS=")).expect("it is inherited");
    assert!(!flags.contains("jobserver"), "{flags}");
}

/// Promise 12.07. The client ran in a terminal that is gone.
#[test]
fn daemon_that_was_started_in_a_terminal_has_none_and_outlives_it() {
    let lab = lab();
    if lab.command("sh", &["-c", "command -v script"]).run().code() != 0 {
        return;
    }
    let command = format!("\"$D\" isolate start {} reset clean", lab.path("d.pid").display());
    lab.command("script", &["-qec", &command, "/dev/null"]).env("D", lab.program()).run().ok();
    let unmarked = Unmarked(lab.daemon("d.pid"));
    let daemon = unmarked.0;
    let stat = daemon.stat().expect("it lives on");
    assert_eq!((stat.tty, stat.foreground), (0, -1), "{stat:?}");
    assert_ne!(stat.session, daemon.id(), "it could get a terminal");
    for descriptor in daemon.descriptors().into_values() {
        assert!(!descriptor.target.starts_with("/dev/pts") && !descriptor.is("/dev/ptmx"), "it holds {descriptor:?}");
    }
}
