//! A monitor that is killed, and its successor.

use std::time::Duration;

use crate::common::{
    BOT, EVENT_TIMEOUT, HEADLESS, lab, lines, process, start, start_again, stop, tell, threads, wait_for,
    with_own_mounts, write_bots,
};
use look::{Deadline, Process};
use nix::sys::signal::Signal;

/// Kills the monitor, and waits only for its death.
fn kill(monitor: Process) {
    monitor.signal(Signal::SIGKILL);
    monitor.died(EVENT_TIMEOUT).expect("a killed monitor dies");
}

/// Returns the running bots, by the argument that they were executed with.
fn copies(lab: &look::Lab, argument: &str) -> Vec<Process> {
    let is_one = |process: &Process| {
        let arguments = process.arguments();
        arguments.first().is_some_and(|name| name == BOT) && arguments.iter().any(|other| other == argument)
    };
    lab.processes().into_iter().filter(is_one).collect()
}

/// Promise 6.04.
#[test]
fn bots_end_with_a_killed_monitor() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#,
            r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534" }"#,
        ],
    );
    lines(&lab, "starts", 1);
    let (web, nobody) = (process(&lab, "web"), process(&lab, "nobody"));
    kill(monitor);
    look::deaths(&[web.id(), nobody.id()], Deadline::after(EVENT_TIMEOUT)).expect("the kernel kills them");
}

/// Promise 6.04.
#[test]
fn next_monitor_starts_no_second_copy() {
    let lab = lab();
    let bots = [
        r#"stub = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/starts", "idle", "one"], stop = { signal = "TERM", timeout = "300ms" } }"#,
        r#"tree = { command = "BOT", args = ["spawn:ignore:TERM,stamp:LAB/kids,idle,two", "escape:ignore:TERM,stamp:LAB/kids,idle,three", "idle", "four"], stop = { signal = "TERM", timeout = "300ms" } }"#,
    ];
    let mut monitor = start(&lab, &bots);
    for round in 1..=3 {
        lines(&lab, "starts", round);
        lines(&lab, "kids", round * 2);
        let before: Vec<Process> = ["one", "two", "three"].iter().flat_map(|which| copies(&lab, which)).collect();
        assert_eq!(before.len(), 3, "{:?}", lab.processes());
        kill(monitor);
        monitor = start_again(&lab);
        assert!(before.iter().all(|one| !one.alive()), "the next monitor has started beside what was left: {before:?}");
        wait_for(&lab, "stub", "running");
    }
    lines(&lab, "starts", 4);
    lines(&lab, "kids", 8);
    for which in ["one", "two", "three"] {
        assert_eq!(copies(&lab, which).len(), 1, "{which}");
    }
    stop(&lab);
}

/// Promise 6.04. Without the journal, the secret in their environment identifies the bots.
#[test]
fn next_monitor_without_journal_starts_no_second_copy() {
    let lab = lab();
    let bots = [
        r#"tree = { command = "BOT", args = ["spawn:stamp:LAB/kids,idle,two", "escape:stamp:LAB/kids,idle,three", "idle", "four"] }"#,
    ];
    let mut monitor = start(&lab, &bots);
    for (round, damage) in ["rm m.journal", "chmod 664 m.journal", ": > m.journal"].iter().enumerate() {
        lines(&lab, "kids", round * 2 + 2);
        let before: Vec<Process> = ["two", "three"].iter().flat_map(|which| copies(&lab, which)).collect();
        assert_eq!(before.len(), 2, "{:?}", lab.processes());
        kill(monitor);
        lab.shell(damage).run().ok();
        monitor = start_again(&lab);
        assert!(before.iter().all(|one| !one.alive()), "after `{damage}` there are two copies: {before:?}");
    }
    lines(&lab, "kids", 8);
    for which in ["two", "three"] {
        assert_eq!(copies(&lab, which).len(), 1, "{which}");
    }
    stop(&lab);
}

