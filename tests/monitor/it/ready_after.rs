//! Bots that are ready after they have run for a while, and events that do not make a bot ready.

use crate::common::{lab, lines, process, refused, start, state, stop, tell, wait_for};
use nix::sys::signal::Signal;

/// Promise 6.36.
#[test]
fn dependents_wait_until_a_bot_has_run_or_reports_ready() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"timed = { command = "BOT", args = ["stamp:LAB/stamps", "idle"], ready = { after = "600ms" } }"#,
            r#"behind = { command = "BOT", args = ["stamp:LAB/stamps", "idle"], depends_on = ["timed"] }"#,
            r#"says = { command = "BOT", args = ["ready", "idle"], ready = { after = "1h" } }"#,
            r#"heard = { command = "BOT", args = ["idle"], depends_on = ["says"] }"#,
            r#"dies = { command = "BOT", args = ["exit:7"], ready = { after = "1h" }, restart = "never" }"#,
            r#"never = { command = "BOT", args = ["idle"], depends_on = ["dies"] }"#,
        ],
    );
    wait_for(&lab, "heard", "running");
    wait_for(&lab, "behind", "running");
    let stamp = |line: &String| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    let stamps = lines(&lab, "stamps", 2);
    let apart = stamp(&stamps[1]) - stamp(&stamps[0]);
    // The first time was written a moment after its process was created.
    assert!(apart > 400_000_000, "{apart} ns");
    assert!(refused(&lab, "start --wait=20s dies").contains("it has failed: ended by status 7"));
    assert_eq!((state(&lab, "dies"), state(&lab, "never")), ("failed".to_owned(), "waiting".to_owned()));
    stop(&lab);
}

/// Promise 6.17.
#[test]
fn bot_that_is_suspended_while_it_starts_is_shown_as_suspended() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"], ready = { after = "1s" } }"#]);
    process(&lab, "web").signal(Signal::SIGSTOP);
    wait_for(&lab, "web", "suspended");
    tell(&lab, "signal CONT web");
    wait_for(&lab, "web", "running");
    stop(&lab);
}

/// Promise 6.39.
#[test]
fn file_of_an_earlier_run_does_not_make_a_bot_ready() {
    let lab = lab();
    lab.write("ready", "left by an earlier monitor\n");
    start(
        &lab,
        &[
            r#"file = { command = "BOT", args = ["sleep:400", "append:LAB/order:file", "touch:LAB/ready", "idle"], ready = { file = "LAB/ready" } }"#,
            r#"behind = { command = "BOT", args = ["append:LAB/order:behind", "idle"], depends_on = ["file"] }"#,
        ],
    );
    wait_for(&lab, "behind", "running");
    assert_eq!(lines(&lab, "order", 2), ["file", "behind"]);
    // This holds for the next run as well under the same monitor.
    tell(&lab, "restart --wait=20s file");
    wait_for(&lab, "behind", "running");
    assert_eq!(lines(&lab, "order", 4), ["file", "behind", "file", "behind"]);
    stop(&lab);
}

/// Promise 6.38.
#[test]
fn dependency_that_does_not_start_by_itself_is_started() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"deep = { command = "BOT", args = ["idle"], autostart = false }"#,
            r#"job = { command = "BOT", args = ["append:LAB/order:job", "exit:0"], autostart = false, ready = "exit", depends_on = ["deep"] }"#,
            r#"app = { command = "BOT", args = ["append:LAB/order:app", "idle"], depends_on = ["job"] }"#,
            r#"other = { command = "BOT", args = ["idle"], autostart = false }"#,
        ],
    );
    wait_for(&lab, "app", "running");
    assert_eq!(lines(&lab, "order", 2), ["job", "app"]);
    assert_eq!((state(&lab, "deep"), state(&lab, "other")), ("running".to_owned(), "stopped".to_owned()));
    // A bot that is added by a reload starts its dependencies, too.
    let bots = lab.read("m.toml")
        + r#"late = { command = "/bin/sleep", args = ["1000"], depends_on = ["other"], ready = "at-once" }"#;
    lab.write("m.toml", bots);
    tell(&lab, "reload");
    wait_for(&lab, "late", "running");
    assert_eq!(state(&lab, "other"), "running");
    stop(&lab);
}
