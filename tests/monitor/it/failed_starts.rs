//! Starts that fail, and the users of bots.

use crate::common::{
    BOT, PIDFILE, begin, environment, foreground, lab, leave_descriptors, lines, number, process, start, start_program,
    state, states, status, stop, until, wait_for, write_bots,
};
use std::os::unix::fs::PermissionsExt;

/// Promise 6.10.
#[test]
fn bot_becomes_another_user_permanently() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"number = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534" }"#,
            r#"name = { command = "/bin/sleep", args = ["999"], user = "nobody" }"#,
            r#"group = { command = "/bin/sleep", args = ["999"], group = "65534" }"#,
            r#"free = { command = "/bin/sleep", args = ["999"], user = "nobody", no_new_privs = false }"#,
            r#"bound = { command = "/bin/sleep", args = ["999"], no_new_privs = true }"#,
        ],
    );
    // A configuration cannot name a user who does not exist.
    start_program(&lab, &["unknown-user"]);
    for bot in ["number", "name"] {
        let ids = process(&lab, bot).ids().unwrap();
        assert_eq!((ids.users, ids.groups), (vec![65534; 4], vec![65534; 4]), "{bot}");
        assert!(!ids.supplementary.contains(&0), "{bot} is still in root's group");
        for capabilities in ["CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(
                process(&lab, bot).status(capabilities).as_deref(),
                Some("0000000000000000"),
                "{bot}: {capabilities}"
            );
        }
    }
    let ids = process(&lab, "group").ids().unwrap();
    assert_eq!((ids.users[0], ids.groups[0], ids.supplementary), (0, 65534, vec![65534]));
    assert!(wait_for(&lab, "ghost", "gave-up").contains("failed to become user `nosuchuser`: there is no such user"));
    // A bot with another user gains no privileges through `sudo` and the like, unless its settings allow that.
    for (bot, barred) in [("number", "1"), ("name", "1"), ("group", "0"), ("free", "0"), ("bound", "1")] {
        assert_eq!(process(&lab, bot).status("NoNewPrivs").as_deref(), Some(barred), "{bot}");
    }
    // Only root can kill it, and does.
    stop(&lab);
}

/// Promise 6.11.
#[test]
fn failed_start_reports_its_cause() {
    let lab = lab();
    lab.write("text", "not a program");
    lab.write("denied", "#!/bin/sh\n");
    std::fs::set_permissions(lab.path("text"), std::fs::Permissions::from_mode(0o755)).unwrap();
    start(
        &lab,
        &[
            r#"missing = { command = "/nowhere/x", limit = { exits = 0, window = "1s" } }"#,
            r#"denied = { command = "LAB/denied", limit = { exits = 0, window = "1s" } }"#,
            r#"text = { command = "LAB/text", limit = { exits = 0, window = "1s" } }"#,
            r#"unfound = { command = "no-such-program", limit = { exits = 0, window = "1s" } }"#,
            r#"directory = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "1s" }, cwd = "/nowhere" }"#,
            r#"found = { command = "sleep", args = ["999"] }"#,
        ],
    );
    for (bot, why) in [
        ("missing", "failed to execute `/nowhere/x`: no such file or directory"),
        ("denied", "permission denied"),
        ("text", "exec format error"),
        ("unfound", "failed to execute `no-such-program`: no such file or directory"),
        ("directory", "failed to enter the directory of `directory`: no such file or directory"),
    ] {
        let told = wait_for(&lab, bot, "gave-up");
        assert!(told.contains(why), "{bot}: {told}");
    }
    wait_for(&lab, "found", "running");
    stop(&lab);
}

/// Promise 6.11. More arguments than the kernel accepts.
#[test]
fn too_many_arguments_are_reported() {
    let lab = lab();
    let long = "x".repeat(200_000);
    start(
        &lab,
        &[
            &format!(r#"big = {{ command = "/bin/echo", args = ["{long}"], limit = {{ exits = 0, window = "1s" }} }}"#),
            r#"web = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    assert!(wait_for(&lab, "big", "gave-up").contains("argument list too long"));
    assert_eq!(state(&lab, "web"), "running");
    stop(&lab);
}

/// Promise 6.11. A shortage of the machine's resources is not an error of the bot: the start is retried, and not
/// counted.
#[test]
fn start_waits_out_a_resource_shortage() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"], autostart = false, limit = { exits = 0, window = "1s" } }"#,
            r#"other = { command = "BOT", args = ["idle"] }"#,
        ],
    );
    // The remaining processes suffice for a command that requests the status.
    leave_descriptors(monitor, 2);
    begin(&lab, "start web");
    let deadline = look::Deadline::after(crate::common::EVENT_TIMEOUT);
    while state(&lab, "web") != "backing-off" {
        assert!(!deadline.passed(), "{}", status(&lab, "web"));
    }
    let told = status(&lab, "web");
    assert!(told.contains("too many open files"), "{told}");
    assert_eq!(state(&lab, "other"), "running");
    leave_descriptors(monitor, 1000);
    wait_for(&lab, "web", "running");
    lines(&lab, "starts", 1);
    assert_eq!(number(&status(&lab, "web"), "exit"), 0);
    stop(&lab);
}

