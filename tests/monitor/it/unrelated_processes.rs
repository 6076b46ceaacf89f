//! Processes that do not belong to a bot, and lie about it.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use crate::common::{
    BOT, SOON, environment, lab, lines, ping, process, start, start_again, state, status, stop, tell, wait_for,
    with_own_mounts, write_bots,
};
use look::{Lab, Process, Running};
use nix::sys::signal::Signal;

/// Claims an environment of any length and content; says READY=1 if it is told to.
const STRANGER: &str = include_str!("stranger.py");

/// Another user than the monitor's.
const NOBODY: &str = "setpriv --reuid=65534 --regid=65534 --clear-groups";

/// So much memory no monitor of a few bots needs, in KiB; every claimed environment is larger.
const MUCH: u64 = 64 * 1024;

/// Runs a process with a claimed environment; returns when it has claimed it, and has said what it is to say.
fn stranger<'lab>(lab: &'lab Lab, prefix: &str, arguments: &str) -> Running<'lab> {
    let _ = std::fs::remove_file(lab.path("claimed"));
    let script = format!("exec {prefix} python3 -c \"$STRANGER\" {arguments} > claimed");
    let running = lab.shell(&script).env("STRANGER", STRANGER).within(Duration::from_secs(30)).spawn();
    lab.wait_for("claimed", SOON, |text| text.ends_with("claimed\n"));
    running
}

/// Ends a stranger; `true` if it lived until then.
fn end(stranger: Running<'_>) -> bool {
    let lived = stranger.process().alive();
    stranger.signal(Signal::SIGKILL);
    stranger.finish();
    lived
}

/// The most memory that a process ever had, in KiB.
fn peak(process: Process) -> u64 {
    let told = process.status("VmHWM").expect("it lives");
    told.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

/// The variable of a process.
fn variable(process: Process, name: &str) -> String {
    let name = format!("{name}=");
    environment(process).iter().find_map(|line| line.strip_prefix(&name)).expect("it is set").to_owned()
}

/// Promise 6.18.
#[test]
fn start_reads_no_more_of_an_environment_than_execve_allows() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    // Without a journal no environment is read at all.
    let strangers = [stranger(&lab, "", "128"), stranger(&lab, NOBODY, "128")];
    monitor.signal(Signal::SIGKILL);
    monitor.died(SOON).unwrap();
    let monitor = start_again(&lab);
    lines(&lab, "starts", 2);
    assert!(peak(monitor) < MUCH, "{} KiB", peak(monitor));
    assert!(strangers.into_iter().all(end), "a stranger was ended");
    stop(&lab);
}

/// Promise 6.18.
#[test]
fn datagram_of_a_stranger_has_no_environment_read() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["idle"], ready = "notify" }"#]);
    wait_for(&lab, "web", "starting");
    let address = variable(process_of(&lab, "web"), "NOTIFY_SOCKET");
    for prefix in ["", NOBODY] {
        let stranger = stranger(&lab, prefix, &format!("128 ready={address} DAEMON_MONITOR_ID=x DAEMON_BOT=web"));
        // The monitor receives the stranger's datagram while the stranger lives.
        ping(&lab);
        assert!(end(stranger));
        assert!(peak(monitor) < MUCH, "{} KiB", peak(monitor));
        assert_eq!(state(&lab, "web"), "starting", "a stranger has spoken for it");
    }
    stop(&lab);
}

/// The process of a bot that is not ready.
fn process_of(lab: &Lab, bot: &str) -> Process {
    let status = status(lab, bot);
    Process::new(i32::try_from(crate::common::number(&status, "pid")).unwrap())
}

