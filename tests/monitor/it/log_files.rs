//! Where the output of bots goes.

use std::time::{Duration, Instant};

use crate::cli_lab::CliLab;
use crate::common::{
    configure, foreground, lab, lines, number, ping, process, size, start, start_program, status, stop, tell, wait_for,
    with_own_mounts, write_bots,
};
use look::Process;
use nix::sys::signal::Signal;
use serde_json::Value;

/// How much memory of its own a process has, in KiB.
fn memory(process: Process) -> u64 {
    let kib = process.status("RssAnon").expect("a process that lives");
    kib.trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn output_goes_to_files_or_memory_in_order() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"file = { command = "/bin/sh", args = ["-c", "BOT lines:1000; echo oops >&2"], stdout = "LAB/file.log", restart = "never" }"#,
            r#"both = { command = "/bin/sh", args = ["-c", "echo one; echo two >&2"], stdout = "LAB/out.log", stderr = "LAB/err.log", restart = "never" }"#,
            r#"memory = { command = "/bin/sh", args = ["-c", "echo one; echo two >&2; echo three"], restart = "never" }"#,
            r#"stamped = { command = "BOT", args = ["print:now", "exit:0"], stdout = { file = "LAB/x.stamped", timestamps = true }, restart = "never" }"#,
            r#"null = { command = "BOT", args = ["print:nothing", "idle"], stdout = "null" }"#,
        ],
    );
    let mut expected: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
    expected.push("oops".into());
    assert_eq!(lines(&lab, "file.log", 1001), expected);
    assert_eq!((lines(&lab, "out.log", 1), lines(&lab, "err.log", 1)), (vec!["one".into()], vec!["two".into()]));
    wait_for(&lab, "memory", "exited");
    assert_eq!(tell(&lab, "tail -n 2 memory"), "two\nthree\n");
    assert_eq!(tell(&lab, "tail -n 2 file"), "line 999\noops\n");
    let stamped = lines(&lab, "x.stamped", 1);
    let (time, text) = stamped[0].split_once(' ').unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && text == "now", "{stamped:?}");
    assert_eq!(tell(&lab, "tail -n 9 null"), "");
    stop(&lab);
}

#[test]
fn lines_are_followed_as_they_come() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "for i in 1 2 3; do sleep 0.7; echo line $$i; done; exec sleep 999"] }"#,
        ],
    );
    let follow = format!("{} -c m.toml tail --follow web | grep --line-buffered -m 2 line", lab.program().display());
    let told = lab.shell(&follow).run().ok().stdout;
    assert_eq!(told.lines().count(), 2, "{told}");
    stop(&lab);
}

/// Nobody waits in the monitor for a bot that says nothing, and who has gone is forgotten at once.
#[test]
fn readers_of_a_silent_bot_take_no_threads_and_are_forgotten_when_they_leave() {
    let cli = CliLab::new("");
    cli.configure_with("log_level = \"debug\"", "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\n");
    let monitor = cli.start();
    cli.until_is("web", "running");
    let threads = monitor.threads().len();
    let readers: Vec<_> = (0..8).map(|_| cli.ctl(&["tail", "-f", "web"]).spawn()).collect();
    let says = |text: &str| drop(cli.lab.wait_for("m.log", Duration::from_secs(10), |log| log.contains(text)));
    says("a reader of a log has come, and 8 are there");
    assert!(monitor.threads().len() < threads + 4, "{} threads instead of {threads}", monitor.threads().len());
    let left = Instant::now();
    for reader in readers {
        reader.signal(Signal::SIGKILL);
        reader.finish();
    }
    says("a reader has left; of logs 0 are there");
    assert!(left.elapsed() < Duration::from_secs(5), "noticed after {:?}", left.elapsed());
    cli.shutdown();
}

/// A program that stops looking on is forgotten at once, although nothing happens that it could be told.
#[test]
fn a_program_that_looks_on_no_more_is_forgotten() {
    let lab = lab();
    let bots = r#"web = { command = "BOT", args = ["idle"] }"#;
    configure(&lab, "log_level = \"debug\"", &[bots]);
    start_program(&lab, &[]);
    wait_for(&lab, "web", "running");
    let says = |text: &str| drop(lab.wait_for("m.log", Duration::from_secs(10), |log| log.contains(text)));
    lab.write("call", "web");
    says("a reader of a log has come, and 1 are there");
    // The endpoint looks on, for those who may read its events.
    says("a reader has left; of logs 0 are there, of changes 1");
    stop(&lab);
}

#[test]
fn a_log_is_put_aside_when_it_is_large() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "BOT", args = ["lines:100000", "exit:0"], stdout = { file = "LAB/web.log", max_size = "100000B", keep = 2 }, restart = "never" }"#,
        ],
    );
    wait_for(&lab, "web", "exited");
    let all: String = ["web.log.2", "web.log.1", "web.log"].iter().map(|name| lab.read(name)).collect();
    assert!(!lab.path("web.log.3").exists());
    assert!(all.ends_with("line 99999\n"), "{:?}", all.lines().last());
    let numbers: Vec<u32> = all.lines().map(|line| line.strip_prefix("line ").unwrap().parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "lines were lost or cut");
    for name in ["web.log.1", "web.log.2"] {
        assert!(lab.read(name).len() <= 170_000, "{name} has {}", lab.read(name).len());
    }
    stop(&lab);
}