/// Promise 6.04. The bots of another pidfile are left alone, though they have the same user and directory.
#[test]
fn bots_of_another_pidfile_are_left_alone() {
    let lab = lab();
    write_bots(&lab, &[r#"one = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lab.write("other.toml", lab.read("m.toml").replace("m.pid", "other.pid"));
    lab.run(&["-c", "other.toml", "start"]).ok();
    let first = lines(&lab, "starts", 1).remove(0);
    let one = Process::new(first.split(' ').next().and_then(|pid| pid.parse().ok()).expect("a pid"));
    start_again(&lab);
    lines(&lab, "starts", 2);
    assert!(one.alive(), "a bot of another monitor was killed");
    stop_both(&lab);
}

/// Stops the monitor of `other.pid`, too.
fn stop_both(lab: &look::Lab) {
    tell(lab, "shutdown");
    lab.run(&["-c", "other.toml", "shutdown"]).ok();
    crate::common::nothing_left(lab);
}

/// Promise 6.04. The disk fills up: the reserved space holds the next lines, and the remaining ones are written once
/// there is room, even without another event.
#[test]
fn full_disk_loses_no_journal_line() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"crowd = { command = "/usr/bin/env", args = ["-i", "/bin/sleep", "999"], instances = 150, autostart = false }"#,
            r#"late = { command = "/usr/bin/env", args = ["-i", "/bin/sleep", "998"], instances = 20, autostart = false }"#,
            r#"loop = { command = "/bin/true", autostart = false, restart = "always", limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 }, stdout = "null", stderr = "null" }"#,
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=1m none full && cp m.toml full/ && cd full || exit 9
        $D -c m.toml run 2>/dev/null & M=$!
        for i in $(seq 200); do $D -c m.toml status >/dev/null 2>&1 && break; sleep 0.05; done
        dd if=/dev/zero of=fill bs=4k 2>/dev/null
        $D -c m.toml start --wait=20s crowd >/dev/null
        echo first $(grep -c '^+' m.journal)
        $D -c m.toml start loop >/dev/null
        for i in $(seq 600); do [ -e m.journal.new ] && break; sleep 0.05; done
        [ -e m.journal.new ] && echo behind 1
        $D -c m.toml stop --wait=20s loop >/dev/null
        $D -c m.toml start --wait=20s late >/dev/null
        echo lacking $(grep -c '^+' m.journal)
        rm fill; sleep 3
        echo second $(grep -c '^+' m.journal)
        kill -TERM $M; wait $M; echo ended $?";
    let ended = with_own_mounts(&lab, script).within(Duration::from_secs(120)).run().ok();
    println!("{ended}");
    assert_eq!(ended.number("first"), 150, "{ended}");
    assert_eq!(ended.number("behind"), 1, "{ended}");
    assert_eq!(ended.number("second"), 170, "{ended}");
    assert_eq!(ended.number("ended"), 0, "{ended}");
    crate::common::nothing_left(&lab);
}

/// Promise 6.04. The pid of a dead bot belongs to another process by now, which leads a session, too, and which has the
/// same start time as far as the journal can tell.
#[test]
fn process_with_reused_pid_of_a_bot_is_left_alone() {
    let lab = lab();
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lab.write("forge.py", FORGE);
    // A pid namespace in which no other process takes pids.
    let script = "until_() { for i in $(seq 400); do eval \"$1\" && return; sleep 0.05; done; echo no: $1; exit 9; }
        $D -c m.toml start >/dev/null || exit 9
        until_ '[ $(grep -c . starts) = 1 ]'
        until_ 'grep -q ^+ m.journal'
        read -r _ web _ < <(grep ^+ m.journal)
        kill -KILL $(head -1 m.pid)
        until_ '! [ -e /proc/$web ]'
        echo $((web - 1)) > /proc/sys/kernel/ns_last_pid
        setsid sleep 999 >/dev/null 2>&1 &
        [ $! = $web ] || exit 8
        until_ '[ $(cut -d\" \" -f6 /proc/$web/stat) = $web ]'
        python3 forge.py $web || exit 7
        $D -c m.toml start >/dev/null || exit 6
        until_ '[ $(grep -c . starts) = 2 ]'
        echo state $(cut -d' ' -f3 /proc/$web/stat)
        kill -KILL $web
        $D -c m.toml shutdown";
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script];
    let ended = lab.command("unshare", &unshare).env("D", lab.program()).run().ok();
    assert!(ended.stdout.contains("state S\n"), "the stranger was killed: {ended}");
}

