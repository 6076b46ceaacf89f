//! Calls of `init` in the body and in the launcher, and those that are refused.

use super::{lab, run, start, stop};

/// The thread of the daemon's handlers is started by the library, none by `init`.
#[test]
fn start_after_init_in_the_launcher_succeeds_and_the_daemon_logs_to_its_log() {
    let lab = lab();
    let daemon = start(&lab, &["before"]);
    let log = lab.read("log");
    assert!(log.contains(" INFO request{id=7}: logging_lab::records: ready port=8080 host=\"localhost\"\n"), "{log}");
    assert!(daemon.alive());
    stop(&lab);
}

#[test]
fn second_init_fails_the_start_and_names_set_level() {
    let lab = lab();
    for words in [&["twice"][..], &["before", "twice"]] {
        let arguments: Vec<&str> = ["start"].iter().chain(words).copied().collect();
        run(&lab, &arguments).exits(1).says(&["`daemon::logging` has done so before", "`set_level`"]);
        assert!(!lab.path("d.pid").exists());
    }
}

#[test]
fn init_beside_another_logger_fails_and_names_its_kind() {
    for (word, kind) in [("other-logger", "a logger of `log`"), ("other-subscriber", "a subscriber of `tracing`")] {
        let lab = lab();
        run(&lab, &["start", word]).exits(1).says(&["failed to set up logging", kind]);
        lab.quiet(super::EVENT_TIMEOUT).expect("no process");
    }
}

#[test]
fn thread_of_a_logger_before_the_start_is_refused_and_init_named() {
    let lab = lab();
    let outcome = run(&lab, &["start", "thread=tracing-appender"]).exits(1);
    outcome.says(&["`tracing-appende`", "`daemon::logging::init()` needs no thread", "in the daemon's own function"]);
}

#[test]
fn init_without_a_syslog_receiver_fails_and_names_the_socket() {
    let lab = lab();
    let script = "mkdir dev && mount -t tmpfs none dev && mknod -m 666 dev/null c 1 3 && mount --bind dev /dev && $D start syslog";
    let outcome = lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", lab.program()).run();
    outcome.exits(1).says(&["failed to connect to syslog: `/dev/log`: no such file or directory"]);
}