/// On a disk of 64 KiB: the bot is never held up, what is lost is counted, and all goes on when there is room again.
#[test]
fn p6_07_a_full_disk_stops_nothing() {
    let lab = lab();
    write_bots(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "BOT lines:1000000 touch:LAB/done; until [ -e LAB/go ]; do sleep 0.05; done; BOT lines:50 touch:LAB/over idle"], stdout = { file = "LAB/full/web.log", max_size = "0B" } }"#,
        ],
    );
    let script = "mkdir full && mount -t tmpfs -o size=64k none full || exit 9
        $D -c m.toml run & M=$!
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
    // The rest of the line that was begun, how much is missing, and then whole lines.
    let second = lab.read("second");
    let second: Vec<&str> = second.lines().collect();
    assert!(second.iter().any(|line| line.ends_with("bytes of output were lost here]")), "{second:?}");
    let after: Vec<&&str> = second.iter().skip_while(|line| !line.ends_with("lost here]")).skip(1).collect();
    assert!(
        after.iter().enumerate().all(|(at, line)| **line == format!("line {at}")) && after.len() == 50,
        "{second:?}"
    );
}

#[test]
fn p6_07_a_log_that_cannot_be_opened_stops_nothing() {
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

/// What a dying disk answers: writes fail, or opening does, for some seconds. The bot runs on, the loss is counted and told.
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

#[test]
fn p6_07_a_disk_with_errors_stops_nothing() {
    fails_for_a_while("write", "EIO:when=3..150", "input/output error");
}

#[test]
fn p6_07_a_disk_that_is_read_only_stops_nothing() {
    fails_for_a_while("openat", "EROFS:when=1..4", "read-only file system");
}

/// A disk that grows by a page now and then takes the beginning of a line, again and again. What is written are whole lines
/// in their order, and what is missing between them is told to the byte.
#[test]
fn p6_07_a_write_that_takes_little_keeps_lines_whole() {
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

#[test]
fn p6_08_a_flood_takes_no_memory_and_keeps_nobody_waiting() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"flood = { command = "/usr/bin/yes" }"#,
            r#"file = { command = "/usr/bin/yes", stdout = { file = "LAB/file.log", max_size = "1000000B", keep = 1 } }"#,
            r#"quiet = { command = "BOT", args = ["idle"] }"#,
            &format!(
                r#"endless = {{ command = "/usr/bin/head", args = ["-c", "{}", "/dev/zero"], restart = "never" }}"#,
                size(20_000_000, 100_000_000)
            ),
        ],
    );
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(u64::try_from(size(2, 30)).unwrap()) {
        let asked = Instant::now();
        ping(&lab);
        assert!(asked.elapsed() < Duration::from_secs(5), "a command took {:?}", asked.elapsed());
    }
    tell(&lab, "restart --wait=20s quiet");
    wait_for(&lab, "endless", "exited");
    assert!(memory(monitor) < 8 * 1024, "{} KiB", memory(monitor));
    stop(&lab);
}

#[test]
fn p6_16_logs_are_opened_again_at_hup_and_nothing_is_lost() {
    let lab = lab();
    let monitor = start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "i=0; while [ $$i -lt 400 ]; do echo line $$i; i=$$((i+1)); sleep 0.005; done; touch LAB/done"], stdout = { file = "LAB/web.log", max_size = "0B" }, restart = "never" }"#,
        ],
    );
    for number in 1..=2 {
        lines(&lab, "web.log", 20);
        lab.shell(&format!("mv web.log old.{number}")).run().ok();
        monitor.signal(Signal::SIGHUP);
    }
    lab.wait_for("done", Duration::from_secs(40), |_| true);
    wait_for(&lab, "web", "exited");
    let all: String = ["old.1", "old.2", "web.log"].iter().map(|name| lab.read(name)).collect();
    let expected: Vec<String> = (0..400).map(|number| format!("line {number}")).collect();
    assert_eq!(all.lines().collect::<Vec<_>>(), expected);
    stop(&lab);
}

/// logrotate's `copytruncate`: the file is cut off under the monitor, which appends.
#[test]
fn p6_16_a_log_that_is_cut_off_is_appended_to() {
    let lab = lab();
    start(
        &lab,
        &[
            r#"web = { command = "/bin/sh", args = ["-c", "while sleep 0.02; do echo line; done"], stdout = { file = "LAB/web.log", max_size = "0B" } }"#,
        ],
    );
    lines(&lab, "web.log", 10);
    lab.shell("cp web.log copy; : > web.log").run().ok();
    let after = lines(&lab, "web.log", 5);
    assert!(after.iter().all(|line| line == "line"), "{after:?}");
    stop(&lab);
}

#[test]
fn the_foreground_monitor_passes_its_own_streams_on() {
    let lab = lab();
    let running = foreground(&lab, &[r#"web = { command = "BOT", args = ["idle"] }"#], "exec $D -c m.toml run");
    running.signal(Signal::SIGTERM);
    running.finish().ok();
}
