//! A helper of a command line, as compilers' caches have one: it remembers what commands have printed.
//!
//! ```console
//! $ cached cc -E hello.c        # runs the compiler, and remembers what it prints
//! $ cached cc -E hello.c        # prints that again, until `hello.c` changes
//! $ cached --stop
//! ```
//!
//! The program is its own helper: the first call starts it, and it exits when no call has come for ten minutes. `cached_async` is the same
//! with tokio.

mod cache;

use anyhow::{Context, bail};
use cache::{Cache, LIMIT, key};
use daemon::on_demand::Client;
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

#[daemon::run(on_demand = "10m")]
fn cached() -> daemon::Result<()> {
    let cache = Arc::new(Mutex::new(Cache::default()));
    for client in daemon::clients() {
        let (client, cache) = (client?, Arc::clone(&cache));
        // A client that leaves in the middle concerns its own thread only.
        thread::spawn(move || serve(client, &cache));
    }
    Ok(())
}

/// Answers one client: HIT and the output, or MISS, after which the client may bring the output.
fn serve(client: Client, cache: &Mutex<Cache>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let key = receive(&mut client)?;
    let known = cache.lock().expect("no thread panics").get(&key).map(<[u8]>::to_vec);
    if let Some(output) = known {
        client.get_mut().write_all(b"HIT\n")?;
        return send(client.get_mut(), &output);
    }
    client.get_mut().write_all(b"MISS\n")?;
    let output = receive(&mut client)?;
    cache.lock().expect("no thread panics").insert(key, output);
    Ok(())
}

fn main() -> anyhow::Result<ExitCode> {
    daemon::init();
    let command: Vec<String> = env::args().skip(1).collect();
    match command.first().map(String::as_str) {
        None => bail!("usage: cached COMMAND [ARGUMENT…] | --status | --stop"),
        Some("--status") => println!("{}", cached::status()?),
        Some("--stop") => println!("{}", cached::stop()?),
        Some(program) => return run(program, &command),
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what the command prints: from the cache, or by running it.
fn run(program: &str, command: &[String]) -> anyhow::Result<ExitCode> {
    let mut helper = BufReader::new(cached::connect()?);
    send(helper.get_mut(), &key(command)?)?;
    let mut answer = String::new();
    helper.read_line(&mut answer)?;
    if answer == "HIT\n" {
        io::stdout().write_all(&receive(&mut helper)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = Command::new(program).args(&command[1..]).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("failed to run `{program}`"))?;
    io::stdout().write_all(&output.stdout)?;
    // A failure is not remembered: the helper sees the end of this client instead of an output.
    if output.status.success() {
        send(helper.get_mut(), &output.stdout)?;
    }
    Ok(ExitCode::from(u8::try_from(output.status.code().unwrap_or(1)).unwrap_or(1)))
}

/// Sends bytes after their length.
fn send(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    writeln!(stream, "{}", bytes.len())?;
    stream.write_all(bytes)
}

/// Receives bytes after their length.
fn receive(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut length = String::new();
    stream.take(20).read_line(&mut length)?;
    let length = length.trim_end().parse().ok().filter(|length| *length <= LIMIT).ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = Vec::new();
    if stream.take(length).read_to_end(&mut bytes)? as u64 == length {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
