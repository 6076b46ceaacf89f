//! Hooks: commands that report what happens to a bot.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lines, size};

/// Writes its variables and its input into a file, then gives it its name, so that it is there as a whole.
const HOOK: &str = r#"#!/bin/sh
{ env | grep -E '^DAEMON_(EVENT|BOT|EXIT|EXIT_STATUS|EXIT_SIGNAL|REASON)=' | sort; echo "args $*"; cat; } > "$1.new" && mv "$1.new" "$1"
"#;

fn lab(bots: &str) -> CliLab {
    lab_with("", bots)
}

fn lab_with(settings: &str, bots: &str) -> CliLab {
    let cli = CliLab::new("");
    cli.configure_with(settings, bots);
    cli.lab.shell(&format!("cat > hook <<'END'\n{HOOK}END\nchmod 755 hook")).run().ok();
    cli
}

/// Promise 6.73.
#[test]
fn exit_and_giving_up_are_reported_with_their_facts() {
    let cli = lab(r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "printf 'one\\033[31m\\ntwo\\n'; exit 3"]
limit = { exits = 0 }
on_exit = ["LAB/hook", "LAB/exit", "$$HOME; *"]
on_gave_up = ["LAB/hook", "LAB/gave-up"]
"#);
    cli.ctl(&["start"]).run();
    let exit = cli.lab.wait_for("exit", EVENT_TIMEOUT, |text| !text.is_empty());
    let expected = "DAEMON_BOT=web\nDAEMON_EVENT=exit\nDAEMON_EXIT=exited with status 3\nDAEMON_EXIT_STATUS=3\n";
    let end = "one\u{1b}[31m\ntwo\n";
    assert!(exit.starts_with(expected) && exit.ends_with(end), "{exit:?}");
    assert!(exit.contains("/exit $HOME; *\n"), "an argument was changed: {exit:?}");
    let given_up = cli.lab.wait_for("gave-up", EVENT_TIMEOUT, |text| !text.is_empty());
    assert!(given_up.starts_with("DAEMON_BOT=web\nDAEMON_EVENT=gave-up\n") && given_up.ends_with(end), "{given_up:?}");
    cli.shutdown();
}

#[test]
fn unhealthy_bot_is_reported_before_it_is_stopped() {
    let cli = lab(r#"
[bot.web]
command = "/bin/sleep"
args = ["1000"]
check = { exec = ["/bin/sh", "-c", "echo no route; exit 1"], every = "100ms", failures = 1 }
limit = { exits = 0 }
on_unhealthy = ["LAB/hook", "LAB/unhealthy"]
"#);
    cli.start();
    let report = cli.lab.wait_for("unhealthy", EVENT_TIMEOUT, |text| !text.is_empty());
    assert!(report.contains("DAEMON_EVENT=unhealthy\n") && report.contains("no route"), "{report:?}");
    assert!(!report.contains("DAEMON_EXIT="), "{report:?}");
    cli.shutdown();
}

/// Promise 6.73.
#[test]
fn requested_stop_is_not_reported_and_a_hanging_hook_delays_nothing() {
    let cli = lab_with(
        "stop_timeout = \"1s\"",
        r#"
[bot.web]
command = "/bin/sleep"
args = ["1000"]
on_exit = ["LAB/hook", "LAB/requested"]
[bot.hung]
command = "/bin/sh"
args = ["-c", "echo x >> LAB/runs; exit 1"]
backoff = { first = "1ms", cap = "1ms" }
limit = { exits = 3 }
on_exit = ["/bin/sh", "-c", "echo begun >> LAB/hung; sleep 1000"]
hook_timeout = "100s"
"#,
    );
    cli.ctl(&["start"]).run();
    cli.until_is("hung", "gave-up");
    cli.lab.wait_for("hung", EVENT_TIMEOUT, |text| text.ends_with('\n'));
    assert_eq!(cli.lab.read("hung"), "begun\n", "one at a time");
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |text| text.contains("`on_exit` was not executed: it still runs"));
    cli.ok(&["stop", "web", "--wait"]);
    cli.shutdown();
    assert_eq!(cli.lab.read("requested"), "");
    let log = cli.lab.read("m.log");
    assert!(log.contains("bot `hung`: `on_exit` was killed before its end: the monitor stops at once"), "{log}");
}

