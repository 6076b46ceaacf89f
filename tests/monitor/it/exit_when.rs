//! The key `exit_when`: the monitor ends with the status of a bot.

use crate::cli_lab::CliLab;

/// Bots of which `job` ends by ACT, and `db` says when it is stopped.
const BOTS: &str = r#"
[bot.db]
command = "/bin/sh"
args = ["-c", "trap 'echo down >>LAB/order; exit 0' TERM; echo up >>LAB/order; while :; do sleep 0.02; done"]

[bot.web]
command = "/bin/sh"
args = ["-c", "trap 'echo web down >>LAB/order; exit 0' TERM; echo web up >>LAB/order; while :; do sleep 0.02; done"]
depends_on = ["db"]

[bot.job]
command = "/bin/sh"
args = ["-c", "until grep -q '^up' LAB/order && grep -q 'web up' LAB/order; do sleep 0.01; done; ACT"]
RESTART
"#;

fn lab(when: &str, act: &str, restart: &str) -> CliLab {
    let cli = CliLab::new("");
    cli.configure_with(&format!("exit_when = \"{when}\""), &BOTS.replace("ACT", act).replace("RESTART", restart));
    cli
}

/// Promises 6.58, 2.34. The others are stopped first, dependents before what they depend on; the log says why, and nothing else is
/// printed.
#[test]
fn monitor_ends_with_the_status_of_the_bot_that_gave_up() {
    let never = "restart = \"never\"";
    let limited = "limit = { exits = 1, window = \"1h\" }\nbackoff = { first = \"10ms\" }";
    for (act, restart, status) in
        [("exit 42", never, 42), ("kill -9 $$$$", limited, 137), ("exit 7", limited, 7), ("exec /no/such", never, 127)]
    {
        let cli = lab("any-gave-up", act, restart);
        let outcome = cli.ctl(&["run"]).run().exits(status);
        let order = cli.lab.read("order");
        let ends: Vec<&str> = order.lines().filter(|line| line.ends_with("down")).collect();
        assert_eq!(ends, ["web down", "down"], "{act}: {outcome}");
        let log = cli.lab.read("m.log");
        let why = format!("and so the monitor stops, with status {status}: `exit_when` is \"any-gave-up\"");
        assert!(log.contains(&why), "{log}");
        assert!(outcome.stderr.is_empty() && !log.contains("the body"), "{outcome} {log}");
        assert!(cli.lab.processes().is_empty() && !cli.lab.path("m.pid").exists());
    }
    // As process 1 of a container, whose status its runtime sees.
    let cli = lab("any-gave-up", "kill -9 $$$$", never);
    let container = ["--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "exec \"$D\" -c m.toml run"];
    cli.lab.command("unshare", &container).env("D", cli.lab.program()).run().exits(137);
}

/// Promise 6.58.
#[test]
fn monitor_ends_when_all_bots_have_ended() {
    let job = |name: &str, act: &str, more: &str| {
        format!("[bot.{name}]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"{act}\"]\nrestart = \"never\"\n{more}\n\n")
    };
    let waits = "until [ -e LAB/first ]; do sleep 0.01; done; sleep 0.1;";
    for (acts, status) in [
        (["touch LAB/first", "exit 0"], 0),
        (["touch LAB/first; exit 5", "exit 0"], 5),
        (["touch LAB/first; exit 5", "exit 6"], 6),
    ] {
        let cli = CliLab::new("");
        let second = job("second", &format!("{waits} {}", acts[1]), "");
        // One that is not started does not count, and neither does one that waits for another that has ended.
        let idle = job("idle", "exit 9", "autostart = false");
        let stuck = if status == 0 { String::new() } else { job("stuck", "exit 9", "depends_on = [\"gone\"]\n") };
        let gone = if status == 0 { String::new() } else { job("gone", &format!("exit {status}"), "ready = \"exit\"") };
        cli.configure_with(
            "exit_when = \"all-ended\"",
            &[job("first", acts[0], ""), second, idle, stuck, gone].concat(),
        );
        cli.ctl(&["run"]).run().exits(status);
    }
    // Without the key it runs on.
    let cli = CliLab::new(&job("first", "exit 5", ""));
    cli.start();
    cli.until_is("first", "failed");
    cli.shutdown();
}
