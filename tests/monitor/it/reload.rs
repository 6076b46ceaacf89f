//! Reloads: changes of the configuration while the monitor runs.

use std::collections::BTreeMap;

use crate::common::{
    ctl, lab, lines, process, refused, start, start_again, state, states, stop, tell, wait_for, write_bots,
};
use nix::sys::signal::Signal;

/// Returns the processes of all running bots.
fn pids(lab: &look::Lab) -> BTreeMap<String, i32> {
    let running = states(lab).into_iter().filter(|(_, state)| state == "running");
    running.map(|(name, _)| (name.clone(), process(lab, &name).id())).collect()
}

/// Promise 6.06.
#[test]
fn reload_restarts_only_changed_bots() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"same = { command = "BOT", args = ["idle"] }"#,
            r#"gone = { command = "BOT", args = ["idle"] }"#,
            r#"limits = { command = "BOT", args = ["idle"] }"#,
            r#"args = { command = "BOT", args = ["idle"] }"#,
            r#"off = { command = "BOT", args = ["idle"], autostart = false }"#,
        ],
    );
    let before = pids(&lab);
    let wanted = [
        r#"same = { command = "BOT", args = ["idle"] }"#,
        r#"limits = { command = "BOT", args = ["idle"], limit = { exits = 1, window = "1s" }, backoff = { first = "5ms", cap = "5ms", jitter = 0.0 }, restart = "on-failure", stop = { signal = "INT", timeout = "100ms" } }"#,
        r#"args = { command = "BOT", args = ["sleep:1", "idle"] }"#,
        r#"off = { command = "BOT", args = ["sleep:1", "idle"], autostart = false }"#,
        r#"new = { command = "BOT", args = ["idle"] }"#,
        r#"asleep = { command = "BOT", args = ["idle"], autostart = false }"#,
    ];
    write_bots(&lab, &wanted);
    let plan = tell(&lab, "reload --dry-run");
    for line in [
        "- gone: would be removed",
        "~ args: would be restarted (args)",
        "= limits: would be changed",
        "+ new: would be added",
        "+ asleep: would be added",
    ] {
        assert!(plan.contains(line), "no {line:?} in {plan}");
    }
    assert_eq!(pids(&lab), before, "a dry run did something");
    assert_eq!(tell(&lab, "reload"), plan.replace("would be ", ""));
    wait_for(&lab, "new", "running");
    wait_for(&lab, "args", "running");
    let _ = ctl(&lab, "stop --wait=20s gone").run();
    let after = pids(&lab);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["args", "limits", "new", "same"]);
    assert_eq!((&after["same"], &after["limits"]), (&before["same"], &before["limits"]));
    assert_ne!(after["args"], before["args"]);
    refused(&lab, "status gone");
    assert_eq!((state(&lab, "off"), state(&lab, "asleep")), ("stopped".into(), "stopped".into()));
    // Limits apply to running bots.
    process(&lab, "limits").signal(Signal::SIGKILL);
    assert!(tell(&lab, "reload").starts_with("6 bots untouched"), "the second reload finds nothing to do");
    stop(&lab);
}

/// Promise 6.06.
#[test]
fn changed_limits_apply_to_a_running_bot() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    write_bots(&lab, &[r#"web = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "60s" } }"#]);
    tell(&lab, "reload");
    process(&lab, "web").signal(Signal::SIGKILL);
    wait_for(&lab, "web", "gave-up");
    stop(&lab);
}

/// Promise 6.06.
#[test]
fn concurrent_reloads_follow_each_other() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#]);
    let running: Vec<_> = (0..8).map(|_| lab.helper(&["-c", "m.toml", "reload"]).spawn()).collect();
    write_bots(
        &lab,
        &[r#"web = { command = "BOT", args = ["idle"] }"#, r#"late = { command = "BOT", args = ["idle"] }"#],
    );
    for reload in running {
        reload.finish().ok();
    }
    tell(&lab, "reload");
    wait_for(&lab, "late", "running");
    assert_eq!(pids(&lab).len(), 2);
    stop(&lab);
}

/// Promise 6.06.
#[test]
fn reload_during_the_shutdown_is_refused() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"slow = { command = "BOT", args = ["ignore:TERM", "touch:LAB/slow", "idle"], stop = { signal = "TERM", timeout = "1500ms" } }"#,
        ],
    );
    lab.wait_for("slow", crate::common::EVENT_TIMEOUT, |_| true);
    monitor.signal(Signal::SIGTERM);
    wait_for(&lab, "slow", "stopping");
    for verb in ["reload", "start slow", "restart slow"] {
        assert!(refused(&lab, verb).contains("the monitor is stopping"), "{verb}");
    }
    assert!(monitor.died(crate::common::EVENT_TIMEOUT).is_ok());
}

