//! The cost of a check by a request, beside a bare loop of the same client.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use look::Process;
use measure::{Limits, WorkDir, cost, median};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::starts::Starts;

/// The bots, and the milliseconds from one check of each to the next: a thousand checks in a second.
const BOTS: u64 = 200;
const EVERY: u64 = 200;

/// How long is measured.
const WINDOW: Duration = Duration::from_secs(4);

/// The limit for the ratio.
const AT_MOST: f64 = 2.0;

/// Measures both in turns, and compares the medians.
pub(crate) fn checks(bot: &Path, rounds: usize, limits: &mut Limits) {
    let server = Server::start();
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        ours.push(measured(&server, |command, starts| {
            command.arg("ours").arg(bot).arg(starts.path()).args([BOTS, EVERY].map(|number| number.to_string()));
        }));
        bare.push(measured(&server, |command, _| {
            command.arg("bare").args([BOTS, EVERY].map(|number| number.to_string()));
        }));
    }
    let (ours, bare) = (median(&ours), median(&bare));
    println!("checks of {BOTS} bots every {EVERY} ms");
    limits.ratio("    processor time of a check", "us", ours, bare, ours / bare, AT_MOST);
}

/// Runs a program that makes checks, and returns the microseconds of the processor that each takes it.
#[allow(clippy::cast_precision_loss)] // Of small counts.
fn measured(server: &Server, arguments: impl Fn(&mut Command, &Starts)) -> f64 {
    let work_dir = WorkDir::new();
    let starts = Starts::new(work_dir.join("starts"));
    let program = std::env::current_exe().expect("a path").with_file_name("check_loop");
    let mut command = Command::new(program);
    arguments(&mut command, &starts);
    command.arg(server.port.to_string()).current_dir(work_dir.path()).process_group(0);
    let mut child = command.stdout(Stdio::null()).spawn().expect("the program `check_loop`");
    server.wait_for(BOTS * 2);
    let process = Process::new(child.id().try_into().expect("a pid"));
    let (before, answered) = (cost(&[process]), server.served());
    thread::sleep(WINDOW);
    let (spent, checks) = (cost(&[process]) - before, server.served() - answered);
    end(&mut child);
    assert!(checks > BOTS, "there were only {checks} checks");
    spent.nanoseconds as f64 / 1000.0 / checks as f64
}

/// Has a program end in order, so that it leaves no bot.
fn end(child: &mut Child) {
    let _ = kill(Pid::from_raw(child.id().try_into().expect("a pid")), Signal::SIGTERM);
    child.wait().expect("a status");
}

/// A server that answers each request with "ok".
struct Server {
    port: u16,
    served: Arc<AtomicU64>,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = Arc::<AtomicU64>::default();
        let count = Arc::clone(&served);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if answer(stream).is_ok() {
                    count.fetch_add(1, Relaxed);
                }
            }
        });
        Server { port, served }
    }

    fn served(&self) -> u64 {
        self.served.load(Relaxed)
    }

    /// Waits for this number of requests.
    fn wait_for(&self, more: u64) {
        let (wanted, deadline) = (self.served() + more, Instant::now() + Duration::from_secs(60));
        while self.served() < wanted {
            assert!(Instant::now() < deadline, "no checks");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Answers a request, which comes in one piece.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let length = stream.read(&mut [0; 1024])?;
    assert!(length > 0, "a connection without a request");
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
}
