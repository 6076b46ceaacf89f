//! Valid configurations, and the bots and settings they result in.

use super::{config, variables};
use crate::bot::{Backoff, Bot, Log, LogTarget, Ready, Restart};
use crate::config::Config;
use crate::settings::{Handler, Settings, default_name};
use daemonize_core::Signal;
use daemonize_sys::account::home;
use log::LevelFilter;
use std::path::PathBuf;
use std::time::Duration;

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

#[test]
fn a_bot_that_says_nothing_is_as_the_builder_makes_it() {
    let config = config("[bot.web]\ncommand = \"/bin/true\"\n");
    assert_eq!(config.bots, [Bot::new("web", "/bin/true")]);
    let name = default_name::of_file("/etc/bots.toml".as_ref());
    assert_eq!(config.settings, Settings { name: name.clone(), ..Settings::default() });
    assert_eq!(super::config("[monitor]\nlog_level = \"info\"\n").settings.name, name);
    let machines = Config::parse("/etc/daemonctl.toml", "[monitor]\n", &variables).unwrap();
    assert_eq!(machines.settings, Settings::default());
    assert_eq!(config.warnings, []);
}

#[test]
fn every_key_of_a_bot_means_its_builder_method() {
    let text = r#"
        [bot.web]
        command = "/bin/true"
        args = ["--port", "$PORT"]
        env = { HOME = "/srv", GREETING = "a b" }
        clear_env = true
        cwd = "/srv"
        user = "root"
        group = "0"
        umask = "027"
        no_new_privs = false
        autostart = false
        instances = 3
        restart = "on-failure"
        limit = { exits = 7, window = "2h" }
        backoff = { first = "500ms", factor = 1.5, cap = "5m", jitter = 0, stable_after = "1d" }
        stop = [{ signal = "INT", timeout = "1s" }, { signal = "SIGTERM" }]
        depends_on = ["db"]
        ready = { tcp = "localhost:8080" }
        ready_timeout = "5s"
        stdout = { file = "/var/log/web.log", max_size = "1MiB", keep = 0, timestamps = true }
        stderr = "null"
        [bot.db]
        command = "true"
    "#;
    let backoff = Backoff {
        first: Duration::from_millis(500),
        factor: 1.5,
        cap: seconds(300),
        jitter: 0.0,
        stable_after: seconds(86_400),
    };
    let web = Bot::new("web", "/bin/true")
        .arguments(["--port", "8080"])
        .variable("HOME", "/srv")
        .variable("GREETING", "a b")
        .clear_environment()
        .directory("/srv")
        .user("root")
        .group("0")
        .umask(0o027)
        .no_new_privs(false)
        .autostart(false)
        .instances(3)
        .restart(Restart::OnFailure)
        .limit(7, seconds(7200))
        .backoff(backoff)
        .stop([(Signal::SIGINT, seconds(1)), (Signal::SIGTERM, seconds(10))])
        .depends_on("db")
        .ready(Ready::Tcp("127.0.0.1:8080".parse().unwrap()))
        .ready_timeout(seconds(5))
        .stdout(Log { max_size: 1 << 20, keep: 0, timestamps: true, ..Log::new("/var/log/web.log") })
        .stderr(LogTarget::Null);
    assert_eq!(config(text).bots, [web, Bot::new("db", "true")]);
}

#[test]
fn every_way_to_be_ready() {
    let cases = [
        ("\"at-once\"", Ready::AtOnce),
        ("\"notify\"", Ready::Notify),
        ("{ after = \"3s\" }", Ready::After(Duration::from_secs(3))),
        ("{ after = \"0s\" }", Ready::After(Duration::ZERO)),
        ("\"exit\"", Ready::Exit),
        ("{ tcp = \"[::1]:80\" }", Ready::Tcp("[::1]:80".parse().unwrap())),
        ("{ file = \"ready\" }", Ready::File("/etc/ready".into())),
        ("{ output = \"listening on\" }", Ready::Output("listening on".into())),
    ];
    for (written, ready) in cases {
        let found = config(&format!("[bot.web]\ncommand = \"/bin/true\"\nready = {written}\n"));
        assert_eq!(found.bots[0].ready, ready, "{written}");
    }
}

#[test]
fn every_target_of_output() {
    let cases = [
        ("\"memory\"", LogTarget::Memory),
        ("\"null\"", LogTarget::Null),
        ("\"inherit\"", LogTarget::Inherit),
        ("\"stdout\"", LogTarget::Stdout),
        ("\"./web.log\"", LogTarget::File(Log::new("/etc/./web.log"))),
        ("\"/dev/null\"", LogTarget::Null),
        ("{ file = \"/dev/null\" }", LogTarget::Null),
        ("\"/dev/stderr\"", LogTarget::Inherit),
        ("\"/proc/self/fd/2\"", LogTarget::Inherit),
        ("{ file = \"/dev/fd/2\", max_size = \"0B\" }", LogTarget::Inherit),
        ("\"/dev/stdout\"", LogTarget::Stdout),
        // Not `HOME`, which is another one here.
        ("{ file = \"~/web.log\" }", LogTarget::File(Log::new(home().unwrap().join("web.log")))),
    ];
    for (written, target) in cases {
        let found = config(&format!("[bot.web]\ncommand = \"/bin/true\"\nstderr = {written}\n"));
        assert_eq!(found.bots[0].stderr, target, "{written}");
    }
}

