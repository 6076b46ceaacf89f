//! The examples, run as a user would, and the page in a real browser.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use look::Lab;
use serde_json::Value;

use crate::cli_lab::{CliLab, daemonctl, example};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the count of an event that a bot has sent.
fn count(status: &Value, bot: &str, event: &str) -> u64 {
    let bots = status["bots"].as_array().expect("bots");
    let bot = bots.iter().find(|other| other["name"] == bot).unwrap_or_else(|| panic!("no bot `{bot}`: {status}"));
    let events = bot["events"].as_array().expect("events");
    events.iter().find(|other| other["name"] == event).and_then(|event| event["total"].as_u64()).unwrap_or(0)
}

/// Runs a script with a private `/run`.
fn script(lab: &Lab, commands: &str) -> look::Outcome {
    let script = format!("set -eu; mount -t tmpfs -o mode=755 none /run; {commands}");
    lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", daemonctl()).run()
}

#[test]
fn three_bots_in_three_languages_count_events() {
    let lab = Lab::new(daemonctl());
    let worker = example("worker");
    for file in ["monitor.toml", "greeter.py", "clock.sh"] {
        let copied =
            Command::new("cp").arg("-p").arg(root().join("examples/monitor").join(file)).arg(lab.directory()).status();
        assert!(copied.is_ok_and(|status| status.success()), "failed to copy `{file}`");
    }
    // Until each event has been counted twice: the monitor reports once a second.
    let commands = format!(
        "export WORKER={}; C=\"$D -c monitor.toml\"; $C check; $C start --wait; $C status
        timeout 30 $C status --watch --json | grep -m 1 '\"counts\":.*\"greeter\".*greeting' > /dev/null
        $C status --json > status; $C tail clock; $C tail greeter; $C shutdown",
        worker.display()
    );
    let outcome = script(&lab, &commands).ok().prints(&["3 bots, no mistakes", "3 of 3 bots up", "it is ", "hello"]);
    let status: Value = serde_json::from_str(&lab.read("status")).expect("JSON");
    for (bot, event) in [("worker", "job"), ("greeter", "greeting"), ("clock", "tick")] {
        assert!(count(&status, bot, event) >= 1, "{bot} has counted no {event}: {outcome}\n{status}");
    }
    assert!(outcome.stdout.ends_with("the monitor has stopped\n") && lab.quiet(Duration::from_secs(20)).is_ok());
}

/// Bots written for the original monitor: one of its configuration, which names the runner in its first line.
#[test]
fn bot_of_the_original_monitor_counts_events_and_logs() {
    let lab = Lab::new(daemonctl());
    let runner = root().join("examples/monitor/run_original.py");
    let copied = Command::new("cp").arg("-p").arg(runner).arg(lab.directory()).status();
    assert!(copied.is_ok_and(|status| status.success()), "failed to copy the runner");
    let directory = lab.directory().display().to_string();
    lab.write("beside.py", "WORD = 'reply'\n");
    let bot = "import beside, time
def main(conn, logger):
    logger.info('hello from %s', __name__)
    while True:
        conn.send(beside.WORD + '  sent')
        print('said', conn.poll(0.1))
";
    lab.write("original.py", format!("#!{directory}/run_original.py\n{bot}"));
    lab.write("wrong.py", "def mian(conn, logger): pass\n");
    lab.shell("chmod 755 original.py").run().ok();
    lab.write(
        "original.cfg",
        format!(
            "PIDFILE={directory}/m.pid\nLISTENER_HOST=127.0.0.1\nLISTENER_PORT=0\nAUTOSTART={directory}/original.py\n"
        ),
    );
    let commands = "C=\"$D -c original.cfg\"; $C start
        timeout 30 $C status --watch --json | grep -m 1 '\"counts\":.*\"original\".*sent' > /dev/null
        $C status --json > status; $C tail -n 1000 original; $C shutdown";
    let outcome = script(&lab, commands).ok().prints(&["hello from original\n", "said False\n"]);
    let status: Value = serde_json::from_str(&lab.read("status")).expect("JSON");
    for event in ["reply", "sent"] {
        assert!(count(&status, "original", event) >= 1, "no {event}: {outcome}\n{status}");
    }
    assert!(lab.quiet(Duration::from_secs(20)).is_ok());
    for (file, why) in [("wrong.py", "it has no function `main(conn, logger)`"), ("missing.py", "no such file")] {
        let refused = lab.shell(&format!("./run_original.py {file}")).run().exits(1);
        assert!(refused.stderr.to_lowercase().contains(why), "{refused}");
    }
}

#[test]
fn monitor_built_in_code_answers() {
    let lab = Lab::new(example("in_code"));
    let outcome = script(
        &lab,
        &format!(
            "{}; curl -sS --unix-socket /run/in-code.control/socket http://localhost/bots; kill $(head -n 1 /run/in-code.pid)",
            lab.program().display()
        ),
    )
    .ok()
    .prints(&["it runs as pid "]);
    let bots: Value = serde_json::from_str(outcome.stdout.lines().nth(1).expect("an answer")).expect("JSON");
    assert_eq!(crate::cli_lab::names(&bots["bots"]), ["first", "second"]);
    assert_eq!((bots["monitor"]["name"].as_str(), &bots["monitor"]["config"]), (Some("in-code"), &Value::Null));
    assert!(lab.quiet(Duration::from_secs(20)).is_ok());
}

/// Promises 5.26, 5.27, 5.28 and 6.85. The status page with a monitor, in Debian's Chromium: login, clicks, keys, a bot that dies and is
/// restarted, its log, many windows.
#[test]
fn status_page_works_in_a_browser() {
    let cli = CliLab::new("");
    cli.configure_with(
        "control = { tcp = \"127.0.0.1:0\" }",
        r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "while :; do printf '<b>bold</b> \\033[31mred\\033[0m \\033[2J line\\n'; echo reply >&$$DAEMON_EVENTS; sleep 0.5; done"]
limit = { exits = 50, window = "1h" }

[bot.broken]
command = "BOT"
args = ["exit:1"]
limit = { exits = 0, window = "1h" }
"#,
    );
    cli.start();
    cli.until_is("broken", "gave-up");
    let text = cli.lab.read("m.pid");
    let url = text.lines().find(|line| line.starts_with("http://")).expect("an address");
    let token = cli.lab.read("m.control/token");
    let drive = root().join("tests/monitor/page/drive.py");
    let arguments = [drive.to_str().expect("a path"), url, token.trim(), "--bot", "web", "--broken", "broken"];
    let daemonctl = crate::cli_lab::daemonctl();
    let open = ["--open", daemonctl.to_str().expect("a path"), "open"];
    let driven = cli.lab.command("python3", &[&arguments[..], &open[..]].concat()).env("TMPDIR", cli.lab.directory());
    let driven = driven.env("DAEMONCTL_CONFIG", cli.lab.path("m.toml"));
    driven
        .within(Duration::from_secs(180))
        .run()
        .ok()
        .prints(&["ok a_killed_bot_is_seen_to_die_and_come_back", "ok the_address_of_daemonctl_open_logs_in"]);
    cli.shutdown();
}