/// Promise 6.19.
#[test]
fn forged_marks_neither_delay_nor_refuse_a_start() {
    let lab = lab();
    let monitor = start(&lab, &[r#"web = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    lines(&lab, "starts", 1);
    let all = environment(process(&lab, "web"));
    // All that a bot has, but for the secrets.
    let zeros = "0".repeat(32);
    let marks: Vec<String> = all.iter().filter(|line| line.starts_with("DAEMON_")).cloned().collect();
    let forged: Vec<String> = marks
        .iter()
        .map(|line| match line.split_once('=') {
            Some((name @ ("DAEMON_MONITOR_ID" | "DAEMON_BOT_SECRET"), _)) => format!("{name}={zeros}"),
            _ => line.clone(),
        })
        .collect();
    assert_ne!(forged, marks);
    let strangers = ["", NOBODY].map(|prefix| stranger(&lab, prefix, &format!("1 {}", forged.join(" "))));
    monitor.signal(Signal::SIGKILL);
    monitor.died(SOON).unwrap();
    let begin = Instant::now();
    start_again(&lab);
    let took = begin.elapsed();
    // A process of an earlier bot that does not end has 10 seconds: the strangers are not taken for such processes.
    assert!(took < Duration::from_secs(8), "it was waited for, {took:?}\n{}", lab.read("m.log"));
    lines(&lab, "starts", 2);
    assert!(strangers.into_iter().all(end), "a stranger was ended");
    stop(&lab);
}

/// Promise 6.19. The right secret of another user does not make a process one of a bot's.
#[test]
fn ready_is_not_believed_of_another_user_that_knows_the_secret() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"], ready = "notify" }"#]);
    wait_for(&lab, "web", "starting");
    let web = process_of(&lab, "web");
    let marks: Vec<String> = environment(web).into_iter().filter(|line| line.starts_with("DAEMON_")).collect();
    let address = variable(web, "NOTIFY_SOCKET");
    let arguments = format!("1 ready={address} {}", marks.join(" "));
    let other = stranger(&lab, NOBODY, &arguments);
    ping(&lab);
    assert_eq!(state(&lab, "web"), "starting", "another user has spoken for it");
    assert!(end(other));
    // A process of the bot's own user that knows the secret cannot be told from a descendant.
    let descendant = stranger(&lab, "", &arguments);
    wait_for(&lab, "web", "running");
    assert!(end(descendant));
    stop(&lab);
}

/// Promise 6.19. A bot that gives its children the name of another one ends them itself, and keeps no one else waiting.
#[test]
fn mark_of_a_sibling_does_not_keep_that_sibling_stopping() {
    let lab = lab();
    // The children ignore SIGTERM, and are in sessions of their own.
    let impostor = format!("env DAEMON_BOT=victim setsid {BOT} ignore:TERM stamp:LAB/kids idle kid & exec sleep 999");
    start(
        &lab,
        &[
            r#"victim = { command = "BOT", args = ["idle"], stop = { signal = "TERM", timeout = "60s" } }"#,
            &format!(
                r#"impostor = {{ command = "/bin/sh", args = ["-c", "({impostor}) & exec sleep 999"], stop = {{ signal = "TERM", timeout = "200ms" }} }}"#
            ),
        ],
    );
    lines(&lab, "kids", 1);
    let kid = |one: &Process| one.arguments().last().is_some_and(|last| last == "kid");
    let kid = lab.processes().into_iter().find(kid).expect("it runs");
    let told = tell(&lab, "stop --wait=20s victim");
    assert!(told.contains("victim: stopped"), "{told}");
    assert!(kid.alive(), "the child of another bot was killed");
    tell(&lab, "stop --wait=20s impostor");
    assert!(!kid.alive(), "it is the child of the bot whose secret it has");
    stop(&lab);
}

/// Promise 6.19.
#[test]
fn secrets_differ_by_bot_and_stand_in_files_of_the_owner_only() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"one = { command = "BOT", args = ["idle"] }"#,
            r#"other = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#,
        ],
    );
    lines(&lab, "starts", 1);
    let (one, other) = (process(&lab, "one"), process(&lab, "other"));
    let monitor = variable(one, "DAEMON_MONITOR_ID");
    assert_eq!(monitor, variable(other, "DAEMON_MONITOR_ID"));
    let secrets = [&one, &other].map(|bot| variable(*bot, "DAEMON_BOT_SECRET"));
    assert!(secrets[0] != secrets[1] && secrets[0].len() == 32 && !secrets.contains(&monitor), "{secrets:?}");
    for file in ["m.journal", "m.secret"] {
        let mode = lab.path(file).metadata().unwrap().permissions().mode();
        assert!(lab.read(file).contains(&monitor) && mode & 0o777 == 0o600, "{file} has mode {mode:o}");
    }
    stop(&lab);
    assert!(!lab.path("m.journal").exists() && !lab.path("m.secret").exists(), "left after a clean stop");
    // The next monitor has a secret of its own, so that no process can be taken for one of an earlier monitor.
    write_bots(&lab, &[r#"one = { command = "BOT", args = ["stamp:LAB/starts", "idle"] }"#]);
    start_again(&lab);
    lines(&lab, "starts", 2);
    assert_ne!(monitor, variable(process(&lab, "one"), "DAEMON_MONITOR_ID"));
    stop(&lab);
}

/// Promise 6.21.
#[test]
fn notify_socket_of_a_bot_with_a_user_is_closed_to_other_users() {
    let lab = lab();
    start(&lab, &[r#"web = { command = "BOT", args = ["idle"], user = "65534", group = "65534", ready = "notify" }"#]);
    wait_for(&lab, "web", "starting");
    let web = process_of(&lab, "web");
    let address = variable(web, "NOTIFY_SOCKET");
    let metadata = std::fs::metadata(&address).expect("it is a file");
    assert_eq!((metadata.uid(), metadata.permissions().mode() & 0o777), (65534, 0o600), "{address}");
    let other = "setpriv --reuid=65533 --regid=65533 --clear-groups";
    assert!(end(stranger(&lab, other, &format!("1 ready={address}"))));
    assert!(lab.read("claimed").contains("refused"), "another user has reached it");
    // One of its own user that knows the secret is heard.
    let marks: Vec<String> = environment(web).into_iter().filter(|line| line.starts_with("DAEMON_")).collect();
    let descendant = stranger(&lab, NOBODY, &format!("1 ready={address} {}", marks.join(" ")));
    wait_for(&lab, "web", "running");
    assert!(end(descendant));
    stop(&lab);
}

/// Promise 6.21.
#[test]
fn ready_is_heard_from_another_network_namespace() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "unshare --net BOT ready; exec sleep 999"], ready = "notify" }"#,
        ],
    );
    wait_for(&lab, "web", "running");
    stop(&lab);
}

