//! The program of the guide's page about the command line.

use std::net::TcpListener;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

#[daemon::run(cli)]
fn main(args: Args) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", args.port))?;
    println!("listening on port {}", args.port);
    while daemon::sleep(Duration::from_secs(60)) {}
    drop(listener);
    Ok(())
}
