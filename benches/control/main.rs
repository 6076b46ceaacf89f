//! Measures the endpoint beside a bare axum server with the same routes: `scripts/bench control`.
//!
//! ```text
//! scripts/bench control [--rounds N] [--milliseconds N] [--only TEXT]
//! ```
//!
//! `--only` runs the measurements whose name contains this text, such as `Unix, 32`, without that of the idle endpoint.
//!
//! Both servers run all the time and are measured in turns; the figures are medians of the rounds, the ratios medians of the
//! rounds' ratios. The CPU time per request is printed beside them, because it depends least on the load of the machine.

mod load;
mod servers;

use std::process::ExitCode;
use std::time::Duration;

use load::{Address, load};
use look::Process;
use measure::{Limits, WorkDir, cost, median, percentile, pss, threads};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use servers::{Bare, Daemon};

/// Maximum latency as a multiple of the bare server's: a rate of 0.85.
const AT_MOST: f64 = 1.0 / 0.85;

/// The requests by name: the method, the path and the body.
const REQUESTS: [(&str, &str, &str, &str); 4] = [
    ("GET /", "GET", "/", ""),
    ("GET of a user's route", "GET", "/hello", ""),
    ("POST of an event", "POST", "/event", r#"{"name":"ack","number":7}"#),
    ("POST of an event, handled in a thread", "POST", "/event", r#"{"name":"work","number":7}"#),
];

/// The number of rounds, the duration of one measurement, and the text that names of measurements must contain.
struct Wanted {
    rounds: usize,
    time: Duration,
    only: Option<String>,
}

/// A running server.
struct Asked {
    process: Process,
    address: Address,
    /// Additional headers that its requests need.
    headers: String,
}

/// The results of one server in one round.
#[derive(Clone, Copy)]
struct Round {
    /// Responses per second.
    rate: f64,
    /// Median and 99th percentile of the latency in microseconds.
    middle: f64,
    late: f64,
    /// CPU time per request in microseconds.
    cost: f64,
}

fn main() -> ExitCode {
    let wanted = match wanted(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    println!("medians of {} rounds of {:?}; load before: {}", wanted.rounds, wanted.time, measure::load());
    let place = WorkDir::new();
    let mut limits = Limits::new();
    beside_bare(&place, &wanted, &mut limits);
    if wanted.only.is_none() {
        idle(&place, &mut limits);
    }
    println!("load after: {}", measure::load());
    ExitCode::from(u8::from(limits.end() > 0))
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted { rounds: 25, time: Duration::from_millis(100), only: None };
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{option}` needs a value"))?;
        let number = || value.parse::<u32>().map_err(|_| format!("`{option}` needs a number"));
        match option.as_str() {
            "--rounds" => wanted.rounds = number()? as usize,
            "--milliseconds" => wanted.time = Duration::from_millis(number()?.into()),
            "--only" => wanted.only = Some(value),
            _ => return Err(format!("no option is called `{option}`")),
        }
    }
    Ok(wanted)
}

fn beside_bare(place: &WorkDir, wanted: &Wanted, limits: &mut Limits) {
    let daemon = Daemon::start("endpoint", place);
    let socket = place.join("bare");
    let (unix, tcp) = (Bare::start(&["unix", &socket.display().to_string()]), Bare::start(&["tcp"]));
    let port = daemon.port();
    apart(&[daemon.process(), unix.process(), tcp.process()]);
    let transports = [
        ("Unix", Asked::new(daemon.process(), Address::Unix(daemon.socket()), ""), Address::Unix(socket), &unix),
        (
            "TCP",
            Asked::new(daemon.process(), Address::Tcp(port), &format!("Authorization: Bearer {}\r\n", daemon.token())),
            Address::Tcp(tcp.address.clone()),
            &tcp,
        ),
    ];
    for (transport, ours, address, bare) in transports {
        let theirs = Asked::new(bare.process(), address, "");
        for (name, method, path, body) in REQUESTS {
            for connections in [1, 32] {
                let request = (method, path, body);
                let name = format!("{transport}, {connections}: {name}");
                if wanted.only.as_ref().is_some_and(|only| !name.contains(only)) {
                    continue;
                }
                let rounds = in_turns(wanted, &ours, &theirs, request, connections);
                let [one, other] = [0, 1].map(|side| {
                    let of = |figure: fn(&Round) -> f64| {
                        median(&rounds.iter().map(|both| figure(&both[side])).collect::<Vec<_>>())
                    };
                    Round {
                        rate: of(|round| round.rate),
                        middle: of(|round| round.middle),
                        late: of(|round| round.late),
                        cost: of(|round| round.cost),
                    }
                });
                let ratio = |figure: fn(&Round) -> f64| {
                    median(&rounds.iter().map(|[ours, theirs]| figure(ours) / figure(theirs)).collect::<Vec<_>>())
                };
                limits.ratio(&name, "/s", one.rate, other.rate, ratio(|round| 1.0 / round.rate), AT_MOST);
                println!(
                    "    p50 {:.1} and {:.1} us; p99 {:.1} and {:.1} us; processor {:.1} and {:.1} us, ratio {:.2}",
                    one.middle,
                    other.middle,
                    one.late,
                    other.late,
                    one.cost,
                    other.cost,
                    ratio(|round| round.cost)
                );
            }
        }
    }
}

/// Pins the servers to one processor and this process to another, so that they never share one.
fn apart(servers: &[Process]) {
    let threads = servers.iter().flat_map(|server| server.threads());
    let places = threads.map(|thread| (0, thread.id())).chain([(1, 0)]);
    for (processor, thread) in places {
        let mut set = CpuSet::new();
        set.set(processor).expect("a small number");
        if sched_setaffinity(Pid::from_raw(thread), &set).is_err() {
            println!("one processor for all: the figures are of another kind");
            return;
        }
    }
}

impl Asked {
    fn new(process: Process, address: Address, headers: &str) -> Self {
        Self { process, address, headers: headers.to_owned() }
    }

    fn request(&self, (method, path, body): (&str, &str, &str)) -> String {
        let host = match &self.address {
            Address::Unix(_) => "localhost",
            Address::Tcp(address) => address,
        };
        let (headers, length) = (&self.headers, body.len());
        let kind = match method {
            "POST" => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
            _ => String::new(),
        };
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}{kind}\r\n{body}")
    }

    #[allow(clippy::cast_precision_loss)] // Of counts of a second.
    fn round(&self, request: (&str, &str, &str), connections: usize, time: Duration) -> Round {
        let before = cost(&[self.process]);
        let answers = load(&self.address, self.request(request).as_bytes(), connections, time);
        let used = cost(&[self.process]) - before;
        Round {
            rate: answers.rate,
            middle: percentile(&answers.times, 0.5),
            late: percentile(&answers.times, 0.99),
            cost: used.nanoseconds as f64 / 1e3 / answers.times.len() as f64,
        }
    }
}

/// Measures both servers in every round, in alternating order.
fn in_turns(
    wanted: &Wanted,
    ours: &Asked,
    theirs: &Asked,
    request: (&str, &str, &str),
    connections: usize,
) -> Vec<[Round; 2]> {
    let ask = |asked: &Asked| asked.round(request, connections, wanted.time);
    let round = |number| {
        if number % 2 == 0 {
            return [ask(ours), ask(theirs)];
        }
        let theirs = ask(theirs);
        [ask(ours), theirs]
    };
    (0..wanted.rounds).map(round).collect()
}

/// Measures an idle endpoint: one thread, 1.5 MB, and no CPU time.
#[allow(clippy::cast_precision_loss)] // Of KiB.
fn idle(place: &WorkDir, limits: &mut Limits) {
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..3 {
        for (name, rounds) in ["endpoint", "idle_daemon"].into_iter().zip(&mut rounds) {
            let daemon = Daemon::start(name, place);
            std::thread::sleep(Duration::from_millis(500));
            let before = cost(&[daemon.process()]);
            std::thread::sleep(Duration::from_secs(2));
            let turns = (cost(&[daemon.process()]) - before).turns;
            rounds.push([pss(daemon.process()) as f64 / 1024.0, threads(daemon.process()) as f64, turns as f64]);
        }
    }
    let [with, without] = rounds
        .map(|rounds| [0, 1, 2].map(|index| median(&rounds.iter().map(|round| round[index]).collect::<Vec<_>>())));
    println!("an idle daemon with the endpoint and without: {:.2} and {:.2} MiB", with[0], without[0]);
    limits.figure("memory (PSS) that the endpoint adds", "MiB", with[0] - without[0], 1.5);
    limits.figure("threads that it adds", "", with[1] - without[1], 1.0);
    limits.figure("times that it is woken in two seconds", "", with[2] - without[2], 0.0);
}
