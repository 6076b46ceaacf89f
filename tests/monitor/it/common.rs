//! A lab with a monitor that `daemonctl` runs, and requests of the tests.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use daemonize_monitor::control::{Client, Published};
use look::{Deadline, Lab, Outcome, Process, Run, Running};
use serde_json::Value;

use crate::cli_lab::daemonctl;

/// The pidfile of the monitor.
pub(crate) const PIDFILE: &str = "m.pid";

/// The timeout of events that happen immediately, on a busy machine.
pub(crate) const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// The helper program that the monitor supervises.
pub(crate) const BOT: &str = env!("CARGO_BIN_EXE_bot");

/// The helper program that contains a monitor.
pub(crate) const EMBEDDED: &str = env!("CARGO_BIN_EXE_embedded");

/// A Python program whose process continues without its first thread.
pub(crate) const HEADLESS: &str = include_str!("headless.py");

/// Counts the threads of a process, of which the first may have ended; 0 if the process has ended.
pub(crate) fn threads(pid: &str) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// Creates a lab whose program is `daemonctl`.
pub(crate) fn lab() -> Lab {
    Lab::new(daemonctl())
}

/// Installs the helper program where other users can execute it: the checkout may be below root's home.
pub(crate) fn open_bot(lab: &Lab) -> String {
    let program = lab.path("bot").display().to_string();
    lab.shell(&format!("[ -e bot ] || install -m 755 {BOT} bot")).run().ok();
    program
}

/// Writes the configuration `m.toml` with these bots: lines of the table `[bot]`, with `BOT` for the helper program and
/// `LAB` for the directory of the lab. A bot without a `ready` key is ready at once.
pub(crate) fn write_bots(lab: &Lab, bots: &[&str]) {
    configure(lab, "", bots);
}

/// Writes the configuration with more settings of the monitor, lines of the table `[monitor]`.
pub(crate) fn configure(lab: &Lab, settings: &str, bots: &[&str]) {
    let mut text =
        format!("[monitor]\nname = \"lab\"\npidfile = \"m.pid\"\nlog = {{ file = \"m.log\" }}\n{settings}\n[bot]\n");
    for bot in bots.iter().flat_map(|bots| bots.lines()) {
        let program = if bot.contains("user = ") && bot.contains("BOT") { open_bot(lab) } else { BOT.to_owned() };
        let end = bot.strip_suffix('}').unwrap_or_else(|| panic!("not `name = {{ … }}`: {bot}"));
        let ready = if bot.contains("ready = ") { "" } else { ", ready = \"at-once\"" };
        writeln!(text, "{}{ready} }}", end.trim_end().trim_end_matches(',').replace("BOT", &program)).unwrap();
    }
    // In one step, since a monitor may read the file just now.
    lab.write("m.toml.new", text.replace("LAB", &lab.directory().display().to_string()));
    std::fs::rename(lab.path("m.toml.new"), lab.path("m.toml")).expect("a configuration");
}

/// Starts a monitor of these bots as a daemon.
#[track_caller]
pub(crate) fn start(lab: &Lab, bots: &[&str]) -> Process {
    write_bots(lab, bots);
    start_again(lab)
}

/// Starts a monitor of the bots that are written.
#[track_caller]
pub(crate) fn start_again(lab: &Lab) -> Process {
    tell(lab, "start");
    lab.daemon(PIDFILE)
}

/// Starts the helper program `embedded` with a monitor of the bots that are written.
#[track_caller]
pub(crate) fn start_program(lab: &Lab, settings: &[&str]) -> Process {
    lab.command(EMBEDDED, &["start"]).args(settings).run().ok();
    lab.daemon(PIDFILE)
}

/// Runs a monitor of these bots in the foreground, by a shell script with `$D` for `daemonctl` and `$EMBEDDED` for the
/// program that contains a monitor; returns once the monitor answers.
pub(crate) fn foreground<'lab>(lab: &'lab Lab, bots: &[&str], script: &str) -> Running<'lab> {
    write_bots(lab, bots);
    foreground_again(lab, script)
}

