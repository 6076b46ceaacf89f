//! Values of `[defaults]`, `env_file`, `${INSTANCE}` and the environment reach the bots.

use crate::cli_lab::CliLab;

const BOTS: &str = r#"
[defaults]
env_file = "common.env"
autostart = "${START:-true}"

[bot.web]
command = "BOT"
args = ["print:port 80${INSTANCE}", "idle"]
instances = "${WEB_INSTANCES:-2}"
stdout = "LAB/web-${INSTANCE}.log"
"#;

/// Promise 6.54.
#[test]
fn instances_run_with_their_own_arguments_and_a_reload_restarts_only_the_changed_one() {
    let cli = CliLab::new(BOTS);
    cli.lab.write("common.env", "GREETING='hello world'\n");
    cli.start();
    for number in [1, 2] {
        cli.until_is(&format!("web:{number}"), "running");
        let log =
            cli.lab.wait_for(&format!("web-{number}.log"), crate::common::EVENT_TIMEOUT, |text| text.ends_with('\n'));
        assert_eq!(log, format!("port 80{number}\n"));
        let process = crate::common::process(&cli.lab, &format!("web:{number}"));
        let environment = crate::common::environment(process);
        assert!(environment.contains(&"GREETING=hello world".to_owned()), "{environment:?}");
    }
    // The second instance gets another argument, the first one the same.
    let before = [cli.pid("web:1"), cli.pid("web:2")];
    cli.configure(&BOTS.replace("80${INSTANCE}", "801"));
    let plan = cli.ok(&["reload", "--dry-run"]);
    assert!(plan.contains("web:2: would be restarted (args)") && plan.contains("1 bot untouched"), "{plan}");
    // A file of variables is read again.
    cli.configure(BOTS);
    cli.lab.write("common.env", "GREETING=bye\n");
    cli.ok(&["reload"]);
    for (number, before) in [1, 2].into_iter().zip(before) {
        let name = format!("web:{number}");
        cli.until(&name, |bot| bot["state"] == "running" && bot["pid"] != before);
        let environment = crate::common::environment(crate::common::process(&cli.lab, &name));
        assert!(environment.contains(&"GREETING=bye".to_owned()), "{environment:?}");
    }
    // A mistake in it changes nothing.
    cli.lab.write("common.env", "GREETING\n");
    cli.ctl(&["reload"]).run().exits(1).says(&["common.env:1:1: this is not a variable"]);
    cli.shutdown();
}

#[test]
fn variables_of_the_environment_decide_how_many_run_and_whether() {
    let cli = CliLab::new(BOTS);
    cli.lab.write("common.env", "");
    cli.ctl(&["start"]).env("WEB_INSTANCES", "3").env("START", "false").run().ok();
    let (bots, _) = cli.json(&["status"]);
    assert_eq!(crate::cli_lab::names(&bots["bots"]), ["web:1", "web:2", "web:3"]);
    assert!(bots["bots"].as_array().unwrap().iter().all(|bot| bot["state"] == "stopped"), "{bots}");
    cli.shutdown();
}
