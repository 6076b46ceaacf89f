//! Measures clients of daemons on demand beside what people write by hand: `scripts/bench on-demand`.
//!
//! ```text
//! scripts/bench on-demand [--rounds N]
//! ```
//!
//! All parts are measured in turns; the figures are medians of the rounds, the ratios medians of the rounds' ratios.
//!
//! A running daemon is compared with two servers by hand. The limit is that of the one that does the same work: it accepts and greets in
//! one thread, and passes the client to another, which is a second wake-up. The figures beside the server that does without show what that
//! costs. A client by hand does not check the user of its server; ours does. All servers have the nice value 0
//! and a session of their own.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use measure::{Limits, Samples, WorkDir, interleave};

/// How often a client connects in one measurement of a running daemon: long enough for the scheduler to settle, and to be fair.
const CONNECTS: &str = "1000";

/// The parts, and what has to be done before each: the daemon has to run, or not.
const PARTS: [Part; 8] = [
    Part { name: "connect", count: CONNECTS, before: Before::Running },
    Part { name: "handing-connect", count: CONNECTS, before: Before::Running },
    Part { name: "bare-connect", count: CONNECTS, before: Before::Running },
    Part { name: "connect", count: "1", before: Before::Running },
    Part { name: "handing-connect", count: "1", before: Before::Running },
    Part { name: "bare-connect", count: "1", before: Before::Running },
    Part { name: "connect", count: "1", before: Before::Absent },
    Part { name: "start", count: "1", before: Before::Absent },
];
/// The index of the client by hand, which is measured beside the others.
const POLLING: usize = PARTS.len();

struct Part {
    name: &'static str,
    count: &'static str,
    before: Before,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Running,
    Absent,
}

fn main() -> ExitCode {
    let rounds = match rounds(std::env::args().skip(1)) {
        Ok(rounds) => rounds,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    println!("medians of {rounds} rounds; load before: {}", measure::load());
    match measured(rounds) {
        Ok(samples) => {
            let missed = report(&samples);
            println!("load after: {}", measure::load());
            ExitCode::from(u8::from(missed > 0))
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn rounds(mut arguments: impl Iterator<Item = String>) -> Result<usize, String> {
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(100),
        (Some("--rounds"), Some(value)) => value.parse().map_err(|_| "`--rounds` needs a number".into()),
        _ => Err("usage: scripts/bench on-demand [--rounds N]".into()),
    }
}

fn measured(rounds: usize) -> Result<Vec<Samples>, String> {
    let place = WorkDir::in_memory();
    let client = Client { directory: place.path().to_owned() };
    let mut bare = client.bare_server()?;
    let samples = interleave(rounds, &[1; POLLING + 1], |case, _| match PARTS.get(case) {
        Some(part) => client.measure(part),
        None => measure_polling(),
    });
    client.run("stop", "1")?;
    let _ = client.run("bare-stop", "1");
    bare.wait().map_err(|error| error.to_string())?;
    samples
}

fn report(samples: &[Samples]) -> u32 {
    let [loop_, handing_loop, bare_loop, first, handing_first, bare_first, absent, start, polling] = samples else {
        return 0;
    };
    let mut limits = Limits::new();
    let mut line = |name, ours: &Samples, theirs: &Samples, at_most| {
        let ratio = ours.ratios(theirs).median();
        limits.ratio(name, "us", ours.median() / 1e3, theirs.median() / 1e3, ratio, at_most);
    };
    line("connect to a running daemon, beside connect and read", loop_, handing_loop, 1.3);
    line("connect to a running daemon, beside a server in one thread", loop_, bare_loop, f64::INFINITY);
    line("the first connect of a process, beside connect and read", first, handing_first, f64::INFINITY);
    line("the first connect of a process, beside a server in one thread", first, bare_first, f64::INFINITY);
    line("connect to an absent daemon, beside the client that polls", absent, polling, f64::INFINITY);
    line("connect to an absent daemon, beside start and connect", absent, &start.sums(loop_), 1.1);
    limits.end()
}

/// Measures the client by hand in a directory without a server.
fn measure_polling() -> Result<f64, String> {
    let place = WorkDir::in_memory();
    let client = Client { directory: place.path().to_owned() };
    let time = client.run("polling-connect", "1")?;
    client.run("bare-stop", "1")?;
    Ok(time)
}

/// The program that is measured, and the directory of its files.
struct Client {
    directory: PathBuf,
}

impl Client {
    fn measure(&self, part: &Part) -> Result<f64, String> {
        match part.before {
            Before::Running => self.run("connect", "1")?,
            Before::Absent => self.run("stop", "1")?,
        };
        self.run(part.name, part.count)
    }

    fn bare_server(&self) -> Result<std::process::Child, String> {
        let server = self.command("bare-serve").spawn().map_err(|error| error.to_string())?;
        while !self.directory.join("bare").exists() {
            std::thread::yield_now();
        }
        Ok(server)
    }

    /// Runs a part, and returns the nanoseconds that it prints; 0 if it prints nothing.
    fn run(&self, part: &str, count: &str) -> Result<f64, String> {
        let output = self.command(part).arg(count).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("failed to run `{part}`: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        match (output.status.success(), text.trim()) {
            (true, "") => Ok(0.0),
            (true, number) => number.parse().map_err(|_| format!("`{part}` printed `{number}`")),
            (false, _) => Err(format!("`{part}` failed: {}", output.status)),
        }
    }

    fn command(&self, part: &str) -> Command {
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.parent().unwrap_or(Path::new(".")).join("on_demand_client");
        let mut command = Command::new(program);
        command.arg(part).arg(&self.directory).env("BENCH_DIRECTORY", &self.directory).stdin(Stdio::null());
        command
    }
}
