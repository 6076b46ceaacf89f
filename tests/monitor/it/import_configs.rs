//! `daemonctl import` of configurations in the style of those that are in use: each is translated, checked and started, with
//! programs that stand in for its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use daemonize_monitor::{Config, LogTarget};
use look::{Lab, Run};
use serde_json::Value;

use crate::cli_lab::daemonctl;
use crate::common::EVENT_TIMEOUT;

/// A source, and what becomes of it: the bots that run, and the number of parts that are comments.
type Example = (&'static str, &'static [&'static str], usize);

/// The programs that the examples look for in `PATH` or in their directories.
const PROGRAMS: &[&str] = &[
    "bin/php",
    "bin/gunicorn",
    "bin/bundle",
    "bin/celery",
    "bin/npm",
    "bin/node",
    "bin/yarn",
    "bin/java",
    "bin/mix",
    "bin/python3",
    "bin/nginx",
    "bin/php-fpm",
    "bin/chaussette",
    "bin/bash",
    "bin/rails",
    "bin/webpack-dev-server",
    "bin/server",
    "jobs/ticker",
];

/// Makes a program that runs until it is stopped. The shell writes it: a file that this process has open cannot be executed.
const STAND_IN: &str = "printf '#!/bin/sh\nexec sleep 1000\n' > stand-in; chmod 755 stand-in";

/// Promise 6.70.
#[test]
fn configurations_of_supervisord_are_imported_and_started() {
    start_all(
        "supervisord",
        &[
            ("laravel.conf", &["shop-queue:1", "shop-queue:4", "shop-horizon", "shop-schedule"], 3),
            ("django.conf", &["library-web", "library-celery", "library-beat"], 4),
            ("container.conf", &["php-fpm", "nginx"], 2),
            ("machine.conf", &["mailer"], 9),
            ("tornado.conf", &["chat-8001", "chat-8002", "chat-8003"], 4),
            ("fastcgi.conf", &["wiki"], 5),
            ("api.conf", &["api"], 2),
        ],
    );
}

/// Promise 6.70.
#[test]
fn procfiles_are_imported_and_started() {
    start_all(
        "procfile",
        &[
            ("rails", &["web", "worker"], 0),
            ("django", &["web", "worker", "beat"], 0),
            ("node", &["web", "queue"], 0),
            ("development", &["web", "js", "css", "webpacker"], 0),
            ("go", &["web", "ticker"], 0),
            ("java", &["web"], 0),
            ("elixir", &["web", "log-tail", "clock"], 0),
        ],
    );
}

/// Promise 6.70.
#[test]
fn configurations_of_circus_are_imported_and_started() {
    start_all(
        "circus",
        &[
            ("web.ini", &["web:1", "web:3"], 5),
            ("numbers.ini", &["crunch:1", "crunch:5"], 2),
            ("celery.ini", &["worker"], 2),
            ("flask.ini", &["flask"], 6),
            ("hooks.ini", &["indexer"], 6),
            ("included.ini", &["main"], 2),
            ("shell.ini", &["dump"], 2),
        ],
    );
}

/// Promise 6.70.
#[test]
fn ecosystem_files_of_pm2_are_imported_and_started() {
    start_all(
        "pm2",
        &[
            ("next.js", &["shop-web"], 1),
            ("cluster.js", &["api:1", "api:2"], 5),
            ("processes.json", &["ingest", "my-report"], 0),
            ("module.mjs", &["bot", "helper"], 0),
            ("list.json", &["nightly", "feeds:1"], 1),
            ("deploy.cjs", &["site"], 3),
            ("mixed.js", &["proxy", "all-2", "watcher"], 3),
        ],
    );
}

/// Imports, checks and starts each example.
#[track_caller]
fn start_all(kind: &str, examples: &[Example]) {
    assert_eq!(examples.len(), 7);
    for (file, running, comments) in examples {
        let lab = Lab::new(daemonctl());
        lay_out(&lab, kind);
        let imported = run(&lab, &["import", file, "-o", "made.toml", "--json"]).run().ok();
        let imported: Value = serde_json::from_str(&imported.stdout).expect("JSON");
        assert_eq!(imported["mistakes"], serde_json::json!([]), "{file}");
        let toml = lab.read("made.toml");
        assert_eq!(imported["comments"].as_array().map(Vec::len), Some(*comments), "{file}:\n{toml}");
        assert_eq!(lab.path("made.toml").metadata().expect("a file").permissions().mode() & 0o777, 0o600);
        run(&lab, &["check", "made.toml"]).run().ok().prints(&["no mistakes"]);
        stand_in(&lab, &toml);
        lab.write("started.toml", for_test(&toml));
        run(&lab, &["-c", "started.toml", "start"]).run().ok();
        let status = run(&lab, &["-c", "started.toml", "status", "--json"]).run().ok();
        let status: Value = serde_json::from_str(&status.stdout).expect("JSON");
        let bots = status["bots"].as_array().expect("bots");
        for name in *running {
            let is_running = |bot: &Value| bot["name"] == *name && bot["state"] == "running";
            assert!(bots.iter().any(is_running), "{file}: {name} does not run: {status}");
        }
        run(&lab, &["-c", "started.toml", "shutdown"]).run().ok();
        lab.quiet(EVENT_TIMEOUT).unwrap_or_else(|_| panic!("{file}: left: {:?}", lab.processes()));
    }
}

fn run<'a>(lab: &'a Lab, arguments: &[&str]) -> Run<'a> {
    let path = format!("{}:/usr/bin:/bin", lab.path("bin").display());
    lab.helper(arguments).env("PATH", path).env("API_PORT", "3000").env("API_TEMP", "/tmp").env("HOME", "/root")
}

