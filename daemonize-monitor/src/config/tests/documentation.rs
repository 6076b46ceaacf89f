//! The documentation matches the code: examples, keys and defaults of `docs/monitor.md`.

use super::config;
use crate::bot::Bot;
use crate::settings::Settings;

/// Everything between fences in the documentation is a whole configuration.
#[test]
fn the_example_in_the_documentation_is_right() {
    let text = include_str!("../../../../docs/monitor.md");
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // Its users and files are not those of every machine.
    let example = example.replace("include = [\"bots.d/*.toml\"]", "").replace("\"postgres\"", "\"root\"");
    let config = config(&example);
    assert_eq!(config.bots.iter().map(|bot| &*bot.name).collect::<Vec<_>>(), ["db", "schema", "web"]);
    for key in crate::config::bot_keys::KEYS {
        assert!(text.contains(&format!("`{key}`")), "`{key}` is not documented");
    }
}

#[test]
fn the_defaults_in_the_documentation_are_those_of_the_builder() {
    let text = include_str!("../../../../docs/monitor.md");
    let row =
        |key: &str| text.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).expect("a row").to_owned();
    let default = |key: &str| row(key).split(" | ").nth(1).unwrap().trim_matches('`').to_owned();
    for key in [
        "args",
        "env",
        "clear_env",
        "autostart",
        "restart",
        "limit",
        "backoff",
        "stop",
        "depends_on",
        "ready",
        "ready_timeout",
        "stdout",
        "stderr",
    ] {
        let found = config(&format!("[bot.web]\ncommand = \"/bin/true\"\n{key} = {}\n", default(key)));
        assert_eq!(found.bots, [Bot::new("web", "/bin/true")], "{key}");
    }
    for key in ["control", "log_level", "log_format", "stop_timeout"] {
        let text = format!("[monitor]\nname = \"monitor\"\n{key} = {}\n", default(key));
        assert_eq!(config(&text).settings, Settings::default(), "{key}");
    }
}
