//! `[defaults]`: the keys that bots have unless they say something else.

use super::{config, mistakes, variables};
use crate::bot::{Bot, Restart};
use crate::config::Config;
use std::fs;
use std::time::Duration;

#[test]
fn defaults_hold_where_a_bot_says_nothing_and_env_is_merged() {
    let text = r#"
        [defaults]
        restart = "never"
        limit = { exits = 2, window = "1m" }
        env = { A = "default", B = "default" }
        [bot.db]
        command = "/bin/true"
        [bot.web]
        command = "/bin/true"
        restart = "always"
        limit = { exits = 3 }
        env = { B = "own", C = "own" }
    "#;
    let minute = Duration::from_secs(60);
    let db = Bot::new("db", "/bin/true").restart(Restart::Never).limit(2, minute);
    let web = Bot::new("web", "/bin/true").limit(3, 60 * minute);
    assert_eq!(
        config(text).bots,
        [
            db.variable("A", "default").variable("B", "default"),
            web.variable("A", "default").variable("B", "own").variable("C", "own")
        ]
    );
}

#[test]
fn defaults_hold_in_included_files_with_paths_from_their_own_file() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("bots.d")).unwrap();
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("main.toml", "include = [\"bots.d/*.toml\"]\n[defaults]\nready = { file = \"ready\" }\n");
    write("bots.d/web.toml", "[bot.web]\ncommand = \"/bin/true\"\n");
    let read = || Config::read_with(&directory.path().join("main.toml"), &variables);
    let bots = read().unwrap().bots;
    assert_eq!(bots[0].ready, crate::bot::Ready::File(directory.path().join("ready")));
    assert_eq!(bots[0].directory, Some(directory.path().join("bots.d")));
    write("bots.d/web.toml", "[bot.web]\ncommand = \"/bin/true\"\n[defaults]\numask = \"0\"\n");
    let wrong = read().unwrap_err().to_string();
    assert!(
        wrong.ends_with("web.toml:3:2: `defaults`: an included file cannot say this: write it in the first file"),
        "{wrong}"
    );
}

/// Promise 6.54.
#[test]
fn mistake_in_defaults_is_reported_once_at_its_place() {
    let bots = "[bot.a]\ncommand = \"/bin/true\"\n[bot.b]\ncommand = \"/bin/true\"\numask = \"027\"\n";
    for (line, expected) in [
        ("umask = \"999\"", "2:9: `umask`: `999` is not a umask: write octal digits, such as \"027\""),
        ("umsk = 1", "2:1: unknown key `umsk`: did you mean `umask`?"),
        ("command = \"/bin/x\"", "2:1: unknown key `command`: each bot says its own: write it in `[bot.NAME]`"),
        ("depends_on = [\"a\"]", "2:1: unknown key `depends_on`: each bot says its own: write it in `[bot.NAME]`"),
        ("env = { DAEMON_BOT = \"x\" }", "2:22: `DAEMON_BOT`: the monitor sets this variable itself"),
    ] {
        assert_eq!(mistakes(&format!("[defaults]\n{line}\n{bots}")), expected);
        assert_eq!(mistakes(&format!("[defaults]\n{line}\n")), expected, "without a bot");
    }
    assert_eq!(
        mistakes("defaults = 1\n"),
        "1:12: `defaults`: expected a table, written as `[defaults]`, found an integer"
    );
}
