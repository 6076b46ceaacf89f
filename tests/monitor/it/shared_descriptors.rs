//! Descriptors that bots share with the monitor, and those that they must not inherit.

use std::collections::BTreeSet;
use std::fs;

use crate::common::{foreground, lab, process, start, stop, wait_for};
use look::Process;
use nix::sys::signal::Signal;

/// Returns the pipes of a process, with their descriptor numbers.
fn pipes(process: Process) -> Vec<(i32, String)> {
    let all = process.descriptors().into_iter().map(|(number, fd)| (number, fd.target.display().to_string()));
    all.filter(|(_, target)| target.starts_with("pipe:")).collect()
}

/// Returns the flags of a description, as in `fcntl(2)`.
fn flags(process: Process, number: i32) -> i32 {
    let info = fs::read_to_string(format!("/proc/{}/fdinfo/{number}", process.id())).expect("an open descriptor");
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags").trim();
    i32::from_str_radix(flags, 8).expect("an octal number")
}

/// Promise 6.24. A bot can read its own pipe (`/proc/self/fd/1`) and empty it between the monitor's poll and its read.
#[test]
fn pipe_shared_with_a_bot_never_blocks_the_monitor() {
    let lab = lab();
    let bots = [
        r#"one = { command = "BOT", args = ["idle"] }"#,
        r#"two = { command = "BOT", args = ["print:up", "idle"], stderr = "LAB/two.log", ready = { output = "up" } }"#,
        r#"event = { command = "BOT", args = ["event:a:1", "idle"] }"#,
    ];
    let monitor = start(&lab, &bots);
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    for bot in ["one", "two", "event"] {
        wait_for(&lab, bot, "running");
        let theirs: BTreeSet<String> = pipes(process(&lab, bot)).into_iter().map(|(_, pipe)| pipe).collect();
        let shared: Vec<i32> =
            pipes(monitor).into_iter().filter(|(_, pipe)| theirs.contains(pipe)).map(|(number, _)| number).collect();
        assert_eq!(shared.len(), theirs.len(), "{bot}: {theirs:?}");
        for number in shared {
            assert!(flags(monitor, number) & nonblocking != 0, "{bot}: {number} can block");
        }
        // The bot's own ends of its pipes are blocking, as every program expects.
        for (number, pipe) in pipes(process(&lab, bot)) {
            assert!(flags(process(&lab, bot), number) & nonblocking == 0, "{bot}: {number} ({pipe}) does not block");
        }
    }
    stop(&lab);
}

/// Promise 6.27.
#[test]
fn bots_start_without_close_range_and_inherit_nothing() {
    for setting in ["no-close-range", "old-container"] {
        let lab = lab();
        let bots = [
            r#"own = { command = "BOT", args = ["idle"] }"#,
            r#"other = { command = "BOT", args = ["idle"], user = "nobody" }"#,
            r#"sign = { command = "BOT", args = ["touch:LAB/sign", "idle"], ready = { file = "LAB/sign" } }"#,
            r#"missing = { command = "/nowhere/program", limit = { exits = 0, window = "1s" } }"#,
        ];
        // Descriptor 77 is inherited by the monitor from the shell that started it.
        let running = foreground(&lab, &bots, &format!("exec 77</etc/passwd; exec $EMBEDDED run {setting}"));
        assert!(running.process().descriptors().contains_key(&77), "the monitor has it");
        for bot in ["own", "other", "sign"] {
            wait_for(&lab, bot, "running");
            // Its own readiness file may still be open.
            let all = process(&lab, bot).descriptors().into_iter().filter(|(_, fd)| !fd.is(lab.path("sign")));
            let numbers: Vec<i32> = all.map(|(number, _)| number).collect();
            assert_eq!(numbers, [0, 1, 2, 3], "{setting}: {bot}");
        }
        let told = wait_for(&lab, "missing", "gave-up");
        assert!(told.contains("failed to execute `/nowhere/program`: no such file or directory"), "{told}");
        running.signal(Signal::SIGTERM);
        running.finish().ok();
    }
}
