//! `daemonctl reload` and `check`: a change is applied completely or not at all; and how the configuration is found.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::cli_lab::{CliLab, daemonctl};
use crate::common::EVENT_TIMEOUT;

const BEFORE: &str = r#"
[bot.same]
command = "BOT"
args = ["idle"]

[bot.limited]
command = "BOT"
args = ["idle"]

[bot.changed]
command = "BOT"
args = ["idle"]

[bot.gone]
command = "BOT"
args = ["idle"]
"#;

const AFTER: &str = r#"
[bot.same]
command = "BOT"
args = ["idle"]

[bot.limited]
command = "BOT"
args = ["idle"]
limit = { exits = 0, window = "1h" }

[bot.changed]
command = "BOT"
args = ["print:new", "idle"]

[bot.new]
command = "BOT"
args = ["idle"]
"#;

fn pids(cli: &CliLab) -> [i32; 4] {
    ["same", "limited", "changed", "gone"].map(|name| cli.pid(name))
}

/// Promise 6.06.
#[test]
fn reload_changes_only_changed_bots() {
    let cli = CliLab::new(BEFORE);
    cli.start();
    let before = pids(&cli);
    cli.configure(AFTER);
    let would = cli.ok(&["reload", "--dry-run"]);
    assert_eq!(
        would,
        "+ new: would be added\n- gone: would be removed\n~ changed: would be restarted (args)\n\
         = limited: would be changed while it runs (limit)\n1 bot untouched\n"
    );
    assert_eq!(pids(&cli), before, "a dry run does nothing");
    let (told, code) = cli.json(&["reload"]);
    let plan = json!({
        "added": ["new"], "removed": ["gone"], "restarted": [{"name": "changed", "why": ["args"]}],
        "changed": [{"name": "limited", "why": ["limit"]}], "untouched": 1, "settings": [], "settings_later": [],
    });
    assert_eq!((&told["plan"], told["success"].clone(), code), (&plan, Value::Bool(true), 0));
    cli.until_is("new", "running");
    let changed = cli.until("changed", |bot| bot["state"] == "running" && bot["pid"] != before[2]);
    assert_eq!((cli.pid("same"), cli.pid("limited")), (before[0], before[1]));
    assert!(changed["pid"].is_number());
    let begin = Instant::now();
    while cli.ctl(&["status", "gone"]).run().code() != 4 {
        assert!(begin.elapsed() < EVENT_TIMEOUT, "`gone` is not gone");
    }
    assert!(!look::Process::new(before[3]).alive());
    // The limit applies at once.
    look::Process::new(before[1]).signal(Signal::SIGKILL);
    cli.until_is("limited", "gave-up");
    assert_eq!(cli.ok(&["reload"]), "4 bots untouched\n");
    cli.shutdown();
}

/// Promise 6.05.
#[test]
fn broken_file_changes_nothing_and_is_located() {
    let cli = CliLab::new(BEFORE);
    let monitor = cli.start();
    let before = pids(&cli);
    let good = cli.lab.read("m.toml");
    let cases = [
        (good.replace("[bot.gone]", "[bot.gone"), "m.toml:19:10: unclosed table"),
        (good.replace("[bot.gone]", "[bot.gone]\ncomand = \"x\""), "m.toml:20:1: unknown key `comand`"),
        (good.replace("[bot.gone]", "[bot.gone]\ndepends_on = [\"gone\"]"), "m.toml:20:"),
        (good.replace("[bot.gone]", "[bot.same]"), "m.toml:19:"),
    ];
    for (text, place) in cases {
        cli.lab.write("m.toml", &text);
        let outcome = cli.ctl(&["reload"]).run().exits(1);
        assert!(outcome.stderr.contains(place), "{place}: {outcome}");
        assert!(outcome.stderr.contains("nothing was changed"), "{outcome}");
        let (told, code) = cli.json(&["reload", "--dry-run"]);
        assert_eq!((told["success"].clone(), code), (Value::Bool(false), 1));
        assert!(told["mistakes"][0].as_str().is_some_and(|mistake| mistake.contains(place)), "{told}");
        assert_eq!(pids(&cli), before);
    }
    // A truncated file does not even name the pidfile.
    cli.lab.write("m.toml", "");
    let told = cli.client().send("/config/reload", json!({})).expect("an answer");
    assert!(
        told["success"] == false && told["mistakes"][0].as_str().is_some_and(|text| text.contains("it is empty")),
        "{told}"
    );
    assert_eq!(pids(&cli), before);
    // SIGHUP reloads as well, and the status shows the error.
    cli.lab.write("m.toml", good.replace("[bot.gone]", "[bot.gone"));
    monitor.signal(Signal::SIGHUP);
    cli.lab.wait_for("m.log", Duration::from_secs(20), |log| log.contains("failed to configure the monitor"));
    let (status, _) = cli.json(&["status"]);
    assert!(status["monitor"]["problem"].as_str().is_some_and(|problem| problem.contains("m.toml:19:10")), "{status}");
    cli.ctl(&["status"]).run().ok().says(&["the configuration was not taken", "m.toml:19:10"]);
    // A monitor whose file is broken accepts commands, and recovers with a valid file.
    cli.ok(&["restart", "same"]);
    cli.lab.write("m.toml", &good);
    cli.ok(&["reload"]);
    assert_eq!(cli.json(&["status"]).0["monitor"]["problem"], Value::Null);
    assert_eq!(pids(&cli)[1..], before[1..]);
    cli.shutdown();
}

