//! Starts that fail, and as whom bots run.

use crate::common::{
    BOT, environment, foreground, lab, lines, number, process, start, state, status, stop, tell, wait_for,
};
use std::os::unix::fs::PermissionsExt;

#[test]
fn p6_10_a_bot_becomes_another_user_for_good() {
    let lab = lab();
    start(
        &lab,
        &[
            "number user=65534 group=65534 : /bin/sleep 999",
            "name user=nobody : /bin/sleep 999",
            "group group=65534 : /bin/sleep 999",
            "free user=nobody no_new_privs=no : /bin/sleep 999",
            "bound no_new_privs=yes : /bin/sleep 999",
            "ghost user=nosuchuser limit=0/1000 : /bin/sleep 999",
        ],
    );
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
    // `sudo` and the like are nothing to whoever became somebody else, unless that is said.
    for (bot, barred) in [("number", "1"), ("name", "1"), ("group", "0"), ("free", "0"), ("bound", "1")] {
        assert_eq!(process(&lab, bot).status("NoNewPrivs").as_deref(), Some(barred), "{bot}");
    }
    // It could be killed by root only, and is.
    stop(&lab);
}

#[test]
fn p6_11_a_start_that_fails_says_why() {
    let lab = lab();
    lab.write("text", "not a program");
    lab.write("denied", "#!/bin/sh\n");
    std::fs::set_permissions(lab.path("text"), std::fs::Permissions::from_mode(0o755)).unwrap();
    start(
        &lab,
        &[
            "missing limit=0/1000 : /nowhere/x",
            "denied limit=0/1000 : LAB/denied",
            "text limit=0/1000 : LAB/text",
            "unfound limit=0/1000 : no-such-program",
            "directory limit=0/1000 directory=/nowhere : BOT idle",
            "found : sleep 999",
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

/// Arguments beyond what the kernel takes.
#[test]
fn p6_11_too_many_arguments_are_told() {
    let lab = lab();
    let long = "x".repeat(200_000);
    start(&lab, &[&format!("big limit=0/1000 : /bin/echo {long}"), "web : BOT idle"]);
    assert!(wait_for(&lab, "big", "gave-up").contains("argument list too long"));
    assert_eq!(state(&lab, "web"), "running");
    stop(&lab);
}

/// What the machine is short of is no fault of the bot: it is tried again, and not counted.
#[test]
fn p6_11_a_shortage_is_waited_for() {
    let lab = lab();
    start(&lab, &["web autostart=no limit=0/1000 : BOT stamp:LAB/starts idle", "other : BOT idle"]);
    tell(&lab, "exhaust");
    tell(&lab, "start web");
    let told = wait_for(&lab, "web", "backing-off");
    assert!(told.contains("too many open files"), "{told}");
    wait_for(&lab, "other", "running");
    tell(&lab, "relieve");
    wait_for(&lab, "web", "running");
    lines(&lab, "starts", 1);
    assert_eq!(number(&status(&lab, "web"), "exit"), 0);
    stop(&lab);
}

/// Without room for another process (`RLIMIT_NPROC`, which binds everybody but root).
#[test]
fn p6_11_no_room_for_a_process_is_a_shortage() {
    let mut lab = lab();
    lab.bring_program();
    lab.shell(&format!("chown 64321 . && install -m 755 {BOT} bot")).run().ok();
    let bots: Vec<String> = (0..20).map(|number| format!("b{number} limit=0/1000 : LAB/bot idle")).collect();
    let script = "ulimit -u 12; exec setpriv --reuid=64321 --regid=64321 --clear-groups $D foreground";
    let running = foreground(&lab, &bots.iter().map(String::as_str).collect::<Vec<_>>(), script);
    wait_for(&lab, "b9", "backing-off");
    // It may be about to be tried again in this moment.
    let begin = std::time::Instant::now();
    let told = loop {
        let told = tell(&lab, "status");
        if told.contains("failed to make a process `b9`: resource temporarily unavailable") {
            break told;
        }
        assert!(begin.elapsed() < crate::common::SOON, "{told}");
    };
    assert!(told.contains(" running ") && !told.contains("gave-up") && !told.contains("exit="), "{told}");
    // As soon as there is room, one that waits is started.
    let one = told.lines().find(|line| line.contains(" running ")).and_then(|line| line.split(' ').next()).unwrap();
    tell(&lab, &format!("stop {one} 20000"));
    let waits = told.lines().filter(|line| line.contains("backing-off")).count();
    let begin = std::time::Instant::now();
    while tell(&lab, "status").matches("backing-off").count() >= waits {
        assert!(begin.elapsed() < crate::common::SOON, "{}", tell(&lab, "status"));
    }
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish().ok();
}

/// The umask and the directory are the bot's own, and leave the monitor's alone.
#[test]
fn a_bot_has_its_own_umask_and_directory() {
    let lab = lab();
    let monitor = start(
        &lab,
        &["web umask=027 directory=LAB : BOT touch:made stamp:starts idle", "plain : BOT stamp:LAB/plain idle"],
    );
    lines(&lab, "starts", 1);
    lines(&lab, "plain", 1);
    assert_eq!(lab.path("made").metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(process(&lab, "web").directory().as_deref(), Some(lab.directory()));
    assert_eq!((monitor.umask(), process(&lab, "plain").umask()), (Some(0o077), Some(0o022)));
    assert_eq!(process(&lab, "plain").directory().as_deref(), Some(std::path::Path::new("/")));
    assert_eq!(monitor.directory().as_deref(), Some(std::path::Path::new("/")));
    stop(&lab);
}

/// What was said to the monitor, or is about whoever runs it, is nothing to a bot.
#[test]
fn p6_10_a_bot_has_no_environment_of_somebody_else() {
    let lab = lab();
    // A copy that other users can execute, too: the checkout may be below root's home.
    lab.shell(&format!("install -m 755 {BOT} bot")).run().ok();
    let alien = ["NOTIFY_SOCKET=/nowhere", "WATCHDOG_USEC=100000000", "LISTEN_PIDFDID=7", "LISTEN_FDNAMES=a"];
    let secret = ["CREDENTIALS_DIRECTORY=/run/credentials/x", "INVOCATION_ID=4711", "JOURNAL_STREAM=8:15"];
    let more = ["SYSTEMD_EXEC_PID=12", "MEMORY_PRESSURE_WATCH=/nowhere", "DAEMON_INSTANCE=7", "DAEMONIC_OTHER=1"];
    let [user, other] = [["HOME=/root", "USER=root"], ["LOGNAME=root", "SHELL=/bin/odd"]];
    let all = [&alien[..], &secret, &more, &user, &other, &["OWN=kept"]].concat();
    let running = foreground(
        &lab,
        &[
            "same : LAB/bot idle",
            "named user=nobody : LAB/bot idle",
            "said user=nobody env=HOME=/said env=SHELL=/bin/said : LAB/bot idle",
            "unknown user=64321 group=64321 : /bin/sleep 999",
            "bare user=nobody clear=yes env=ONLY=1 : LAB/bot idle",
        ],
        &format!("exec env {} $D foreground", all.join(" ")),
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