/// Promise 6.87. A hook that runs when a stop of the monitor is requested, and one for a bot that fails while others are stopped.
#[test]
fn hooks_end_before_the_monitor_and_failures_while_it_stops_are_reported() {
    let cli = lab(r#"
[bot.failed]
command = "/bin/false"
limit = { exits = 0 }
on_exit = ["/bin/sh", "-c", "touch LAB/begun; until [ -e LAB/go ]; do sleep 0.02; done; touch LAB/done"]
[bot.db]
command = "/bin/sleep"
args = ["1000"]
on_exit = ["LAB/hook", "LAB/crash"]
[bot.web]
command = "/bin/sh"
args = ["-c", "trap 'touch LAB/told; until [ -e LAB/go ]; do sleep 0.02; done; exit 0' TERM; touch LAB/runs; while :; do sleep 0.02; done"]
depends_on = ["db"]
on_exit = ["LAB/hook", "LAB/requested"]
"#);
    cli.ctl(&["start"]).run();
    for file in ["begun", "runs"] {
        cli.lab.wait_for(file, EVENT_TIMEOUT, |_| true);
    }
    let (monitor, db) = (cli.monitor(), cli.pid("db"));
    monitor.signal(Signal::SIGTERM);
    cli.lab.wait_for("told", EVENT_TIMEOUT, |_| true);
    // Its dependent still stops, so it was not asked to.
    cli.lab.shell(&format!("kill -9 {db}")).run().ok();
    let report = cli.lab.wait_for("crash", EVENT_TIMEOUT, |text| !text.is_empty());
    assert!(report.contains("DAEMON_EXIT=killed by SIGKILL\n"), "{report}");
    assert!(monitor.alive(), "it waits for the hook");
    cli.lab.write("go", "");
    monitor.died(EVENT_TIMEOUT).expect("it ends");
    cli.lab.quiet(EVENT_TIMEOUT).expect("nothing is left");
    assert!(cli.lab.path("done").exists() && !cli.lab.path("requested").exists());
    let log = cli.lab.read("m.log");
    assert!(!log.contains("was killed before its end") && !log.contains("was not executed"), "{log}");
}

/// Promise 6.87. The report of the failure that ends the monitor is made, and a second request does not wait for it.
#[test]
fn failure_that_ends_the_monitor_is_reported_unless_it_is_told_to_end_at_once() {
    let bots = r#"
[bot.job]
command = "/bin/sh"
args = ["-c", "exit 4"]
limit = { exits = 0 }
on_exit = ["LAB/hook", "LAB/exit"]
on_gave_up = ["/bin/sh", "-c", "setsid sleep 1000 & touch LAB/begun; until [ -e LAB/go ]; do sleep 0.02; done; touch LAB/done"]
hook_timeout = "1000s"
"#;
    for is_hurried in [false, true] {
        let cli = lab_with("exit_when = \"any-gave-up\"", bots);
        cli.ctl(&["start"]).run();
        cli.lab.wait_for("begun", EVENT_TIMEOUT, |_| true);
        cli.lab.wait_for("exit", EVENT_TIMEOUT, |text| !text.is_empty());
        let monitor = cli.monitor();
        if is_hurried {
            // The first one asks for what goes on already.
            for wait in ["--wait=0s", "--wait=20s"] {
                cli.ctl(&["shutdown", wait]).run();
            }
        } else {
            cli.lab.write("go", "");
        }
        monitor.died(EVENT_TIMEOUT).expect("it ends");
        cli.lab.quiet(EVENT_TIMEOUT).expect("nothing is left");
        assert_eq!(cli.lab.path("done").exists(), !is_hurried);
        let log = cli.lab.read("m.log");
        assert_eq!(log.contains("bot `job`: `on_gave_up` was killed before its end: "), is_hurried, "{log}");
    }
}

/// Promises 6.63, 6.73. Each bot fails at once, again and again, and each hook does what it can to stay.
#[test]
fn hostile_hooks_are_bounded_and_delay_no_command() {
    let acts = [
        "sleep 1000",
        "exec <&- >&- 2>&-; sleep 1000",
        "cat /dev/zero",
        "yes | head -c 100000000",
        "trap '' TERM INT HUP; (sleep 1000 &) ; setsid sleep 1000 & while :; do sleep 1; done",
        "exec sleep 1000",
        "for i in 1 2 3 4 5 6 7 8; do sleep 1000 & done; kill -STOP $$$$",
    ];
    let bot = |(number, act): (usize, &&str)| {
        format!(
            "[bot.b{number}]\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"head -c 200000 /dev/zero | tr '\\\\0' x; exit 1\"]\n\
             backoff = {{ first = \"5ms\", cap = \"5ms\" }}\nlimit = {{ exits = 1000 }}\nhook_timeout = \"300ms\"\n\
             on_exit = [\"/bin/sh\", \"-c\", \"echo run >> LAB/runs; {act}\"]\n\n"
        )
    };
    let repeated = acts.iter().cycle().take(size(14, 70));
    let cli = lab_with("stop_timeout = \"1s\"", &repeated.enumerate().map(bot).collect::<String>());
    cli.ctl(&["start"]).run();
    lines(&cli.lab, "runs", size(40, 400));
    let (monitor, mut slowest) = (cli.monitor(), Duration::ZERO);
    for _ in 0..size(10, 100) {
        let began = Instant::now();
        cli.client().get("/bots").expect("an answer");
        slowest = slowest.max(began.elapsed());
        let hooks = cli
            .lab
            .processes()
            .into_iter()
            .filter(|process| process.stat().is_some_and(|stat| stat.parent == monitor.id()));
        // Bots, their hooks, of which 32 run at once, and what was killed and is not reaped yet.
        assert!(hooks.count() <= size(14, 70) + 2 * 32, "{:?}", cli.lab.processes());
    }
    assert!(slowest < EVENT_TIMEOUT / 4, "{slowest:?}");
    cli.shutdown();
}

#[test]
fn failed_hook_is_logged_with_its_last_line() {
    let cli = lab(r#"
[bot.web]
command = "/bin/false"
limit = { exits = 0 }
on_exit = ["/bin/sh", "-c", "printf 'no mail\\033[2J\\n'; exit 4"]
"#);
    cli.ctl(&["start"]).run();
    cli.lab.wait_for("m.log", EVENT_TIMEOUT, |text| {
        text.contains("bot `web`: `on_exit`: exited with status 4: `no mail\\u{1b}[2J`")
    });
    cli.shutdown();
}
