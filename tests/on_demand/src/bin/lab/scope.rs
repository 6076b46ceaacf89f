//! Daemons that leave the scope of a session: `scope VERB PIDFILE`.

use std::fs;
use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::time::Duration;

use daemon::body::Work;
use daemon::scope::Scope;
use daemon::{Daemon, Result};

/// The longest time for which a daemon runs that no test stops.
const LIFETIME: Duration = Duration::from_secs(60);

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    let outcome = match arguments {
        ["start", pidfile] => start(settings(pidfile).attach(Scope::new()).run(sleep)),
        ["start_in_session", pidfile] => start(settings(pidfile).run(sleep)),
        ["connect"] => agent::connect().map(|connection| println!("started {}", connection.greeting().pid)),
        ["run", pidfile] => settings(pidfile).attach(Scope::new()).run(print_cgroup).foreground().map(drop),
        ["status", pidfile] => settings(pidfile).run(sleep).status().map(|status| {
            println!("{}", status.warning.unwrap_or_default());
        }),
        ["mute_bus", path] => serve(path, |_| ()),
        ["flooding_bus", path] => serve(path, flood),
        _ => panic!("scope VERB PIDFILE: {arguments:?}"),
    };
    outcome.map_or_else(|error| error.report(), |()| ExitCode::SUCCESS)
}

/// A daemon on demand has a scope by default, and is launched by exec.
#[daemon::run(on_demand = "1m", name = "my-agent")]
fn agent() -> Result<()> {
    daemon::clients().try_for_each(|client| client.map(drop))
}

fn settings(pidfile: &str) -> Daemon {
    Daemon::new("my-agent").pidfile(pidfile)
}

fn sleep() {
    daemon::sleep(LIFETIME);
}

fn print_cgroup() {
    let text = fs::read_to_string("/proc/self/cgroup").expect("cgroups");
    println!("{}", text.lines().last().expect("a line"));
}

fn start(daemon: Daemon<impl Work>) -> Result<()> {
    let started = daemon.start()?;
    println!("started {}", started.pid);
    io::stderr().write_all(&started.errors).expect("stderr");
    started.warnings.iter().for_each(|warning| println!("the start warns: {warning}"));
    Ok(())
}

/// Replaces a bus by one that accepts its clients, and treats each of them in this way.
fn serve(path: &str, treat: impl Fn(&mut UnixStream)) -> ! {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path).expect("a socket");
    // The caller waits for this.
    println!("serves");
    let mut clients = Vec::new();
    loop {
        let (mut client, _) = listener.accept().expect("a client");
        treat(&mut client);
        // Open, but without an answer.
        clients.push(client);
    }
}

/// Sends a line without an end, as long as the client reads.
fn flood(client: &mut UnixStream) {
    while client.write_all(&[b'A'; 4096]).is_ok() {}
}
