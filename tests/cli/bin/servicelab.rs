//! A program that is a service: it listens on a port, has an endpoint, and writes its arguments to a file.

use daemon::Daemon;
use daemon::cli::{Hardening, Program, Service};
use daemon::control::Endpoint;
use daemon::settings::{Capability, Ready};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Port to listen on
    #[arg(long)]
    port: Option<u16>,
    /// File of the program's own that the key `pidfile` uses
    #[arg(long)]
    place: Option<PathBuf>,
    /// File to write the words to, each ended by a zero
    #[arg(long)]
    write: Option<PathBuf>,
    /// Secret to keep
    #[arg(long)]
    token: Option<String>,
    /// Words to write
    words: Vec<String>,
}

fn main() -> ExitCode {
    let service = Service::new().hardening(Hardening::Strict).watchdog(Duration::from_secs(20));
    let service = match std::env::var("SERVICELAB_SOCKET") {
        Ok(socket) => service.socket(socket),
        Err(_) => service,
    };
    let program = Program::new("servicelab").version("1.2.3").about("Listens, and keeps its words").service(service);
    program.main(settings, |daemon, args: Args| daemon.run(move || body(&args)))
}

fn settings(args: Args) -> Daemon {
    let daemon = Daemon::new("servicelab").pidfile(args.place).ready(Ready::Manual).attach(Endpoint::new());
    // For a port that only root may bind, and that a user of the unit or of `--run-as` gets.
    let is_privileged = args.port.is_some_and(|port| port < 1024);
    if is_privileged { daemon.capabilities([Capability::NET_BIND_SERVICE]) } else { daemon }
}

fn body(args: &Args) -> Result<(), String> {
    let listener = args.port.map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    let listener = listener.transpose().map_err(|error| format!("failed to listen: {error}"))?;
    if let Some(path) = &args.write {
        let text = args.words.iter().flat_map(|word| [word, "\0"]).collect::<String>();
        std::fs::write(path, text).map_err(|error| format!("failed to write `{}`: {error}", path.display()))?;
    }
    for (name, _) in daemon::systemd::listen_fds() {
        println!("socket {name}");
    }
    println!("serving, token {}", args.token.as_deref().unwrap_or("none"));
    daemon::ready().map_err(|error| error.to_string())?;
    while daemon::sleep(Duration::from_secs(1)) {}
    drop(listener);
    Ok(())
}
