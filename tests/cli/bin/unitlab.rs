//! A program that installs itself as a service with every restriction, and keeps its pidfile, endpoint, log, watchdog and a port below 1024.

use clap::Parser;
use daemon::cli::{Hardening, Program, Service};
use daemon::control::Endpoint;
use daemon::settings::{Capability, Ready};
use daemon::{Daemon, Signal};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// While this file exists, a reload fails.
const BAD_CONFIGURATION: &str = "/etc/unitlab.bad";

#[derive(Parser)]
struct Args {
    /// Port to listen on
    #[arg(long)]
    port: Option<u16>,
}

fn main() -> ExitCode {
    let service = Service::new().hardening(Hardening::Strict).watchdog(Duration::from_secs(1));
    Program::new("unitlab")
        .about("Listens")
        .service(service)
        .main(settings, |daemon, args: Args| daemon.run(move || body(&args)))
}

fn settings(_: Args) -> Daemon {
    let daemon = Daemon::new("unitlab").ready(Ready::Manual).attach(Endpoint::new()).handle(Signal::SIGHUP, reload);
    if nix::unistd::geteuid().is_root() {
        return daemon.user("ada").capabilities([Capability::NET_BIND_SERVICE]);
    }
    daemon
}

fn reload() -> Result<(), String> {
    if Path::new(BAD_CONFIGURATION).exists() {
        return Err(format!("failed to read `{BAD_CONFIGURATION}`: line 7 is not understood"));
    }
    println!("configuration read");
    Ok(())
}

fn body(args: &Args) -> Result<(), String> {
    let address = args.port.map(|port| (Ipv4Addr::LOCALHOST, port));
    let listener = address.map(TcpListener::bind).transpose().map_err(|error| format!("failed to listen: {error}"))?;
    println!("listening at {:?}", listener.as_ref().map(TcpListener::local_addr));
    daemon::ready().map_err(|error| error.to_string())?;
    while daemon::sleep(Duration::from_millis(100)) {}
    Ok(())
}