/// Runs a monitor in the foreground with the configuration that is written.
pub(crate) fn foreground_again<'lab>(lab: &'lab Lab, script: &str) -> Running<'lab> {
    let running = lab.shell(script).env("EMBEDDED", EMBEDDED).within(Duration::from_secs(120)).spawn();
    until_it_answers(lab);
    running
}

/// Waits until the monitor answers.
#[track_caller]
pub(crate) fn until_it_answers(lab: &Lab) {
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while client(lab).get("/monitor").is_err() {
        assert!(
            !deadline.passed(),
            "the monitor does not answer: {:?}\n{}",
            client(lab).get("/monitor"),
            lab.read("m.log")
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Returns a run of a bash script in a private mount namespace, with `$D` for `daemonctl`.
pub(crate) fn with_own_mounts<'lab>(lab: &'lab Lab, script: &str) -> Run<'lab> {
    lab.command("unshare", &["-m", "bash", "-c", script]).env("D", lab.program())
}

/// Returns a run of `daemonctl` with the configuration of the lab and these arguments.
pub(crate) fn ctl<'lab>(lab: &'lab Lab, line: &str) -> Run<'lab> {
    let words: Vec<&str> = line.split_whitespace().collect();
    lab.command(&daemonctl().display().to_string(), &["-c", "m.toml"]).args(&words)
}

/// Runs `daemonctl`, which must succeed; returns what it prints.
#[track_caller]
pub(crate) fn tell(lab: &Lab, line: &str) -> String {
    ctl(lab, line).run().ok().stdout
}

/// Runs `daemonctl VERB --wait=0s BOT`, which does not wait until the command is done.
#[track_caller]
pub(crate) fn begin(lab: &Lab, line: &str) {
    let (verb, bot) = line.split_once(' ').expect("`verb bot`");
    let outcome = ctl(lab, &format!("{verb} --wait=0s {bot}")).run();
    assert!(outcome.code() == 0 || outcome.stderr.contains("not done within"), "{outcome}");
}

/// Waits for one answer of the monitor.
#[track_caller]
pub(crate) fn ping(lab: &Lab) {
    client(lab).get("/bots").expect("an answer");
}

/// Runs `daemonctl`, which must fail; returns its error messages.
#[track_caller]
pub(crate) fn refused(lab: &Lab, line: &str) -> String {
    let outcome = ctl(lab, line).run();
    assert_ne!(outcome.code(), 0, "not refused: {outcome}");
    outcome.stderr
}

/// Shuts the monitor down, and asserts that no process is left.
#[track_caller]
pub(crate) fn stop(lab: &Lab) -> Outcome {
    let stopped = ctl(lab, "shutdown").within(Duration::from_secs(120)).run().ok();
    assert_eq!(stopped.stdout, "the monitor has stopped\n", "{}", lab.read("m.log"));
    nothing_left(lab);
    stopped
}

/// Asserts that no process of the lab is left.
#[track_caller]
pub(crate) fn nothing_left(lab: &Lab) {
    if lab.quiet(EVENT_TIMEOUT).is_err() {
        let left: Vec<_> =
            lab.processes().into_iter().map(|process| (process, process.arguments(), process.stat())).collect();
        panic!("processes left behind: {left:?}\n{}", lab.read("m.log"));
    }
}

/// Returns a client of the lab's monitor.
pub(crate) fn client(lab: &Lab) -> Client {
    Client::at(lab.path(PIDFILE)).timeout(EVENT_TIMEOUT)
}

/// Returns the monitor's JSON of a bot; `null` if there is none.
#[track_caller]
pub(crate) fn bot(lab: &Lab, name: &str) -> Value {
    client(lab).get(&format!("/bots/{name}")).expect("a bot")["bot"].take()
}

/// Waits until the JSON of a bot satisfies `holds`, and returns it.
#[track_caller]
pub(crate) fn until(lab: &Lab, name: &str, holds: impl Fn(&Value) -> bool) -> Value {
    // The stream is opened before the state is read, so that no change is lost in between.
    let mut events = client(lab).events().expect("events");
    let mut last = bot(lab, name);
    let end = Instant::now() + EVENT_TIMEOUT;
    while !holds(&last) {
        let left = end.saturating_duration_since(Instant::now());
        match events.next_within(left).expect("a stream") {
            Some(Published { name: kind, data, .. }) if data["name"] == name => match &*kind {
                "bot" => last = data,
                "counts" => last["events"] = data["events"].clone(),
                _ => {}
            },
            Some(_) => {}
            None => panic!("`{name}` did not come to that: {last}\n{}", lab.read("m.log")),
        }
    }
    last
}

