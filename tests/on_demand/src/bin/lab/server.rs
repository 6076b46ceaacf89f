//! A daemon on demand with the pidfile `agent.pid`, launched by fork: `server VERB BODY IDLE_MILLISECONDS [OPTIONS…]`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use daemon::cli::{NoArguments, Program, Service};
use daemon::control::Endpoint;
use daemon::on_demand::{Client, OnDemand};
use daemon::{Daemon, body::Work};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::resource::{Resource, setrlimit};

/// The directory in which the program was run: the daemon leaves it.
static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();

/// Long enough for any test; a test that needs it hangs.
const FOREVER: Duration = Duration::from_secs(1000);

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["read", socket] => return read_once(socket),
        ["activate", name, rest @ ..] => activate(name, rest),
        ["plain", ..] => return plain(),
        _ => {}
    }
    let [verb, body, idle, options @ ..] = arguments else {
        panic!("server VERB BODY IDLE [OPTIONS…]: {arguments:?}")
    };
    DIRECTORY.get_or_init(|| std::env::current_dir().expect("a directory"));
    let idle = Duration::from_millis(idle.parse().expect("milliseconds"));
    let daemon = prepare(OnDemand::new(idle), options);
    match *body {
        "echo" => act(verb, daemon.run(echo)),
        "pool" => act(verb, daemon.run(pool)),
        "busy" => act(verb, daemon.run(busy)),
        "held" => act(verb, daemon.run(held)),
        "passed" => act(verb, daemon.run(passed)),
        "hoard" => act(verb, daemon.run(hoard)),
        "one" => act(verb, daemon.run(|| daemon::on_demand::clients().take(1).for_each(answer))),
        "never" => act(verb, daemon.run(|| while daemon::sleep(FOREVER) {})),
        "fails" => act(verb, daemon.run(fails)),
        "async" => act(verb, daemon.run_async(serve_async)),
        _ => panic!("unknown body {body}"),
    }
}

/// Returns `true` if this program has the name of the one that installs itself as a service.
pub(crate) fn is_installable() -> bool {
    std::env::args().next().is_some_and(|program| program.ends_with("/unitagent"))
}

/// A daemon with a command line of its own, whose service has a socket.
pub(crate) fn installable() -> ExitCode {
    let service = Service::new().socket("/run/unitagent.sock");
    let settings = |_: NoArguments| Daemon::new("unitagent").attach(OnDemand::new(Duration::from_millis(500)));
    Program::new("unitagent").service(service).main(settings, |daemon, _| daemon.run(echo))
}

/// Applies the options of the command line.
fn prepare(mut on_demand: OnDemand, options: &[&str]) -> Daemon {
    let mut daemon = Daemon::new("agent").pidfile("agent.pid").log("agent.log");
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("max_queued", count) => on_demand = on_demand.max_queued(count.parse().expect("a number")),
            ("connect_timeout", time) => {
                on_demand = on_demand.connect_timeout(Duration::from_millis(time.parse().expect("a number")));
            }
            ("constraint", text) => on_demand = on_demand.constraint(text.to_owned()),
            ("close", _) => daemon = daemon.close(daemon::settings::Close::All),
            ("user", name) => daemon = daemon.user(name),
            ("chroot", path) => daemon = daemon.chroot(path),
            ("endpoint", _) => daemon = daemon.attach(endpoint()),
            ("instance", _) => daemon = daemon.attach(daemon::control::Instance::new("agent")),
            ("no_pidfile", _) => daemon = daemon.no_pidfile(),
            ("nofile", limit) => {
                let limit = limit.parse().expect("a number");
                setrlimit(Resource::RLIMIT_NOFILE, limit, limit).expect("a lower limit");
            }
            ("twice", _) => daemon = daemon.attach(on_demand.clone()),
            _ => panic!("unknown option {option}"),
        }
    }
    daemon.attach(on_demand)
}

