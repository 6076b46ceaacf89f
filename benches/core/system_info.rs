//! Describes the hardware and the software versions of a measurement.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use crate::bench::Bench;
use crate::programs::Programs;

/// Reports the command that reproduces the figures, the date, the commit, the machine and the versions.
pub(crate) fn describe(bench: &mut Bench) {
    bench.say("# Figures of the core\n");
    bench.say("Measured by `scripts/bench core --write`, which builds all that it measures; `scripts/bench core PART…` measures parts.");
    bench.say("Milliseconds and microseconds are medians with their 10th and 90th percentile, and differ by machine; ratios are medians");
    bench.say("of the ratios of each round. Every case is measured once in each round, in a random order.\n");
    bench.say(format_args!("* {}, commit {}", first_line("date", &["-u", "+%F"]), commit()));
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".into());
    let cores = available_parallelism().map_or(0, usize::from);
    bench.say(format_args!("* {processor}, {cores} cores, {}", field("/proc/meminfo", "MemTotal").unwrap_or_default()));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let distribution = os_release().unwrap_or_else(|| "an unknown distribution".into());
    bench.say(format_args!(
        "* Linux {}, {distribution}, {}",
        kernel.trim(),
        first_line("getconf", &["GNU_LIBC_VERSION"])
    ));
    bench.say(format_args!("* {}", first_line("cc", &["--version"])));
    bench.say(format_args!("* {}", first_line("rustc", &["--version"])));
    bench.say(format_args!("* {}", Programs::versions().join(", ")));
    bench.say("* Pidfiles and logs are in memory (`/dev/shm`).");
}

/// Returns the first line that a program prints, or says that it is missing.
pub(crate) fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().map_or_else(|| format!("no {program}"), str::to_owned)
}

/// Returns the commit of the checkout, with a note if there are uncommitted changes.
fn commit() -> String {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(checkout).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".into() };
    let is_clean = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| changes.is_empty());
    if is_clean { commit } else { format!("{commit} with changes") }
}

/// Returns the value of the first `KEY : VALUE` of a file.
fn field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'))?;
    Some(line.trim().to_owned())
}

fn os_release() -> Option<String> {
    let text = fs::read_to_string("/etc/os-release").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}
