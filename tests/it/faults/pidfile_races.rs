//! Races over the pidfile, each forced by a delay that strace injects into one system call, and loops under load.

use std::time::Duration;

use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{
    EVENT_TIMEOUT, LOCK, PIDFILE, each, lab, needs, needs_root, nothing_left, run, start, stop, times,
};

/// In a pid namespace: while `stop` waits in `CALL`, the daemon is killed and another process receives its pid.
const REUSE: &str = r"
    $D start pidfile=d.pid DAEMON >/dev/null || exit 10
    read -r P < d.pid
    strace -f -qq -o trace -e signal=none -e trace=pidfd_open,pidfd_send_signal -e inject=INJECT $D stop pidfile=d.pid STOP &
    stop=$!
    sleep 1.2
    kill -9 $P
    while [ -e /proc/$P ]; do sleep 0.01; done
    echo $((P - 1)) > /proc/sys/kernel/ns_last_pid || exit 11
    sleep 99 &
    [ $! = $P ] || exit 12
    wait $stop
    echo stop $?
    kill -0 $P && echo the stranger lives
    cat trace
";

fn reuse(lab: &Lab, daemon: &str, inject: &str, stop: &str) -> look::Outcome {
    needs(&["unshare", "strace"]);
    needs_root();
    let script = REUSE.replace("DAEMON", daemon).replace("INJECT", inject).replace("STOP", stop);
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", &script];
    lab.command("unshare", &unshare).env("D", lab.program()).run().ok().prints(&["stop 0", "the stranger lives"])
}

/// Promise 2.05. R8: the stop has read the file, the daemon ends, and its pid is reused.
#[test]
fn pid_reused_before_the_signal_is_not_signalled() {
    let lab = lab();
    let outcome = reuse(&lab, "", "pidfd_open:delay_enter=2500000:when=1", "");
    // The stop had read the file when the daemon was killed; otherwise it would not have opened that pid.
    let opened = outcome.stdout.lines().any(|line| line.contains("pidfd_open("));
    let signalled = outcome.stdout.lines().any(|line| line.contains("pidfd_send_signal("));
    assert!(opened && !signalled, "{outcome}");
}

/// Promise 2.05. R9: the pid is reused between the stop's TERM and its KILL, which is the third signal: CONT follows
/// TERM.
#[test]
fn pid_reused_before_the_kill_is_not_signalled() {
    let lab = lab();
    let outcome = reuse(
        &lab,
        "handle=TERM:hang grace=30000 stop_timeout=40000",
        "pidfd_send_signal:delay_enter=2500000:when=3",
        "grace=100 stop_timeout=300",
    );
    let killed = outcome.stdout.lines().find(|line| line.contains("SIGKILL"));
    assert!(killed.is_some_and(|line| line.contains("ESRCH")), "{outcome}");
}

/// Promise 2.07. R1: B has opened the file and not yet locked it, when A removes it and C creates a new one.
#[test]
fn lock_on_a_removed_file_does_not_count() {
    needs(&["strace"]);
    for with_a_third in [false, true] {
        let lab = lab();
        start(&lab, &["body=note:ran,idle"]);
        let strace = ["-qq", "-o", "trace", "-e", "trace=flock", "-e", "inject=flock:delay_enter=2000000:when=1"];
        let second =
            lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid", "body=note:ran,idle"]);
        let second = second.arg("lock_timeout=4000").spawn();
        wait_until_open(&lab, second.process());
        stop(&lab);
        assert!(!lab.path(PIDFILE).exists());
        let third = with_a_third.then(|| start(&lab, &["body=note:ran,idle"]));
        let outcome = second.finish().exits(if with_a_third { 3 } else { 0 });
        let owner = lab.daemon(PIDFILE);
        assert!(owner.alive() && third.is_none_or(|third| third == owner), "{outcome}");
        run(&lab, "start", &[]).exits(3);
        let living = lab.processes();
        assert_eq!(living, [owner], "more than one: {outcome}");
        stop(&lab);
        nothing_left(&lab);
        assert_eq!(lab.read("ran").lines().count(), 2);
    }
}

/// Polls every few milliseconds until the traced launcher has the lock file open, since the kernel has no event for
/// that.
fn wait_until_open(lab: &Lab, tracer: Process) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    let has_it_open = |process: &Process| {
        let child = process.stat().is_some_and(|stat| stat.parent == tracer.id());
        child && process.descriptors().values().any(|fd| fd.is(lab.path(LOCK)))
    };
    while !lab.processes().iter().any(has_it_open) {
        assert!(!deadline.passed(), "the second start never opened the lock file");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Promise 2.10. R13: 100 starts, 500 in full, while four programs run `status` continually.
#[test]
fn concurrent_status_never_fails_a_start() {
    let lab = lab();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = || {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let status = run(&lab, "status", &[]);
                assert!([0, 1, 3, 4].contains(&status.code()), "{status}");
            }
        };
        for _ in 0..4 {
            scope.spawn(watcher);
        }
        let finish = Finally(&over);
        for _ in 0..times(100, 500) {
            start(&lab, &[]);
            stop(&lab);
        }
        drop(finish);
    });
}

/// Ends the watchers, also when the loop panics.
struct Finally<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Promise 2.18. 150 rounds, 1000 in full.
#[test]
fn thousand_starts_and_stops_in_processes_succeed() {
    let lab = lab();
    for _ in 0..times(150, 1000) {
        start(&lab, &[]);
        stop(&lab);
    }
    nothing_left(&lab);
}

/// Promise 2.18. 300 rounds, 1000 in full, in each of two processes on two cores.
#[test]
fn thousand_starts_and_stops_in_one_process_succeed() {
    let rounds = times(300, 1000);
    each(0..2, |_| {
        let lab = lab();
        let cycle = lab.helper(&["cycle", "pidfile=d.pid", &format!("times={rounds}")]);
        cycle.within(Duration::from_secs(120)).run().ok().prints(&[&format!("cycled {rounds}")]);
        nothing_left(&lab);
    });
}

/// Promise 2.05. R15: two stops at once: both succeed.
#[test]
fn concurrent_stops_both_succeed() {
    let lab = lab();
    for _ in 0..times(10, 100) {
        let daemon = start(&lab, &[]);
        each(0..2, |_| {
            stop(&lab);
        });
        daemon.died(EVENT_TIMEOUT).expect("stopped");
        nothing_left(&lab);
    }
}

/// Promise 2.12. A killed daemon leaves a file, which the next start replaces.
#[test]
fn start_after_a_killed_daemon_succeeds() {
    let lab = lab();
    for _ in 0..times(10, 100) {
        let daemon = start(&lab, &[]);
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("killed");
        assert!(lab.path(PIDFILE).exists());
    }
    run(&lab, "status", &[]).exits(1);
    stop(&lab);
    nothing_left(&lab);
}
