//! Bots that are frozen and thawed, where the monitor's control group is delegated to it.

use std::fs;

use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{
    EVENT_TIMEOUT, bot, client, ctl, lab, lines, nothing_left, ping, process, refused, state, status, stop, tell,
    until, wait_for, write_bots,
};
use crate::control_group::Group;

/// The program of a bot that notes in the file `ended` that it handles SIGTERM.
const HANDLES: &str = r#"command = "/bin/sh", args = ["-c", "trap 'echo x >> LAB/ended; trap : TERM; kill 0; exit 0' TERM; echo $$$$ >> LAB/up; while :; do sleep 1000 & wait; done"]"#;

/// A bot that handles SIGTERM, with more keys.
fn handles(name: &str, more: &str) -> String {
    format!("{name} = {{ {HANDLES}{more} }}")
}

/// A lab whose monitor runs in a delegated group.
fn delegated(bots: &[&str]) -> (Lab, Group) {
    let lab = lab();
    let group = Group::new(&lab, true);
    write_bots(&lab, bots);
    group.start(&lab);
    (lab, group)
}

/// Waits until the kernel says that a bot's processes are frozen, or not.
#[track_caller]
fn until_frozen(group: &Group, name: &str, is_frozen: bool) {
    let file = group.0.join(format!("bots-m/bot-{name}/cgroup.events"));
    let expected = format!("frozen {}", u8::from(is_frozen));
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while !fs::read_to_string(&file).unwrap_or_default().contains(&expected) {
        assert!(!deadline.passed(), "not `{expected}`: {:?}", fs::read_to_string(&file));
        std::thread::yield_now();
    }
}

/// Returns how often a bot has handled SIGTERM.
fn handled(lab: &Lab) -> usize {
    fs::read_to_string(lab.path("ended")).unwrap_or_default().lines().count()
}

/// Promise 6.78. The check of the frozen bot fails while it is frozen, and the check of another one tells that time has passed.
#[test]
fn frozen_bot_is_not_checked_and_runs_on_when_it_is_thawed() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let events = group.0.join("bots-m/bot-web/cgroup.events");
    let of_web = format!(
        r#", check = {{ exec = ["/bin/grep", "-q", "frozen 0", "{}"], every = "20ms", failures = 1 }}"#,
        events.display()
    );
    let of_other = r#", check = { exec = ["/bin/sh", "-c", "echo x >> LAB/checks"], every = "20ms" }"#;
    write_bots(&lab, &[&handles("web", &of_web), &handles("other", of_other)]);
    group.start(&lab);
    until(&lab, "web", |bot| bot["health"] == "healthy");
    let pid = process(&lab, "web");
    assert!(tell(&lab, "freeze web").contains("web: suspended, pid"));
    until_frozen(&group, "web", true);
    let before = fs::read_to_string(lab.path("checks")).unwrap_or_default().lines().count();
    lines(&lab, "checks", before + 10);
    let told = bot(&lab, "web");
    assert_eq!((&told["state"], &told["reason"]), (&"suspended".into(), &"frozen by a command".into()), "{told}");
    assert!(told["frozen_since"].as_f64().is_some_and(|at| at >= told["since"].as_f64().unwrap() - 1.0), "{told}");
    assert_eq!((process(&lab, "web").id(), &told["exits"]), (pid.id(), &0.into()));
    let shown = tell(&lab, "show web");
    assert!(shown.contains("bot-web, frozen") && shown.contains("until it is thawed"), "{shown}");
    // Twice is as good as once.
    tell(&lab, "freeze web");
    tell(&lab, "thaw web");
    until_frozen(&group, "web", false);
    until(&lab, "web", |bot| bot["state"] == "running" && bot["frozen_since"].is_null() && bot["health"] == "healthy");
    tell(&lab, "thaw web");
    assert_eq!(process(&lab, "web").id(), pid.id());
    stop(&lab);
    assert_eq!(handled(&lab), 2);
}

