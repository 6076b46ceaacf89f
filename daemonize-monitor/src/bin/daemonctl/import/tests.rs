//! Tests of the translation: each known key is translated or kept, and the documentation has the tables of the code.

use super::keys::{KnownKeys, Translation, documentation};
use super::source::SourceFile;
use super::*;
use daemonize_monitor::Config;

/// Values of keys that are translated; of others any value will do.
const EXAMPLES: &[(&str, &str)] = &[
    ("numprocs", "2"),
    ("numprocs_start", "1"),
    ("process_name", "%(program_name)s_%(process_num)02d"),
    ("umask", "022"),
    ("environment", "A=\"1\""),
    ("autostart", "false"),
    ("autorestart", "true"),
    ("exitcodes", "0"),
    ("startsecs", "5"),
    ("startretries", "4"),
    ("stopsignal", "INT"),
    ("stopwaitsecs", "7"),
    ("redirect_stderr", "false"),
    ("stdout_logfile", "/var/log/a.log"),
    ("stderr_logfile", "/var/log/b.log"),
    ("stdout_logfile_maxbytes", "1MB"),
    ("stderr_logfile_maxbytes", "1MB"),
    ("stdout_logfile_backups", "3"),
    ("stderr_logfile_backups", "3"),
    ("socket", "tcp://127.0.0.1:9002"),
    ("user", "root"),
    ("logfile_maxbytes", "1MB"),
    ("logfile_backups", "3"),
    ("loglevel", "debug"),
    ("logfile", "/var/log/s.log"),
    ("pidfile", "/run/s.pid"),
    ("port", "127.0.0.1:9001"),
    ("numprocesses", "2"),
    ("singleton", "false"),
    ("uid", "root"),
    ("gid", "root"),
    ("copy_env", "true"),
    ("env", "A=1"),
    ("respawn", "true"),
    ("max_retry", "3"),
    ("max_age", "60"),
    ("stop_signal", "INT"),
    ("graceful_timeout", "5"),
    ("rlimit_*", "512"),
    ("stdout_stream.class", "FileStream"),
    ("stderr_stream.class", "FileStream"),
    ("stdout_stream.filename", "/var/log/a.log"),
    ("stderr_stream.filename", "/var/log/b.log"),
    ("stdout_stream.max_bytes", "1024"),
    ("stderr_stream.max_bytes", "1024"),
    ("stdout_stream.backup_count", "2"),
    ("stderr_stream.backup_count", "2"),
    ("shell", "false"),
    ("use_sockets", "true"),
    ("httpd", "true"),
    ("httpd_port", "8899"),
    ("httpd_host", "localhost"),
    ("include", ""),
    ("include_dir", ""),
    ("logoutput", "/var/log/c.log"),
];

fn example(key: &str) -> &str {
    EXAMPLES.iter().find(|(known, _)| *known == key).map_or("value", |(_, value)| value)
}

/// Returns a section with all keys of a table.
fn section(header: &str, known: KnownKeys) -> String {
    let lines = known.iter().map(|(key, _)| format!("{} = {}\n", key.replace('*', "nofile"), example(key)));
    format!("{header}\n{}", lines.collect::<String>())
}

/// Asserts that what is translated is no comment, and that all else is one with its reason.
#[track_caller]
fn assert_each_key(imported: &Imported, known: KnownKeys) {
    let comment = |key: &str| {
        let found = imported.comments.iter().find(|comment| {
            let source = comment["source"].as_str().unwrap_or_default();
            source.split(" = ").next().is_some_and(|name| name == key || name.ends_with(&format!(" {key}")))
        });
        found.and_then(|comment| comment["reason"].as_str())
    };
    for (key, translation) in known {
        let found = comment(&key.replace('*', "nofile"));
        match translation {
            Translation::To(_) => assert_eq!(found, None, "`{key}` is kept:\n{}", imported.toml),
            Translation::Kept(reason) => assert_eq!(found, Some(*reason), "`{key}`:\n{}", imported.toml),
        }
    }
}

#[track_caller]
fn imported(name: &str, text: &str, format: ImportFormat) -> Imported {
    let imported = translate(&SourceFile::of_text(name, text), format, None).unwrap();
    let checked = Config::parse("/srv/app/daemonctl.toml", &imported.toml, &|name| Some(format!("value of {name}")));
    if let Err(mistakes) = checked {
        panic!("{mistakes}:\n{}", imported.toml);
    }
    imported
}

