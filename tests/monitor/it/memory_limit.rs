//! The limit of the memory of a bot: `memory_max`.

use crate::common::{bot, lab, lines, number, process, start, state, status, stop, tell, wait_for, write_bots};
use look::Deadline;

/// Promise 6.74.
#[test]
fn bot_over_its_memory_is_stopped_by_its_steps_and_counted_in_its_limit() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"leak = { command = "BOT", args = ["append:LAB/starts:x", "hold:40", "idle"], memory_max = "30MB", limit = { exits = 1, window = "1h" }, backoff = { first = "1ms", cap = "1ms", jitter = 0.0 } }"#,
            r#"small = { command = "BOT", args = ["hold:40", "idle"], memory_max = "60MB" }"#,
        ],
    );
    let told = wait_for(&lab, "leak", "gave-up");
    assert!(told.contains("uses 4") && told.contains(" MB of at most 30 MB"), "no reason: {told}");
    assert_eq!(lines(&lab, "starts", 2).len(), 2);
    assert_eq!((number(&told, "exits"), number(&told, "exit"), number(&told, "kill")), (2, 2, 0), "{told}");
    assert!(lab.read("m.log").contains("bot `leak` is stopped: uses 4"), "{}", lab.read("m.log"));
    let small = status(&lab, "small");
    assert_eq!((number(&small, "exits"), &*state(&lab, "small")), (0, "running"), "{small}");
    assert_eq!(bot(&lab, "small")["memory_max"], 60_000_000);
    stop(&lab);
}

/// Promise 6.74.
#[test]
fn memory_of_children_and_of_those_that_left_the_session_counts() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"child = { command = "BOT", args = ["spawn:hold:40,idle", "idle"], memory_max = "30MB", restart = "never" }"#,
            r#"orphan = { command = "BOT", args = ["escape:hold:40,idle", "idle"], memory_max = "30MB", restart = "never" }"#,
        ],
    );
    for name in ["child", "orphan"] {
        let told = wait_for(&lab, name, "failed");
        assert!(told.contains("of at most 30 MB"), "{told}");
    }
    stop(&lab);
}

/// Promise 6.74.
#[test]
fn page_that_processes_share_since_a_fork_counts_once() {
    let lab = lab();
    let script = "import os, time\nheld = bytearray(b'x') * 40_000_000\nfor _ in range(3):\n    if os.fork() == 0:\n        time.sleep(1000)\n\
                  open('ready', 'w').write('x\\n')\ntime.sleep(1000)\n";
    lab.write("fork.py", script);
    start(
        &lab,
        &[r#"fork = { command = "/usr/bin/python3", args = ["LAB/fork.py"], cwd = "LAB", memory_max = "100MB" }"#],
    );
    lines(&lab, "ready", 1);
    // Four times 40 MB by the counters of the processes: long enough for the first looks, and for the second one of a row.
    let deadline = Deadline::after(std::time::Duration::from_millis(1500));
    while !deadline.passed() {
        assert_eq!(state(&lab, "fork"), "running");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    stop(&lab);
}

/// Promise 6.74.
#[test]
fn limit_of_a_running_bot_changes_by_a_reload() {
    let lab = lab();
    let bot =
        |more: &str| format!(r#"web = {{ command = "BOT", args = ["hold:40", "idle"], restart = "never"{more} }}"#);
    start(&lab, &[&bot("")]);
    let pid = process(&lab, "web").id();
    write_bots(&lab, &[&bot(r#", memory_max = "1GB""#)]);
    let told = tell(&lab, "reload");
    assert!(told.contains("web: changed while it runs (memory_max)"), "{told}");
    assert_eq!(process(&lab, "web").id(), pid);
    write_bots(&lab, &[&bot(r#", memory_max = "30MB""#)]);
    tell(&lab, "reload");
    wait_for(&lab, "web", "failed");
    write_bots(&lab, &[&bot("")]);
    tell(&lab, "reload");
    stop(&lab);
}
