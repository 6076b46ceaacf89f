//! The last day of a bot, and its limit of memory, over HTTP.

use serde_json::{Value, json};

use crate::cli_lab::CliLab;
use crate::listener_routes::ask;

#[test]
fn bot_has_a_history_from_its_first_ten_minutes_on() {
    let cli = CliLab::new(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\ninstances = 2\nmemory_max = \"1GB\"\n[bot.plain]\ncommand = \"BOT\"\nargs = [\"idle\"]\n",
    );
    cli.start();
    let get = |name: &str| ask(&cli, "GET", &format!("/bots/{name}/history"), "");
    let (status, answer) = get("web:1");
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let empty = json!({ "interval": 600, "start": 0.0, "exits": [], "memory": [], "cpu": [] });
    assert_eq!((status, &answer["history"]), (200, &empty), "{answer}");
    for (name, told) in [("web", "it means several bots"), ("weg", "no bot or group has this name")] {
        let answer: Value = serde_json::from_str(&get(name).1).expect("JSON");
        assert!(answer["success"] == false && answer["message"].to_string().contains(told), "{answer}");
    }
    let metrics = ask(&cli, "GET", "/metrics", "").1;
    assert!(metrics.contains("\ndaemon_bot_memory_max_bytes{bot=\"web:1\"} 1000000000\n"), "{metrics}");
    assert!(!metrics.contains("daemon_bot_memory_max_bytes{bot=\"plain\"}"), "{metrics}");
    cli.shutdown();
}