/// Promise 6.71.
#[test]
fn circus_variables_are_variables_in_paths_and_numbers_too() {
    let text = "[circus]\nlogoutput = $(circus.env.logs)/circus.log\n[watcher:web]\ncmd = web\n\
                numprocesses = $(circus.env.n)\nstdout_stream.filename = $(circus.env.logs)/web-$(circus.wid).log\n\
                [socket:unused]\nport = 81\n";
    let toml = translate(&SourceFile::of_text("circus.ini", text), ImportFormat::Circus, None).unwrap().toml;
    for line in [
        "log = \"${LOGS}/circus.log\"",
        "instances = \"${N}\"",
        "stdout = { file = \"${LOGS}/web-${INSTANCE}.log\", max_size = \"0B\" }",
        "# [socket:unused] 127.0.0.1:81 (line 7): no watcher uses it",
    ] {
        assert!(toml.lines().any(|other| other == line), "{line}:\n{toml}");
    }
}

/// Promise 6.71.
#[test]
fn program_of_supervisord_that_never_succeeds_is_always_restarted() {
    for (keys, restart) in [
        ("exitcodes = 2,3", "restart = \"always\"\n"),
        ("autorestart = unexpected\nexitcodes =", "restart = \"always\"\n"),
        ("autorestart = unexpected\nexitcodes = 2, 0", "restart = \"on-failure\"\n"),
        ("autorestart = false\nexitcodes = 2", "restart = \"never\"\n"),
    ] {
        let text = format!("[program:x]\ncommand = x\n{keys}\n");
        let toml = imported("supervisord.conf", &text, ImportFormat::Supervisord).toml;
        let (_, bot) = toml.split_once("[bot.x]").expect("a bot");
        assert!(bot.contains(restart), "{keys}:\n{bot}");
    }
}

/// Promise 6.71.
#[test]
fn each_key_of_supervisord_is_translated_or_kept() {
    let text = section("[fcgi-program:x]", supervisord::keys::OF_PROGRAMS)
        + &section("[supervisord]", supervisord::keys::OF_SUPERVISORD)
        + &section("[inet_http_server]", supervisord::keys::OF_INET)
        + "[group:g]\nprograms=x\n[unix_http_server]\nfile=/x\n[rpcinterface:y]\na=b\n[eventlistener:e]\nx=y\n[other]\n";
    let made = imported("supervisord.conf", &text, ImportFormat::Supervisord);
    for known in [supervisord::keys::OF_PROGRAMS, supervisord::keys::OF_SUPERVISORD, supervisord::keys::OF_INET] {
        let known: Vec<_> = known.iter().filter(|(key, _)| *key != "user").copied().collect();
        assert_each_key(&made, known.leak());
    }
    assert_eq!(made.bots, ["x"]);
    for kept in
        ["# [unix_http_server] (line", "# [rpcinterface:y] (line", "# [eventlistener:e] (line", "# [other] (line"]
    {
        assert!(made.toml.contains(kept), "{}", made.toml);
    }
}

/// Promise 6.71.
#[test]
fn each_key_of_circus_is_translated_or_kept() {
    let text = section("[watcher:x]", circus::keys::OF_WATCHERS)
        + &section("[circus]", circus::keys::OF_CIRCUS)
        + "[socket:s]\nhost=127.0.0.1\nport=8081\nbacklog=3\n[env:x*]\nb=2\n[env]\nc=3\n[plugin:p]\nuse=q\n[node:n]\n";
    let made = imported("circus.ini", &text, ImportFormat::Circus);
    let once = |known: KnownKeys| -> KnownKeys {
        let not_twice = |(key, _): &&(&str, Translation)| !["warmup_delay", "stream_backend"].contains(key);
        known.iter().filter(not_twice).copied().collect::<Vec<_>>().leak()
    };
    assert_each_key(&made, once(circus::keys::OF_WATCHERS));
    assert_each_key(&made, once(circus::keys::OF_CIRCUS));
    assert!(
        made.toml.contains("env = { B = \"2\", A = \"1\" }") && made.toml.contains("env = { C = \"3\" }"),
        "{}",
        made.toml
    );
    assert!(
        made.toml.contains("# [plugin:p] (line") && made.toml.contains("# [socket:s] backlog = 3"),
        "{}",
        made.toml
    );
}

