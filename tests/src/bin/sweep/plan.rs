//! The points of a sweep: a failure of one system call of one process.

use std::collections::BTreeMap;
use std::fmt;

/// The traced process, and the moment from which on it is traced, so that the calls of the loader do not count.
///
/// strace counts the calls of each thread separately, and fails the same call of every thread that it traces. So each
/// process is traced alone, and then once more together with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// The process that performs the verb, from its `main` on.
    Launcher,
    /// The process between the two forks.
    SessionLeader,
    /// The new daemon, with its threads.
    Daemon,
    /// All three processes, from the first stage on.
    AllProcesses,
    /// The body's thread of the daemon that runs already while the verb is performed.
    RunningDaemon,
    /// The signal thread of the same daemon.
    SignalThread,
}

/// A verb, and the process traced meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) verb: &'static str,
    pub(crate) root: Root,
}

/// All scenarios.
pub(crate) const SCENARIOS: [Scenario; 14] = [
    Scenario { verb: "start", root: Root::Launcher },
    Scenario { verb: "start", root: Root::SessionLeader },
    Scenario { verb: "start", root: Root::Daemon },
    Scenario { verb: "start", root: Root::AllProcesses },
    Scenario { verb: "stop", root: Root::Launcher },
    Scenario { verb: "stop", root: Root::RunningDaemon },
    Scenario { verb: "stop", root: Root::SignalThread },
    Scenario { verb: "restart", root: Root::Launcher },
    Scenario { verb: "restart", root: Root::SessionLeader },
    Scenario { verb: "restart", root: Root::Daemon },
    Scenario { verb: "restart", root: Root::AllProcesses },
    Scenario { verb: "restart", root: Root::RunningDaemon },
    Scenario { verb: "restart", root: Root::SignalThread },
    Scenario { verb: "status", root: Root::Launcher },
];

impl Scenario {
    /// Returns `true` if strace also follows forked processes and threads.
    pub(crate) fn follows(self) -> bool {
        matches!(self.root, Root::Daemon | Root::AllProcesses)
    }

    /// Returns the number of threads that must make a call as often for it to be worth a run: fewer have been tested
    /// alone.
    pub(crate) fn at_once(self) -> usize {
        if self.root == Root::AllProcesses { 2 } else { 1 }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.verb, format!("{:?}", self.root).to_lowercase())
    }
}

/// The injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Killed,
    Failed(&'static str),
    Faked(u8),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Killed => f.write_str("signal=KILL"),
            Kind::Failed(error) => write!(f, "error={error}"),
            Kind::Faked(value) => write!(f, "retval={value}"),
        }
    }
}

const ERRORS: [&str; 9] = ["EINTR", "EAGAIN", "ENOMEM", "EMFILE", "ENOSPC", "EIO", "EROFS", "EACCES", "EPERM"];

/// Calls that may return success without an effect.
const FAKEABLE: [(&str, u8); 11] = [
    ("setresuid", 0),
    ("setresgid", 0),
    ("setuid", 0),
    ("setgid", 0),
    ("setgroups", 0),
    ("setsid", 0),
    ("flock", 0),
    ("fchmod", 0),
    ("unlinkat", 0),
    ("write", 1),
    ("pwrite64", 1),
];

/// Calls that never return, or that the tracer itself answers.
const LEFT_OUT: [&str; 6] = ["execve", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "tgkill"];

/// Calls that fail only for a wrong argument; glibc and its modules abort if they fail.
const NEVER_FAILED: [&str; 12] = [
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "umask",
    "set_robust_list",
    "rseq",
    "futex",
    "rt_sigprocmask",
];

/// One run: the `nth` call of `call` in each traced thread.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) scenario: Scenario,
    pub(crate) kind: Kind,
    pub(crate) call: String,
    pub(crate) nth: usize,
}

impl Point {
    /// Returns the option of strace that injects the fault.
    pub(crate) fn injection(&self) -> String {
        format!("{}:{}:when={}", self.call, self.kind, self.nth)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scenario, self.injection())
    }
}

/// Returns the number of times that at least `at_once` threads make each call, from the output of strace.
pub(crate) fn count(trace: &str, at_once: usize) -> BTreeMap<String, usize> {
    let mut each: BTreeMap<String, BTreeMap<&str, usize>> = BTreeMap::new();
    for line in trace.lines() {
        // Without `-f`, strace does not print the thread id.
        let digits = line.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(0);
        let (thread, rest) = line.split_at(digits);
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if !call.is_empty() && call.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') {
            *each.entry(call.to_owned()).or_default().entry(thread).or_default() += 1;
        }
    }
    let often = |times: BTreeMap<&str, usize>| {
        let mut times: Vec<usize> = times.into_values().collect();
        times.sort_unstable_by(|one, other| other.cmp(one));
        times.get(at_once - 1).copied()
    };
    each.into_iter().filter_map(|(call, times)| Some((call, often(times)?))).collect()
}

/// Returns every fault that can be injected into these calls.
pub(crate) fn points(scenario: Scenario, recorded: &BTreeMap<String, usize>) -> Vec<Point> {
    let mut points = Vec::new();
    for (call, times) in recorded.iter().filter(|(call, _)| !LEFT_OUT.contains(&call.as_str())) {
        let faked = FAKEABLE.iter().filter(|(name, _)| name == call).map(|(_, value)| Kind::Faked(*value));
        let errors = ERRORS.into_iter().filter(|_| !NEVER_FAILED.contains(&call.as_str())).map(Kind::Failed);
        let kinds: Vec<Kind> = [Kind::Killed].into_iter().chain(errors).chain(faked).collect();
        for nth in 1..=*times {
            points.extend(kinds.iter().map(|&kind| Point { scenario, kind, call: call.clone(), nth }));
        }
    }
    points
}

/// Shuffles by the seed alone (Fisher-Yates over splitmix64).
pub(crate) fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let below = u64::try_from(last + 1).expect("a length");
        items.swap(last, usize::try_from((mixed ^ (mixed >> 31)) % below).expect("an index"));
    }
}

/// Orders one point of every call and kind first, then a second one of each, and so on, so that a sample covers
/// everything.
pub(crate) fn spread(points: &mut [Point]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    points.sort_by_cached_key(|point| {
        let times = seen.entry(format!("{}/{}:{}", point.scenario, point.call, point.kind)).or_default();
        *times += 1;
        *times
    });
}
