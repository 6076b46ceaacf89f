//! Pids that the kernel has given to another process: rules R7 and R16.

use crate::common::{lab, needs, needs_root};
use look::Lab;

/// Promise 2.04. R7: the daemon was killed, and its pid belongs to another process when the stop reads the file.
#[test]
fn pid_reused_before_the_stop_is_not_signalled() {
    let lab = lab();
    in_a_namespace(
        &lab,
        r"
        $D start pidfile=d.pid >/dev/null || exit 10; read -r P < d.pid
        kill -9 $P; become_a_stranger
        $D status pidfile=d.pid; echo status $?
        $D stop pidfile=d.pid; echo stop $?
    ",
    )
    .prints(&["status 1", "stop 0", "the stranger lives"]);
}

/// Promise 2.05. R16: B has locked the file and not yet emptied it: the stop reads the old pid.
#[test]
fn pid_reused_under_a_new_lock_is_not_signalled() {
    let lab = lab();
    in_a_namespace(&lab, r"
        $D start pidfile=d.pid >/dev/null || exit 10; read -r P < d.pid
        kill -9 $P; become_a_stranger
        strace -qq -o trace -e signal=none -e trace=unlinkat -e inject=unlinkat:delay_enter=1500000:when=1 $D start pidfile=d.pid &
        start=$!
        until grep -q unlinkat trace 2>/dev/null; do sleep 0.01; done
        $D stop pidfile=d.pid grace=100 stop_timeout=300 2>/dev/null; echo early stop $?
        grep -q $P d.pid && echo the old number
        kill -0 $P || exit 13
        wait $start; echo start $?
        $D stop pidfile=d.pid; echo stop $?
    ")
    .prints(&["early stop 7", "the old number", "start 0", "stop 0", "the stranger lives"]);
}

/// Runs a script in a pid namespace, where pids can be chosen. `become_a_stranger` waits until `$P` is free, and for
/// the next tick of the clock of start times, and starts another process with that pid.
fn in_a_namespace(lab: &Lab, script: &str) -> look::Outcome {
    needs(&["unshare", "strace"]);
    needs_root();
    let function = r"
        become_a_stranger() {
            while [ -e /proc/$P ]; do sleep 0.01; done
            sleep 0.03
            echo $((P - 1)) > /proc/sys/kernel/ns_last_pid || exit 11
            sleep 99 & [ $! = $P ] || exit 12
        }
    ";
    let script = format!("{function}{script}\nkill -0 $P && echo the stranger lives");
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", &script];
    lab.command("unshare", &unshare).env("D", lab.program()).run().ok()
}