#[test]
fn concurrent_reloads_are_done_in_sequence() {
    let cli = CliLab::new(BEFORE);
    let monitor = cli.start();
    let before = pids(&cli);
    cli.configure(AFTER);
    let running: Vec<_> = (0..6).map(|_| cli.ctl(&["reload", "--json"]).spawn()).collect();
    monitor.signal(Signal::SIGHUP);
    let mut added = 0;
    for running in running {
        let told: Value = serde_json::from_str(&running.finish().ok().stdout).expect("JSON");
        added += told["plan"]["added"].as_array().expect("names").len();
    }
    assert!(added <= 1, "added {added} times");
    cli.until_is("new", "running");
    assert_eq!((cli.pid("same"), cli.pid("limited")), (before[0], before[1]));
    cli.shutdown();
}

#[test]
fn check_prints_every_mistake_with_its_location() {
    let cli = CliLab::new(BEFORE);
    assert!(cli.ok(&["check"]).ends_with("m.toml: 4 bots, no mistakes\n"));
    cli.lab.write("bad.toml", "[bot.web]\ncomand = \"/bin/web\"\n\n\n[bots]\n");
    let outcome = cli.ctl(&["check", "bad.toml"]).run().exits(1);
    for text in [
        "bad.toml:1:6: bot `web` has no program",
        "bad.toml:2:1: unknown key `comand`: did you mean `command`?",
        "bad.toml:5:2: ",
        "3 mistakes",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {outcome}");
    }
    let (told, code) = cli.json(&["check", "bad.toml"]);
    let mistakes = told["mistakes"].as_array().expect("mistakes");
    assert_eq!(
        (mistakes.len(), mistakes[0]["line"].as_i64(), mistakes[0]["column"].as_i64(), code),
        (3, Some(1), Some(6), 1)
    );
    cli.lab.write("warned.toml", "[bot.web]\ncommand = \"/nowhere/at-all\"\n");
    let warned = cli.ctl(&["check", "warned.toml"]).run().ok();
    assert!(warned.stderr.contains("warning: ") && warned.stderr.contains("warned.toml:2:11: `command`"), "{warned}");
    // Mistakes are reported before anything is started.
    let refused = cli.lab.helper(&["-c", "bad.toml", "start"]).run().exits(1);
    assert!(
        refused.stderr.contains("failed to configure the monitor: ") && refused.stderr.contains("bad.toml:2:1: "),
        "{refused}"
    );
    assert!(cli.lab.processes().is_empty());
}

