//! Disk writes that the monitor does not wait for.

use nix::sys::signal::Signal;

use crate::common::{PIDFILE, foreground, lab, wait_for};

/// Promise 6.34. A busy disk takes many seconds to write what it was asked to.
#[test]
fn start_of_the_monitor_and_of_bots_does_not_wait_for_the_disk() {
    let lab = lab();
    let script = "exec strace -f -qq -e signal=none -o trace -e trace=fsync,fdatasync,sync,syncfs \
                  -e inject=fsync,fdatasync,sync,syncfs:delay_enter=60s $D -c m.toml run";
    let running = foreground(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"other = { command = "BOT", args = ["idle"], user = "nobody" }"#,
        ],
        script,
    );
    wait_for(&lab, "web", "running");
    wait_for(&lab, "other", "running");
    assert_eq!(lab.read("trace"), "");
    lab.daemon(PIDFILE).signal(Signal::SIGTERM);
    running.finish();
}