/// Copies the examples of a kind, with the lab in place of the root directory, and a free port.
fn lay_out(lab: &Lab, kind: &str) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/import_examples").join(kind);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    for directory in [examples.clone(), examples.join("conf.d")] {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let text = fs::read_to_string(&path).expect("a file").replace("/srv/", "LAB/srv/");
                let text = text.replace("LAB", &lab.directory().display().to_string());
                let target = lab.path(&path.strip_prefix(&examples).expect("below").display().to_string());
                make(&target, &text.replace("FREE_PORT", &free.to_string()));
            }
        }
    }
    lab.shell(STAND_IN).run().ok();
    for program in PROGRAMS {
        make_program(lab, &lab.path(program));
    }
    fs::create_dir_all(lab.path("log")).expect("a directory");
    fs::create_dir_all(lab.path("srv/dump")).expect("a directory");
}

/// Makes the programs and directories that a configuration names.
fn stand_in(lab: &Lab, toml: &str) {
    let variables = |name: &str| match name {
        "API_PORT" | "API_TEMP" => Some("3000".into()),
        "PATH" => Some(lab.path("bin").display().to_string()),
        name => std::env::var(name).ok(),
    };
    let config = Config::parse(lab.path("made.toml"), toml, &variables).expect("a configuration");
    for bot in &config.bots {
        // A shell executes the program in its arguments.
        let words = [&bot.command].into_iter().cloned().chain(bot.arguments.iter().map(PathBuf::from));
        for program in
            words.filter(|word| word.starts_with(lab.directory()) && word.to_string_lossy().contains("/bin/"))
        {
            make_program(lab, &program);
        }
        let logs = [&bot.stdout, &bot.stderr].into_iter().filter_map(|target| match target {
            LogTarget::File(log) => log.path.parent().map(PathBuf::from),
            _ => None,
        });
        for directory in logs.chain(bot.directory.clone()) {
            fs::create_dir_all(directory).expect("a directory");
        }
    }
}

/// Returns a configuration without what two tests at a time cannot have, in which bots are ready at once.
fn for_test(toml: &str) -> String {
    let (monitor, rest) = toml.split_at(toml.find("\n[defaults]").or(toml.find("\n[bot.")).expect("bots"));
    let is_own = |line: &&str| {
        !["[monitor]", "name =", "pidfile =", "log =", "control ="].iter().any(|key| line.starts_with(key))
    };
    let monitor: Vec<&str> = monitor.lines().filter(is_own).collect();
    let rest = rest.strip_prefix("\n[defaults]").unwrap_or(rest);
    format!(
        "[monitor]\nname = \"import\"\npidfile = \"m.pid\"\nlog = \"./m.log\"\n{}\n[defaults]\nready = \"at-once\"\n{rest}",
        monitor.join("\n")
    )
}

fn make(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// Makes a link to the program that stands in for others.
fn make_program(lab: &Lab, path: &Path) {
    if !path.exists() {
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        symlink(lab.path("stand-in"), path).expect("a link");
    }
}
