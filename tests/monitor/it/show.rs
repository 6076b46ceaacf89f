//! `daemonctl show` and its route: all that is known of a bot, and its last exits.

use crate::cli_lab::CliLab;
use crate::listener_routes::ask;
use serde_json::{Value, json};

const BOTS: &str = r#"
[bot.db]
command = "BOT"
args = ["print:\u001b]0;evil\u0007up", "idle"]
bot_group = "infra"
stdout = "LAB/db.log"

[bot.web]
command = "BOT"
args = ["print:hello", "idle", "it's", "\u001b[2J"]
depends_on = ["db"]
env = { TOKEN = "s3cr3t", PORT = "80" }
cwd = "LAB"

[bot.dies]
command = "BOT"
args = ["lines:3000", "error:fatal: \u001b[31mno such table", "exit:7"]
limit = { exits = 100, window = "1h" }
backoff = { first = "1ms", cap = "1ms" }
autostart = false

[bot.late]
command = "BOT"
args = ["print:almost", "idle"]
ready = { file = "LAB/never" }
ready_timeout = "200ms"
restart = "never"
autostart = false

[bot.missing]
command = "LAB/no-such-program"
restart = "never"
autostart = false
"#;

#[track_caller]
fn show(cli: &CliLab, bot: &str) -> Value {
    let (status, answer) = ask(cli, "GET", &format!("/bots/{bot}/show"), "");
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    answer["show"].clone()
}

/// Promise 6.69.
#[test]
fn show_tells_everything_but_the_values_of_the_environment() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("web", "running");
    let web = show(&cli, "web");
    assert_eq!((&web["environment"], &web["bot"]["pid"]), (&json!(["PORT", "TOKEN"]), &json!(cli.pid("web"))));
    assert_eq!(web["dependencies"], json!([{"name": "db", "state": "running", "ready": true}]));
    assert_eq!(show(&cli, "db")["dependents"][0]["name"], "web");
    assert_eq!(show(&cli, "db")["logs"][0]["size"], cli.lab.read("db.log").len());
    assert_eq!(web["directory"], cli.lab.directory().display().to_string());
    let (status, both) = ask(&cli, "GET", "/bots/*b/show", "");
    assert!(status == 200 && !both.contains("s3cr3t") && both.contains("\"shows\":["), "{both}");
    let told = cli.ok(&["show", "web", "infra"]);
    for part in [
        "web: running, pid ",
        "PORT, TOKEN",
        "depends on        db (running)",
        "'it'\\''s' '\\u{1b}[2J'",
        "restarts after an exit",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.contains("\n\ndb: running") && told.contains("needed by         web (running)"), "{told}");
    assert!(!told.contains("s3cr3t") && !told.contains('\u{1b}'), "{told}");
    let (document, _) = cli.json(&["show", "web"]);
    assert_eq!((&document["success"], &document["show"]["arguments"][2]), (&json!(true), &json!("it's")));
    cli.shutdown();
}

/// Output that a bot prints just before it ends is in the record of its end.
#[test]
fn show_has_the_last_exits_with_their_last_lines() {
    let cli = CliLab::new(BOTS);
    cli.start();
    // It may have ended when the answer comes.
    cli.ctl(&["start", "dies"]).run();
    cli.until("dies", |bot| bot["events"][0]["total"].as_u64() >= Some(25));
    cli.ok(&["stop", "dies", "--wait"]);
    let exits = show(&cli, "dies")["exits"].as_array().expect("exits").clone();
    assert_eq!(exits.len(), 20);
    let ended: Vec<&Value> = exits.iter().filter(|exit| exit["requested"] == false).collect();
    assert!(ended.len() >= 19, "{exits:?}");
    for exit in &ended {
        assert_eq!((&exit["status"], &exit["exit"]), (&json!(7), &json!("exited with status 7")));
        let lines: Vec<&str> = exit["lines"].as_array().expect("lines").iter().filter_map(Value::as_str).collect();
        assert_eq!(lines.len(), 10, "{lines:?}");
        assert!(lines.contains(&"fatal: \u{1b}[31mno such table"), "{lines:?}");
        assert!(lines.iter().any(|line| line.ends_with("2999")), "{lines:?}");
    }
    let times: Vec<f64> = exits.iter().filter_map(|exit| exit["at"].as_f64()).collect();
    assert!(times.is_sorted() && times.len() == 20, "{times:?}");
    let told = cli.ok(&["show", "dies", "-n", "2"]);
    assert!(told.contains("last 2 exits:") && told.contains("      fatal: \\u{1b}[31mno such table\n"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told}");
    cli.shutdown();
}

#[test]
fn show_tells_why_a_bot_ended_and_what_comes_next() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.until_is("web", "running");
    cli.ok(&["restart", "web", "--wait"]);
    cli.ok(&["stop", "web", "--wait"]);
    let exits = show(&cli, "web")["exits"].clone();
    let told = |exit: &Value| (exit["signal"].clone(), exit["reason"].clone(), exit["requested"].clone());
    assert_eq!(told(&exits[0]), (json!("SIGTERM"), json!("stopped to be restarted"), json!(true)));
    assert_eq!(told(&exits[1]), (json!("SIGTERM"), json!("stopped"), json!(true)));
    assert_eq!(exits[1]["lines"], json!(["hello"]));
    let next = show(&cli, "web")["next"].clone();
    assert_eq!(next["step"], "stays down until it is started");
    assert_eq!(next["why"], "a command stopped it, or a bot that it depends on");
    cli.ctl(&["start", "late", "missing"]).run().exits(1);
    cli.until_is("late", "failed");
    let late = show(&cli, "late");
    assert_eq!(late["exits"][0]["exit"], "not being ready in time");
    assert_eq!(late["exits"][0]["reason"], "stopped, and ended by SIGTERM");
    assert_eq!((&late["exits"][0]["requested"], &late["exits"][0]["lines"]), (&json!(false), &json!(["almost"])));
    let missing = show(&cli, "missing");
    assert_eq!((&missing["exits"][0]["pid"], &missing["exits"][0]["ran_for"]), (&Value::Null, &json!(0.0)));
    assert!(missing["exits"][0]["reason"].as_str().is_some_and(|why| why.contains("no-such-program")), "{missing}");
    cli.shutdown();
}
