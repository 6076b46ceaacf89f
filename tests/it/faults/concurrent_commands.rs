//! Many programs start, stop and query one daemon at once; the answers are checked afterwards against the notes of the
//! daemons.
//!
//! All times are of one clock. A daemon notes in `seals` when its process was created, which is before the launcher
//! writes the pidfile, and when the stages are done; in `lives`, when its body begins and ends. It certainly ran
//! between those, and certainly not before its creation.

use std::sync::Mutex;
use std::time::Duration;

use look::{Deadline, Lab, Outcome};

use crate::common::{lab, nothing_left, run, stop, times};

/// The number of programs that run at once.
const LOOPS: usize = 8;

/// The answer of a verb, and when it was asked.
struct Answer {
    verb: &'static str,
    begun: Duration,
    ended: Duration,
    outcome: Outcome,
}

/// The run of one daemon, as far as it was noted.
#[derive(Clone, Copy, Debug)]
struct Life {
    pid: i32,
    /// The earliest time of its creation, to the tick of the kernel's clock.
    born: Duration,
    sealed: Duration,
    entered: Option<Duration>,
    left: Option<Duration>,
}

impl Life {
    /// Returns `true` if the daemon certainly ran during the whole command.
    fn covers(&self, answer: &Answer) -> bool {
        self.entered.is_some_and(|entered| entered < answer.begun) && self.left.is_some_and(|left| left > answer.ended)
    }
}

/// Promise 2.07. R15: eight loops of start, status and stop, for 6 s, or 60 s in full: never two daemons, and no answer
/// is lost or wrong. Each body binds an address exclusively. (The body has asked about the stop, so it is dropped
/// before the pidfile is removed.)
#[test]
fn concurrent_commands_leave_one_daemon_and_true_answers() {
    let lab = lab();
    let deadline = Deadline::after(Duration::from_secs(u64::try_from(times(6, 60)).unwrap()));
    let body = format!("body=run_exclusively:{}", lab.directory().display());
    let start = ["ready=manual", "after=Detach:note_creation_and_seal", &body];
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..LOOPS {
            scope.spawn(|| {
                while !deadline.passed() {
                    for (verb, settings) in [("start", &start[..]), ("status", &[]), ("stop", &[]), ("status", &[])] {
                        let answer = ask(&lab, verb, settings);
                        answers.lock().expect("no thread panics with the lock").push(answer);
                    }
                }
            });
        }
    });
    stop(&lab);
    nothing_left(&lab);
    let lives = lives(&lab.read("seals"), &lab.read("lives"));
    let answers = answers.into_inner().expect("no thread panics with the lock");
    let ran = lives.iter().filter(|life| life.entered.is_some()).count();
    assert!(ran >= times(10, 100), "only {ran} daemons in all that time");
    never_two(&lives);
    for answer in &answers {
        judge(answer, &answers, &lives);
    }
}

fn ask(lab: &Lab, verb: &'static str, settings: &[&str]) -> Answer {
    let begun = look::now();
    let outcome = run(lab, verb, settings);
    Answer { verb, begun, ended: look::now(), outcome }
}

/// Parses the notes of the daemons. A pid may be reused, so each run begins with its seal.
fn lives(seals: &str, bodies: &str) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let mut births = std::collections::BTreeMap::new();
    for (what, pid, time) in notes(seals) {
        match what {
            "born" => drop(births.insert(pid, time)),
            "in" => {
                let born = births.get(&pid).copied().unwrap_or(time);
                lives.push(Life { pid, born, sealed: time, entered: None, left: None });
            }
            _ => {}
        }
    }
    for (what, pid, time) in notes(bodies) {
        let of_it = |life: &&mut Life| life.pid == pid && life.sealed < time;
        let life = lives.iter_mut().filter(of_it).max_by_key(|life| life.sealed).expect("sealed before its body");
        if what == "in" { life.entered = Some(time) } else { life.left = Some(time) }
    }
    lives
}

/// Parses lines of `WORD PID NANOSECONDS`.
fn notes(text: &str) -> impl Iterator<Item = (&str, i32, Duration)> {
    text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let nanoseconds = words[2].parse().expect("a time");
        (words[0], words[1].parse().expect("a pid"), Duration::from_nanos(nanoseconds))
    })
}

/// Asserts that no two bodies overlap.
fn never_two(lives: &[Life]) {
    let mut bodies: Vec<&Life> = lives.iter().filter(|life| life.entered.is_some()).collect();
    bodies.sort_by_key(|life| life.entered);
    for pair in bodies.windows(2) {
        // A body that was killed has not noted its end.
        assert!(pair[0].left.is_none_or(|left| Some(left) <= pair[1].entered), "two at once: {pair:?}");
    }
}

