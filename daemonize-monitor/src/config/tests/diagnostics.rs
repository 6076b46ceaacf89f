//! Each mistake once, with its place and the exact text.

use super::mistakes;

/// In a line of a bot, the third of its file.
#[rustfmt::skip] // A table.
const OF_A_BOT: &[(&str, &str)] = &[
    ("comand = 1", "3:1: unknown key `comand`: did you mean `command`?"),
    ("cron = \"daily\"", "3:1: unknown key `cron`: write `schedule = \"*/5 * * * *\"`"),
    ("autorestart = true", "3:1: unknown key `autorestart`: write `restart = \"always\"`, `\"on-failure\"` or `\"never\"`"),
    ("stop_timeout = \"5s\"", "3:1: unknown key `stop_timeout`: write `stop = { signal = \"TERM\", timeout = \"10s\" }`"),
    ("max_memory_restart = \"100M\"", "3:1: unknown key `max_memory_restart`: write `memory_max = \"512MB\"`"),
    ("cron_restart = \"0 3 * * *\"", "3:1: unknown key `cron_restart`: write `schedule = { cron = \"0 3 * * *\", action = \"restart\" }`"),
    ("wait_ready = true", "3:1: unknown key `wait_ready`: write `ready = \"notify\"`, or `ready = { tcp = \"127.0.0.1:80\" }`"),
    ("groups = [\"video\"]", "3:1: unknown key `groups`: a bot has the groups of its `user`: write `user`, and `group` for its first group"),
    ("startsecs = 1", "3:1: unknown key `startsecs`: write `ready = { after = \"1s\" }`"),
    ("xyzzy = 1", "3:1: unknown key `xyzzy`: no known key resembles it: `daemonctl schema` prints them all"),
    ("autostart = \"yes\"", "3:13: `autostart`: expected true or false, found a string"),
    ("args = \"-v\"", "3:8: `args`: expected a list of strings, such as [\"--port\", \"80\"], found a string"),
    ("args = [1]", "3:9: `args`: expected a string, such as \"1\", found an integer"),
    ("umask = 27", "3:9: `umask`: expected octal digits in quotes, such as \"027\", found an integer"),
    ("umask = \"999\"", "3:9: `umask`: `999` is not a umask: write octal digits, such as \"027\""),
    ("umask = 0o1000", "3:9: `umask`: `1000` is not a umask: write octal digits, such as \"027\""),
    ("instances = 0", "3:13: `instances`: expected a whole number from 1 to 10000, found 0"),
    ("instances = -1", "3:13: `instances`: expected a whole number from 1 to 10000, found -1"),
    ("instances = 99999999999", "3:13: `instances`: expected a whole number from 1 to 10000, found 99999999999"),
    ("restart = \"sometimes\"", "3:11: `restart`: `sometimes` is not known: write \"always\", \"on-failure\" or \"never\""),
    ("restart = true", "3:11: `restart`: expected \"always\", \"on-failure\" or \"never\", found a boolean"),
    ("limit = 5", "3:9: `limit`: expected a table, such as { exits = 5, window = \"1h\" }, found an integer"),
    ("limit = { exits = 5, windows = \"1h\" }", "3:22: unknown key `windows`: did you mean `window`?"),
    ("limit = { exits = 5000 }", "3:19: `exits`: expected a whole number from 0 to 1000, found 5000"),
    ("limit = { window = \"0s\" }", "3:20: `window`: it must be longer than zero"),
    ("limit = { window = \"1\" }", "3:20: `window`: `1` has no unit: add `ms`, `s`, `m`, `h` or `d`"),
    ("limit = { window = 60 }", "3:20: `window`: expected a duration in quotes, such as \"3s\", found an integer"),
    ("limit = { window = \"1,5h\" }", "3:20: `window`: `1,5h` is not a duration: write a number and a unit, such as \"3s\""),
    ("limit = { window = \"1 weak\" }", "3:20: `window`: `weak` is not a unit of a duration: write `ms`, `s`, `m`, `h` or `d`"),
    ("limit = { window = \"99999d\" }", "3:20: `window`: `99999d` is too long: 100 years are the most"),
    ("limit = { window = \"99999999999999999999s\" }", "3:20: `window`: `99999999999999999999s` is too long: 100 years are the most"),
    ("backoff = { factor = 0.5 }", "3:22: `factor`: expected a number from 1 to 100"),
    ("backoff = { jitter = 2 }", "3:22: `jitter`: expected a number from 0 to 1"),
    ("backoff = { first = \"2m\" }", "3:11: `backoff`: `first` is longer than `cap`: write a longer `cap`"),
    ("backoff = { factor = nan }", "3:22: `factor`: expected a number from 1 to 100"),
    ("stop = []", "3:8: `stop`: it has no step: write { signal = \"TERM\", timeout = \"10s\" }"),
    ("stop = \"TERM\"", "3:8: `stop`: expected a table with `signal` and `timeout`, found a string"),
    ("stop = { signal = \"FOO\" }", "3:19: `signal`: `FOO` is not a known signal: write a name, such as \"TERM\""),
    ("stop = [{ signal = \"TERM\", timeout = \"0s\" }]", "3:38: `timeout`: it must be longer than zero"),
    ("ready = \"soon\"", "3:9: `ready`: `soon` is not known: write \"at-once\", \"notify\", \"exit\", or a table such as { tcp = \"127.0.0.1:80\" }"),
    ("ready = { tcp = \"db:5432\" }", "3:17: `tcp`: `db:5432` is not an address and port: write \"127.0.0.1:PORT\" or \"[::1]:PORT\""),
    ("ready = { }", "3:9: `ready`: expected one of `tcp`, `http`, `exec`, `file`, `output` and `after`"),
    ("ready = { tcp = \"127.0.0.1:1\", file = \"/x\" }", "3:9: `ready`: expected one of `tcp`, `http`, `exec`, `file`, `output` and `after`"),
    ("ready = { output = \"\" }", "3:20: `output`: it is in every line: write a part of the line that says it is ready"),
    ("ready = 1", "3:9: `ready`: expected \"notify\", \"exit\", or a table such as { tcp = \"127.0.0.1:80\" }, found an integer"),
    ("stdout = \"web.log\"", "3:10: `stdout`: `web.log` is not known: write \"memory\", \"null\", \"inherit\", or a path such as \"./web.log\""),
    ("stdout = \"/dev/stderr\"", "3:10: `stdout`: `/dev/stderr` is not a file: write \"inherit\" for the monitor's own stream, \"null\", or the path of a file"),
    ("stderr = \"/dev/fd/7\"", "3:10: `stderr`: `/dev/fd/7` is not a file: write \"inherit\" for the monitor's own stream, \"null\", or the path of a file"),
    ("stdout = { max_size = \"1MB\" }", "3:10: `stdout`: it has no file: write `file = \"PATH\"`"),
    ("stdout = { file = \"/x\", max_size = 10 }", "3:36: `max_size`: expected a size in quotes, such as \"10MB\", found an integer"),
    ("stdout = { file = \"/x\", max_size = \"10XB\" }", "3:36: `max_size`: `XB` is not a unit of a size: write `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`"),
    ("stdout = { file = \"/x\", max_size = \"10\" }", "3:36: `max_size`: `10` has no unit: add `B`, `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`"),
    ("stdout = \"/x.log\"\nstderr = \"/x.log\"", "4:10: `stderr`: it is the file of `stdout`: write `stderr = \"stdout\"`"),
    ("user = \"no such user\"", "3:8: `user`: there is no user \"no such user\" on this machine: write a name that `getent` finds, or a number"),
    ("group = \"no such group\"", "3:9: `group`: there is no group \"no such group\" on this machine: write a name that `getent` finds, or a number"),
    ("env = { DAEMON_BOT = \"x\" }", "3:22: `DAEMON_BOT`: the monitor sets this variable itself"),
    ("env = { \"A=B\" = \"x\" }", "3:17: `A=B`: no variable can have this name"),
    ("env = { PORT = 80 }", "3:16: `PORT`: expected a string, such as \"80\", found an integer"),
    ("env = { PORT = true }", "3:16: `PORT`: expected a string, such as \"true\", found a boolean"),
    ("env = 1", "3:7: `env`: expected a table, such as { PORT = \"80\" }, found an integer"),
    ("args = [\"$UNSET\"]", "3:9: `args`: the variable `UNSET` is not set: set it, write `${UNSET:-default}`, or `$$` for a dollar sign"),
    ("args = [\"${UNSET}\"]", "3:9: `args`: the variable `UNSET` is not set: set it, write `${UNSET:-default}`, or `$$` for a dollar sign"),
    ("args = [\"${PORT\"]", "3:9: `args`: `${PORT` has no end: write `}` after the name, or `$$` for a dollar sign"),
    ("args = [\"a\\u0000b\"]", "3:9: `args`: it holds a NUL character, which no program can be given"),
    ("cwd = \"\"", "3:7: `cwd`: the path is empty"),
    ("depends_on = [\"wbe\"]", "3:15: `depends_on`: there is no bot \"wbe\": did you mean `web`?"),
    ("depends_on = [\"qqq\"]", "3:15: `depends_on`: there is no bot \"qqq\": write the name of a bot of this configuration"),
    ("depends_on = \"db\"", "3:14: `depends_on`: expected a list of bots, such as [\"db\"], found a string"),
    ("depends_on = [\"web\"]", "3:15: `depends_on`: `web` waits for `web`: take one of these out"),
    ("depends_on = [1]", "3:15: `depends_on`: expected a string, such as \"1\", found an integer"),
    ("command = \"/bin/false\"", "3:1: this key is there already: leave one of them"),
    ("args = [\"unclosed", "3:18: invalid basic string, expected `\"`\n3:18: unclosed array, expected `]`"),
    ("= 1", "3:1: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`"),
    ("user = 1979-05-27", "3:8: `user`: expected a string, found a date"),
];