/// Promise 6.78.
#[test]
fn frozen_bot_handles_the_signal_of_each_stop() {
    let (lab, group) = delegated(&[&handles("web", r#", stop = { signal = "TERM", timeout = "1h" }"#)]);
    let mut starts = 1;
    for (line, restarts) in [("stop --wait web", false), ("restart --wait web", true), ("restart --wait --all", true)] {
        lines(&lab, "up", starts);
        tell(&lab, "freeze web");
        until_frozen(&group, "web", true);
        let before = process(&lab, "web");
        let count = handled(&lab);
        tell(&lab, line);
        assert!(!before.alive());
        assert_eq!(handled(&lab), count + 1, "{line}");
        if !restarts {
            tell(&lab, "start --wait web");
        }
        starts += 1;
        assert_eq!(state(&lab, "web"), "running");
        until_frozen(&group, "web", false);
    }
    // A killed bot handles nothing, but is gone.
    lines(&lab, "up", starts);
    tell(&lab, "freeze web");
    tell(&lab, "destroy --wait web");
    assert_eq!((state(&lab, "web"), handled(&lab)), ("stopped".to_owned(), 3));
    tell(&lab, "start --wait web");
    lines(&lab, "up", starts + 1);
    tell(&lab, "freeze web");
    until_frozen(&group, "web", true);
    stop(&lab);
    assert_eq!((handled(&lab), group.children()), (4, vec![]));
}

/// Promise 6.78.
#[test]
fn frozen_bot_over_its_memory_limit_is_thawed_and_stopped_by_its_steps() {
    let bot = |more: &str| {
        format!(
            r#"web = {{ command = "/bin/sh", args = ["-c", "trap 'echo x >> LAB/ended; exit 0' TERM; BOT hold:40 append:LAB/up:x idle & while :; do wait; done"], restart = "never"{more} }}"#
        )
    };
    let (lab, group) = delegated(&[&bot("")]);
    lines(&lab, "up", 1);
    tell(&lab, "freeze web");
    until_frozen(&group, "web", true);
    write_bots(&lab, &[&bot(r#", memory_max = "30MB""#)]);
    tell(&lab, "reload");
    let told = wait_for(&lab, "web", "failed");
    assert!(told.contains("of at most 30 MB"), "{told}");
    assert_eq!(handled(&lab), 1);
    stop(&lab);
}

/// Promise 6.78. Another bot with the same file tells when the frozen one would have been ready.
#[test]
fn bot_that_is_frozen_while_it_starts_becomes_ready_when_it_is_thawed() {
    let ready = r#", ready = { file = "LAB/there" }"#;
    let (lab, group) = delegated(&[&handles("web", ready), &handles("other", ready)]);
    lines(&lab, "up", 2);
    tell(&lab, "freeze web");
    until_frozen(&group, "web", true);
    lab.write("there", "x");
    wait_for(&lab, "other", "running");
    let told = bot(&lab, "web");
    assert_eq!((&told["state"], &told["reason"]), (&"starting".into(), &"frozen by a command".into()), "{told}");
    assert!(told["frozen_since"].is_f64(), "{told}");
    tell(&lab, "thaw web");
    wait_for(&lab, "web", "running");
    stop(&lab);
}

/// Promise 6.78.
#[test]
fn what_a_killed_monitor_left_frozen_handles_its_end_before_the_next_one_starts_anything() {
    let (lab, group) = delegated(&[&handles("web", r#", stop = { signal = "TERM", timeout = "1h" }"#)]);
    lines(&lab, "up", 1);
    tell(&lab, "freeze web");
    until_frozen(&group, "web", true);
    let left = process(&lab, "web");
    lab.daemon("m.pid").signal(Signal::SIGKILL);
    group.start(&lab);
    lines(&lab, "up", 2);
    assert_eq!((left.alive(), handled(&lab)), (false, 1));
    until_frozen(&group, "web", false);
    wait_for(&lab, "web", "running");
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 6.78. A bot of root's may write to its group; it neither keeps itself from being stopped by that, nor its next run.
#[test]
fn bot_that_freezes_itself_is_thawed_to_be_stopped_and_started_again() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let freeze = group.0.join("bots-m/bot-web/cgroup.freeze");
    let script = format!(
        "trap 'echo x >> LAB/ended; trap : TERM; kill 0; exit 0' TERM; echo x >> LAB/up; echo 1 > {}; while :; do sleep 1000 & wait; done",
        freeze.display()
    );
    write_bots(
        &lab,
        &[&format!(
            r#"web = {{ command = "/bin/sh", args = ["-c", "{script}"], stop = {{ signal = "TERM", timeout = "1h" }} }}"#
        )],
    );
    group.start(&lab);
    until_frozen(&group, "web", true);
    assert!(tell(&lab, "show web").contains("bot-web, frozen"));
    tell(&lab, "restart --wait web");
    lines(&lab, "up", 2);
    assert_eq!(handled(&lab), 1);
    until_frozen(&group, "web", true);
    tell(&lab, "thaw web");
    until_frozen(&group, "web", false);
    // Its program ends and leaves its group frozen for the next run.
    let process = process(&lab, "web");
    tell(&lab, "freeze web");
    until_frozen(&group, "web", true);
    process.signal(Signal::SIGKILL);
    lines(&lab, "up", 3);
    stop(&lab);
}

/// Promise 6.78.
#[test]
fn without_a_control_group_a_freeze_is_refused_with_the_cause() {
    let lab = lab();
    let group = Group::new(&lab, false);
    write_bots(&lab, &[&handles("web", ""), &handles("down", ", autostart = false")]);
    group.start(&lab);
    for verb in ["freeze", "thaw"] {
        let told = refused(&lab, &format!("{verb} web"));
        assert!(told.contains(&format!("failed to {verb} bot `web`: it has no control group of its own")), "{told}");
        assert!(told.contains("`Delegate=yes`") && told.contains("daemonctl signal STOP"), "{told}");
    }
    assert!(tell(&lab, "show web").contains("`Delegate=yes`"));
    assert!(refused(&lab, "freeze down").contains("failed to freeze bot `down`: it does not run"));
    assert_eq!(state(&lab, "web"), "running");
    stop(&lab);
}

#[test]
fn bots_are_selected_for_a_freeze_as_for_other_commands() {
    let (lab, group) = delegated(&[
        &handles("web", ", instances = 2"),
        &handles("db", r#", bot_group = "data""#),
        &handles("down", ", autostart = false"),
    ]);
    lines(&lab, "up", 3);
    let frozen = |expected: &[&str]| {
        let names = ["db", "web:1", "web:2"];
        let frozen: Vec<&str> = names.into_iter().filter(|name| bot(&lab, name)["frozen_since"].is_f64()).collect();
        assert_eq!(frozen, expected);
    };
    assert_eq!(tell(&lab, "freeze --dry-run all").trim(), "would freeze web:1, web:2 and db");
    frozen(&[]);
    tell(&lab, "freeze data");
    frozen(&["db"]);
    assert_eq!(tell(&lab, "freeze -n all").trim(), "would freeze web:1 and web:2");
    tell(&lab, "freeze web:*");
    frozen(&["db", "web:1", "web:2"]);
    until_frozen(&group, "web:2", true);
    tell(&lab, "thaw web:2");
    assert_eq!(tell(&lab, "thaw --dry-run --all").trim(), "would thaw web:1 and db");
    tell(&lab, "thaw web");
    frozen(&["db"]);
    tell(&lab, "thaw all");
    frozen(&[]);
    let answer = client(&lab).send("/bots/db/freeze", serde_json::json!({})).expect("an answer");
    assert_eq!((&answer["success"], &answer["bot"]["state"]), (&true.into(), &"suspended".into()), "{answer}");
    let answer = client(&lab).send("/bots/db/thaw", serde_json::json!({})).expect("an answer");
    assert_eq!(answer["bot"]["state"], "running", "{answer}");
    assert!(status(&lab, "db").contains("running"));
    ping(&lab);
    stop(&lab);
    ctl(&lab, "freeze all").run().exits(3);
}

/// A bot that has left its group cannot be frozen by it.
#[test]
fn bot_that_has_left_its_group_is_not_said_to_be_frozen() {
    let lab = lab();
    let group = Group::new(&lab, true);
    let script =
        format!("echo 0 > {}/cgroup.procs; echo x > LAB/up; exec sleep 1000", group.0.join("monitor-m").display());
    write_bots(&lab, &[&format!(r#"web = {{ command = "/bin/sh", args = ["-c", "{script}"] }}"#)]);
    group.start(&lab);
    lines(&lab, "up", 1);
    let told = refused(&lab, "freeze web");
    assert!(told.contains("has left its control group"), "{told}");
    assert_eq!(state(&lab, "web"), "running");
    let web: Process = process(&lab, "web");
    stop(&lab);
    assert!(!web.alive());
    assert_eq!(group.children(), [""; 0]);
}
