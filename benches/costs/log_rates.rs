//! Measures bounded logs and logs with timestamps: how far a file exceeds its maximum size, and the time of a line.
//! The figures of `docs/guide/logging.md` are from here:
//!
//! ```text
//! cargo run --release -p daemonic-costs --bin log_rates [ROUNDS]
//! ```
//!
//! The logs are in memory (`/dev/shm`). Ratios are medians of the ratios of each round; times differ by machine and load.

use daemon::Daemon;
use daemon::settings::Log;
use std::error::Error;
use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

const MIB: u64 = 1 << 20;
const LINE: usize = 100;
/// Lines of one round.
const LINES: usize = 300_000;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [directory, kind, work, size] = &arguments[..] {
        return start(Path::new(directory), kind, work, size.parse()?);
    }
    let rounds: usize = arguments.first().map_or(Ok(11), |rounds| rounds.parse())?;
    let directory = PathBuf::from(format!("/dev/shm/log-rates-{}", std::process::id()));
    overshoot(&directory)?;
    price(&directory, rounds)
}

/// Starts the daemon that prints.
fn start(directory: &Path, kind: &str, work: &str, size: u64) -> Outcome<()> {
    let log = Log::new().path(directory.join("x.log")).keep(900);
    let log = match kind {
        "plain" => log,
        "bounded" => log.max_size(size),
        "timestamps" => log.timestamps(true),
        _ => log.max_size(size).timestamps(true),
    };
    let (work, done) = (work.to_owned(), directory.join("done"));
    let body = move || {
        let begin = Instant::now();
        print(&work);
        let wall = begin.elapsed().as_nanos();
        let _ = fs::write(&done, format!("{wall} {}\n", processor_time()));
        while !daemon::stopping() {
            daemon::sleep(Duration::from_secs(60));
        }
    };
    Daemon::new("log-rates").pidfile(directory.join("d.pid")).log(log).run(body).start()?;
    Ok(())
}

/// Prints `LINES` lines of 100 bytes, or what `RATE:SECONDS` says in MB/s, or a slow second followed by a burst.
fn print(work: &str) {
    match work.split_once(':') {
        Some((rate, seconds)) => print_at(rate.parse().unwrap_or(1), seconds.parse().unwrap_or(1.0)),
        None if work == "burst" => {
            for _ in 0..30 {
                print_piece(LINE);
                sleep(Duration::from_millis(30));
            }
            print_at(1000, 0.2);
        }
        None => (0..LINES).for_each(|_| print_piece(LINE)),
    }
}

/// Prints at a rate in MB/s, in pieces of the bytes of a tenth of a millisecond, at most 64 KiB.
#[allow(clippy::cast_precision_loss)]
fn print_at(rate: u64, seconds: f64) {
    let piece = usize::try_from(rate * 100).unwrap_or(LINE).clamp(LINE, 65_536);
    let (begin, mut printed) = (Instant::now(), 0_u64);
    while begin.elapsed().as_secs_f64() < seconds {
        print_piece(piece);
        printed += piece as u64;
        let due = Duration::from_secs_f64(printed as f64 / (rate * 1_000_000) as f64);
        let early = due.saturating_sub(begin.elapsed());
        if early > Duration::from_micros(200) {
            sleep(early);
        }
    }
}

fn print_piece(length: usize) {
    static PIECE: [u8; 65_536] = {
        let mut piece = [b'x'; 65_536];
        let mut end = LINE - 1;
        while end < piece.len() {
            piece[end] = b'\n';
            end += LINE;
        }
        piece
    };
    let _ = stdout().lock().write_all(&PIECE[..length / LINE * LINE]);
}

/// Returns the processor time of all threads of this process, in nanoseconds.
fn processor_time() -> u64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let times = threads.filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok());
    times.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum()
}

/// Runs a daemon until its body has printed all. Returns the nanoseconds that took, those of the processor, and the sizes of the
/// files.
fn run(directory: &Path, kind: &str, work: &str, size: u64) -> Outcome<([u64; 2], Vec<u64>)> {
    begin(directory, kind, work, size)?;
    let text = loop {
        match fs::read_to_string(directory.join("done")) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => sleep(Duration::from_millis(5)),
        }
    };
    let (wall, processor) = text.trim_end().split_once(' ').ok_or("two times")?;
    let times = [wall.parse()?, processor.parse()?];
    Daemon::new("log-rates").pidfile(directory.join("d.pid")).stop()?;
    let sizes = log_sizes(directory)?;
    fs::remove_dir_all(directory)?;
    Ok((times, sizes))
}

fn begin(directory: &Path, kind: &str, work: &str, size: u64) -> Outcome<()> {
    fs::create_dir(directory)?;
    let this = std::env::current_exe()?;
    let status = Command::new(this).arg(directory).args([kind, work, &size.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err("the daemon did not start".into()) }
}

fn log_sizes(directory: &Path) -> Outcome<Vec<u64>> {
    let mut sizes = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("x.log.") {
            sizes.push(entry.metadata()?.len());
        }
    }
    sizes.sort_unstable();
    Ok(sizes)
}

fn overshoot(directory: &Path) -> Outcome<()> {
    println!("overshoot of a bounded log in KiB: median, largest (rotations)");
    for (work, size) in
        [("1:6", MIB / 2), ("1:12", 2 * MIB), ("100:2", 10 * MIB), ("1000:2", 10 * MIB), ("burst", 10 * MIB)]
    {
        let (_, sizes) = run(directory, "bounded", work, size)?;
        let over: Vec<u64> = sizes.iter().map(|found| found.saturating_sub(size) / 1024).collect();
        let (median, largest) = (over.get(over.len() / 2).unwrap_or(&0), over.last().unwrap_or(&0));
        println!("  {work:>7} MB/s:s, maximum {:>5} KiB: {median}, {largest} ({})", size / 1024, over.len());
    }
    Ok(())
}

/// Compares the time of a line between kinds of logs.
#[allow(clippy::cast_precision_loss)]
fn price(directory: &Path, rounds: usize) -> Outcome<()> {
    let kinds = ["plain", "bounded", "timestamps", "both"];
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        for (index, kind) in kinds.iter().enumerate() {
            times[index].push(run(directory, kind, "lines", 10 * MIB)?.0);
        }
    }
    for (of, name) in ["until write(2) has returned", "of the processor, all threads"].iter().enumerate() {
        println!("a line of {LINE} bytes, {name}: ns (ratio to the plain file)");
        for (index, kind) in kinds.iter().enumerate() {
            let pairs = times[index].iter().zip(&times[0]);
            let mut ratios: Vec<f64> = pairs.map(|(time, plain)| time[of] as f64 / plain[of] as f64).collect();
            ratios.sort_by(f64::total_cmp);
            let mut sorted: Vec<u64> = times[index].iter().map(|time| time[of]).collect();
            sorted.sort_unstable();
            let nanoseconds = sorted[sorted.len() / 2] / LINES as u64;
            println!("  {kind}: {nanoseconds} ({:.2})", ratios[ratios.len() / 2]);
        }
    }
    Ok(())
}