/// In a whole file.
#[rustfmt::skip] // A table.
const OF_A_FILE: &[(&str, &str)] = &[
    ("", " it is empty: write `[bot.NAME]` or at least `[monitor]`"),
    ("  \n", " it is empty: write `[bot.NAME]` or at least `[monitor]`"),
    ("bot = 1", "1:7: `bot`: expected a table `[bot.NAME]` for each bot, found an integer"),
    ("[bot.web]\n", "1:6: bot `web` has no program: write `command = \"/path/of/the/program\"`"),
    ("[bot.web]\ncomand = \"/bin/true\"\ninstances = \"four\"\n", "1:6: bot `web` has no program: write `command = \"/path/of/the/program\"`\n2:1: unknown key `comand`: did you mean `command`?\n3:13: `instances`: `four` is not known: write a whole number, or \"cpus\""),
    ("[bot]\nweb = 1", "2:7: `web`: expected a table, written as `[bot.NAME]`, found an integer"),
    ("[bots.web]", "1:2: unknown key `bots`: write a table `[bot.NAME]` for each bot"),
    ("include = \"x\"", "1:11: `include`: expected a list of patterns, such as [\"bots.d/*.toml\"], found a string"),
    ("include = [1]", "1:12: `include`: expected a string, such as \"1\", found an integer"),
    ("include = [\"/nonexistent/*.toml\"]", "1:12: `include`: failed to look through `/nonexistent`: no such file or directory: make it, or leave it out"),
    ("include = [\"/etc/passwd/*.toml\"]", "1:12: `include`: `/etc/passwd` is not a directory: write `/etc/passwd/*.toml` differently, or leave it out"),
    ("; comment\n\n [program:web]\ncommand=/bin/web -v\n", "3:2: this is a supervisord.conf: `daemonctl import` translates it"),
    ("[supervisord]\nlogfile=/x\n[program:web]\n", "1:1: this is a supervisord.conf: `daemonctl import` translates it"),
    ("// of pm2\nmodule.exports = {\n  apps: [{ name: \"web\" }],\n}\n", "2:1: this is a file of pm2: `daemonctl import` translates it"),
    ("{ \"apps\": [{ \"name\": \"web\" }] }\n", "1:1: this is a file of pm2: `daemonctl import` translates it"),
    ("[watcher:web]\ncmd = web\n", "1:1: this is a circus.ini: `daemonctl import` translates it"),
    ("# x\nweb: bundle exec puma\n", "2:1: this is a Procfile: `daemonctl import` translates it"),
    ("apps:\n  - script: web.js\n", "1:1: this is a file of pm2: `daemonctl import` translates it"),
    ("include=[\"/nonexistent/a.toml\"]", "1:10: `include`: `/nonexistent/a.toml` matches no file: write one that is there, or leave it out"),
    ("include = [\"a[\"]", "1:12: `include`: `/etc/a[` is no pattern: invalid range pattern"),
    ("[bot.\"a/b\"]\ncommand=\"/x\"", "1:6: \"a/b\" is not a valid name: '/' cannot be in a name; write letters, digits and `-_.+@`"),
    ("[bot.\"a b\"]\ncommand=\"/x\"", "1:6: \"a b\" is not a valid name: ' ' cannot be in a name; write letters, digits and `-_.+@`"),
    ("[bot.\"a\\nb\"]\ncommand=\"/x\"", "1:6: \"a\\nb\" is not a valid name: '\\n' cannot be in a name; write letters, digits and `-_.+@`"),
    ("[bot.\"..\"]\ncommand=\"/x\"", "1:6: \"..\" is not a valid name: a name begins with a letter or a digit; write letters, digits and `-_.+@`"),
    ("[bot.\"$(x)\"]\ncommand=\"/x\"", "1:6: \"$(x)\" is not a valid name: '$' cannot be in a name; write letters, digits and `-_.+@`"),
    ("[bot.\"\"]\ncommand=\"/x\"", "1:6: \"\" is not a valid name: it is empty; write letters, digits and `-_.+@`"),
    ("[bot.web]\ncommand=\"\"", "2:9: `command`: the path is empty"),
    ("[bot.web]\ncommand=\"/x\"\n[bot.web]\ncommand=\"/y\"", "3:6: this key is there already: leave one of them\n4:1: this key is there already: leave one of them"),
    ("[monitor]\nname=\"a b\"\ncontrol={tcp=\"0.0.0.0:80\"}\nlog=\"nowhere\"\nlog_level=\"loud\"\nlog_format=\"%(lineno)d\"\nstop_timeout=\"0s\"\nport=1\n", "2:6: `name`: \"a b\" is not a valid name: ' ' cannot be in a name; write letters, digits and `-_.+@`\n3:14: `tcp`: `0.0.0.0:80` can be reached from other machines: write \"127.0.0.1:80\"\n4:5: `log`: `nowhere` is not known: write \"syslog\", \"stdout\", \"stderr\", \"null\", or a path such as \"./nowhere\"\n5:11: `log_level`: `loud` is no level: write `off`, `error`, `warn`, `info`, `debug` or `trace`\n6:12: `log_format`: `%(lineno)` is not known: write one of `%(asctime)s`, `%(levelname)s`, `%(name)s`, `%(process)s`, `%(message)s`\n7:14: `stop_timeout`: it must be longer than zero\n8:1: unknown key `port`: write `control = { tcp = \"127.0.0.1:PORT\" }`"),
    ("[monitor]\nlog={syslog=\"x\"}", "2:13: `syslog`: `x` is no facility: write \"daemon\", \"user\" or \"local0\" to \"local7\""),
    ("[monitor]\nlog=1", "2:5: `log`: expected a word, or a table such as { file = \"PATH\" }, found an integer"),
    ("[monitor]\nlog_format=\"50%\"", "2:12: `log_format`: a `%` begins neither a field, such as `%(message)s`, nor `%%`"),
    ("[monitor]\nlog_format=\"%(message)999s\"", "2:12: `log_format`: `999` is no width"),
    ("[bot.web\ncommand=", "1:9: unclosed table, expected `]`"),
    ("[bot.a]\ncommand=\"/x\"\ndepends_on=[\"b\"]\n[bot.b]\ncommand=\"/x\"\ndepends_on=[\"c\"]\n[bot.c]\ncommand=\"/x\"\ndepends_on=[\"a\"]\n", "9:13: `depends_on`: `a` waits for `b`, which waits for `c`, which waits for `a`: take one of these out"),
    ("[bot.a]\ncommand=\"/x\"\nstdout=\"/l/x\"\n[bot.b]\ncommand=\"/x\"\nstdout=\"/l/x\"\n", "4:6: bots `a` and `b` have the same log `/l/x`: give each its own"),
];

