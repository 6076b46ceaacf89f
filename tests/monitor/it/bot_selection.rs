//! The words that select bots in commands: names, families, globs, groups and `all`; and the bots that a stop takes along.

use serde_json::{Value, json};

use crate::cli_lab::{CliLab, names};
use crate::listener_routes::post;

/// A database, two instances that depend on it, a worker that depends on these, and one bot beside them.
const SHOP: &str = r#"
[bot.db]
command = "BOT"
args = ["stamp:LAB/db", "idle"]
bot_group = "infra"

[bot.web]
command = "BOT"
args = ["print:hello", "idle"]
instances = 2
depends_on = ["infra"]
bot_group = "shop"

[bot.mail-worker]
command = "BOT"
args = ["idle"]
depends_on = ["web"]
bot_group = "shop"

[bot.beside]
command = "BOT"
args = ["idle"]
"#;

#[track_caller]
fn ready(cli: &CliLab) {
    cli.start();
    cli.until_is("mail-worker", "running");
    cli.until_is("beside", "running");
}

/// Returns the names of the bots of a `status`.
#[track_caller]
fn status(cli: &CliLab, arguments: &[&str]) -> Vec<String> {
    let (told, _) = cli.json(&[&["status"], arguments].concat());
    names(&told["bots"]).into_iter().map(str::to_owned).collect()
}

#[test]
fn words_select_bots_in_every_command() {
    let cli = CliLab::new(SHOP);
    ready(&cli);
    assert_eq!(status(&cli, &["web:*", "*-worker", "web"]), ["web:1", "web:2", "mail-worker"]);
    assert_eq!(status(&cli, &["[bd]*"]), ["db", "beside"]);
    assert_eq!(status(&cli, &["infra"]), ["db"]);
    assert_eq!((status(&cli, &["all"]).len(), status(&cli, &["--state", "running"]).len()), (5, 5));
    assert_eq!(status(&cli, &["all", "--state", "failed,gave-up"]), [""; 0]);
    let before = cli.pid("web:2");
    cli.ok(&["signal", "KILL", "web:?"]);
    cli.until("web:2", |bot| bot["state"] == "running" && bot["pid"] != before);
    cli.ok(&["event", "shop", "reply"]);
    assert!(cli.ok(&["status", "mail-worker"]).contains("reply 1/1"));
    let (stopped, code) = cli.json(&["stop", "web:*", "shop", "web:1", "--wait"]);
    assert_eq!((code, names(&stopped["bots"])), (0, vec!["web:1", "web:2", "mail-worker"]));
    assert_eq!(status(&cli, &["--state=stopped"]), ["web:1", "web:2", "mail-worker"]);
    assert_eq!(cli.ok(&["start", "shop", "--wait"]).lines().count(), 3);
    let (destroyed, _) = cli.json(&["destroy", "b*", "--wait"]);
    assert_eq!(destroyed["bots"][0]["state"], "stopped");
    let all = post(&cli, "/bots/all/stop", &json!({"wait": 20}));
    assert!(all["bots"].as_array().expect("bots").iter().all(|bot| bot["state"] == "stopped"), "{all}");
    // As without names: those that start with the monitor.
    cli.ok(&["start", "all", "--wait"]);
    assert_eq!(status(&cli, &["--state", "running"]).len(), 5);
    cli.shutdown();
}

#[test]
fn word_that_selects_no_bot_is_an_error_with_near_names() {
    let cli = CliLab::new(SHOP);
    ready(&cli);
    for command in ["stop", "restart", "destroy", "status", "show", "start"] {
        cli.ctl(&[command, "wbe*"]).run().exits(4).says(&["`wbe*`", "(did you mean `web`?)"]);
        cli.ctl(&[command, "shpo"]).run().exits(4).says(&["(did you mean `shop`?)"]);
        cli.ctl(&[command, "web["]).run().exits(2).says(&["the pattern is not valid"]);
    }
    cli.ctl(&["event", "wbe*", "reply"]).run().exits(4).says(&["(did you mean `web`?)"]);
    let nothing = post(&cli, "/command", &json!({"do": "stop", "bots": ["\u{1b}[31m*", "web["], "wait": 5}));
    assert_eq!((nothing["success"].clone(), names(&nothing["bots"])), (json!(false), vec![]));
    assert_eq!(nothing["failures"][1]["unknown"], true, "{nothing}");
    // Globs that would keep the engine busy.
    let refused = post(&cli, "/command", &json!({"do": "stop", "bots": vec!["*b"; 101]}));
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("101 globs")), "{refused}");
    let refused = post(&cli, "/command", &json!({"do": "stop", "bots": vec!["*b".repeat(100); 3]}));
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("600 bytes together")), "{refused}");
    let refused = cli.client().get(&format!("/log?bots={}", "*b,".repeat(101))).expect("an answer");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("101 globs")), "{refused}");
    assert_eq!(status(&cli, &["--state", "running"]).len(), 5);
    cli.shutdown();
}