#[test]
fn every_key_of_the_monitor() {
    let text = r#"
        [monitor]
        name = "night-shift"
        pidfile = "/run/night.pid"
        control = { tcp = "127.0.0.1:4711", token = false }
        log = { file = "night.log" }
        log_level = "debug"
        log_format = "%(levelname)8s %(process)05d: %(message)s"
        stop_timeout = "10s"
    "#;
    let settings = config(text).settings;
    assert_eq!(settings.name, "night-shift");
    assert_eq!(settings.pidfile, Some(PathBuf::from("/run/night.pid")));
    assert_eq!((settings.control.tcp, settings.control.token), (Some("127.0.0.1:4711".parse().unwrap()), false));
    assert_eq!(settings.log, Some(Handler::File(Log::new("/etc/night.log"))));
    assert_eq!(settings.log_level, LevelFilter::Debug);
    assert_eq!(settings.log_format.to_string(), "%(levelname)8s %(process)05d: %(message)s");
    assert_eq!(settings.stop_timeout, seconds(10));
    let handlers = [
        ("\"stdout\"", Handler::Stdout),
        ("\"stderr\"", Handler::Stderr),
        ("\"syslog\"", Handler::Syslog("daemon".parse().unwrap())),
        ("\"null\"", Handler::Null),
        ("\"/dev/null\"", Handler::Null),
        ("\"/dev/stdout\"", Handler::Stdout),
        ("{ file = \"/proc/self/fd/2\" }", Handler::Stderr),
        ("\"logs/night.log\"", Handler::File(Log::new("/etc/logs/night.log"))),
        ("{ syslog = \"local7\" }", Handler::Syslog("local7".parse().unwrap())),
    ];
    for (written, handler) in handlers {
        assert_eq!(config(&format!("[monitor]\nlog = {written}\n")).settings.log, Some(handler), "{written}");
    }
}

/// Promise 6.10. The value of a variable is one argument, whatever it contains.
#[test]
fn no_shell_looks_at_anything() {
    let text = r#"
        [bot.web]
        command = "/bin/true"
        args = ["$EVIL", "`id`; reboot", "$$(id)", "${NONE:-a b}", "%h *"]
        env = { X = "${EVIL}" }
    "#;
    let bot = &config(text).bots[0];
    let evil = variables("EVIL").unwrap();
    assert_eq!(bot.arguments, [&*evil, "`id`; reboot", "$(id)", "a b", "%h *"]);
    assert_eq!(bot.environment.values().collect::<Vec<_>>(), [&*evil]);
}

#[test]
fn paths_begin_where_their_file_is() {
    let text =
        "[bot.web]\ncommand = \"bin/web\"\ncwd = \"srv\"\n[bot.db]\ncommand = \"db\"\n[bot.up]\ncommand = \"~/up\"\n";
    let config = config(text);
    let commands: Vec<_> = config.bots.iter().map(|bot| bot.command.to_str().unwrap()).collect();
    assert_eq!(commands, ["/etc/bin/web", "db", home().unwrap().join("up").to_str().unwrap()]);
    assert_eq!(config.bots[0].directory, Some(PathBuf::from("/etc/srv")));
}

/// Promise 6.44.
#[test]
fn bot_runs_in_the_directory_of_its_file_unless_that_is_the_machines() {
    let directory = |file: &str| {
        let config = Config::parse(file, "[bot.web]\ncommand = \"/bin/true\"\n", &variables).unwrap();
        config.bots[0].directory.clone()
    };
    assert_eq!(directory("/srv/shop/monitor.toml"), Some(PathBuf::from("/srv/shop")));
    assert_eq!(directory("/etcetera/monitor.toml"), Some(PathBuf::from("/etcetera")));
    for file in ["/etc/daemonctl.toml", "/etc/shop/monitor.toml", "/usr/local/etc/monitor.toml", "monitor.toml"] {
        assert_eq!(directory(file), None, "{file}");
    }
    let original = "PIDFILE=m.pid\nLISTENER_HOST=127.0.0.1\nLISTENER_PORT=4711\nAUTOSTART=greet.py\n";
    let bots = Config::parse("/srv/bots/bots.conf", original, &variables).unwrap().bots;
    assert_eq!((bots[0].directory.clone(), &*bots[0].name), (Some(PathBuf::from("/srv/bots")), "greet"));
}

