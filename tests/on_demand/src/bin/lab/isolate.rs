//! Daemons that show what they have of the process that starts them, and where they are: `isolate VERB ARGUMENTS…`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use daemon::body::Work;
use daemon::exec::{Environment, ExecDaemon, Isolation};
use daemon::on_demand::{AsyncFdPassing, FdPassing, OnDemand, clients, connect, connect_async};
use daemon::{Daemon, Result, Started};
use nix::sys::prctl;

/// The longest time for which a daemon runs that no test stops: its environment may not say to which test it belongs.
const LIFETIME: Duration = Duration::from_secs(60);

/// The number of descriptors that a client may lend with one request.
const MAX_LENT: usize = 2;

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["start", pidfile, options @ ..] => start(pidfile, options),
        ["odd", rest @ ..] => {
            become_odd();
            main(rest)
        }
        ["unit"] => report(agent(None).foreground().map(drop)),
        ["connect", rest @ ..] => report(ask(&Agent::parse(rest), 1)),
        ["lend", count, rest @ ..] => report(ask(&Agent::parse(rest), count.parse().expect("a number"))),
        ["lend_async", rest @ ..] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            report(runtime.block_on(ask_async(&Agent::parse(rest))))
        }
        _ => panic!("isolate VERB ARGUMENTS…: {arguments:?}"),
    }
}

fn report(outcome: Result<()>) -> ExitCode {
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

fn sleeper(pidfile: PathBuf) -> Daemon<impl Work> {
    Daemon::new("isolated").pidfile(pidfile).run(|| {
        daemon::sleep(LIFETIME);
    })
}

/// Starts a daemon by exec: `start PIDFILE [reset] [clean | names=A,B]`.
fn start(pidfile: &str, options: &[&str]) -> ExitCode {
    let outcome = prepare(pidfile, options).and_then(|daemon| daemon.start());
    report(outcome.map(|started| {
        println!("started {}", started.pid);
        started.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    }))
}

fn prepare(pidfile: &str, options: &[&str]) -> Result<ExecDaemon> {
    let mut daemon = daemon::exec::exec!(sleeper(pidfile.into()))?;
    for option in options {
        daemon = match option.split_once('=').unwrap_or((option, "")) {
            ("reset", _) => daemon.isolation(Isolation::Reset),
            ("clean", _) => daemon.environment(Environment::Clean),
            ("names", names) => daemon.environment(Environment::Names(names.split(',').map(str::to_owned).collect())),
            _ => panic!("unknown option {option}"),
        };
    }
    Ok(daemon)
}

/// Sets attributes of this process that no command line tool sets.
fn become_odd() {
    prctl::set_timerslack(7_000_000).expect("a timer slack");
    prctl::set_thp_disable(true).expect("no huge pages");
}

/// The daemon on demand `place`, with the default pidfile unless another is given.
struct Agent {
    pidfile: Option<PathBuf>,
}

impl Agent {
    fn parse(arguments: &[&str]) -> Agent {
        Agent { pidfile: arguments.first().map(PathBuf::from) }
    }

    fn settings(&self) -> Daemon {
        let daemon = Daemon::new("place");
        match &self.pidfile {
            Some(pidfile) => daemon.pidfile(pidfile.clone()),
            None => daemon,
        }
    }

    fn start(&self, deadline: Instant) -> Result<Started> {
        let daemon = daemon::exec::exec!(agent(self.pidfile.clone()))?;
        // The mark of the lab, by which a test finds the daemon.
        let daemon = daemon.environment(Environment::Names(vec!["LOOK_LAB".to_owned()]));
        daemon.isolation(Isolation::Reset).start_until(deadline)
    }
}

fn on_demand() -> OnDemand {
    OnDemand::new(LIFETIME).connect_timeout(Duration::from_secs(20))
}

fn agent(pidfile: Option<PathBuf>) -> Daemon<impl Work> {
    let daemon = Agent { pidfile }.settings().attach(on_demand());
    daemon.run(|| {
        for client in clients() {
            let mut client = client.expect("a daemon on demand");
            let mut request = [0; 64];
            match client.recv_fds(&mut request, MAX_LENT) {
                Ok((_, lent)) => {
                    let count = lent.len();
                    lent.into_iter().for_each(print);
                    let _ = writeln!(client, "{} {count}", std::process::id());
                }
                Err(error) => drop(writeln!(client, "{error}")),
            }
        }
    })
}

fn print(stdout: OwnedFd) {
    let _ = writeln!(File::from(stdout), "printed by {}", std::process::id());
}

/// Connects, lends stdout `count` times, and prints the answer.
fn ask(agent: &Agent, count: usize) -> Result<()> {
    let connection = connect(&agent.settings(), &on_demand(), |deadline| agent.start(deadline))?;
    let stdout = std::io::stdout();
    let lent: Vec<BorrowedFd<'_>> = (0..count).map(|_| stdout.as_fd()).collect();
    connection.send_fds(b"print\n", &lent).expect("a daemon that listens");
    let mut answer = String::new();
    BufReader::new(&connection).read_line(&mut answer).expect("an answer");
    print!("served {answer}");
    Ok(())
}

async fn ask_async(agent: &Agent) -> Result<()> {
    let pidfile = agent.pidfile.clone();
    let start = move |deadline| Agent { pidfile: pidfile.clone() }.start(deadline);
    let connection = connect_async(&agent.settings(), &on_demand(), start).await?;
    let stdout = std::io::stdout();
    connection.send_fds(b"print\n", &[stdout.as_fd()]).await.expect("a daemon that listens");
    let (mut answer, mut lent) = (vec![0; 64], 0);
    while !answer[..lent].ends_with(b"\n") {
        let (length, fds) = connection.recv_fds(&mut answer[lent..], 0).await.expect("an answer");
        assert!(length > 0 && fds.is_empty(), "no answer");
        lent += length;
    }
    print!("served {}", String::from_utf8_lossy(&answer[..lent]));
    Ok(())
}
