//! Checks by programs: as the bot's user, without its secret, killed at their deadline with all that they have started.

use std::time::Duration;

use look::{Deadline, Process};

use crate::cli_lab::CliLab;
use crate::common::{EVENT_TIMEOUT, lines};

/// A bot that idles, with these keys.
fn idle(keys: &str) -> String {
    format!("[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n{keys}\n")
}

/// A check by a script in which `$` is no variable of the configuration.
fn script(text: &str, more: &str) -> String {
    format!("check = {{ exec = [\"/bin/sh\", \"-c\", '''{}'''], every = \"30ms\"{more} }}", text.replace('$', "$$"))
}

/// Waits until nothing runs that was started from the lab, but for these processes.
#[track_caller]
fn only_these_are_left(lab: &CliLab, pids: &[i32]) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    let is_other = |process: &Process| !pids.contains(&process.id());
    while lab.lab.processes().iter().any(is_other) {
        assert!(!deadline.passed(), "left: {:?}", lab.lab.processes());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn program_that_fails_restarts_the_bot_with_its_status_and_last_line() {
    let lab = CliLab::new(&idle(&format!(
        "limit = {{ exits = 0, window = \"1h\" }}\n{}",
        script("echo looking; printf 'no \\033[31mdisk\\n\\n' >&2; exit 3", ", failures = 2, timeout = \"20s\"")
    )));
    lab.start();
    let bot = lab.until_is("web", "gave-up");
    let reason = bot["reason"].as_str().unwrap();
    assert!(reason.contains("failed 2 checks in a row: exec `/bin/sh`: exited with status 3: `no "), "{reason}");
    assert!(!reason.contains('\x1b') && bot["last_exit"] == "failed checks", "{bot}");
    lab.shutdown();
}

/// Promise 6.63.
#[test]
fn program_runs_as_the_bot_in_a_session_of_its_own_and_without_its_secret() {
    let lab = CliLab::new(&format!(
        "[bot.web]\ncommand = \"BOT\"\nargs = [\"write_environment:LAB/open/own\", \"idle\"]\nuser = \"nobody\"\ncwd = \"/usr\"\n\
         umask = \"027\"\nenv = {{ COLOR = \"red\" }}\n{}",
        script(
            "{ id -un; pwd; umask; echo $COLOR; ps -o sid= -p $$; echo $$; env; } > LAB/open/new && mv LAB/open/new LAB/open/check",
            ", timeout = \"20s\""
        )
    ));
    lab.lab.command("install", &["-d", "-m", "777", "open"]).run().ok();
    lab.start();
    lab.until("web", |bot| bot["health"] == "healthy");
    let told = lines(&lab.lab, "open/check", 10);
    assert_eq!(told[..4], ["nobody", "/usr", "0027", "red"]);
    assert_eq!(told[4].trim(), told[5], "not in a session of its own");
    assert!(told.iter().any(|line| line == "DAEMON_BOT=web"), "{told:?}");
    let secret =
        |lines: &[String]| lines.iter().find_map(|line| line.strip_prefix("DAEMON_BOT_SECRET=").map(str::to_owned));
    let own = secret(&lines(&lab.lab, "open/own", 5)).expect("the bot has a secret");
    assert!(!told.iter().any(|line| line.contains(&own)), "{told:?}");
    assert!(
        !told.iter().any(|line| line.starts_with("NOTIFY_SOCKET=") || line.starts_with("DAEMON_EVENTS")),
        "{told:?}"
    );
    lab.shutdown();
}

/// Promise 6.63.
#[test]
fn program_that_hangs_is_killed_with_its_group_and_what_has_left_it() {
    let lab = CliLab::new(&idle(&script(
        "sleep 991 & setsid sleep 992 & setsid -f sleep 993; echo begun; trap '' TERM; sleep 994",
        ", timeout = \"300ms\", failures = 1000",
    )));
    lab.start();
    let bot = lab.until("web", |bot| bot["last_check"]["ok"] == false);
    let reason = bot["last_check"]["reason"].as_str().unwrap();
    assert_eq!(reason, "did not end within 300ms, and was killed: `begun`");
    lab.configure(&idle(""));
    lab.ok(&["reload"]);
    only_these_are_left(&lab, &[lab.monitor().id(), lab.pid("web")]);
    assert_eq!(lab.bot("web")["state"], "running");
    lab.shutdown();
}

#[test]
fn program_that_cannot_be_executed_is_a_failure_with_its_name() {
    let lab = CliLab::new(&idle("check = { exec = [\"/nonexistent/check\"], every = \"20ms\", failures = 1000 }"));
    lab.start();
    let bot = lab.until("web", |bot| bot["last_check"]["ok"] == false);
    let reason = bot["last_check"]["reason"].as_str().unwrap();
    assert_eq!(reason, "failed to execute `/nonexistent/check`: no such file or directory");
    lab.shutdown();
}

/// The end of the bot and that of the monitor are also those of a check that goes on, however it was stopped.
#[test]
fn check_ends_with_the_bot_and_with_the_monitor() {
    let hanging = script("echo $$ >> LAB/pids; exec sleep 995", ", timeout = \"1h\"");
    let lab = CliLab::new(&idle(&hanging));
    lab.start();
    lines(&lab.lab, "pids", 1);
    lab.ok(&["stop", "--wait", "web"]);
    only_these_are_left(&lab, &[lab.monitor().id()]);
    lab.ok(&["start", "--wait", "web"]);
    lines(&lab.lab, "pids", 2);
    lab.shutdown();
}

/// A process that a check leaves is neither the bot's nor a survivor of it.
#[test]
fn what_a_check_leaves_does_not_count_as_left_by_the_bot() {
    let lab = CliLab::new(&idle(&script("setsid -f sleep 996; touch LAB/checked", ", timeout = \"20s\"")));
    lab.start();
    lab.until("web", |bot| bot["health"] == "healthy");
    lab.ok(&["stop", "--wait", "web"]);
    let bot = lab.bot("web");
    assert!(bot["reason"].is_null(), "{bot}");
    assert!(!lab.lab.read("m.log").contains("lives on"));
    lab.shutdown();
}
