//! Daemons by attribute, launched by exec and on demand: `attribute VERB`.
//!
//! The keys find the lab's directory by the variable that marks its processes, so it is in `environment`.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, thread};

use daemon::on_demand::{AsyncConnection, Client, Connection};
use daemon::settings::EndsWith;
use serde::{Deserialize, Serialize, Serializer, ser};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    let outcome = match arguments {
        ["connect"] => agent::connect().map(|stream| println!("{}", ask(stream))),
        ["connect-async"] => on_threads(async {
            println!("{}", ask_async(agent::connect_async().await?).await);
            Ok(())
        }),
        ["connect-async-to-async"] => on_threads(async {
            println!("{}", ask_async(later::connect_async("good day,").await?).await);
            Ok(())
        }),
        ["stop"] => later::stop().and_then(|_| agent::stop()).map(|stopped| println!("{stopped}")),
        ["arguments"] => in_a_thread(|| {
            let settings = Settings { hosts: vec!["a".to_owned()], limit: Some(3) };
            borrowing("caf\u{e9}", &[1, 2], &settings, Path::new("/srv"), settings.clone(), &mut 7)
        }),
        ["step"] => in_a_thread(|| ticking(&mut 10, "tick", 3)),
        ["message"] => in_a_thread(handling::start),
        ["same-name"] => in_a_thread(|| first_of_a_name().and_then(|_| second_of_a_name())),
        ["unencodable"] => in_a_thread(|| unencodable(&Vault)),
        ["bound"] => in_a_thread(|| {
            let started = bound()?;
            // Long enough for the end of a daemon that has taken its launcher for the process that starts it.
            let is_over = look::death(started.pid.as_raw(), look::Deadline::after(Duration::from_millis(300))).is_ok();
            println!("{}", if is_over { "it has ended" } else { "it runs" });
            Ok(started)
        }),
        ["bound-to-grandparent"] => in_a_thread(bound_to_grandparent),
        ["forgetful"] => in_a_thread(forgetful::start),
        _ => panic!("attribute VERB: {arguments:?}"),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

#[daemon::run(on_demand = "10m", pidfile = look::in_lab("agent.pid"), environment = ["LOOK_LAB"])]
fn agent() -> daemon::Result<()> {
    for client in daemon::clients() {
        serve(client?)?;
    }
    Ok(())
}

/// Answers a line with the daemon's pid and the line.
#[allow(clippy::unnecessary_wraps, reason = "so that the body is that of the documentation")]
fn serve(mut client: Client) -> daemon::Result<()> {
    let mut line = String::new();
    let answered = BufReader::new(&mut client)
        .read_line(&mut line)
        .and_then(|_| client.write_all(format!("{} {line}", std::process::id()).as_bytes()));
    // A client that has gone is none of the others' business.
    drop(answered);
    Ok(())
}

fn ask(mut stream: Connection) -> String {
    let mut answer = String::new();
    stream.write_all(b"hello\n").and_then(|()| stream.read_to_string(&mut answer)).expect("an answer");
    answer
}

#[daemon::run(on_demand = "10m", pidfile = look::in_lab("later.pid"), environment = ["LOOK_LAB"], scope = false, name = "later")]
async fn later(greeting: &str) -> daemon::Result<()> {
    while let Some(client) = daemon::accept().await {
        let (mut client, greeting) = (client, greeting.to_owned());
        tokio::spawn(async move {
            let mut line = String::new();
            let _ = tokio::io::BufReader::new(&mut client).read_line(&mut line).await;
            let _ = client.write_all(format!("{} {greeting} {line}", std::process::id()).as_bytes()).await;
        });
    }
    Ok(())
}

async fn ask_async(mut stream: AsyncConnection) -> String {
    let mut answer = String::new();
    stream.write_all(b"hello\n").await.expect("the daemon reads");
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    hosts: Vec<String>,
    limit: Option<u8>,
}

/// Writes its arguments to a file.
#[daemon::run(launch = exec, pidfile = look::in_lab("borrowing.pid"))]
fn borrowing<'a>(
    text: &'a str,
    numbers: &[u16],
    settings: &'a Settings,
    path: &Path,
    Settings { hosts, limit }: Settings,
    counter: &mut u32,
) -> std::io::Result<()> {
    *counter += 1;
    write(
        "arguments",
        &format!("{text} {numbers:?} {settings:?} {} {} {limit:?} {counter}\n", path.display(), hosts.concat()),
    )
}

/// Writes a line until it has been called often enough.
#[daemon::step(launch = exec, pidfile = look::in_lab("ticking.pid"), every = "1ms")]
fn ticking(count: &mut u32, text: &str, steps: u32) -> std::ops::ControlFlow<std::io::Result<()>> {
    *count += 1;
    if *count == 10 + steps {
        return std::ops::ControlFlow::Break(write("steps", &format!("{text} {count}\n")));
    }
    std::ops::ControlFlow::Continue(())
}

#[daemon::message(launch = exec, pidfile = look::in_lab("handling.pid"), from = numbers())]
fn handling(number: u8) -> std::io::Result<()> {
    write("message", &format!("{number}\n"))?;
    daemon::stop();
    Ok(())
}

fn numbers() -> impl FnMut() -> Option<u8> {
    let mut numbers = [7].into_iter();
    move || numbers.next()
}

fn first_of_a_name() -> daemon::Result<daemon::Started> {
    #[daemon::run(launch = exec, pidfile = look::in_lab("same.pid"))]
    fn same() {}
    same()
}

fn second_of_a_name() -> daemon::Result<daemon::Started> {
    #[daemon::run(launch = exec, pidfile = look::in_lab("same.pid"))]
    fn same() {}
    same()
}

#[daemon::run(launch = exec, pidfile = look::in_lab("d.pid"), ends_with = parent)]
fn bound() {
    while daemon::sleep(Duration::from_secs(1000)) {}
}

#[daemon::run(launch = exec, pidfile = look::in_lab("d.pid"), ends_with = GRANDPARENT)]
fn bound_to_grandparent() {}

const GRANDPARENT: EndsWith = EndsWith::LauncherParent;

/// Refuses to be encoded.
#[derive(Deserialize)]
struct Vault;

impl Serialize for Vault {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("the vault is locked"))
    }
}

#[daemon::run(launch = exec, pidfile = look::in_lab("d.pid"))]
fn unencodable(_vault: &Vault) {}

#[daemon::run(on_demand = "10m", pidfile = look::in_lab("d.pid"), scope = false)]
fn forgetful() {}

/// Starts a daemon in a process with two threads.
fn in_a_thread(start: impl FnOnce() -> daemon::Result<daemon::Started> + Send) -> daemon::Result<()> {
    let started = thread::scope(|scope| scope.spawn(start).join().expect("no panic"))?;
    println!("{}", started.pid);
    Ok(())
}

fn on_threads(body: impl Future<Output = daemon::Result<()>>) -> daemon::Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(body)
}

fn write(name: &str, text: &str) -> std::io::Result<()> {
    let path: PathBuf = look::in_lab(name);
    fs::write(path, text)
}
