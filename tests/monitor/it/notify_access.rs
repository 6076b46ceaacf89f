//! Access to the notify sockets of bots and to their secrets.

use crate::common::{
    EVENT_TIMEOUT, environment, lab, lines, ping, process, start, start_again, state, stop, wait_for, with_own_mounts,
    write_bots,
};
use crate::unrelated_processes::{NOBODY, end, process_of, stranger, variable};
use nix::sys::signal::Signal;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

/// Promise 6.19.
#[test]
fn secrets_differ_by_bot_and_are_in_private_files() {
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
    // The next monitor has another secret, so that no process of an earlier monitor is taken for its own.
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
    // A process of the bot's user that knows the secret is accepted.
    let marks: Vec<String> = environment(web).into_iter().filter(|line| line.starts_with("DAEMON_")).collect();
    let descendant = stranger(&lab, NOBODY, &format!("1 ready={address} {}", marks.join(" ")));
    wait_for(&lab, "web", "running");
    assert!(end(descendant));
    stop(&lab);
}

/// Promise 6.21.
#[test]
fn ready_is_accepted_from_another_network_namespace() {
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

/// Promise 6.21. If the bot's user cannot reach a socket beside the pidfile, an abstract one is used, and the secret
/// distinguishes a descendant from another process of the same user.
#[test]
fn abstract_socket_is_used_for_an_inaccessible_directory() {
    let lab = lab();
    // In a directory that is accessible, unlike the monitor's.
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
fn socket_directory_is_removed_with_the_monitor() {
    let lab = lab();
    let bot = r#"web = { command = "BOT", args = ["ready", "stamp:LAB/starts", "idle"], ready = "notify" }"#;
    let monitor = start(&lab, &[bot]);
    lines(&lab, "starts", 1);
    wait_for(&lab, "web", "running");
    monitor.signal(Signal::SIGKILL);
    monitor.died(EVENT_TIMEOUT).unwrap();
    assert!(lab.path("m.notify/0").exists());
    start_again(&lab);
    lines(&lab, "starts", 2);
    wait_for(&lab, "web", "running");
    let left: Vec<_> = std::fs::read_dir(lab.path("m.notify")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    stop(&lab);
    assert!(!lab.path("m.notify").exists(), "left after a clean stop");
}

/// Promise 6.21. A socket for which there was no room does not leave the later ones accessible to all.
#[test]
fn sockets_return_to_their_directory_once_there_is_room() {
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
