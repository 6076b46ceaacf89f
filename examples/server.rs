//! A server that binds its socket before the fork, where errors reach the terminal, and reports itself when it is ready.
//!
//! `cargo run --example server -- start 127.0.0.1:8007`, then `nc 127.0.0.1 8007`, `-- stop`

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

#[daemon::run(ready = manual)]
fn server(listener: TcpListener) -> io::Result<()> {
    // Slow or fallible initialization belongs here: the launcher waits, prints this output, and reports an error.
    println!("serving {}", listener.local_addr()?);
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(serve));
    daemon::ready().map_err(io::Error::other)?;
    while daemon::sleep(std::time::Duration::from_secs(3600)) {}
    Ok(())
}

fn serve(mut client: TcpStream) -> io::Result<()> {
    writeln!(client, "hello from pid {}", std::process::id())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start", address] => start(address),
        ["stop"] => match server::stop() {
            Ok(stopped) => println!("{stopped}"),
            Err(error) => return error.report(),
        },
        _ => eprintln!("usage: server start ADDRESS | stop"),
    }
    ExitCode::SUCCESS
}

fn start(address: &str) {
    let listener = TcpListener::bind(address).unwrap_or_else(|error| {
        eprintln!("cannot bind {address}: {error}");
        std::process::exit(1)
    });
    match server(listener) {
        Ok(started) => started.report(),
        Err(error) => std::process::exit({
            error.report();
            error.exit_code().into()
        }),
    }
}
