//! Bots with a user: the environment and rights of that user, and none of root.

use crate::common::{BOT, PIDFILE, foreground, lab, process, start, status, stop, tell, wait_for};
use look::{Lab, Running};
use nix::sys::signal::Signal;

fn needs_root() {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
}

/// Ends a monitor in the foreground.
fn end(running: Running<'_>) {
    running.signal(Signal::SIGTERM);
    running.finish().ok();
}

/// Returns the last lines that a bot has printed, once it has exited.
fn said(lab: &Lab, bot: &str) -> String {
    wait_for(lab, bot, "exited");
    tell(lab, &format!("tail -n 5 {bot}"))
}

/// Promise 6.23.
#[test]
fn bot_with_user_does_not_have_the_session_keyring_of_root() {
    needs_root();
    let lab = lab();
    let bots = [
        r#"own = { command = "BOT", args = ["print_key", "exit:0"], restart = "never" }"#,
        r#"other = { command = "BOT", args = ["print_key", "exit:0"], user = "nobody", restart = "never" }"#,
    ];
    let running = foreground(&lab, &bots, &format!("exec {BOT} run_with_key:$D,-c,m.toml,run"));
    assert_eq!(said(&lab, "own"), "key: true\n");
    assert_eq!(said(&lab, "other"), "key: false\n");
    end(running);
}

/// Promise 6.23. In a container that allows no process to use keys.
#[test]
fn bot_with_user_starts_where_keyrings_are_forbidden() {
    needs_root();
    let lab = lab();
    let running = foreground(
        &lab,
        &[r#"web = { command = "BOT", args = ["idle"], user = "nobody" }"#],
        "exec $EMBEDDED run old-container",
    );
    wait_for(&lab, "web", "running");
    assert_eq!(process(&lab, "web").ids().expect("a process").users, [65534; 4]);
    end(running);
}

/// Promise 6.23.
#[test]
fn bot_with_user_has_no_capability_in_any_set() {
    needs_root();
    let lab = lab();
    let bots = [
        r#"own = { command = "BOT", args = ["idle"] }"#,
        r#"other = { command = "BOT", args = ["idle"], user = "nobody" }"#,
        r#"keeps = { command = "BOT", args = ["idle"], user = "root" }"#,
    ];
    let script = "exec setpriv --inh-caps=+net_raw,+chown --ambient-caps=+net_raw $D -c m.toml run";
    let running = foreground(&lab, &bots, script);
    for (bot, inheritable, ambient) in [("own", 0x2001, 0x2000), ("other", 0, 0), ("keeps", 0x2001, 0x2000)] {
        wait_for(&lab, bot, "running");
        let set = |name: &str| u64::from_str_radix(&process(&lab, bot).status(name).expect("a line"), 16).expect("hex");
        assert_eq!((set("CapInh"), set("CapAmb")), (inheritable, ambient), "{bot}");
        assert_eq!(set("CapPrm") == 0, bot == "other", "{bot}");
        assert_eq!(set("CapEff") == 0, bot == "other", "{bot}");
    }
    end(running);
}

/// Promise 6.23. Calls that change the user claim success without an effect.
#[test]
fn bot_with_unchanged_user_or_groups_is_not_started() {
    needs_root();
    for call in ["setgroups", "setresgid", "setresuid"] {
        let lab = lab();
        let bots = [
            r#"web = { command = "BOT", args = ["touch:LAB/ran", "idle"], user = "nobody", limit = { exits = 0, window = "1s" } }"#,
            r#"own = { command = "BOT", args = ["idle"] }"#,
        ];
        let script = format!(
            "exec strace -f -qq -e signal=none -o trace -e trace={call} -e inject={call}:retval=0 $D -c m.toml run"
        );
        let running = foreground(&lab, &bots, &script);
        let told = wait_for(&lab, "web", "gave-up");
        assert!(told.contains("failed to verify the user and the groups of `web`"), "{call}: {told}");
        assert!(lab.read("trace").contains("INJECTED") && !lab.path("ran").exists(), "{call}");
        wait_for(&lab, "own", "running");
        lab.daemon(PIDFILE).signal(Signal::SIGTERM);
        running.finish();
    }
}

/// Promise 6.25.
#[test]
fn bot_with_user_opens_its_streams_and_reports_events() {
    needs_root();
    let lab = lab();
    let script = "echo out > /dev/stdout; echo error > /dev/stderr; echo reply > /proc/self/fd/$$DAEMON_EVENTS";
    start(
        &lab,
        &[&format!(
            r#"web = {{ command = "/bin/sh", args = ["-c", "{script}"], user = "nobody", restart = "never" }}"#
        )],
    );
    assert_eq!(said(&lab, "web"), "out\nerror\n");
    assert_eq!(crate::common::number(&status(&lab, "web"), "reply"), 1, "{}", status(&lab, "web"));
    stop(&lab);
}

/// Promise 6.25. Only streams that the monitor has created are given to the bot's user.
#[test]
fn inherited_stream_keeps_its_owner() {
    needs_root();
    let lab = lab();
    let running = foreground(
        &lab,
        &[r#"web = { command = "BOT", args = ["idle"], user = "nobody", stdout = "inherit" }"#],
        "exec $D -c m.toml run --no-container",
    );
    wait_for(&lab, "web", "running");
    let owner = |fd: u32| {
        let path = format!("/proc/{}/fd/{fd}", process(&lab, "web").id());
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).expect("an open descriptor"))
    };
    assert_eq!((owner(1), owner(3)), (0, 65534));
    end(running);
}
