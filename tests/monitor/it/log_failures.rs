//! Log files that cannot be written: full disks, disks with errors, files that cannot be opened.

use crate::common::{
    foreground, lab, lines, number, process, start, status, stop, tell, wait_for, with_own_mounts, write_bots,
};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Promise 6.07. On a disk of 64 KiB: the bot is never blocked, lost bytes are counted, and writing continues once
/// there is room again.
#[test]
fn full_disk_blocks_no_bot() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "BOT lines:1000000 touch:LAB/done; until [ -e LAB/go ]; do sleep 0.05; done; BOT lines:50 touch:LAB/over idle"], stdout = { file = "LAB/full/web.log", max_size = "0B" } }"#,
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=64k none full || exit 9
        $D -c m.toml run --no-container & M=$!
        for i in $(seq 300); do [ -e done ] && break; sleep 0.1; done; [ -e done ] || exit 8
        $D -c m.toml --json status web | tr -d '\\n'; echo
        cp full/web.log first; : > full/web.log
        touch go; for i in $(seq 300); do [ -e over ] && break; sleep 0.1; done; sleep 0.3
        cp full/web.log second; kill -TERM $M; wait $M; echo ended $?";
    let ended = with_own_mounts(&lab, script).within(Duration::from_secs(90)).run().ok();
    assert!(ended.stdout.contains("ended 0"), "{ended}");
    let told = ended.stdout.lines().next().unwrap();
    let told: Value = serde_json::from_str(told).expect("JSON");
    let told = told["bots"][0].to_string();
    assert!(told.contains("running") && number(&told, "dropped") > 10_000_000, "{told}");
    assert!(told.contains("no space left on device"), "{told}");
    let first = lab.read("first");
    let whole: Vec<&str> = first.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
    assert!(first.len() > 50_000 && whole.iter().enumerate().all(|(at, line)| *line == format!("line {at}\n")));
    // The rest of the current line, the number of missing bytes, and then whole lines.
    let second = lab.read("second");
    let second: Vec<&str> = second.lines().collect();
    assert!(second.iter().any(|line| line.ends_with("bytes of output were lost here]")), "{second:?}");
    let after: Vec<&&str> = second.iter().skip_while(|line| !line.ends_with("lost here]")).skip(1).collect();
    assert!(
        after.iter().enumerate().all(|(at, line)| **line == format!("line {at}")) && after.len() == 50,
        "{second:?}"
    );
}

/// Promise 6.07.
#[test]
fn log_that_cannot_be_opened_blocks_no_bot() {
    let lab = lab();
    lab.write("precious", "untouched\n");
    lab.shell("mkdir gone; ln -s precious link; mkfifo fifo; mkdir directory").run().ok();
    let bots = [
        r#"gone = { command = "/bin/sh", args = ["-c", "while sleep 0.1; do echo line; done"], stdout = { file = "LAB/gone/web.log", max_size = "0B" } }"#,
        r#"link = { command = "BOT", args = ["lines:100", "exit:0"], stdout = "LAB/link", restart = "never" }"#,
        r#"fifo = { command = "BOT", args = ["lines:100", "exit:0"], stdout = "LAB/fifo", restart = "never" }"#,
        r#"directory = { command = "BOT", args = ["lines:100", "exit:0"], stdout = "LAB/directory", restart = "never" }"#,
    ];
    start(&lab, &bots);
    for bot in ["link", "fifo", "directory"] {
        wait_for(&lab, bot, "exited");
        assert!(number(&status(&lab, bot), "dropped") > 500, "{}", status(&lab, bot));
    }
    assert_eq!(lab.read("precious"), "untouched\n", "written through a link");
    lines(&lab, "gone/web.log", 1);
    let runs = process(&lab, "gone");
    lab.shell("rm -r gone").run().ok();
    let begin = Instant::now();
    while number(&status(&lab, "gone"), "dropped") == 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{}", status(&lab, "gone"));
    }
    lab.shell("mkdir gone").run().ok();
    lines(&lab, "gone/web.log", 1);
    assert_eq!(process(&lab, "gone"), runs);
    stop(&lab);
}