#[test]
fn configuration_is_found_or_the_searched_paths_are_named() {
    let cli = CliLab::new(BEFORE);
    let bare = |arguments: &[&str]| cli.lab.helper(arguments);
    bare(&["check"]).env("DAEMONCTL_CONFIG", "m.toml").run().ok().prints(&["4 bots, no mistakes"]);
    // `-c` takes precedence.
    bare(&["check", "-c", "nowhere.toml"]).env("DAEMONCTL_CONFIG", "m.toml").run().exits(1).says(&["nowhere.toml"]);
    let script = "mount -t tmpfs none /etc && mkdir -p home/.config && echo ada:x:0:0::$PWD/home:/bin/sh > /etc/passwd
        $D check; echo $?; cp m.toml /etc/daemonctl.toml && $D check && mv /etc/daemonctl.toml home/.config && $D check";
    let outcome = cli.lab.command("unshare", &["--mount", "bash", "-c", script]).env("D", daemonctl()).run().ok();
    let home = cli.lab.directory().display();
    let told = format!("neither `{home}/home/.config/daemonctl.toml` nor `/etc/daemonctl.toml` is there");
    assert!(
        outcome.stderr.contains(&told) && outcome.stdout.starts_with("1\n/etc/daemonctl.toml: 4 bots"),
        "{outcome}"
    );
    assert!(outcome.stdout.contains("home/.config/daemonctl.toml: 4 bots"), "{outcome}");
}

/// A missing quotation mark in each of many bots fills no screen.
#[test]
fn many_mistakes_are_summarized() {
    let cli = CliLab::new("");
    let wrong = |number: usize| format!("[bot.b{number}]\ncommand = \"BOT\"\nargs = [\"idle]\n");
    cli.configure(&(0..300).map(wrong).collect::<String>());
    let outcome = cli.ctl(&["check"]).run().exits(1);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert_eq!(lines.len(), 22, "{outcome}");
    let more: usize = lines[20].trim_start_matches("error: ").strip_suffix(" more mistakes").unwrap().parse().unwrap();
    assert!(more >= 280 && lines[21] == format!("{} mistakes", more + 20), "{outcome}");
    // Programs receive all of them.
    let (told, code) = cli.json(&["check"]);
    assert_eq!((told["mistakes"].as_array().map(Vec::len), code), (Some(more + 20), 1));
    let started = cli.ctl(&["start"]).run().exits(1);
    assert!(started.stderr.lines().count() <= 22, "{started}");
    // A running monitor reports it as briefly.
    cli.configure("");
    cli.start();
    cli.configure(&(0..300).map(wrong).collect::<String>());
    let outcome = cli.ctl(&["reload"]).run().exits(1);
    assert_eq!(outcome.stderr.lines().count(), 22, "{outcome}");
    cli.shutdown();
}

/// A bot that a reload does not start is not waited for: one that was stopped, and one that does not start with the monitor.
#[test]
fn reload_does_not_wait_for_bots_that_stay_down() {
    let bots = |text: &str| {
        let bot = |name: &str, more: &str| {
            format!("[bot.{name}]\ncommand = \"BOT\"\nargs = [\"print:{text}\", \"idle\"]\n{more}\n")
        };
        [bot("web", ""), bot("off", ""), bot("job", "restart = \"never\"\nschedule = \"0 0 1 1 *\"")].concat()
    };
    let cli = CliLab::new(&bots("old"));
    cli.start();
    cli.ok(&["stop", "off", "--wait"]);
    let web = cli.pid("web");
    cli.configure(&format!("{}[bot.later]\ncommand = \"BOT\"\nargs = [\"idle\"]\nautostart = false\n", bots("new")));
    cli.ok(&["reload", "--wait"]);
    assert_ne!(cli.pid("web"), web);
    for name in ["off", "job", "later"] {
        assert_eq!(cli.bot(name)["state"], "stopped", "{name}");
    }
    cli.shutdown();
}

/// The cost of forgetting a bot does not grow with the number of bots that stay, or leave with it.
#[test]
fn removal_of_ten_thousand_bots_is_fast() {
    let bots = |count: usize| {
        format!("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\nautostart = false\ninstances = {count}\n")
    };
    let cli = CliLab::new(&bots(10_000));
    cli.start();
    cli.configure(&bots(1));
    let begin = Instant::now();
    cli.ok(&["reload"]);
    let end = begin + Duration::from_secs(10);
    while cli.client().get("/bots?minutes=0").expect("the bots")["bots"].as_array().map(Vec::len) != Some(1) {
        assert!(Instant::now() < end, "they are not gone");
    }
    println!("gone after {:?}", begin.elapsed());
    cli.shutdown();
}
