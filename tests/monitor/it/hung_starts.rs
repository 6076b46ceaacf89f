//! Starts that hang: the program is on a mount that does not answer, or its directory, or the name service does not.

use std::time::{Duration, Instant};

use crate::common::{
    BOT, PIDFILE, SOON, begin, client, ctl, foreground, lab, lines, nothing_left, number, process, refused, start,
    start_again, start_program, state, states, status, stop, tell, wait_for, write_bots,
};
use crate::hung_mount::HungFile;
use look::{Deadline, Lab, Process};
use nix::sys::signal::Signal;

/// A copy of the helper program, which a test can hold.
pub(crate) fn bring(lab: &Lab, name: &str) {
    lab.shell(&format!("install -m 755 {BOT} {name}")).run().ok();
}

/// Children of the monitor that have not executed their programs yet.
pub(crate) fn newborns(monitor: Process) -> Vec<Process> {
    let is_one = |process: &Process| {
        let stat = process.stat();
        stat.is_some_and(|stat| stat.parent == monitor.id() && stat.session == process.id() && stat.state != 'Z')
            && process.program() == monitor.program()
    };
    Process::all().filter(is_one).collect()
}

/// Returns the bots whose starts hang, as soon as there are so many.
#[track_caller]
pub(crate) fn so_many(monitor: Process, count: usize) -> Vec<Process> {
    let deadline = Deadline::after(SOON);
    loop {
        let found = newborns(monitor);
        if found.len() == count {
            return found;
        }
        assert!(!deadline.passed(), "{} instead of {count}: {found:?}", found.len());
    }
}

/// The one whose start hangs.
#[track_caller]
fn newborn(monitor: Process) -> Process {
    so_many(monitor, 1)[0]
}

/// Returns the threads of the monitor that have children, by `/proc/PID/task/TID/children`.
fn parents(monitor: Process) -> Vec<Process> {
    let has_children = |thread: &Process| {
        let path = format!("/proc/{}/task/{}/children", monitor.id(), thread.id());
        std::fs::read_to_string(path).is_ok_and(|children| !children.is_empty())
    };
    monitor.threads().into_iter().filter(has_children).collect()
}

/// Starts a bot, whose start hangs.
#[track_caller]
pub(crate) fn start_hung(lab: &Lab, bot: &str) {
    begin(lab, &format!("start {bot}"));
    wait_for(lab, bot, "starting");
    let deadline = Deadline::after(SOON);
    loop {
        let told = status(lab, bot);
        assert!(
            told.contains("\"state\":\"starting\"") && told.contains("\"pid\":null") && !deadline.passed(),
            "{told}"
        );
        if told.contains("does not come back") {
            return;
        }
    }
}

/// Whatever can be asked is answered soon, and whatever dies runs again soon.
#[track_caller]
pub(crate) fn nobody_waits(lab: &Lab) {
    let mut slowest = Duration::ZERO;
    for round in 0..10 {
        let asked = Instant::now();
        client(lab).get("/monitor").expect("an answer");
        slowest = slowest.max(asked.elapsed());
        let before = process(lab, "web");
        let begin = Instant::now();
        if round % 2 == 0 {
            before.signal(Signal::SIGKILL);
            before.died(SOON).unwrap();
        } else {
            tell(lab, "restart --wait=20s web");
        }
        while number(&status(lab, "web"), "pid") == u64::try_from(before.id()).unwrap()
            || state(lab, "web") != "running"
        {
            assert!(begin.elapsed() < Duration::from_secs(10), "{}", status(lab, "web"));
        }
        tell(lab, "start --wait=20s late");
        tell(lab, "stop --wait=20s late");
    }
    println!("the slowest answer took {slowest:?}");
    assert!(slowest < Duration::from_millis(500), "an answer took {slowest:?}");
}

/// More than any number of threads that a monitor would have for starts.
const MANY: usize = 70;

pub(crate) const OTHERS: [&str; 2] = [
    r#"web = { command = "BOT", args = ["idle"], limit = { exits = 1000, window = "1s" }, backoff = { first = "0s", cap = "0s", jitter = 0.0 } }"#,
    r#"late = { command = "BOT", args = ["idle"], autostart = false }"#,
];

