//! `cached` with tokio: the same helper and client, with an `async` body and an `async` connect.

mod cache;

use anyhow::{Context, bail};
use cache::{Cache, LIMIT, key};
use daemon::on_demand::AsyncClient;
use std::env;
use std::io;
use std::process::{ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::Command;

#[daemon::run(on_demand = "10m")]
async fn cached_async() {
    let cache = Arc::new(Mutex::new(Cache::default()));
    while let Some(client) = daemon::accept().await {
        let cache = Arc::clone(&cache);
        // A client that leaves in the middle concerns its own task only.
        tokio::spawn(async move { serve(client, &cache).await });
    }
}

/// Answers one client: HIT and the output, or MISS, after which the client may bring the output.
async fn serve(client: AsyncClient, cache: &Mutex<Cache>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let key = receive(&mut client).await?;
    let known = cache.lock().expect("no thread panics").get(&key).map(<[u8]>::to_vec);
    if let Some(output) = known {
        client.write_all(b"HIT\n").await?;
        return send(&mut client, &output).await;
    }
    client.write_all(b"MISS\n").await?;
    let output = receive(&mut client).await?;
    cache.lock().expect("no thread panics").insert(key, output);
    Ok(())
}

#[daemon::init]
#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let command: Vec<String> = env::args().skip(1).collect();
    match command.first().map(String::as_str) {
        None => bail!("usage: cached_async COMMAND [ARGUMENT…] | --status | --stop"),
        Some("--status") => println!("{}", cached_async::status()?),
        Some("--stop") => println!("{}", cached_async::stop()?),
        Some(program) => return run(program, &command).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what the command prints: from the cache, or by running it.
async fn run(program: &str, command: &[String]) -> anyhow::Result<ExitCode> {
    let mut helper = BufReader::new(cached_async::connect_async().await?);
    send(&mut helper, &key(command)?).await?;
    let mut answer = String::new();
    helper.read_line(&mut answer).await?;
    if answer == "HIT\n" {
        tokio::io::stdout().write_all(&receive(&mut helper).await?).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let output = Command::new(program).args(&command[1..]).stderr(Stdio::inherit()).output().await;
    let output = output.with_context(|| format!("failed to run `{program}`"))?;
    tokio::io::stdout().write_all(&output.stdout).await?;
    // A failure is not remembered: the helper sees the end of this client instead of an output.
    if output.status.success() {
        send(&mut helper, &output.stdout).await?;
    }
    Ok(ExitCode::from(u8::try_from(output.status.code().unwrap_or(1)).unwrap_or(1)))
}

/// Sends bytes after their length.
async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(format!("{}\n", bytes.len()).as_bytes()).await?;
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Receives bytes after their length.
async fn receive(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut length = String::new();
    stream.take(20).read_line(&mut length).await?;
    let length = length.trim_end().parse().ok().filter(|length| *length <= LIMIT).ok_or(io::ErrorKind::InvalidData)?;
    let mut bytes = Vec::new();
    let count = stream.take(length).read_to_end(&mut bytes).await?;
    if count as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