#[test]
fn each_mistake_about_a_bot() {
    for (line, expected) in OF_A_BOT {
        assert_eq!(mistakes(&format!("[bot.web]\ncommand = \"/bin/true\"\n{line}\n")), *expected, "{line}");
    }
}

#[test]
fn each_mistake_about_a_file() {
    for (text, expected) in OF_A_FILE {
        assert_eq!(mistakes(text), *expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_in_order() {
    let text = "[bot.web]\ncommand = \"/bin/true\"\nuser = 1\numask = 2\n[bot.db]\nx = 1\n[monitor]\nname = \"\"\n";
    let found = mistakes(text);
    let places: Vec<&str> = found.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["3:8", "4:9", "5:6", "6:1", "8:8"], "{found}");
}

/// One that many others follow from does not scroll away.
#[test]
fn the_first_twenty_mistakes_are_told_and_the_others_counted() {
    let many = |count: usize| -> String {
        let keys: Vec<String> = (0..count).map(|number| format!("x{number} = 1\n")).collect();
        format!("[bot.web]\ncommand = \"/bin/true\"\n{}", keys.concat())
    };
    for (count, last) in [(20, None), (21, Some("1 more mistake")), (1202, Some("1182 more mistakes"))] {
        let wrong = super::Config::parse("/etc/bots.toml", &many(count), &super::variables).unwrap_err();
        let told = wrong.to_string();
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!((wrong.iter().len(), lines.len()), (count, 20 + usize::from(last.is_some())));
        assert!(lines[..20].iter().all(|line| line.contains("unknown key")), "{told}");
        assert_eq!(lines.get(20).copied(), last);
    }
}

#[test]
fn a_bot_that_could_not_be_read_is_not_missed_by_those_that_wait_for_it() {
    let found = mistakes("[bot.web]\ncommand = \"/bin/true\"\ndepends_on = [\"db\"]\n[bot.db]\n");
    assert_eq!(found, "4:6: bot `db` has no program: write `command = \"/path/of/the/program\"`");
}