fn act<W: Work>(verb: &str, daemon: Daemon<W>) -> ExitCode {
    let outcome = match verb {
        "start" => daemon.start().map(|started| println!("{}", started.pid)),
        "foreground" => daemon.foreground().map(drop),
        "restart" => daemon.restart().map(drop),
        _ => panic!("unknown verb {verb}"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Answers each line of each client, one client after another.
fn echo() {
    daemon::on_demand::clients().for_each(answer);
}

fn answer(client: daemon::Result<Client>) {
    let mut client = client.expect("a daemon on demand");
    // A daemon at its limit of descriptors has none for a clone.
    let Ok(clone) = client.try_clone() else { return };
    let mut reader = BufReader::new(clone);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|count| count > 0) {
        let reply = match line.strip_prefix('!') {
            Some(command) => run(command),
            None if line == "restart\n" => match daemon::restart() {
                Ok(()) => "restarts\n".to_owned(),
                Err(error) => format!("{error}\n"),
            },
            None => format!("{} {line}", client.peer().uid),
        };
        if client.write_all(reply.as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

/// Runs a program, and returns its output as one line.
fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().expect("a program")).args(words).output().expect("a program");
    format!("{}\n", String::from_utf8_lossy(&output.stdout).replace('\n', "|"))
}

/// Serves clients in three threads.
fn pool() {
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(echo);
        }
    });
}

/// Takes a client, and works on after it until the file `done` exists.
fn busy() {
    for client in daemon::on_demand::clients() {
        let guard = daemon::on_demand::busy();
        answer(client);
        while !exists("done") && !daemon::stopping() {
            thread::sleep(Duration::from_millis(5));
        }
        drop(guard);
    }
}

/// Opens files until none is left, and serves only after the file `go` exists.
fn hoard() {
    let files: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
    let clients = daemon::on_demand::clients();
    daemon::ready().expect("a launcher");
    while !exists("go") {
        thread::sleep(Duration::from_millis(5));
    }
    drop(files);
    clients.for_each(answer);
}

/// Serves only after the file `go` exists.
fn held() {
    let mut clients = daemon::on_demand::clients();
    let first = clients.next();
    fs::write(DIRECTORY.get().expect("it is set").join("taken"), "").expect("a file");
    while !exists("go") {
        thread::sleep(Duration::from_millis(5));
    }
    first.into_iter().for_each(answer);
    clients.for_each(answer);
}

/// An endpoint with an event that takes longer than the idle time of the tests.
fn endpoint() -> Endpoint {
    Endpoint::new().on("slow", |_| thread::sleep(Duration::from_secs(1)))
}

/// Notes the names of the sockets that were passed to the body.
fn passed() {
    let names: Vec<String> = daemon::systemd::listen_fds().into_iter().map(|(name, _)| name).collect();
    fs::write(DIRECTORY.get().expect("it is set").join("passed"), names.join(" ")).expect("a file");
    echo();
}

/// Executes this helper as systemd does, with a listening socket of this name.
fn activate(name: &str, arguments: &[&str]) -> ! {
    let socket = UnixListener::bind("passed.sock").expect("a socket");
    fcntl(&socket, FcntlArg::F_SETFD(FdFlag::empty())).expect("an open descriptor");
    let named = if name.is_empty() { String::new() } else { format!("LISTEN_FDNAMES={name}") };
    let script =
        format!("exec 3<&{}; export LISTEN_PID=$$ LISTEN_FDS=1 {named}; exec \"$0\" server \"$@\"", socket.as_raw_fd());
    let program = std::env::current_exe().expect("a program");
    panic!("{}", Command::new("bash").arg("-c").arg(script).arg(program).args(arguments).exec());
}

/// Connects to a socket of the daemon, and tells if it sends something.
fn read_once(socket: &str) -> ExitCode {
    let mut line = String::new();
    let stream = UnixStream::connect(socket).expect("a listener");
    match BufReader::new(stream).read_line(&mut line) {
        Ok(0) | Err(_) => println!("ends without a line"),
        Ok(_) => println!("{line}"),
    }
    ExitCode::SUCCESS
}

/// Asks for clients in a process that is not a daemon.
fn plain() -> ExitCode {
    let mut clients = daemon::on_demand::clients();
    let Some(Err(error)) = clients.next() else { panic!("no error") };
    assert!(clients.next().is_none());
    eprintln!("{error}");
    ExitCode::from(error.exit_code())
}

/// Returns `true` if the test has written this file.
fn exists(name: &str) -> bool {
    DIRECTORY.get().expect("it is set").join(name).exists()
}

fn fails() -> Result<(), String> {
    while !exists("go") {
        thread::sleep(Duration::from_millis(5));
    }
    Err("no cache directory".to_owned())
}

async fn serve_async() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
    while let Some(mut client) = daemon::on_demand::accept().await {
        tokio::spawn(async move {
            let mut line = String::new();
            while tokio::io::BufReader::new(&mut client).read_line(&mut line).await.is_ok_and(|count| count > 0) {
                let reply = format!("{} {line}", client.peer().uid);
                if client.write_all(reply.as_bytes()).await.is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
}
