//! The examples, run as a user would: `start`, look, `stop`; their logs are checked then.
//!
//! Their pidfiles are in a user's default location (`/run` for root), so each script has a private `/run` in a mount
//! namespace; their logs are in the directory for temporary files, which is the lab's.

use std::path::{Path, PathBuf};

use look::{Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs, needs_root};

fn examples() -> PathBuf {
    programs().join("examples")
}

/// Returns the directory of the examples, after building them unless `scripts/test` has. Examples with a package of
/// their own are programs, too.
pub(crate) fn programs() -> &'static Path {
    look::programs(env!("CARGO_BIN_EXE_lab"), &["daemonic", "daemonic-brokers", "daemonic-tests"])
}

/// Runs a script with a private `/run` and the example `name` in `$E`; every command in it must succeed.
fn script(lab: &Lab, name: &str, commands: &str) -> Outcome {
    needs(&["unshare", "mount"]);
    needs_root();
    let script = format!("set -eu; mount -t tmpfs -o mode=755 none /run; {commands}");
    let unshare = ["--mount", "bash", "-c", &script];
    lab.command("unshare", &unshare).env("E", examples().join(name)).env("TMPDIR", lab.directory()).run()
}

fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_lab"))
}

/// Asserts that the text contains these words, in this order.
#[track_caller]
fn in_order(text: &str, words: &[&str]) {
    let mut rest = text;
    for word in words {
        let Some(at) = rest.find(word) else { panic!("{word:?} is missing, or comes too early: {text:?}") };
        rest = &rest[at + word.len()..];
    }
}

#[test]
fn sleepy_sleeps_until_it_is_stopped() {
    let lab = lab();
    let commands =
        "$E start; $E status; $E start && exit 9; echo second $?; $E stop; $E status || echo status $?; $E stop";
    let outcome = script(&lab, "sleepy", commands).ok();
    in_order(
        &outcome.stdout,
        &["started as pid", "/run/sleepy.pid", "running", "second 3", "stopped", "status 3", "not running"],
    );
    in_order(&lab.read("sleepy.log"), &["good night", "goodbye"]);
}

#[test]
fn wrapper_takes_arguments_and_signals() {
    let lab = lab();
    let commands = "
        said() { until grep -q \"$1\" $TMPDIR/wrapper.log; do sleep 0.02; done; }
        $E start Ada 1; said hello; $E signal QUIT; $E signal USR1; said 'that was'; $E signal USR2; said sigh; $E stop";
    let outcome = script(&lab, "wrapper", commands).ok();
    in_order(&outcome.stdout, &["started pid", "stopped"]);
    in_order(&lab.read("wrapper.log"), &["hello, Ada", "hooray", "that was SIGUSR1", "sigh", "goodbye"]);
    in_order(&lab.read("wrapper.log"), &["hello, Ada", "farewell, Ada"]);
}

#[test]
fn tick_counts_to_ten_and_ends() {
    let lab = lab();
    let outcome = script(&lab, "tick", "$E start; while [ -e /run/tick.pid ]; do sleep 0.05; done; $E stop").ok();
    in_order(&outcome.stdout, &["started pid", "not running"]);
    let ticks: Vec<String> = (1..=10).map(|tick| format!("tick {tick}\n")).collect();
    assert_eq!(lab.read("tick.log"), ticks.concat());
}

#[test]
fn tick_can_be_stopped_early() {
    let lab = lab();
    let commands = "$E start; until grep -q 'tick 2' $TMPDIR/tick.log; do sleep 0.02; done; $E stop";
    in_order(&script(&lab, "tick", commands).ok().stdout, &["started pid", "stopped"]);
    assert!(!lab.read("tick.log").contains("tick 10"));
}

#[test]
fn server_serves_when_its_start_returns() {
    let lab = lab();
    let commands = "
        start=$($E start 127.0.0.1:0); echo \"$start\"; port=${start##*:}
        read -r line </dev/tcp/127.0.0.1/$port; echo \"$line\"
        $E start 127.0.0.1:$port || echo second $?; $E stop
        $E start 999.0.0.1:1 || echo mistake $?";
    let outcome = script(&lab, "server", commands).ok().says(&["cannot bind"]);
    in_order(&outcome.stdout, &["serving 127.0.0.1:", "hello from pid", "second 1", "stopped", "mistake 1"]);
}

#[test]
fn stages_continues_as_the_daemon() {
    let lab = lab();
    let commands = "$E start; until grep -q '^in ' $TMPDIR/stages.log; do sleep 0.02; done; $E stop; $E";
    let outcome = script(&lab, "stages", commands).ok().says(&["usage"]);
    in_order(&outcome.stdout, &["launcher: about to detach", "stopped"]);
    let place = format!("in {}/stages", lab.directory().display());
    in_order(&lab.read("stages.log"), &[&place, "the program ends as any other"]);
}

#[test]
fn plain_handles_its_verbs() {
    let lab = lab();
    let commands =
        "$E start; $E status; $E restart; $E status; $E stop; $E status || echo status $?; $E || echo usage $?";
    let outcome = script(&lab, "plain", commands).ok().says(&["usage: plain"]);
    in_order(
        &outcome.stdout,
        &["started pid", "running", "restarted as pid", "running", "stopped", "status 3", "usage 2"],
    );
    in_order(&lab.read("plain.log"), &["at work", "done", "at work", "done"]);
}

#[test]
fn spool_handles_files_in_its_directory() {
    let lab = lab();
    lab.write("words.txt", "one two three");
    lab.write("noise", [0xff, 0xfe]);
    let commands = "
        mkdir -p spool/work; echo left > spool/work/elder; $E start
        $E add words.txt; $E add noise; $E add missing
        until [ -e spool/done/words.txt -a -e spool/done/elder -a -e spool/failed/noise ]; do sleep 0.02; done
        $E stop; ls spool/new spool/work";
    let outcome = script(&lab, "spool", commands).ok();
    in_order(&outcome.stdout, &["started pid", "added words.txt", "added noise", "cannot add missing", "stopped"]);
    assert!(outcome.stdout.ends_with("spool/new:\n\nspool/work:\n"), "{outcome}");
    in_order(&lab.read("spool.log"), &["3 words in", "spool/work/words.txt"]);
    let failed = ["the handler of a message failed", "UTF-8"];
    in_order(&lab.read("spool.log"), &[failed, failed, failed].concat());
    in_order(&lab.read("spool.log"), &["giving up a message whose handler failed in attempt 3"]);
}

#[test]
fn once_runs_only_once() {
    let lab = lab();
    let once = examples().join("once");
    let once = once.to_str().expect("a path of ours");
    let run = |seconds: &str| lab.command(once, &[seconds]).env("TMPDIR", lab.directory());
    let first = run("1000").spawn();
    lab.wait_for("once.pid", EVENT_TIMEOUT, |text| text.lines().count() == 2);
    run("0").run().exits(3).prints(&["another process holds the pidfile", &first.process().id().to_string()]);
    first.signal(Signal::SIGKILL);
    first.finish().prints(&["running alone"]);
    run("0").run().ok().prints(&["running alone", "still held: true"]);
    assert!(!lab.path("once.pid").exists());
}
