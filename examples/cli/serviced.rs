//! A program that is a service: `serviced start --port 9000`, `status`, `logs`, `restart`, `stop`, `service install`, and the others of `serviced help`.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use daemon::Daemon;
use daemon::control::Endpoint;
use daemon::settings::Ready;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Greets every HTTP client.
#[derive(Parser)]
struct Args {
    #[arg(default_value = "run")]
    verb: String,
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let daemon = Daemon::new("serviced").ready(Ready::Manual).attach(Endpoint::new());
    match &*args.verb {
        "run" => daemon.run_async(move || serve(args)).foreground()?,
        "status" => std::process::exit(daemon.status()?.exit_code().into()),
        other => anyhow::bail!("{other}"),
    };
    Ok(())
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let address = (Ipv4Addr::UNSPECIFIED, args.port);
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("failed to listen on port {}", args.port))?;
    println!("serving port {}", args.port);
    daemon::ready()?;
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => drop(tokio::spawn(timeout(Duration::from_secs(5), greet(client)))),
            goes_on = daemon::sleep_async(Duration::from_secs(1)) => if !goes_on { return Ok(()) },
        }
    }
}

async fn greet(mut client: TcpStream) -> std::io::Result<()> {
    let _request = client.read(&mut [0; 1024]).await?;
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n").await
}
