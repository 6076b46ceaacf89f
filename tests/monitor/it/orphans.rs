//! Processes that bots have started, and orphans that have left their bots.
//!
//! A process that forks forever runs in a private pid namespace: it would use up all pids.

use std::time::Duration;

use crate::common::{
    BOT, EVENT_TIMEOUT, HEADLESS, lab, lines, process, refused, size, start, state, status, stop, tell, threads,
    wait_for, write_bots,
};
use crate::hung_mount::HungFile;
use look::{Lab, Outcome};

/// Forks and exits forever, each time in a new session.
const COMET: &str = include_str!("comet.py");

/// Shell functions: one waits until a condition holds; one checks whether a forking process is seen within a number of
/// scans, since a scan may fall between two of its processes.
const WORDS: &str = "
    until_() { for i in $(seq 600); do eval \"$1\" && return; sleep 0.05; done; echo no: $1; exit 9; }
    is_seen() { for i in $(seq $1); do pgrep -xf 'python3 comet.py [0-9]' >/dev/null && return; done; return 1; }
";

/// Runs a script in a private pid namespace, with the monitor in `$D`.
fn isolated(lab: &Lab, bots: &[&str], script: &str) -> Outcome {
    lab.write("comet.py", COMET);
    lab.shell("touch up && chmod 666 up").run().ok();
    write_bots(lab, bots);
    let script = format!("{WORDS}{script}");
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", &script];
    lab.command("unshare", &unshare).env("D", lab.program()).within(Duration::from_secs(180)).run()
}

/// Promise 6.20.
#[test]
fn stop_catches_a_descendant_that_forks_forever() {
    let lab = lab();
    let rounds = size(5, 20);
    let script = format!(
        "$D -c m.toml start >/dev/null || exit 9
        for round in $(seq {rounds}); do
            $D -c m.toml start --wait=20s comet >/dev/null || exit 8
            until_ '[ $(grep -c . up) = '$round' ]'
            is_seen 200 || exit 7
            $D -c m.toml stop --wait=60s comet >told || exit 6
            grep -q 'comet: stopped' told || exit 5
            ! is_seen 60 || exit 4
            echo round $round
        done
        $D -c m.toml shutdown"
    );
    let ended = isolated(
        &lab,
        &[
            r#"comet = { command = "/bin/sh", args = ["-c", "cd LAB && python3 comet.py 3 && exec sleep 999"], autostart = false, stop = { signal = "TERM", timeout = "200ms" } }"#,
        ],
        &script,
    );
    assert!(ended.code() == 0 && ended.stdout.contains(&format!("round {rounds}\n")), "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20. A process with neither the environment nor the session of a bot is caught when the monitor ends.
#[test]
fn shutdown_catches_a_process_that_forks_forever() {
    let lab = lab();
    let script = "$D -c m.toml start >/dev/null || exit 9
        until_ '[ $(grep -c . up) = 1 ]'
        is_seen 200 || exit 7
        $D -c m.toml shutdown || exit 6
        ! is_seen 60 || exit 4";
    let bot =
        r#"comet = { command = "/bin/sh", args = ["-c", "cd LAB && env -i python3 comet.py 2 && exec sleep 999"] }"#;
    let ended = isolated(&lab, &[bot], script);
    assert!(ended.code() == 0, "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20. Orphans of another user's bot are not taken for descendants of this one.
#[test]
fn stop_is_not_delayed_by_the_orphans_of_another_user() {
    let lab = lab();
    let script = "$D -c m.toml start >/dev/null || exit 9
        until_ '[ $(grep -c . up) = 1 ]'
        $D -c m.toml stop --wait=10s web >told || exit 6
        is_seen 200 || exit 7
        $D -c m.toml stop --wait=60s comet >told || exit 6
        $D -c m.toml shutdown";
    let comet = r#"comet = { command = "/bin/sh", args = ["-c", "cd LAB && python3 comet.py 2 && exec sleep 999"], stop = { signal = "TERM", timeout = "200ms" }, user = "65534", group = "65534" }"#;
    let ended = isolated(&lab, &[comet, r#"web = { command = "BOT", args = ["idle"] }"#], script);
    assert!(ended.code() == 0, "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20.
#[test]
fn stop_that_sigkill_does_not_end_names_the_process() {
    let lab = lab();
    let mute = HungFile::mute(&lab, "mute");
    write_bots(
        &lab,
        &[
            r#"stuck = { command = "BOT", args = ["stamp:LAB/starts", "touch:LAB/mute/file"], stop = { signal = "TERM", timeout = "100ms" } }"#,
        ],
    );
    mute.shell(&lab, "exec $D -c m.toml start").run().ok();
    lab.daemon("m.pid");
    lines(&lab, "starts", 1);
    let stuck = process(&lab, "stuck");
    lab.wait_for("asked", EVENT_TIMEOUT, |text| text.contains(&format!(" {}\n", stuck.id())));
    refused(&lab, "stop --wait=3s stuck");
    let told = status(&lab, "stuck");
    let expected = format!("process {} does not end of SIGKILL", stuck.id());
    assert!(state(&lab, "stuck") == "stopping" && told.contains(&expected), "{told}");
    mute.release();
    wait_for(&lab, "stuck", "stopped");
    stop(&lab);
    assert!(!stuck.alive(), "{BOT}");
}

/// Promise 6.20.
#[test]
fn stop_ends_a_descendant_without_its_first_thread() {
    let lab = lab();
    lab.write("headless.py", HEADLESS);
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "(setsid /usr/bin/python3 LAB/headless.py LAB/kids &); exec sleep 999"], stop = { signal = "TERM", timeout = "300ms" } }"#,
        ],
    );
    let kid = lines(&lab, "kids", 1).remove(0);
    assert_eq!(threads(&kid), 2);
    let told = tell(&lab, "stop --wait=20s web");
    assert!(told.starts_with("web: stopped") && threads(&kid) < 2, "{told}");
    stop(&lab);
}
