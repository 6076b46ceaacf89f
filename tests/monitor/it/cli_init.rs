//! `daemonctl init` and `schema`: the way to a first configuration.

use crate::cli_lab::{CliLab, daemonctl};
use look::Lab;

#[test]
fn init_writes_a_configuration_that_starts_and_never_replaces_one() {
    let lab = Lab::new(daemonctl());
    let ctl = |line: &[&str]| lab.helper(&["-c", "new.toml"]).args(line).run();
    let written = ctl(&["init"]).ok().stdout;
    assert!(written.contains("is written, with one bot, `hello`") && written.contains("new.toml start`"), "{written}");
    let text = lab.read("new.toml");
    assert!(ctl(&["check"]).ok().stdout.contains("1 bot, no mistakes"));
    ctl(&["init"]).exits(1).says(&["is there already: edit it, or name another file"]);
    assert_eq!(lab.read("new.toml"), text);
    // The bot works as it is.
    lab.write("new.toml", text.replace("[monitor]\n", &format!("[monitor]\npidfile = {:?}\n", lab.path("m.pid"))));
    ctl(&["start", "--wait"]).ok();
    assert!(ctl(&["tail", "hello"]).ok().stdout.contains("hello"));
    ctl(&["shutdown"]).ok();
}

#[test]
fn init_leaves_nothing_where_a_monitor_would_refuse_the_file() {
    let lab = Lab::new(daemonctl());
    lab.command("sh", &["-c", "mkdir open && chmod 777 open && ln -s /nowhere link"]).run().ok();
    let init = |file: &str| lab.helper(&["init", file]).run();
    init("open/new.toml").exits(1).says(&["others than its owner can write it"]);
    init("link").exits(1).says(&["is there already"]);
    init("missing/new.toml").exits(1).says(&["failed to write", "no such file or directory"]);
    let left = lab.command("sh", &["-c", "ls open"]).run().ok().stdout;
    assert_eq!(left, "");
}

#[test]
fn schema_is_json_with_all_keys() {
    let cli = CliLab::new("[bot.a]\ncommand = \"BOT\"\n");
    let (schema, status) = cli.json(&["schema"]);
    assert_eq!((status, &schema["$schema"]), (0, &"http://json-schema.org/draft-07/schema#".into()));
    assert!(schema["properties"]["bot"]["additionalProperties"]["properties"]["command"].is_object());
    let text = cli.ok(&["schema"]);
    assert!(text.lines().count() > 100);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), schema);
}