/// Promise 6.21. Where the bot's user cannot pass to a socket beside the pidfile, there is an abstract one, and the secret
/// tells a descendant from a stranger of the same user.
#[test]
fn abstract_socket_serves_where_the_directory_is_closed() {
    let lab = lab();
    // In a directory that is open, unlike the one of the monitor.
    let open = crate::common::lab();
    let bot = crate::common::open_bot(&open);
    let ready = format!(
        r#"web = {{ command = "{bot}", args = ["sleep:1", "ready", "idle"], user = "65534", group = "65534", cwd = "/", ready = "notify" }}"#
    );
    write_bots(
        &lab,
        &[
            &ready,
            &format!(
                r#"mute = {{ command = "{bot}", args = ["idle"], user = "65534", group = "65534", cwd = "/", ready = "notify" }}"#
            ),
        ],
    );
    lab.shell("chmod 700 . && exec $D -c m.toml start").run().ok();
    lab.daemon("m.pid");
    wait_for(&lab, "web", "running");
    wait_for(&lab, "mute", "starting");
    let address = variable(process_of(&lab, "mute"), "NOTIFY_SOCKET");
    assert!(address.starts_with('@'), "{address}");
    let other = stranger(&lab, NOBODY, &format!("1 ready={address} DAEMON_MONITOR_ID=x DAEMON_BOT=mute"));
    ping(&lab);
    assert_eq!(state(&lab, "mute"), "starting", "a stranger of its user has spoken for it");
    assert!(end(other));
    stop(&lab);
}

/// Promise 6.21.
#[test]
fn directory_of_sockets_outlives_no_monitor() {
    let lab = lab();
    let bot = r#"web = { command = "BOT", args = ["ready", "stamp:LAB/starts", "idle"], ready = "notify" }"#;
    let monitor = start(&lab, &[bot]);
    lines(&lab, "starts", 1);
    wait_for(&lab, "web", "running");
    monitor.signal(Signal::SIGKILL);
    monitor.died(SOON).unwrap();
    assert!(lab.path("m.notify/0").exists());
    start_again(&lab);
    lines(&lab, "starts", 2);
    wait_for(&lab, "web", "running");
    let left: Vec<_> = std::fs::read_dir(lab.path("m.notify")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    stop(&lab);
    assert!(!lab.path("m.notify").exists(), "left after a clean stop");
}

/// Promise 6.21: a socket for which there was no room does not leave the later ones open to all.
#[test]
fn sockets_are_in_their_directory_again_when_the_disk_has_room() {
    let lab = lab();
    let bots = ["early", "late"].map(|name| format!(r#"{name} = {{ command = "BOT", args = ["idle"], autostart = false, ready = "notify", stdout = "LAB/{name}.log" }}"#));
    write_bots(&lab, &bots.each_ref().map(String::as_str));
    let script = "mkdir full && mount -t tmpfs -o nr_inodes=200 none full && cp m.toml full/ && cd full || exit 9
        $D -c m.toml run 2>/dev/null & M=$!
        for i in $(seq 200); do $D -c m.toml status >/dev/null 2>&1 && break; sleep 0.05; done
        address() {
            $D -c m.toml start $1 >/dev/null
            for i in $(seq 200); do P=$($D -c m.toml status $1 | awk '$3 ~ /^[0-9]+$/ { print $3 }'); [ $P ] && break; sleep 0.05; done
            for i in $(seq 200); do N=$(tr '\\0' '\\n' < /proc/$P/environ | grep NOTIFY_SOCKET) && break; sleep 0.05; done
            echo $1 $N
        }
        i=0; while touch fill.$i 2>/dev/null; do i=$((i+1)); done
        # For the directory, and not for the socket in it.
        rm fill.0
        address early
        rm fill.*
        address late
        kill -TERM $M; wait $M; echo ended $?
        ls -d m.notify 2>/dev/null";
    let ended = with_own_mounts(&lab, script).within(Duration::from_secs(60)).run();
    let told = &ended.stdout;
    assert!(told.contains("early NOTIFY_SOCKET=@"), "{ended}");
    assert!(told.contains("late NOTIFY_SOCKET=/") && told.ends_with("ended 0\n"), "{ended}");
}
