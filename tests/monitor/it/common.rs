//! What the tests have in common.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use look::{Deadline, Lab, Outcome, Process, Run, Running};

/// The pidfile of the monitor.
pub(crate) const PIDFILE: &str = "m.pid";

/// Time enough for whatever ought to happen at once, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The helper program that is looked after.
pub(crate) const BOT: &str = env!("CARGO_BIN_EXE_bot");

/// A program whose process goes on without its first thread.
pub(crate) const HEADLESS: &str = include_str!("headless.py");

/// How many threads a process has, of which the first may have ended; 0 if it is gone.
pub(crate) fn threads(pid: &str) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// A lab with the helper program `monitor`.
pub(crate) fn lab() -> Lab {
    Lab::new(env!("CARGO_BIN_EXE_monitor"))
}

/// Installs the helper program where other users can execute it, too: the checkout may be below root's home.
pub(crate) fn open_bot(lab: &Lab) -> String {
    let program = lab.path("bot").display().to_string();
    lab.shell(&format!("[ -e bot ] || install -m 755 {BOT} bot")).run().ok();
    program
}

/// Writes the bots, one a line; `BOT` in a line is the helper program, `LAB` the directory of the lab.
pub(crate) fn write_bots(lab: &Lab, bots: &[&str]) {
    let mut text = String::new();
    for bot in bots {
        let program = if bot.contains(" user=") && bot.contains("BOT") { open_bot(lab) } else { BOT.to_owned() };
        writeln!(text, "{}", bot.replace("BOT", &program).replace("LAB", &lab.directory().display().to_string()))
            .unwrap();
    }
    lab.write("bots", text);
}

/// Starts a monitor of these bots as a daemon.
#[track_caller]
pub(crate) fn start(lab: &Lab, bots: &[&str]) -> Process {
    write_bots(lab, bots);
    start_again(lab, &[])
}

/// Starts a monitor of the bots that are written.
#[track_caller]
pub(crate) fn start_again(lab: &Lab, settings: &[&str]) -> Process {
    lab.helper(&["start"]).args(settings).run().ok();
    lab.daemon(PIDFILE)
}

/// Runs a monitor of these bots in the foreground, by a script in which `$D` is the monitor; returns when it listens.
pub(crate) fn foreground<'lab>(lab: &'lab Lab, bots: &[&str], script: &str) -> Running<'lab> {
    write_bots(lab, bots);
    let running = lab.shell(script).within(Duration::from_secs(120)).spawn();
    let socket = lab.path("commands");
    let deadline = Deadline::after(SOON);
    look::until(&socket, deadline, || socket.exists().then_some(())).expect("the monitor listens");
    // It is there from bind(2) on, and answers from listen(2) on.
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(!deadline.passed(), "nobody listens");
        std::thread::yield_now();
    }
    running
}

/// A script of bash in which `$D` is the monitor; what it mounts, nobody else sees.
pub(crate) fn with_own_mounts<'lab>(lab: &'lab Lab, script: &str) -> Run<'lab> {
    lab.command("unshare", &["-m", "bash", "-c", script]).env("D", lab.program())
}

/// Tells the monitor something, which must work.
#[track_caller]
pub(crate) fn tell(lab: &Lab, line: &str) -> String {
    lab.run(&["tell", line]).ok().stdout
}

/// Tells the monitor something that it must refuse; what it says.
#[track_caller]
pub(crate) fn refused(lab: &Lab, line: &str) -> String {
    lab.run(&["tell", line]).exits(1).stdout
}

/// Stops the monitor, which must leave nothing.
#[track_caller]
pub(crate) fn stop(lab: &Lab) -> Outcome {
    let stopped = lab.run(&["stop"]).ok();
    assert!(stopped.stdout.starts_with("stopped"), "not stopped in order: {stopped}\n{}", lab.read("m.log"));
    nothing_left(lab);
    stopped
}

/// Asserts that no process of the lab is left.
#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    if lab.quiet(SOON).is_err() {
        let left: Vec<_> =
            lab.processes().into_iter().map(|process| (process, process.arguments(), process.stat())).collect();
        panic!("processes left behind: {left:?}\n{}", lab.read("m.log"));
    }
}

/// Waits until a bot is in a state; what the monitor says of it then.
#[track_caller]
pub(crate) fn wait_for(lab: &Lab, bot: &str, state: &str) -> String {
    let told = lab.run(&["tell", &format!("watch {bot} {state}")]);
    assert_eq!(
        told.code(),
        0,
        "bot {bot} did not become {state}: {told}\n{}\n{}",
        tell(lab, "status"),
        lab.read("m.log")
    );
    told.stdout
}

/// What the monitor says of one bot.
#[track_caller]
pub(crate) fn status(lab: &Lab, bot: &str) -> String {
    tell(lab, &format!("status {bot}")).lines().next().unwrap_or_default().to_owned()
}

/// The state of a bot.
#[track_caller]
pub(crate) fn state(lab: &Lab, bot: &str) -> String {
    state_in(&status(lab, bot)).to_owned()
}

fn state_in(status: &str) -> &str {
    status.split_whitespace().nth(1).unwrap_or_default()
}

/// The number behind `KEY=` in what is said of a bot; 0 if it is not there.
pub(crate) fn number(status: &str, key: &str) -> u64 {
    let key = format!("{key}=");
    status.split_whitespace().find_map(|word| word.strip_prefix(&key)?.parse().ok()).unwrap_or(0)
}

/// The process of a bot that runs.
#[track_caller]
pub(crate) fn process(lab: &Lab, bot: &str) -> Process {
    let mut status = status(lab, bot);
    if state_in(&status) == "starting" && number(&status, "pid") == 0 {
        // On a busy machine a start may take a moment.
        wait_for(lab, bot, "running");
        status = self::status(lab, bot);
    }
    let pid = i32::try_from(number(&status, "pid")).unwrap();
    assert!(pid > 0, "it does not run: {status}");
    Process::new(pid)
}

/// What is in a bot's environment. There is none for a moment, while the kernel executes its program.
#[track_caller]
pub(crate) fn environment(bot: Process) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let has = bot.environment();
        if !has.is_empty() {
            return has;
        }
        assert!(bot.alive() && begin.elapsed() < SOON, "{bot:?} has no environment");
        std::thread::yield_now();
    }
}

/// Waits until a file of the lab has so many lines, and returns them.
#[track_caller]
pub(crate) fn lines(lab: &Lab, file: &str, count: usize) -> Vec<String> {
    let has = |text: &str| text.lines().count() >= count && text.ends_with('\n');
    lab.wait_for(file, SOON, has).lines().map(str::to_owned).collect()
}

/// The full size where it was asked for, else the small one.
pub(crate) fn size(small: usize, full: usize) -> usize {
    if std::env::var_os("DAEMON_TESTS_FULL").is_some() { full } else { small }
}
