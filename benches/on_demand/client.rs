//! A daemon on demand and its client, and the same by hand: `on_demand_client PART DIRECTORY [COUNT]` prints the nanoseconds of what it
//! was told to do.
//!
//! Two servers by hand run in one process. The one at `handing` does a daemon's work: a thread accepts and greets, and passes each client
//! to another thread, so that a body that works does not look dead. The one at `bare` does without, as a server that serves one client
//! after another. Neither checks the user of its clients. Both have the nice value 0, to which a launch by exec resets that of the daemon,
//! and a session of their own, with which the kernel shares out the time of a busy machine (`sched(7)`, autogroup).

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The length of a greeting by hand, which is about that of the library's.
const GREETING: &str =
    "bare/1 name=bench pid=4711 build=0123456789abcdef0123456789abcdef01234567 protocol=1 version=0.1.0 state=ready\n";

/// The interval at which a client by hand tries again while its daemon starts.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

static DIRECTORY: OnceLock<String> = OnceLock::new();

fn pidfile() -> String {
    format!("{}/bench.pid", DIRECTORY.get().map_or("", String::as_str))
}

#[daemon::run(on_demand = "10m", pidfile = pidfile(), environment = ["BENCH_DIRECTORY"])]
fn bench() -> daemon::Result<()> {
    for client in daemon::clients() {
        drop(client?);
    }
    Ok(())
}

fn main() -> Result<()> {
    if let Ok(directory) = env::var("BENCH_DIRECTORY") {
        let _ = DIRECTORY.set(directory);
    }
    daemon::init();
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [part, directory, ..] = arguments.as_slice() else { return Err("PART DIRECTORY [COUNT]".into()) };
    let count = arguments.get(2).map_or(Ok(1), |count| count.parse())?;
    let (socket, handing) = (format!("{directory}/bare"), format!("{directory}/handing"));
    match part.as_str() {
        "connect" => timed(count, || bench::connect().map(drop)),
        "start" => timed(1, || bench::start().map(drop)),
        "stop" => Ok(bench::stop().map(drop)?),
        "bare-serve" => serve_all(&socket, &handing),
        "bare-connect" => timed(count, || greeted(&socket).map(drop)),
        "handing-connect" => timed(count, || greeted(&handing).map(drop)),
        "polling-connect" => timed(1, || connect_by_polling(directory, &socket)),
        "bare-stop" => stop(&socket),
        _ => Err(format!("no part is called `{part}`").into()),
    }
}

/// Prints how many nanoseconds one of `count` calls takes.
fn timed<E: Into<Box<dyn Error>>>(count: u32, mut call: impl FnMut() -> std::result::Result<(), E>) -> Result<()> {
    let start = Instant::now();
    for _ in 0..count {
        call().map_err(Into::into)?;
    }
    println!("{}", start.elapsed().as_nanos() / u128::from(count));
    Ok(())
}

/// Runs both servers by hand, in a session of their own with the nice value 0, as a daemon.
fn serve_all(socket: &str, handing: &str) -> Result<()> {
    nix::unistd::setsid()?;
    daemonize_sys::attributes::reset_scheduling()?;
    for path in [socket, handing] {
        let _ = fs::remove_file(path);
    }
    let listener = UnixListener::bind(handing)?;
    thread::spawn(move || serve_by_two_threads(&listener));
    serve(&UnixListener::bind(socket)?)
}

/// Greets each client, and passes it to a thread that closes its connection, as the daemon's body here does.
fn serve_by_two_threads(listener: &UnixListener) {
    let (queue, clients) = mpsc::channel::<UnixStream>();
    thread::spawn(move || clients.into_iter().for_each(drop));
    for mut client in listener.incoming().flatten() {
        if client.write_all(GREETING.as_bytes()).is_ok() {
            let _ = queue.send(client);
        }
    }
}

/// Serves one client after another, and ends when a client says so.
fn serve(listener: &UnixListener) -> Result<()> {
    for client in listener.incoming() {
        let mut client = client?;
        client.write_all(GREETING.as_bytes())?;
        // The clients that are measured send nothing.
        let mut first = [0];
        if client.read(&mut first)? == 1 {
            break;
        }
    }
    Ok(())
}

/// Connects and reads the greeting.
fn greeted(socket: &str) -> std::io::Result<UnixStream> {
    let client = UnixStream::connect(socket)?;
    let mut line = String::new();
    BufReader::with_capacity(256, &client).read_line(&mut line)?;
    Ok(client)
}

fn stop(socket: &str) -> Result<()> {
    let mut client = greeted(socket)?;
    client.write_all(b"x")?;
    // Returns when the server has ended.
    client.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Starts this program again as the server if it is not there, and polls until it answers.
fn connect_by_polling(directory: &str, socket: &str) -> Result<()> {
    if greeted(socket).is_ok() {
        return Ok(());
    }
    let mut command = Command::new(env::current_exe()?);
    command.args(["bare-serve", directory]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = command.spawn()?;
    while greeted(socket).is_err() {
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