/// Waits until a bot is in a state, and returns its JSON as text.
#[track_caller]
pub(crate) fn wait_for(lab: &Lab, name: &str, state: &str) -> String {
    until(lab, name, |bot| bot["state"] == state).to_string()
}

/// Returns the JSON of a bot as text.
#[track_caller]
pub(crate) fn status(lab: &Lab, name: &str) -> String {
    bot(lab, name).to_string()
}

/// Returns the state of a bot.
#[track_caller]
pub(crate) fn state(lab: &Lab, name: &str) -> String {
    bot(lab, name)["state"].as_str().unwrap_or_default().to_owned()
}

/// Returns the name and the state of each bot.
#[track_caller]
pub(crate) fn states(lab: &Lab) -> Vec<(String, String)> {
    let all = client(lab).get("/bots?minutes=0").expect("bots");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all["bots"].as_array().expect("bots").iter().map(|bot| (text(&bot["name"]), text(&bot["state"]))).collect()
}

/// Returns a number in the JSON of a bot, or the total of an event of this name; 0 if there is neither.
pub(crate) fn number(status: &str, key: &str) -> u64 {
    let bot: Value = serde_json::from_str(status).unwrap_or_else(|error| panic!("no JSON: {error}: {status}"));
    let counted = bot["events"].as_array().into_iter().flatten().find(|event| event["name"] == key);
    bot[key].as_u64().or_else(|| counted?["total"].as_u64()).unwrap_or(0)
}

/// Returns the time after which a bot that was given up may be started again; only the program `embedded` reports it.
pub(crate) fn time_left(lab: &Lab, name: &str) -> Duration {
    lab.write("call", name);
    let left = lab.wait_for("left", EVENT_TIMEOUT, |text| text.ends_with('\n'));
    Duration::from_millis(left.trim().parse().expect("a number"))
}

/// Returns the process of a bot that runs.
#[track_caller]
pub(crate) fn process(lab: &Lab, name: &str) -> Process {
    // On a busy machine a start may take a moment.
    let bot = until(lab, name, |bot| bot["state"] != "starting" || !bot["pid"].is_null());
    let pid = bot["pid"].as_i64().and_then(|pid| pid.try_into().ok());
    Process::new(pid.unwrap_or_else(|| panic!("it does not run: {bot}")))
}

/// Limits the descriptors of a monitor so that it can open `count` more.
pub(crate) fn leave_descriptors(monitor: Process, count: usize) {
    let used = monitor.descriptors();
    let limit = (0..).filter(|number| !used.contains_key(number)).nth(count).expect("a number");
    let (pid, limit) = (monitor.id().to_string(), format!("--nofile={limit}:"));
    let outcome = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status().expect("prlimit");
    assert!(outcome.success(), "{outcome}");
}

/// Returns the environment of a bot. It is empty for a moment while the kernel executes the program.
#[track_caller]
pub(crate) fn environment(bot: Process) -> Vec<String> {
    let begin = Instant::now();
    loop {
        let has = bot.environment();
        if !has.is_empty() {
            return has;
        }
        assert!(bot.alive() && begin.elapsed() < EVENT_TIMEOUT, "{bot:?} has no environment");
        std::thread::yield_now();
    }
}

/// Waits until a file of the lab has `count` lines, and returns them.
#[track_caller]
pub(crate) fn lines(lab: &Lab, file: &str, count: usize) -> Vec<String> {
    let has = |text: &str| text.lines().count() >= count && text.ends_with('\n');
    lab.wait_for(file, EVENT_TIMEOUT, has).lines().map(str::to_owned).collect()
}

/// Returns `full` if `DAEMON_TESTS_FULL` is set, else `small`.
pub(crate) fn size(small: usize, full: usize) -> usize {
    if std::env::var_os("DAEMON_TESTS_FULL").is_some() { full } else { small }
}