/// A dying disk: writes or opens fail for some seconds. The bot runs on, and the loss is counted and reported.
fn fails_for_a_while(calls: &str, injected: &str, text: &str) {
    let lab = lab();
    let bots = [
        r#"web = { command = "/bin/sh", args = ["-c", "while sleep 0.02; do echo line; done"], stdout = { file = "LAB/web.log", max_size = "0B" } }"#,
        r#"other = { command = "BOT", args = ["idle"] }"#,
    ];
    let script = format!(
        "exec strace -f -qq -o trace -e trace={calls} -P web.log -P $PWD/web.log -e inject={calls}:error={injected} $D -c m.toml run"
    );
    let running = foreground(&lab, &bots, &script);
    let begin = Instant::now();
    let until = |holds: &dyn Fn(&str) -> bool| {
        while !holds(&status(&lab, "web")) {
            assert!(begin.elapsed() < Duration::from_secs(40), "{}", status(&lab, "web"));
        }
    };
    until(&|told| told.contains(text) && number(told, "dropped") > 0);
    let (web, other) = (process(&lab, "web"), process(&lab, "other"));
    tell(&lab, "restart --wait=20s other");
    assert_ne!(process(&lab, "other"), other);
    until(&|told| !told.contains(text));
    let holds = |log: &str| log.split_once("lost here]\n").is_some_and(|(_, after)| after.lines().count() > 3);
    let log = lab.wait_for("web.log", Duration::from_secs(30), holds);
    assert!(log.lines().all(|line| line == "line" || line.ends_with("lost here]")), "{log:?}");
    assert_eq!(process(&lab, "web"), web);
    tell(&lab, "shutdown --wait=0s");
    running.finish().ok();
}

/// Promise 6.07.
#[test]
fn disk_with_errors_blocks_no_bot() {
    fails_for_a_while("write", "EIO:when=3..150", "input/output error");
}

/// Promise 6.07.
#[test]
fn read_only_disk_blocks_no_bot() {
    fails_for_a_while("openat", "EROFS:when=1..4", "read-only file system");
}

/// Promise 6.07. A disk grows by a page now and then, and accepts the beginning of a line each time. The file holds
/// whole lines in their order, and the exact number of missing bytes between them.
#[test]
fn partial_writes_keep_lines_whole() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "i=100000; until [ -e LAB/grown ]; do for k in 1 2 3 4 5 6 7 8; do echo line $$i is whole; i=$$((i+1)); done; sleep 0.005; done; sleep 1.2; echo last $$i; exec sleep 999"], stdout = { file = "LAB/full/web.log", max_size = "0B" } }"#,
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=8k none full || exit 9
        $D -c m.toml run & M=$!
        for k in $(seq 3 22); do
            for i in $(seq 200); do $D -c m.toml status web | grep -q 'no space left' && break; sleep 0.05; done
            mount -o remount,size=$((k * 4))k full || exit 8
        done
        mount -o remount,size=1m full; touch grown
        for i in $(seq 200); do grep -q '^last' full/web.log && break; sleep 0.05; done
        cp full/web.log all; kill -TERM $M; wait $M; echo ended $?";
    let ended = with_own_mounts(&lab, script).within(Duration::from_secs(90)).run().ok();
    assert!(ended.stdout.ends_with("ended 0\n"), "{ended}");
    let all = lab.read("all");
    let (mut next, mut gaps, mut lost) = (100_000_usize, 0, 0);
    let size = "line 100000 is whole\n".len();
    for line in all.lines() {
        if let Some(told) =
            line.strip_prefix('[').and_then(|line| line.strip_suffix(" bytes of output were lost here]"))
        {
            let told: usize = told.parse().unwrap();
            assert_eq!(told % size, 0, "half a line was lost");
            (gaps, lost, next) = (gaps + 1, lost + told / size, next + told / size);
        } else if let Some(last) = line.strip_prefix("last ") {
            assert_eq!(last, next.to_string());
        } else {
            assert_eq!(line, format!("line {next} is whole"));
            next += 1;
        }
    }
    assert!(all.ends_with(&format!("last {next}\n")) && gaps >= 10 && lost > 0, "{gaps} gaps: {all}");
}
