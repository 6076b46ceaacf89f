//! `instances` and `${INSTANCE}`.

use super::{config, mistakes};
use crate::bot::{Bot, Log, LogTarget};

/// Promise 6.54.
#[test]
fn table_that_names_the_instance_is_read_once_for_each() {
    let text = r#"
        [bot.web]
        command = "/bin/true"
        instances = 2
        args = ["--port", "80${INSTANCE}"]
        env = { NUMBER = "$INSTANCE of 2" }
        stdout = "/var/log/web-${INSTANCE}.log"
        stderr = "/var/log/errors.log"
    "#;
    let instance = |number: u32| {
        Bot::new(format!("web:{number}"), "/bin/true")
            .arguments(["--port".to_owned(), format!("80{number}")])
            .variable("NUMBER", format!("{number} of 2"))
            .variable("DAEMON_INSTANCE", number.to_string())
            .stdout(Log::new(format!("/var/log/web-{number}.log")))
            .stderr(Log::new(format!("/var/log/errors:{number}.log")))
    };
    let bots = config(text).bots;
    assert_eq!((bots.len(), &*bots[0].name, bots[0].instances), (1, "web", Some(2)));
    assert_eq!(bots[0].units(), [instance(1), instance(2)]);
}

#[test]
fn defaults_may_name_the_instance() {
    let text = r#"
        [defaults]
        env = { PORT = "80${INSTANCE:-0}" }
        [bot.web]
        command = "/bin/true"
        instances = 2
        [bot.db]
        command = "/bin/true"
    "#;
    let bots = config(text).bots;
    let port = |bot: &Bot| bot.environment[std::ffi::OsStr::new("PORT")].to_str().unwrap().to_owned();
    assert_eq!(bots[0].units().iter().map(port).collect::<Vec<_>>(), ["801", "802"]);
    assert_eq!(bots[1].units().iter().map(port).collect::<Vec<_>>(), ["800"]);
}

/// Promise 6.54.
#[test]
fn instance_without_instances_is_refused() {
    let of = |line: &str| mistakes(&format!("[bot.web]\ncommand = \"/bin/true\"\n{line}\n"));
    let unset = "`INSTANCE` is the number of an instance, and is set only for a bot with `instances`: write `instances`, or \
                 `${INSTANCE:-default}`";
    assert_eq!(of("args = [\"$INSTANCE\"]"), format!("3:9: `args`: {unset}"));
    assert_eq!(
        mistakes("[defaults]\nenv = { N = \"$INSTANCE\" }\n[bot.a]\ncommand = \"/x\"\n[bot.b]\ncommand = \"/x\"\n"),
        format!("2:13: `N`: {unset}")
    );
    assert_eq!(mistakes("[monitor]\nname = \"$INSTANCE\"\n"), format!("2:8: `name`: {unset}"));
    assert_eq!(
        of("instances = \"${INSTANCE:-3}\""),
        "3:13: `instances`: the number of an instance does not say how many there are: write a number"
    );
    // One mistake of ten thousand instances.
    assert_eq!(
        of("instances = 10000\nready = { tcp = \"127.0.0.1:6553${INSTANCE}\" }"),
        "4:17: `tcp`: `127.0.0.1:65536` is not an address and port: write \"127.0.0.1:PORT\" or \"[::1]:PORT\""
    );
}

#[test]
fn logs_of_instances_that_are_those_of_another_bot_are_refused() {
    let text = "[bot.a]\ncommand = \"/x\"\ninstances = 2\nstdout = \"/l/${INSTANCE}\"\n[bot.b]\ncommand = \"/x\"\nstdout = \"/l/2\"\n";
    assert_eq!(mistakes(text), "5:6: bots `a:2` and `b` have the same log `/l/2`: give each its own");
}

#[test]
fn instances_for_each_processor_are_as_many_as_may_be_used() {
    let bots = config("[bot.web]\ncommand = \"/bin/true\"\ninstances = \"cpus\"\n").bots;
    let count = std::thread::available_parallelism().unwrap().get();
    assert_eq!(bots[0].units().len(), count);
    assert_eq!(bots[0].stdout, LogTarget::Memory);
}
