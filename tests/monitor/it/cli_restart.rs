//! A restart of the monitor itself, while its configuration is broken or means another monitor.

use crate::cli_lab::CliLab;

const BOTS: &str = r#"
[bot.web]
command = "BOT"
args = ["idle"]
"#;

/// Requests a restart of the monitor, which it must refuse; returns its message. No bot has stopped by then.
#[track_caller]
fn refused(cli: &CliLab) -> String {
    let (monitor, web) = (cli.monitor(), cli.pid("web"));
    let refused = cli.client().restart().expect_err("a restart into nothing").to_string();
    assert_eq!((cli.monitor(), cli.pid("web")), (monitor, web), "{refused}");
    assert_eq!(cli.bot("web")["state"], "running");
    refused
}

/// Promise 6.31.
#[test]
fn restart_of_the_monitor_with_mistakes_in_its_file_is_refused_and_stops_nothing() {
    let cli = CliLab::new(BOTS);
    cli.start();
    cli.configure(&format!("{BOTS}\ncomand = \"x\"\nstop = []\n"));
    let text = refused(&cli);
    assert!(text.contains("failed to restart: ") && text.contains("m.toml:11:1: unknown key `comand`"), "{text}");
    assert!(text.contains("m.toml:12:8: `stop`"), "only one mistake is reported: {text}");
    std::fs::remove_file(cli.lab.path("m.toml")).unwrap();
    assert!(refused(&cli).contains("no such file or directory"));
    // Once the file is correct, the restart succeeds.
    cli.configure(BOTS);
    cli.restart_monitor();
    cli.until_is("web", "running");
    cli.shutdown();
}

/// Promise 6.31. The new monitor would not take over, and would start bots beside those that still run.
#[test]
fn restart_of_the_monitor_under_another_name_is_refused() {
    let cli = CliLab::new(BOTS);
    cli.start();
    let text = cli.lab.read("m.toml");
    cli.lab.write("m.toml", text.replace("name = \"lab\"", "name = \"other\""));
    let why = refused(&cli);
    assert!(why.contains("the monitor is called `other` in its configuration now, not `lab`"), "{why}");
    cli.lab.write("m.toml", text);
    cli.shutdown();
}
