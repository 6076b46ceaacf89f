//! Events: a daemon sends them through the pipe that its monitor handed down, and to no other process.

use crate::common::{PIDFILE, lab, stop};

/// Starts a daemon with a pipe as descriptor 7, and returns what it wrote within five seconds.
fn told(settings: &str) -> String {
    let lab = lab();
    let script = format!(
        "mkfifo pipe; exec 7<>pipe; export DAEMON_EVENTS=7 DAEMON_EVENTS_PIPE=$(stat -L -c %d:%i /proc/self/fd/7)
         \"$D\" start pidfile={PIDFILE} {settings} >&2
         read -r -t 5 line <&7; echo \"$line\""
    );
    let told = lab.shell(&script).run().stdout;
    stop(&lab);
    told.trim_end().to_owned()
}

#[test]
fn events_reach_the_monitor_after_closing_and_chroot() {
    for settings in ["", "close=all", "user=nobody chroot=/var/empty"] {
        std::fs::create_dir_all("/var/empty").expect("an empty directory");
        assert_eq!(told(&format!("{settings} body=send_event_and_idle:reply")), "reply", "{settings}");
    }
}

#[test]
fn descriptor_reused_by_another_pipe_is_not_written() {
    let lab = lab();
    let script = "mkfifo pipe; exec 7<>pipe
        DAEMON_EVENTS=7 DAEMON_EVENTS_PIPE=1:2 \"$D\" status first=send_event:reply; echo end >&7; read -r line <&7; echo \"$line\"";
    let outcome = lab.shell(script).run();
    assert!(outcome.stderr.contains("no monitor hears") && outcome.stdout == "end\n", "{outcome}");
}

#[test]
fn program_started_by_a_monitor_does_not_detach() {
    let lab = lab();
    let script = format!("DAEMON_MONITOR=$$ \"$D\" start pidfile={PIDFILE} body=stop_itself; echo \"ended $?\"");
    let outcome = lab.shell(&script).run().ok();
    assert!(outcome.stderr.contains("not detaching: a monitor supervises this process"), "{outcome}");
    assert!(outcome.stdout.contains("ended 0"), "{outcome}");
}