#[test]
fn p6_11_a_program_that_hangs_keeps_nobody_waiting() {
    let lab = lab();
    bring(&lab, "slow");
    let monitor = start(
        &lab,
        &[
            r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], autostart = false }"#,
            OTHERS[0],
            OTHERS[1],
        ],
    );
    let held = HungFile::file(&lab, "slow");
    start_hung(&lab, "hung");
    let hangs = newborn(monitor);
    // Nothing of the monitor's and of other bots': its streams, and the pipe by which it says what failed.
    assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    nobody_waits(&lab);
    assert_eq!(process(&lab, "web").descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(newborn(monitor), hangs);
    assert_eq!(state(&lab, "hung"), "starting");
    // One thread has forked all of them, though one start hangs: to its end their PR_SET_PDEATHSIG is tied.
    assert_eq!(parents(monitor).len(), 1);
    // When the mount answers, it runs as if nothing had been.
    held.let_go();
    wait_for(&lab, "hung", "running");
    assert_eq!(process(&lab, "hung"), hangs);
    lines(&lab, "starts", 1);
    assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert!(lab.read("m.journal").lines().any(|line| line.starts_with(&format!("+ {} ", hangs.id()))));
    // It is looked after as any other.
    nobody_waits(&lab);
    assert!(hangs.alive());
    hangs.signal(Signal::SIGKILL);
    lines(&lab, "starts", 2);
    assert_eq!(number(&status(&lab, "hung"), "exit"), 1);
    stop(&lab);
}

/// Whatever ends a bot ends a start that hangs, at once; the status of one that is killed is not lost.
///
/// Promise 6.03.
#[test]
fn p6_11_a_start_that_hangs_can_be_stopped() {
    ends_a_start_that_hangs(&[]);
}

/// The same where groups are known by their numbers only.
#[test]
fn p6_11_a_start_that_hangs_can_be_stopped_on_an_old_kernel() {
    ends_a_start_that_hangs(&["old-kernel"]);
}

fn ends_a_start_that_hangs(settings: &[&str]) {
    let lab = lab();
    bring(&lab, "slow");
    let hung = r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], autostart = false, stop = { signal = "TERM", timeout = "60s" } }"#;
    let victim = r#"victim = { command = "LAB/slow", args = ["idle"], autostart = false, limit = { exits = 0, window = "1s" } }"#;
    write_bots(&lab, &[hung, victim, OTHERS[0], OTHERS[1]]);
    let monitor = if settings.is_empty() { start_again(&lab) } else { start_program(&lab, settings) };
    let held = HungFile::file(&lab, "slow");
    for end in ["stop --wait=20s hung", "destroy --wait=20s hung"] {
        start_hung(&lab, "hung");
        let hangs = newborn(monitor);
        let told = tell(&lab, end);
        assert!(told.contains("hung: stopped") && !hangs.alive(), "{end}: {told}");
        assert_eq!(newborns(monitor), []);
    }
    // One that is killed by somebody else has ended as any other.
    start_hung(&lab, "victim");
    newborn(monitor).signal(Signal::SIGKILL);
    let told = wait_for(&lab, "victim", "gave-up");
    assert!(told.contains("by SIGKILL") && number(&told, "start") == 1, "{told}");
    // A restart is another start, which hangs too.
    start_hung(&lab, "hung");
    let hangs = newborn(monitor);
    begin(&lab, "restart hung");
    hangs.died(SOON).unwrap();
    wait_for(&lab, "hung", "starting");
    let hangs = newborn(monitor);
    // What concerns its policy leaves it alone.
    write_bots(
        &lab,
        &[&hung.replace("autostart", "limit = { exits = 9, window = \"1s\" }, autostart"), OTHERS[0], OTHERS[1]],
    );
    tell(&lab, "reload");
    assert_eq!((state(&lab, "hung"), newborn(monitor)), ("starting".to_owned(), hangs));
    // Another specification is another start again.
    write_bots(&lab, &[&hung.replace("\"stamp:", "\"print:new\", \"stamp:"), OTHERS[0], OTHERS[1]]);
    tell(&lab, "reload");
    hangs.died(SOON).unwrap();
    wait_for(&lab, "hung", "starting");
    let hangs = newborn(monitor);
    write_bots(&lab, &OTHERS);
    tell(&lab, "reload");
    hangs.died(SOON).unwrap();
    let deadline = Deadline::after(SOON);
    while states(&lab).iter().any(|(name, _)| name == "hung") {
        assert!(!deadline.passed(), "it was not removed");
    }
    refused(&lab, "start hung");
    nobody_waits(&lab);
    held.let_go();
    write_bots(&lab, &[hung, OTHERS[0], OTHERS[1]]);
    tell(&lab, "reload");
    tell(&lab, "start --wait=20s hung");
    assert_eq!(lines(&lab, "starts", 1).len(), 1, "a start that was ended has run after all");
    stop(&lab);
}