/// Promise 6.71.
#[test]
fn each_key_of_pm2_is_translated_or_kept() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let value = |key: &str| match key {
        "env_file" => json!(file.path()),
        "instances" => json!(2),
        "env" => json!({ "A": 1 }),
        "autorestart" | "time" => json!(true),
        "disable_logs" => json!(false),
        "stop_exit_codes" => json!([0]),
        "max_restarts" => json!(3),
        "min_uptime" | "restart_delay" | "exp_backoff_restart_delay" | "kill_timeout" | "listen_timeout" => json!(1500),
        "max_memory_restart" => json!("100M"),
        "cron" | "cron_restart" => json!("0 3 * * *"),
        "user" | "uid" | "gid" => json!("root"),
        _ => json!("value"),
    };
    let app: serde_json::Map<String, Value> =
        pm2::keys::OF_APPS.iter().map(|(key, _)| (key.replace('*', "nofile"), value(key))).collect();
    let made = imported("e.json", &json!({ "apps": [app], "deploy": {} }).to_string(), ImportFormat::Pm2);
    assert_each_key(&made, pm2::keys::OF_APPS);
    assert!(made.toml.contains("# deploy = {}: "), "{}", made.toml);
}

#[test]
fn an_unknown_key_is_kept_and_a_secret_is_not_copied() {
    let text = "[program:x]\ncommand=/bin/x\nfoo=bar\nhttp_password=hunter2\n";
    let made = imported("s.conf", text, ImportFormat::Supervisord);
    assert!(made.toml.contains("# foo = bar (line 3): not a known key\n"), "{}", made.toml);
    assert!(!made.toml.contains("hunter2"), "{}", made.toml);
}

/// Promise 6.72.
#[test]
fn no_value_of_a_source_breaks_out() {
    let evil = "x\"\"\" ''' \\u0000 \u{1b}[2J \u{202e} [bot.evil] ${HOME} ~";
    let sources = [
        (
            format!(
                "[program:{}]\ncommand=/bin/x \"{}\"\nenvironment=A='1',\"2\"\nfoo={evil}\n",
                evil.replace(']', ""),
                evil.replace('"', "\\\"")
            ),
            ImportFormat::Supervisord,
        ),
        (
            format!(
                "[watcher:{}]\ncmd=/bin/x\nuid={evil}\nbar={evil}\n[env:*]\n{evil}={evil}\n",
                evil.replace(']', "")
            ),
            ImportFormat::Circus,
        ),
        (format!("web: {evil}\n"), ImportFormat::Procfile),
        (
            json!([{ "name": evil, "script": evil, "args": [evil], "env": { evil: evil }, evil: evil }]).to_string(),
            ImportFormat::Pm2,
        ),
    ];
    for (text, format) in sources {
        let made = translate(&SourceFile::of_text("x", &text), format, None).unwrap();
        let (table, errors) = toml::de::DeTable::parse_recoverable(&made.toml);
        assert!(errors.is_empty(), "{errors:?}:\n{}", made.toml);
        let bots =
            table.get_ref().get("bot").and_then(|bots| bots.get_ref().as_table()).map_or(0, |bots| bots.iter().count());
        assert_eq!((bots, made.bots.len()), (1, 1), "{}", made.toml);
        assert!(!made.toml.contains(['\u{1b}', '\u{202e}']), "{}", made.toml);
    }
}

/// The sections of the documentation, each with the tables in it.
fn sections() -> Vec<(&'static str, String)> {
    let table = |there: &str, known: KnownKeys| format!("| {there} | here |\n|---|---|\n{}", documentation(known));
    vec![
        (
            "## Coming from supervisord",
            table("`[program:x]`", supervisord::keys::OF_PROGRAMS)
                + "\n"
                + &table("`[supervisord]`", supervisord::keys::OF_SUPERVISORD)
                + "\n"
                + &table("`[inet_http_server]`", supervisord::keys::OF_INET)
                + "\n"
                + &table("other sections", supervisord::keys::OF_SECTIONS),
        ),
        ("## Coming from a Procfile", table("Procfile", procfile::KEYS)),
        (
            "## Coming from circus",
            table("`[watcher:x]`", circus::keys::OF_WATCHERS)
                + "\n"
                + &table("`[circus]`", circus::keys::OF_CIRCUS)
                + "\n"
                + &table("`[socket:x]`", circus::keys::OF_SOCKETS)
                + "\n"
                + &table("other sections", circus::keys::OF_SECTIONS),
        ),
        ("## Coming from pm2", table("an app", pm2::keys::OF_APPS) + "\n" + &table("the file", pm2::keys::OF_FILES)),
    ]
}

/// Promise 6.71.
#[test]
fn the_documentation_has_the_tables_of_the_code() {
    let text = include_str!("../../../../../docs/monitor.md");
    for (heading, tables) in sections() {
        let section = text.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
        assert!(section.contains(&tables), "below `{heading}` should be:\n\n{tables}");
    }
}