/// Gives a process in the journal the start time of the one that has its pid now; where the kernel cannot distinguish
/// them (before Linux 6.9), the time is unchanged.
const FORGE: &str = r#"
import functools, sys
pid = sys.argv[1]
start_time = open(f"/proc/{pid}/stat").read().split()[21]
lines = [line.split() for line in open("m.journal")]
for words in lines:
    if words[:2] == ["+", pid] and len(words) == 6:
        words[2] = start_time
        words[5] = "%08x" % functools.reduce(lambda sum, byte: (sum ^ byte) * 0x01000193 % 2**32, " ".join(words[:5]).encode(), 0x811C9DC5)
open("m.journal", "w").write("".join(" ".join(words) + "\n" for words in lines))
"#;

/// Promise 6.13.
#[test]
fn monitor_starts_with_any_journal() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    let whole = lab.read("m.journal");
    assert_eq!(whole.lines().count(), 2, "{whole:?}");
    kill(monitor);
    let mut count = 1;
    let cuts: Vec<Vec<u8>> =
        [0, 1, whole.len() / 2, whole.len() - 1].iter().map(|at| whole.as_bytes()[..*at].to_vec()).collect();
    for garbage in cuts.into_iter().chain([b"\xff\0garbage\n".to_vec(), vec![0; 5000]]) {
        lab.write("m.journal", garbage);
        lab.shell("chmod 600 m.journal").run().ok();
        start_again(&lab);
        count += 1;
        lines(&lab, "starts", count);
        stop(&lab);
        assert!(!lab.path("m.journal").exists(), "a journal is left after a clean stop");
    }
    // A journal that others could have written is not trusted, a link is not followed.
    for script in
        ["echo x > m.journal; chmod 666 m.journal", "echo kept > kept; ln -s kept m.journal", "mkfifo m.journal"]
    {
        lab.shell(script).run().ok();
        start_again(&lab);
        count += 1;
        lines(&lab, "starts", count);
        stop(&lab);
    }
    assert_eq!(lab.read("kept"), "kept\n");
}

/// Promise 6.04. A bot left processes behind when it exited, just before the monitor was killed.
#[test]
fn orphans_of_a_dead_bot_are_found_by_their_mark() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["escape:ignore:TERM,stamp:LAB/kids,idle,kid", "sleep:500", "exit:0"], restart = "never" }"#,
        ],
    );
    lines(&lab, "kids", 1);
    wait_for(&lab, "web", "stopping");
    let kid = copies(&lab, "kid")[0];
    kill(monitor);
    assert!(kid.alive());
    start_again(&lab);
    assert!(kid.died(Duration::from_secs(20)).is_ok());
    stop(&lab);
}

/// Promise 6.04.
#[test]
fn copy_without_its_first_thread_is_ended_by_the_next_monitor() {
    let lab = lab();
    lab.write("headless.py", HEADLESS);
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "/usr/bin/python3", args = ["LAB/headless.py", "LAB/starts"], stop = { signal = "TERM", timeout = "300ms" } }"#,
        ],
    );
    let first = lines(&lab, "starts", 1).remove(0);
    assert_eq!(threads(&first), 2);
    kill(monitor);
    start_again(&lab);
    assert!(threads(&first) < 2, "the next monitor has started beside what was left");
    lines(&lab, "starts", 2);
    stop(&lab);
}
