//! A restart of the monitor itself, while its configuration is broken or means another monitor.

use crate::daemonctl::Site;

const BOTS: &str = r#"
[bot.web]
command = "BOT"
args = ["idle"]
"#;

/// Asks the monitor to restart, which it must refuse; what it says. Nothing has stopped by then.
#[track_caller]
fn refused(site: &Site) -> String {
    let (monitor, web) = (site.monitor(), site.pid("web"));
    let refused = site.client().restart().expect_err("a restart into nothing").to_string();
    assert_eq!((site.monitor(), site.pid("web")), (monitor, web), "{refused}");
    assert_eq!(site.bot("web")["state"], "running");
    refused
}

/// Promise 6.31.
#[test]
fn restart_of_the_monitor_with_mistakes_in_its_file_is_refused_and_stops_nothing() {
    let site = Site::new(BOTS);
    site.start();
    site.configure(&format!("{BOTS}\ncomand = \"x\"\nstop = []\n"));
    let text = refused(&site);
    assert!(text.contains("failed to restart: ") && text.contains("m.toml:11:1: unknown key `comand`"), "{text}");
    assert!(text.contains("m.toml:12:8: `stop`"), "only one mistake is told: {text}");
    std::fs::remove_file(site.lab.path("m.toml")).unwrap();
    assert!(refused(&site).contains("no such file or directory"));
    // As soon as it is right, it is done.
    site.configure(BOTS);
    site.restart_monitor();
    site.until_is("web", "running");
    site.shutdown();
}

/// Promise 6.31: the one that comes up would not know that it takes over, and start the bots beside those that still run.
#[test]
fn restart_of_the_monitor_under_another_name_is_refused() {
    let site = Site::new(BOTS);
    site.start();
    let text = site.lab.read("m.toml");
    site.lab.write("m.toml", text.replace("name = \"lab\"", "name = \"other\""));
    let why = refused(&site);
    assert!(why.contains("the monitor is called `other` in its configuration now, not `lab`"), "{why}");
    site.lab.write("m.toml", text);
    site.shutdown();
}