/// Promise 6.67.
#[test]
fn stop_names_the_bots_that_it_takes_along_before_it_acts() {
    let cli = CliLab::new(SHOP);
    ready(&cli);
    let pids = || ["db", "web:1", "web:2", "mail-worker"].map(|name| cli.pid(name));
    let before = pids();
    // Only a dry run: nothing happens.
    let also = "mail-worker, web:1 and web:2, which depend on it";
    for verb in ["stop", "restart", "destroy"] {
        let what = if verb == "restart" { "restarts" } else { "stops" };
        let planned = cli.ok(&[verb, "db", "--dry-run"]);
        assert_eq!(planned, format!("would {verb} db\nalso {what} {also}\n"));
        let (planned, code) = cli.json(&[verb, "db", "-n"]);
        assert_eq!((code, &planned["also"]), (0, &json!(["mail-worker", "web:1", "web:2"])));
        let answer = post(&cli, &format!("/bots/db/{verb}"), &json!({"dry_run": true}));
        assert_eq!((&answer["also"], &answer["bot"]["name"]), (&planned["also"], &json!("db")));
    }
    assert_eq!(pids(), before);
    // The word for all of them takes nothing along that it does not name.
    assert_eq!(cli.ok(&["stop", "all", "-n"]).lines().count(), 1);
    cli.ctl(&["restart", "db", "--wait"]).run().ok().says(&[&format!("also restarts {also}")]);
    assert!(before.iter().zip(pids()).all(|(before, now)| *before != now));
    let answer = post(&cli, "/command", &json!({"do": "stop", "bots": ["web:1"], "wait": 20}));
    assert_eq!((names(&answer["bots"]), &answer["also"]), (vec!["web:1"], &json!(["mail-worker"])));
    // A bot that is down already is not named.
    let stopped = cli.ctl(&["stop", "db", "--wait"]).run().ok();
    assert_eq!(stopped.stderr.trim_end(), "also stops web:2, which depends on it");
    assert_eq!(stopped.stdout, "db: stopped\n");
    cli.shutdown();
}

/// Promise 6.68. A restart of many, which depend on each other, ends and starts each of them once.
#[test]
fn command_for_many_is_begun_for_all_of_them_at_once() {
    let cli = CliLab::new(SHOP);
    ready(&cli);
    let counts = || {
        let bots = ["db", "web:1", "web:2", "mail-worker", "beside"].map(|name| cli.bot(name));
        bots.map(|bot| [0, 1].map(|event: usize| bot["events"][event]["total"].clone()))
    };
    for words in [json!(["mail-worker", "db", "web:2", "shop", "*"]), Value::Null] {
        let before = counts();
        let body = match &words {
            Value::Null => json!({"do": "restart", "wait": 20}),
            words => json!({"do": "restart", "wait": 20, "bots": words}),
        };
        let answer = post(&cli, "/command", &body);
        assert_eq!((&answer["success"], names(&answer["bots"]).len()), (&json!(true), 5), "{answer}");
        assert!(answer["bots"].as_array().expect("bots").iter().all(|bot| bot["state"] == "running"), "{answer}");
        for (before, after) in before.iter().zip(counts()) {
            let one_more = |number: &Value| json!(number.as_u64().expect("a number") + 1);
            assert_eq!(after, [one_more(&before[0]), one_more(&before[1])]);
        }
    }
    cli.shutdown();
}
