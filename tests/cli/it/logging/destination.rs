//! The destination of records: the log, a terminal, a socket that is not the journal's.

use super::{EVENT_TIMEOUT, lab, start, stop};
use nix::sys::signal::Signal;

#[test]
fn error_that_the_library_prints_on_stderr_is_in_the_log_once() {
    let lab = lab();
    let daemon = start(&lab, &["endpoint"]);
    std::fs::create_dir(lab.path("log.new")).unwrap();
    std::fs::remove_file(lab.path("log")).unwrap();
    std::fs::rename(lab.path("log.new"), lab.path("log")).unwrap();
    // The log is a directory now, so that it cannot be reopened.
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("out/reloaded", EVENT_TIMEOUT, |level| level == "info");
    let open = daemon.descriptors().get(&2).expect("stderr").target.clone();
    let content = std::fs::read_to_string(format!("/proc/{}/fd/2", daemon.id())).unwrap_or_else(|_| panic!("{open:?}"));
    assert_eq!(content.matches("failed to reopen").count(), 1, "{content}");
    stop(&lab);
}

/// `script(1)` gives the program a terminal.
#[test]
fn foreground_on_a_terminal_has_colours_unless_no_color_is_set() {
    for (variables, has_colours) in [("", true), ("NO_COLOR=1", false), ("TERM=dumb", false)] {
        let lab = lab();
        let run = format!("exec env -u NO_COLOR TERM=xterm {variables} {} run", lab.program().display());
        let running = lab.command("script", &["-qefc", &run, "typescript"]).spawn();
        let shown = lab.wait_for("typescript", EVENT_TIMEOUT, |shown| shown.contains("by log"));
        assert_eq!(shown.contains("\x1b[32m INFO\x1b[0m "), has_colours, "{variables}: {shown:?}");
        assert_eq!(shown.contains('\x1b'), has_colours, "{variables}: {shown:?}");
        lab.daemon(super::PIDFILE).signal(Signal::SIGTERM);
        running.finish();
        stop(&lab);
    }
}

/// The launcher has a terminal, the daemon's stderr is its log.
#[test]
fn log_of_a_daemon_whose_launcher_logged_with_colours_has_none() {
    let lab = lab();
    let start = format!("env -u NO_COLOR TERM=xterm {} start before log=log", lab.program().display());
    lab.command("script", &["-qefc", &start, "typescript"]).run().ok();
    lab.daemon(super::PIDFILE);
    let log = lab.wait_for("log", EVENT_TIMEOUT, |log| log.contains("by log"));
    assert!(!log.contains('\x1b'), "{log:?}");
    stop(&lab);
}

/// Promise 11.15.
#[test]
fn journal_stream_that_names_another_file_is_not_believed() {
    let lab = lab();
    lab.shell("JOURNAL_STREAM=$(stat -Lc %d:%i log 2>/dev/null || echo 9:4711) $D start log=log").run().ok();
    lab.daemon(super::PIDFILE);
    assert!(lab.read("log").contains(" INFO request{id=7}"), "{}", lab.read("log"));
    stop(&lab);
    // Nor one that names stderr, if that is a file.
    let lab = self::lab();
    lab.write("log", "");
    lab.shell("JOURNAL_STREAM=$(stat -Lc %d:%i log) $D start log=log").run().ok();
    lab.daemon(super::PIDFILE);
    assert!(lab.read("log").contains(" INFO request{id=7}"), "{}", lab.read("log"));
    stop(&lab);
}