/// Promise 6.11. No further process is allowed (`RLIMIT_NPROC`, which applies to every user but root).
#[test]
fn process_limit_counts_as_a_shortage() {
    let mut lab = lab();
    lab.bring_program();
    lab.shell(&format!("chown 64321 . && install -m 755 {BOT} bot")).run().ok();
    let bots: Vec<String> = (0..20)
        .map(|number| {
            format!(r#"b{number} = {{ command = "LAB/bot", args = ["idle"], limit = {{ exits = 0, window = "1s" }} }}"#)
        })
        .collect();
    let script = "ulimit -u 12; exec setpriv --reuid=64321 --regid=64321 --clear-groups $D -c m.toml run";
    let running = foreground(&lab, &bots.iter().map(String::as_str).collect::<Vec<_>>(), script);
    wait_for(&lab, "b9", "backing-off");
    // The start may be about to be retried.
    let shortage = "failed to make a process `b9`: resource temporarily unavailable";
    until(&lab, "b9", |bot| bot["reason"].as_str().is_some_and(|reason| reason.contains(shortage)));
    let told = states(&lab);
    let bots_that_are = |wanted: &str| {
        states(&lab).into_iter().filter(|(_, state)| state == wanted).map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert!(!told.iter().any(|(_, state)| state == "gave-up"), "{told:?}");
    assert!(told.iter().all(|(name, _)| number(&status(&lab, name), "exit") == 0), "{told:?}");
    // Once there is room, a waiting bot is started.
    let one = bots_that_are("running").remove(0);
    // Root reads no configuration in the directory of another user.
    lab.run(&["--pidfile", PIDFILE, "stop", "--wait=20s", &one]).ok();
    let waits = told.iter().filter(|(_, state)| state == "backing-off").count();
    let begin = std::time::Instant::now();
    while bots_that_are("backing-off").len() >= waits {
        assert!(begin.elapsed() < crate::common::EVENT_TIMEOUT, "{:?}", states(&lab));
    }
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish().ok();
}

/// The bot has its own umask and directory, and the monitor's are unchanged.
#[test]
fn bot_has_its_own_umask_and_directory() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["touch:made", "stamp:starts", "idle"], umask = "027", cwd = "LAB" }"#,
            r#"plain = { command = "BOT", args = ["stamp:LAB/plain", "idle"] }"#,
        ],
    );
    lines(&lab, "starts", 1);
    lines(&lab, "plain", 1);
    assert_eq!(lab.path("made").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(process(&lab, "web").directory().as_deref(), Some(lab.directory()));
    assert_eq!((monitor.umask(), process(&lab, "plain").umask()), (Some(0o077), Some(0o022)));
    assert_eq!(process(&lab, "plain").directory().as_deref(), Some(lab.directory()));
    assert_eq!(monitor.directory().as_deref(), Some(std::path::Path::new("/")));
    stop(&lab);
}

/// Promise 6.10. Variables for the monitor, and those of the user who runs it, are not passed to a bot.
#[test]
fn bot_has_no_environment_of_the_monitors_user() {
    let lab = lab();
    // A copy that other users can execute: the checkout may be below root's home.
    lab.shell(&format!("install -m 755 {BOT} bot")).run().ok();
    let alien = ["NOTIFY_SOCKET=/nowhere", "WATCHDOG_USEC=100000000", "LISTEN_PIDFDID=7", "LISTEN_FDNAMES=a"];
    let secret = ["CREDENTIALS_DIRECTORY=/run/credentials/x", "INVOCATION_ID=4711", "JOURNAL_STREAM=8:15"];
    let more = ["SYSTEMD_EXEC_PID=12", "MEMORY_PRESSURE_WATCH=/nowhere", "DAEMON_INSTANCE=7", "DAEMONIC_OTHER=1"];
    let [user, other] = [["HOME=/root", "USER=root"], ["LOGNAME=root", "SHELL=/bin/odd"]];
    let all = [&alien[..], &secret, &more, &user, &other, &["OWN=kept"]].concat();
    let running = foreground(
        &lab,
        &[
            r#"same = { command = "LAB/bot", args = ["idle"] }"#,
            r#"named = { command = "LAB/bot", args = ["idle"], user = "nobody" }"#,
            r#"said = { command = "LAB/bot", args = ["idle"], user = "nobody", env.HOME = "/said", env.SHELL = "/bin/said" }"#,
            r#"unknown = { command = "/bin/sleep", args = ["999"], user = "64321", group = "64321" }"#,
            r#"bare = { command = "LAB/bot", args = ["idle"], user = "nobody", clear_env = true, env.ONLY = "1" }"#,
        ],
        &format!("exec env {} $D -c m.toml run", all.join(" ")),
    );
    let passwd = lab.shell("getent passwd nobody").run().ok().stdout;
    let entry: Vec<&str> = passwd.trim().split(':').collect();
    let of_nobody = [format!("HOME={}", entry[5]), format!("SHELL={}", entry[6])];
    for (bot, expected) in [
        ("same", [&user[..], &other].concat()),
        ("named", vec![&*of_nobody[0], &of_nobody[1], "USER=nobody", "LOGNAME=nobody"]),
        ("said", vec!["HOME=/said", "SHELL=/bin/said", "USER=nobody", "LOGNAME=nobody"]),
        ("unknown", vec![]),
        ("bare", vec![]),
    ] {
        wait_for(&lab, bot, "running");
        let has = environment(process(&lab, bot));
        let about = |kinds: &[&str]| -> std::collections::BTreeSet<&str> {
            has.iter().map(String::as_str).filter(|entry| kinds.iter().any(|kind| entry.starts_with(kind))).collect()
        };
        assert_eq!(about(&["HOME=", "USER=", "LOGNAME=", "SHELL="]), expected.into_iter().collect(), "{bot}: {has:?}");
        let strange: Vec<_> = [&alien[..], &secret, &more].concat();
        assert!(!has.iter().any(|entry| strange.contains(&entry.as_str())), "{bot}: {has:?}");
        assert_eq!((has.contains(&"OWN=kept".into()), has.contains(&"ONLY=1".into())), (bot != "bare", bot == "bare"));
        assert!(
            has.contains(&format!("DAEMON_BOT={bot}")) && has.iter().any(|entry| entry.starts_with("DAEMON_EVENTS="))
        );
    }
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish().ok();
}