/// A directory on a mount that is dead, and a program that hangs, and many of them at once.
///
/// Promise 6.11.
#[test]
fn any_number_of_starts_that_hang_does_not_block_other_bots() {
    let lab = lab();
    bring(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let gone = r#"gone = { command = "BOT", args = ["idle"], limit = { exits = 0, window = "1s" }, autostart = false, cwd = "LAB/mount" }"#;
    let nobody = r#"nobody = { command = "/bin/sleep", args = ["999"], limit = { exits = 0, window = "1s" }, autostart = false, user = "65534", group = "65534", cwd = "LAB/mount" }"#;
    let hung = format!(
        r#"hung = {{ command = "LAB/slow", args = ["stamp:LAB/starts", "idle"], instances = {MANY}, autostart = false }}"#
    );
    write_bots(&lab, &[gone, nobody, &hung, OTHERS[0], OTHERS[1]]);
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    let held = HungFile::file(&lab, "slow");
    start_hung(&lab, "gone");
    start_hung(&lab, "nobody");
    begin(&lab, "start hung");
    for hangs in so_many(monitor, MANY + 2) {
        assert_eq!(hangs.descriptors().keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }
    nobody_waits(&lab);
    // One is stopped, the others hang on.
    tell(&lab, "stop --wait=20s gone");
    so_many(monitor, MANY + 1);
    start_hung(&lab, "gone");
    held.let_go();
    for number in 1..=MANY {
        wait_for(&lab, &format!("hung:{number}"), "running");
    }
    assert_eq!(lines(&lab, "starts", MANY).len(), MANY);
    // Of the mount it is told what the kernel says.
    dead.let_go();
    for bot in ["gone", "nobody"] {
        let told = wait_for(&lab, bot, "gave-up");
        assert!(told.contains(&format!("failed to enter the directory of `{bot}`")), "{told}");
    }
    stop(&lab);
}

/// The end of the monitor ends starts that hang.
#[test]
fn p6_12_a_shutdown_ends_starts_that_hang() {
    let lab = lab();
    bring(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let held = HungFile::file(&lab, "slow");
    // They hang from the beginning, and the monitor is up all the same.
    write_bots(
        &lab,
        &[
            r#"gone = { command = "BOT", args = ["idle"], cwd = "LAB/mount" }"#,
            r#"hung = { command = "LAB/slow", args = ["idle"], depends_on = ["web"] }"#,
            OTHERS[0],
        ],
    );
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    wait_for(&lab, "gone", "starting");
    wait_for(&lab, "hung", "starting");
    let begin = Instant::now();
    let stopped = ctl(&lab, "shutdown").run().ok();
    assert!(stopped.stdout == "the monitor has stopped\n" && begin.elapsed() < Duration::from_secs(10), "{stopped}");
    assert_eq!(newborns(monitor), []);
    assert!(!monitor.alive());
    held.let_go();
    dead.let_go();
    nothing_left(&lab);
}

/// A monitor that is killed takes starts that hang with it, whatever they hang on.
#[test]
fn p6_04_starts_that_hang_end_with_a_monitor_that_is_killed() {
    let lab = lab();
    bring(&lab, "slow");
    let dead = HungFile::mount(&lab, "mount");
    let held = HungFile::file(&lab, "slow");
    let gone = r#"gone = { command = "BOT", args = ["stamp:LAB/starts", "idle"], cwd = "LAB/mount" }"#;
    let nobody =
        r#"nobody = { command = "/bin/sleep", args = ["999"], user = "65534", group = "65534", cwd = "LAB/mount" }"#;
    write_bots(&lab, &[gone, nobody, r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"] }"#]);
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    let monitor = lab.daemon(PIDFILE);
    for bot in ["gone", "nobody", "hung"] {
        wait_for(&lab, bot, "starting");
    }
    let hang = so_many(monitor, 3);
    monitor.signal(Signal::SIGKILL);
    let all: Vec<i32> = hang.iter().chain([&monitor]).map(|process| process.id()).collect();
    look::deaths(&all, Deadline::after(SOON)).expect("the kernel tells them");
    held.let_go();
    write_bots(&lab, &[r#"hung = { command = "LAB/slow", args = ["stamp:LAB/starts", "idle"] }"#]);
    start_again(&lab);
    wait_for(&lab, "hung", "running");
    assert_eq!(lines(&lab, "starts", 1).len(), 1);
    dead.let_go();
    stop(&lab);
}

/// Whether a file is there that says that a bot is ready cannot be known for now.
#[test]
fn p6_11_a_sign_of_readiness_that_hangs_keeps_nobody_waiting() {
    let lab = lab();
    let dead = HungFile::mount(&lab, "mount");
    let brief = r#"brief = { command = "BOT", args = ["idle"], ready = { file = "LAB/mount/ready" }, ready_timeout = "1s", restart = "never" }"#;
    write_bots(
        &lab,
        &[
            r#"sign = { command = "BOT", args = ["idle"], ready = { file = "LAB/mount/ready" } }"#,
            brief,
            OTHERS[0],
            OTHERS[1],
        ],
    );
    dead.shell(&lab, "exec $D -c m.toml start").run().ok();
    lab.daemon(PIDFILE);
    nobody_waits(&lab);
    assert_eq!(state(&lab, "sign"), "starting");
    assert!(process(&lab, "sign").alive());
    // The time that it has is kept.
    let told = wait_for(&lab, "brief", "failed");
    assert!(told.contains("not being ready in time"), "{told}");
    assert!(tell(&lab, "stop --wait=20s sign").contains("sign: stopped"));
    dead.let_go();
    stop(&lab);
}

/// A user is looked up in a file that hangs, as it would be over the net.
#[test]
fn p6_11_a_name_service_that_hangs_keeps_nobody_waiting() {
    let lab = lab();
    lab.shell("cp /etc/passwd passwd").run().ok();
    let running = foreground(
        &lab,
        &[
            r#"named = { command = "/bin/sleep", args = ["999"], autostart = false, user = "nobody" }"#,
            r#"other = { command = "/bin/sleep", args = ["998"], autostart = false, user = "nobody" }"#,
            r#"alike = { command = "/bin/sleep", args = ["997"], instances = 20, autostart = false, user = "nobody" }"#,
            OTHERS[0],
            OTHERS[1],
        ],
        "exec unshare --mount bash -c 'mount --bind passwd /etc/passwd && exec $D -c m.toml run'",
    );
    let monitor = running.process();
    wait_for(&lab, "web", "running");
    let held = HungFile::file(&lab, "passwd");
    start_hung(&lab, "named");
    assert_eq!(newborns(monitor), []);
    nobody_waits(&lab);
    // There is nothing to be ended.
    assert!(tell(&lab, "stop --wait=20s named").contains("named: stopped"));
    start_hung(&lab, "named");
    // The name service is asked for each name once.
    let asked =
        || monitor.threads().into_iter().filter(|thread| thread.status("Name").as_deref() == Some("accounts")).count();
    let before = asked();
    assert!(before > 0, "no name is looked up");
    begin(&lab, "start alike");
    nobody_waits(&lab);
    assert_eq!(asked(), before);
    held.let_go();
    for bot in ["named", "alike:1", "alike:20"] {
        wait_for(&lab, bot, "running");
    }
    assert_eq!(process(&lab, "named").ids().unwrap().users, vec![65534; 4]);
    // The start that was given up has made no other one.
    let sleeps = lab.processes().into_iter().filter(|process| process.arguments() == ["/bin/sleep", "999"]);
    assert_eq!(sleeps.count(), 1);
    // Nor does the monitor wait for it at its end.
    let held = HungFile::file(&lab, "passwd");
    start_hung(&lab, "other");
    let begin = Instant::now();
    running.signal(Signal::SIGTERM);
    running.finish().ok();
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    held.let_go();
    nothing_left(&lab);
}