/// Promise 6.06. Bots that are removed from the configuration stop in order too.
#[test]
fn removed_bots_stop_in_order() {
    let lab = lab();
    let bot = |name: &str, depends: &str, time: &str| {
        format!(
            r#"{name} = {{ command = "/bin/sh", args = ["-c", "trap 'sleep {time}; echo {name} >> LAB/ends; exit' TERM; echo {name} >> LAB/up; while :; do sleep 0.02; done"], {depends} }}"#
        )
    };
    let bots = [
        bot("a", "", "0"),
        bot("b", r#"depends_on = ["a"],"#, "0.2"),
        bot("c", r#"depends_on = ["b"],"#, "0.4"),
        r#"same = { command = "BOT", args = ["idle"] }"#.into(),
    ];
    start(&lab, &bots.each_ref().map(String::as_str));
    lines(&lab, "up", 3);
    write_bots(&lab, &[r#"same = { command = "BOT", args = ["idle"] }"#]);
    tell(&lab, "reload");
    assert_eq!(lines(&lab, "ends", 3), ["c", "b", "a"]);
    let _ = ctl(&lab, "stop --wait=20s a").run();
    refused(&lab, "status a");
    stop(&lab);
}

/// Promise 6.06. A bot's dependency is removed, or is not a dependency any more.
#[test]
fn reload_ends_waits_for_removed_dependencies() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"db = { command = "BOT", args = ["idle"], ready = { output = "never" } }"#,
            r#"web = { command = "BOT", args = ["idle"], depends_on = ["db"] }"#,
            r#"api = { command = "BOT", args = ["idle"], depends_on = ["web", "db"] }"#,
        ],
    );
    assert_eq!((state(&lab, "web"), state(&lab, "api")), ("waiting".into(), "waiting".into()));
    write_bots(
        &lab,
        &[
            r#"db = { command = "BOT", args = ["idle"], ready = { output = "never" } }"#,
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"api = { command = "BOT", args = ["idle"], depends_on = ["web", "db"] }"#,
        ],
    );
    tell(&lab, "reload");
    wait_for(&lab, "web", "running");
    assert_eq!(state(&lab, "api"), "waiting");
    write_bots(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"] }"#,
            r#"api = { command = "BOT", args = ["idle"], depends_on = ["web"] }"#,
        ],
    );
    tell(&lab, "reload");
    wait_for(&lab, "api", "running");
    stop(&lab);
}

/// Promise 6.06.
#[test]
fn corrected_command_is_retried() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["exit:3"], limit = { exits = 0, window = "60s" } }"#,
            r#"lost = { command = "BOT", args = ["exit:3"], limit = { exits = 0, window = "60s" } }"#,
        ],
    );
    wait_for(&lab, "web", "gave-up");
    wait_for(&lab, "lost", "gave-up");
    write_bots(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "60s" } }"#,
            r#"lost = { command = "BOT", args = ["exit:3"], limit = { exits = 0, window = "60s" } }"#,
        ],
    );
    assert!(tell(&lab, "reload").contains("~ web: restarted (args)"));
    wait_for(&lab, "web", "running");
    assert_eq!(state(&lab, "lost"), "gave-up");
    stop(&lab);
}

/// Promise 6.06. A dry run, and a reload that is refused because the monitor stops, do not change the monitor's own
/// log.
#[test]
fn refused_reload_changes_no_setting() {
    let lab = lab();
    let file = |level: &str| {
        format!(
            "[monitor]\nname = \"lab\"\npidfile = \"m.pid\"\nlog = {{ file = \"{}\" }}\nlog_level = \"{level}\"\n[bot.web]\ncommand = \"{}\"\nargs = \
             [\"ignore:TERM\", \"touch:{}\", \"idle\"]\nstop = [{{ signal = \"TERM\", timeout = \"2s\" }}]\n",
            lab.path("own.log").display(),
            crate::common::BOT,
            lab.path("up").display()
        )
    };
    lab.write("m.toml", file("info"));
    let monitor = start_again(&lab);
    lab.wait_for("up", crate::common::EVENT_TIMEOUT, |_| true);
    let says = |what: &str, times: usize| {
        lab.wait_for("own.log", crate::common::EVENT_TIMEOUT, |text| text.matches(what).count() == times)
    };
    says("runs as process", 1);
    lab.write("m.toml", file("error"));
    tell(&lab, "reload --dry-run");
    std::fs::remove_file(lab.path("up")).unwrap();
    tell(&lab, "restart --wait=20s web");
    // The dry run has not silenced it.
    says("runs as process", 2);
    lab.wait_for("up", crate::common::EVENT_TIMEOUT, |_| true);
    monitor.signal(Signal::SIGTERM);
    wait_for(&lab, "web", "stopping");
    assert!(refused(&lab, "reload").contains("the monitor is stopping"));
    assert!(monitor.died(crate::common::EVENT_TIMEOUT).is_ok());
    // The refused reload has not, either.
    says(") ended by", 2);
}

#[test]
fn moved_log_is_written_by_the_running_program() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["print:one", "sleep:1", "idle"], stdout = "LAB/one.log" }"#]);
    lines(&lab, "one.log", 1);
    let before = process(&lab, "web");
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "while sleep 0.05; do echo more; done"], stdout = "LAB/two.log" }"#,
        ],
    );
    tell(&lab, "reload");
    lines(&lab, "two.log", 3);
    let runs = process(&lab, "web");
    assert_ne!(runs, before);
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "while sleep 0.05; do echo more; done"], stdout = "LAB/three.log" }"#,
        ],
    );
    tell(&lab, "reload");
    lines(&lab, "three.log", 3);
    assert_eq!(process(&lab, "web"), runs, "a change of its log restarted it");
    stop(&lab);
}

#[test]
fn bot_added_again_while_stopping_runs_on() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["ignore:TERM", "stamp:LAB/starts", "idle"], stop = { signal = "TERM", timeout = "700ms" } }"#,
            r#"db = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    lines(&lab, "starts", 1);
    write_bots(&lab, &[r#"db = { command = "BOT", args = ["idle"] }"#]);
    tell(&lab, "reload");
    assert_eq!(state(&lab, "web"), "stopping");
    write_bots(
        &lab,
        &[
            r#"db = { command = "BOT", args = ["idle"] }"#,
            r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#,
        ],
    );
    tell(&lab, "reload");
    lines(&lab, "starts", 2);
    wait_for(&lab, "web", "running");
    stop(&lab);
}
