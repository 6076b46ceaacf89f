//! Processes that bots have started, and those that have left their bots.
//!
//! A process that forks for ever does so in a pid namespace of its own: it would use up the numbers of all others.

use std::time::Duration;

use crate::common::{
    BOT, HEADLESS, SOON, lab, lines, process, refused, size, start, state, status, stop, tell, threads, wait_for,
    write_bots,
};
use crate::held::Held;
use look::{Lab, Outcome};

/// Forks and exits for ever, in sessions of its own.
const COMET: &str = include_str!("comet.py");

/// Until something holds; whether a comet is seen within so many looks, since one look may come between two of its processes.
const WORDS: &str = "
    until_() { for i in $(seq 600); do eval \"$1\" && return; sleep 0.05; done; echo no: $1; exit 9; }
    is_seen() { for i in $(seq $1); do pgrep -xf 'python3 comet.py [0-9]' >/dev/null && return; done; return 1; }
";

/// Runs a script in a pid namespace of its own, where `$D` is the monitor.
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
fn stop_is_not_done_before_a_descendant_that_forks_for_ever_is_caught() {
    let lab = lab();
    let rounds = size(5, 20);
    let script = format!(
        "$D start >/dev/null || exit 9
        for round in $(seq {rounds}); do
            $D tell start comet 20000 >/dev/null || exit 8
            until_ '[ $(grep -c . up) = '$round' ]'
            is_seen 200 || exit 7
            $D tell stop comet 60000 >told || exit 6
            grep -q 'comet stopped' told || exit 5
            ! is_seen 60 || exit 4
            echo round $round
        done
        $D stop"
    );
    let ended = isolated(
        &lab,
        &["comet autostart=no stop=TERM:200 : sh cd LAB && python3 comet.py 3 && exec sleep 999"],
        &script,
    );
    assert!(ended.code() == 0 && ended.stdout.contains(&format!("round {rounds}\n")), "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20. What has neither the environment nor the session of a bot is caught when the monitor ends.
#[test]
fn end_of_the_monitor_catches_what_forks_for_ever() {
    let lab = lab();
    let script = "$D start >/dev/null || exit 9
        until_ '[ $(grep -c . up) = 1 ]'
        is_seen 200 || exit 7
        $D stop || exit 6
        ! is_seen 60 || exit 4";
    let bot = "comet : sh cd LAB && env -i python3 comet.py 2 && exec sleep 999";
    let ended = isolated(&lab, &[bot], script);
    assert!(ended.code() == 0, "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20. What another user's bot leaves behind all the time is not taken for the descendants of this one.
#[test]
fn stop_is_not_delayed_by_the_orphans_of_another_user() {
    let lab = lab();
    let script = "$D start >/dev/null || exit 9
        until_ '[ $(grep -c . up) = 1 ]'
        $D tell stop web 10000 >told || exit 6
        is_seen 200 || exit 7
        $D tell stop comet 60000 >told || exit 6
        $D stop";
    let comet = "comet stop=TERM:200 user=65534 group=65534 : sh cd LAB && python3 comet.py 2 && exec sleep 999";
    let ended = isolated(&lab, &[comet, "web : BOT idle"], script);
    assert!(ended.code() == 0, "{ended}\n{}", lab.read("m.log"));
}

/// Promise 6.20.
#[test]
fn stop_that_sigkill_does_not_end_names_the_process() {
    let lab = lab();
    let mute = Held::mute(&lab, "mute");
    write_bots(&lab, &["stuck stop=TERM:100 : BOT stamp:LAB/starts touch:LAB/mute/file"]);
    mute.shell(&lab, "exec $D start").run().ok();
    lab.daemon("m.pid");
    lines(&lab, "starts", 1);
    let stuck = process(&lab, "stuck");
    lab.wait_for("asked", SOON, |text| text.contains(&format!(" {}\n", stuck.id())));
    refused(&lab, "stop stuck 3000");
    let told = status(&lab, "stuck");
    let expected = format!("process {} does not end of SIGKILL", stuck.id());
    assert!(state(&lab, "stuck") == "stopping" && told.contains(&expected), "{told}");
    mute.let_go();
    wait_for(&lab, "stuck", "stopped");
    stop(&lab);
    assert!(!stuck.alive(), "{BOT}");
}

/// Promise 6.20.
#[test]
fn stop_ends_a_descendant_without_its_first_thread() {
    let lab = lab();
    lab.write("headless.py", HEADLESS);
    start(&lab, &["web stop=TERM:300 : sh (setsid /usr/bin/python3 LAB/headless.py LAB/kids &); exec sleep 999"]);
    let kid = lines(&lab, "kids", 1).remove(0);
    assert_eq!(threads(&kid), 2);
    let told = tell(&lab, "stop web 20000");
    assert!(told.starts_with("web stopped") && threads(&kid) < 2, "{told}");
    stop(&lab);
}