fn judge(answer: &Answer, answers: &[Answer], lives: &[Life]) {
    let Answer { verb, outcome, .. } = answer;
    let said = |words: &str| outcome.stdout.contains(words) || outcome.stderr.contains(words);
    let running = lives.iter().find(|life| life.covers(answer));
    let word = match (*verb, outcome.code()) {
        ("start", 0) => "started",
        // A start may fail only because another program stopped it.
        ("start", 2) => "stopped while starting",
        ("start", 3) => "already running as pid",
        // On a busy machine, another start holds the lock longer than this one waits.
        ("start", 7) => "locked, but not by a daemon",
        ("stop", 0) if said("not running") => "not running",
        ("stop", 0) => "stopped pid",
        ("status", 0) => "running as pid",
        ("status", 1) => "dead",
        ("status", 3) => "not running",
        ("status", 4) => "starting",
        _ => panic!("{verb} has no such answer: {outcome}"),
    };
    assert!(said(word), "{verb} does not say {word:?}: {outcome}");
    let told = || said_pid(outcome).unwrap_or_else(|| panic!("{verb} names no process: {outcome}"));
    match (*verb, outcome.code()) {
        ("start", 0) => {
            let within = |life: &Life| life.entered.is_some_and(|time| (answer.begun..answer.ended).contains(&time));
            assert!(lives.iter().any(|life| life.pid == told() && within(life)), "started, but not there: {outcome}");
            assert!(running.is_none(), "started beside {running:?}: {outcome}");
        }
        ("start", 3) => was_there(told(), answer, answers, lives),
        ("status", 0) => {
            was_there(told(), answer, answers, lives);
            assert!(running.is_none_or(|life| life.pid == told()), "another daemon ran, {running:?}: {outcome}");
        }
        _ => assert!(running.is_none(), "{verb} has missed {running:?}: {outcome}"),
    }
}

/// Asserts that a daemon reported as running had begun before the answer, and had neither been followed by another one
/// nor been reported dead before the question.
fn was_there(pid: i32, answer: &Answer, answers: &[Answer], lives: &[Life]) {
    let before = |life: &&Life| life.pid == pid && life.born < answer.ended;
    // The latest run with that pid.
    let life = lives.iter().filter(before).max_by_key(|life| life.sealed);
    let life = life.unwrap_or_else(|| panic!("pid {pid} was no daemon, or not yet: {}", answer.outcome));
    let between = |time: Duration| life.sealed < time && time < answer.begun;
    let follower = lives.iter().find(|other| between(other.sealed));
    assert!(follower.is_none(), "pid {pid} had a successor, {follower:?}: {}", answer.outcome);
    let ends_it =
        |other: &&Answer| other.verb == "stop" && between(other.ended) && said_pid(&other.outcome) == Some(pid);
    assert!(!answers.iter().any(|other| ends_it(&other)), "pid {pid} had been stopped: {}", answer.outcome);
}

/// Returns the number after `pid` or `started`.
fn said_pid(outcome: &Outcome) -> Option<i32> {
    let text = format!("{} {}", outcome.stdout, outcome.stderr);
    let mut words = text.split_whitespace().skip_while(|word| !["pid", "started"].contains(word)).skip(1);
    words.next()?.parse().ok()
}

/// Checks the checks: answers that they must accept, and others that they must reject.
#[test]
fn check_of_answers_finds_wrong_ones() {
    let lives = lives("in 7 100\nout 7 110\nin 8 300\nout 8 310\n", "in 7 120\nout 7 200\nin 8 320\nout 8 400\n");
    let at = Duration::from_nanos;
    assert_eq!((lives[0].sealed, lives[0].entered, lives[0].left), (at(100), Some(at(120)), Some(at(200))));
    never_two(&lives);
    let lab = lab();
    let told = |verb, text: &str, begun, ended| {
        let outcome = lab.shell(text).run();
        let answer = Answer { verb, begun: at(begun), ended: at(ended), outcome };
        std::panic::catch_unwind(|| judge(&answer, &[], &lives)).is_ok()
    };
    let running = "echo running as pid 7";
    assert!(told("status", running, 90, 110) && told("status", running, 150, 250) && told("status", running, 210, 290));
    assert!(!told("status", running, 80, 90), "it is not there yet");
    assert!(!told("status", running, 310, 320), "another one has its place");
    assert!(!told("status", "echo running as pid 9", 150, 160), "no daemon has that pid");
    let nobody = "echo not running; exit 3";
    assert!(told("status", nobody, 110, 210) && told("status", nobody, 130, 210));
    assert!(!told("status", nobody, 130, 190), "it ran all the time");
    assert!(!told("start", "echo error: already running as pid 7 >&2; exit 3", 310, 320));
    assert!(told("start", "echo started 8", 290, 390) && !told("start", "echo started 8", 330, 390));
    assert!(!told("stop", "exit 7", 10, 20), "a stop has no such answer");
}