#[test]
fn a_program_that_is_not_there_is_no_mistake_but_a_warning() {
    let text = "[bot.web]\ncommand = \"/no/such/program\"\n[bot.db]\ncommand = \"no-such-program\"\nenv = { PATH = \"/bin\" }\n\
                [bot.line]\ncommand = \"sleep 100\"\n";
    let warnings = config(text).warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "/etc/bots.toml:2:11: `command`: `/no/such/program` cannot be started now: no such file or directory",
            "/etc/bots.toml:4:11: `command`: `no-such-program` cannot be started now: no such file or directory",
            "/etc/bots.toml:7:11: `command`: `sleep 100` cannot be started now: no such file or directory: no shell splits it: \
             write `command = \"sleep\"`, and its arguments as a list in `args`",
        ]
    );
}

/// Promise 6.30.
#[test]
fn stop_that_a_shutdown_would_cut_short_is_a_warning() {
    let bot = |name: &str, stop: &str, above: &str| {
        format!("[bot.{name}]\ncommand = \"/bin/true\"\nstop = {stop}\ndepends_on = [{above}]\n")
    };
    let warnings = |stop_timeout: &str, bots: &[String]| {
        let text = format!("[monitor]\nstop_timeout = \"{stop_timeout}\"\n{}", bots.concat());
        config(&text).warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let long = bot("db", "[{ timeout = \"40s\" }, { signal = \"QUIT\", timeout = \"21s\" }]", "");
    assert_eq!(
        warnings("60s", std::slice::from_ref(&long)),
        [
            "/etc/bots.toml:3:6: bot `db`: its `stop` may take 61s, longer than the `stop_timeout` of the monitor (60s): a shutdown \
          would kill it before that: write a longer `stop_timeout`"
        ]
    );
    assert!(warnings("61s", std::slice::from_ref(&long)).is_empty());
    let chain = |times: [u32; 4]| {
        let below = ["", "\"a\"", "\"b\"", "\"c\""];
        let bots = ["a", "b", "c", "d"].into_iter().zip(times).zip(below);
        bots.map(|((name, time), below)| bot(name, &format!("{{ timeout = \"{time}s\" }}"), below)).collect::<Vec<_>>()
    };
    assert!(warnings("60s", &chain([15, 15, 15, 15])).is_empty());
    // Only the first one in the order of stops is reported.
    let told = warnings("60s", &chain([15, 15, 31, 15]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("bot `b`: its `stop`, and before it that of those that depend on it, may take 61s"),
        "{told:?}"
    );
}

#[test]
fn ten_thousand_bots_that_wait_for_each_other_in_a_row_are_no_circle() {
    use std::fmt::Write;
    let mut text = String::from("[bot.b0]\ncommand = \"/bin/true\"\n");
    for number in 1..10_000 {
        write!(text, "[bot.b{number}]\ncommand = \"/bin/true\"\ndepends_on = [\"b{}\"]\n", number - 1).unwrap();
    }
    assert_eq!(config(&text).bots.len(), 10_000);
    text.push_str("[bot.last]\ncommand = \"/bin/true\"\ndepends_on = [\"b9999\", \"last\"]\n");
    let mistakes = Config::parse("/etc/bots.toml", &text, &variables).unwrap_err();
    assert_eq!(mistakes.iter().len(), 1);
}

#[test]
fn dependency_on_a_group_means_its_other_bots() {
    let bot = |name: &str, group: &str, below: &str| {
        format!("[bot.{name}]\ncommand = \"/bin/true\"\nbot_group = \"{group}\"\ndepends_on = [{below}]\n")
    };
    let bots = [bot("db", "infra", ""), bot("cache", "infra", "\"db\""), bot("web", "shop", "\"infra\"")].concat();
    assert_eq!(config(&bots).bots[2].depends_on, ["infra"]);
    // It waits for the others of its own group.
    assert_eq!(config(&(bots.clone() + &bot("last", "infra", "\"infra\""))).bots.len(), 4);
    let circle = Config::parse("/etc/bots.toml", &(bots + &bot("top", "infra", "\"shop\"")), &variables).unwrap_err();
    let text = "`depends_on`: `web` waits for `top`, which waits for `web`: take one of these out";
    assert!(circle.to_string().contains(text), "{circle}");
}

#[test]
fn the_instances_of_a_bot_are_bots_of_their_own() {
    let web = Bot::new("web", "/bin/true").instances(2).stdout(Log::new("/var/log/web.log")).stderr(Log::new("/l/err"));
    let units = web.units();
    assert_eq!(
        units.iter().map(|unit| (&*unit.name, unit.family())).collect::<Vec<_>>(),
        [("web:1", "web"), ("web:2", "web")]
    );
    assert_eq!(units[1].stdout, LogTarget::File(Log::new("/var/log/web:2.log")));
    assert_eq!(units[1].stderr, LogTarget::File(Log::new("/l/err:2")));
    assert_eq!(units[1].environment.values().collect::<Vec<_>>(), ["2"]);
    let alone = Bot::new("web", "/bin/true");
    assert_eq!((alone.units(), alone.family()), (vec![alone.clone()], "web"));
}
