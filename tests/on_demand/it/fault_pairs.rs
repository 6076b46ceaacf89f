//! Every pair of faults: the next client is served within its deadline, or told why not.

use crate::common::lab;
use crate::versions_lab::{VersionsLab, find_note};
use nix::unistd::geteuid;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// The deadline of a client, and what a busy machine adds.
const SERVED_TIMEOUT: Duration = Duration::from_secs(4 + 2);

/// How many pairs run at once: most of them wait.
const PAIRS_AT_ONCE: usize = 6;

/// A fault, and what a client may be told that is not served because of it.
struct Fault {
    name: &'static str,
    told: &'static [&'static str],
    needs_root: bool,
}

const fn fault(name: &'static str, told: &'static [&'static str]) -> Fault {
    Fault { name, told, needs_root: false }
}

const FAULTS: [Fault; 11] = [
    fault("killed", &[]),
    fault("stopped", &[]),
    fault("socket-removed", &[]),
    fault("directory-removed", &[]),
    fault("pidfile-removed", &[]),
    fault("pid-reused", &[]),
    fault("other-build", &[]),
    Fault { name: "disk-full", told: &["no space left on device"], needs_root: true },
    fault("open-to-others", &["others than its owner can open it (mode 0777): `chmod 700` it"]),
    Fault { name: "foreign-owner", told: &["agent.agent`: it belongs to uid 4711: remove it"], needs_root: true },
    fault("no-rights", &["permission denied"]),
];

/// The pairs of faults after which no client is served before the daemon ends: it holds the lock, and nothing says that it is the daemon.
const UNNAMED: [[&str; 2]; 3] =
    [["socket-removed", "pidfile-removed"], ["directory-removed", "pidfile-removed"], ["stopped", "pidfile-removed"]];

/// The helper program where another user can execute it, and another build of it.
struct Programs {
    own: PathBuf,
    other: PathBuf,
    _lab: VersionsLab,
}

impl Programs {
    fn new() -> Programs {
        let mut versions = VersionsLab::new();
        versions.lab.bring_program();
        let other = versions.other_build("other", |bytes| {
            let (at, _) = find_note(bytes).expect("a build id");
            bytes[at] ^= 0xff;
        });
        Programs { own: versions.lab.program().to_owned(), other, _lab: versions }
    }
}

/// Checks a pair, whose faults may be one.
fn check(programs: &Programs, first: &Fault, second: &Fault) {
    let lab = lab();
    let [own, other] = [&programs.own, &programs.other].map(|path| path.to_str().expect("a path"));
    let pair = (first.name, second.name);
    let outcome = lab.command(own, &["faults", "pair", first.name, second.name, other]).run().ok();
    let words: Vec<&str> = outcome.stdout.split_whitespace().collect();
    let ["status", status, "took", took, "by", by, "stranger", "true", "repaired", "Some(0)"] = words[..] else {
        panic!("{pair:?} {outcome}")
    };
    let took = Duration::from_millis(took.parse().expect("milliseconds"));
    assert!(took < SERVED_TIMEOUT, "{pair:?} {outcome}");
    let has = |name: &str| first.name == name || second.name == name;
    if status != "Some(0)" {
        let is_unnamed = UNNAMED.iter().any(|[one, other]| has(one) && has(other));
        let unnamed: &[&str] = if is_unnamed { &["holds the lock"] } else { &[] };
        let told = [first.told, second.told, unnamed].concat();
        assert!(told.iter().any(|text| outcome.stderr.contains(text)), "{pair:?} {outcome}");
    } else if has("killed") || has("pid-reused") {
        assert_eq!(by, "next", "{pair:?} {outcome}");
    }
    let left = lab.processes();
    assert_eq!(left.len(), 1, "{left:?} {pair:?} {outcome}");
}

/// Promises 12.03, 12.09, 12.10.
#[test]
fn client_after_any_two_faults_is_served_in_time_or_told_why() {
    let programs = Programs::new();
    let faults: Vec<&Fault> = FAULTS.iter().filter(|fault| !fault.needs_root || geteuid().is_root()).collect();
    let pairs =
        faults.iter().enumerate().flat_map(|(at, first)| faults[at..].iter().map(move |second| (first, second)));
    let pairs = Mutex::new(pairs);
    let next = || pairs.lock().expect("no panic holds it").next();
    thread::scope(|scope| {
        for _ in 0..PAIRS_AT_ONCE {
            scope.spawn(|| {
                while let Some((first, second)) = next() {
                    check(&programs, first, second);
                }
            });
        }
    });
}
