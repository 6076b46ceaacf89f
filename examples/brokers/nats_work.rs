//! Messages from a work queue of NATS (`JetStream`), which daemons on any number of machines share: each message is one
//! daemon's, until it was handled or that daemon was silent for too long.
//!
//! Each is a notice that is brought to an address by TCP, and has to be answered with "thanks".
//!
//! `cargo run -p daemonic-brokers --bin nats_work -- start one`, as many as you like, then `nc -l 127.0.0.1 4711` in another
//! terminal, `-- add 127.0.0.1:4711 hello`, `-- left`, `-- dead`, `-- stop one`. The server (`nats-server -js`) is that of
//! `$NATS_URL`, or the one on this machine; pidfiles and logs are in the directory for temporary files.
//!
//! A notice that was not answered so is brought again after a delay, which the server keeps, and the server counts how often.
//! After five times it is moved to a stream of its own.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, io, process};

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::message::{AckKind, Acker};
use async_nats::jetstream::stream::{self, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{ConnectOptions, Message};
use bytes::Bytes;
use daemon::messages::{AckAsync, Delivery, Nack};
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;

const STREAM: &str = "notices";
const GROUP: &str = "daemons";

/// The stream of the messages that were given up.
const DEAD: &str = "dead_notices";

/// How long whoever gets a notice may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The server gives a message to another daemon when it has not been acknowledged for this time: whoever had it is gone. So
/// it must be more than a handler may take, unless that tells the server of its progress (`AckKind::Progress`).
const ACK_WAIT: Duration = Duration::from_secs(4);

/// How long the server lets us wait for a message.
const WAIT: Duration = Duration::from_secs(1);

type Told = Result<(), async_nats::Error>;

#[daemon::message(
    from = next_notice, pool_size = 8, idle_time = "200ms", retry = { delay = "500ms", attempts = 5 },
    signals = { SIGTERM => count },
    name = "nats_work", pidfile = temporary("pid"), stdout = temporary("log"), stderr = temporary("log"),
)]
async fn bring(notice: Message) -> Told {
    let notice = std::str::from_utf8(&notice.payload)?;
    let (to, text) = notice.split_once(' ').ok_or("a notice without an address")?;
    let answer = timeout(PATIENCE, say(to, text)).await??;
    println!("{to} answers {text:?} with {answer:?}");
    if answer == "thanks" { Ok(()) } else { Err(format!("{to} does not thank for {text:?}").into()) }
}

async fn say(to: &str, text: &str) -> io::Result<String> {
    let mut peer = TcpStream::connect(to).await?;
    peer.write_all(format!("{text} (by {})\n", me()).as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(peer).read_line(&mut answer).await?;
    Ok(answer.trim_end().to_owned())
}

fn count() {
    println!("stopping, with {} in flight", daemon::messages::counters().in_flight);
}

/// What is fetched: one message at a time, so that whatever nobody here has time for is left to other daemons.
async fn next_notice() -> Result<Option<Delivery<Message, Receipt>>, async_nats::Error> {
    /// Made in the daemon, when it is needed, since a runtime must be there first.
    static KEPT: Mutex<Option<PullConsumer>> = Mutex::const_new(None);
    let mut kept = KEPT.lock().await;
    let group = match kept.take() {
        Some(group) => group,
        None => join().await?,
    };
    let mut batch = group.batch().max_messages(1).expires(WAIT).messages().await?;
    // A server that does not say in time that there is none has forgotten that we wait, or is gone.
    let message = timeout(2 * WAIT, batch.next()).await?.transpose()?;
    // After an error it is not kept: the next call joins again.
    *kept = Some(group);
    Ok(message.map(|message| {
        // The server counts from 1.
        let attempt = message.info().map_or(1, |info| info.delivered.try_into().unwrap_or(u32::MAX));
        let (message, acker) = message.split();
        let receipt = Receipt { acker, payload: message.payload.clone() };
        Delivery::new(message, receipt).attempt(attempt)
    }))
}

/// The group's place at the stream; both are made by whoever comes first.
async fn join() -> Result<PullConsumer, async_nats::Error> {
    let group = pull::Config { durable_name: Some(GROUP.into()), ack_wait: ACK_WAIT, ..Default::default() };
    Ok(queue(&connect().await?, STREAM).await?.get_or_create_consumer(GROUP, group).await?)
}

async fn queue(server: &Context, name: &str) -> Result<Stream, async_nats::Error> {
    let queue = stream::Config {
        name: name.into(),
        subjects: vec![name.into()],
        retention: stream::RetentionPolicy::WorkQueue,
        ..Default::default()
    };
    Ok(server.get_or_create_stream(queue).await?)
}

async fn connect() -> Result<Context, async_nats::Error> {
    let url = env::var("NATS_URL").unwrap_or_else(|_| "127.0.0.1".into());
    Ok(jetstream::new(ConnectOptions::new().connection_timeout(Duration::from_secs(1)).connect(url).await?))
}

/// What stays behind while a message is handled. The server is asked to confirm what it is told, since what is only sent
/// may still be in this process when it ends.
struct Receipt {
    acker: Acker,
    payload: Bytes,
}

impl AckAsync for Receipt {
    async fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.acker.double_ack().await
    }

    /// Any daemon may have what is unfinished, at once. What is given up is acknowledged when it is safe elsewhere.
    async fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        if why != Nack::Exhausted {
            return self.acker.double_ack_with(AckKind::Nak(None)).await;
        }
        let server = connect().await?;
        queue(&server, DEAD).await?;
        server.publish(DEAD, self.payload).await?.await?;
        self.acker.double_ack().await
    }

    /// The server keeps the message for the delay, also when this daemon ends before.
    async fn retry(self, delay: Duration) -> Result<Option<Receipt>, Box<dyn Error + Send + Sync>> {
        self.acker.double_ack_with(AckKind::Nak(Some(delay))).await?;
        Ok(None)
    }
}

/// The name of this daemon, which is that of its files.
fn me() -> String {
    env::args().nth(2).unwrap_or_default()
}

fn temporary(suffix: &str) -> PathBuf {
    env::temp_dir().join(format!("nats_work-{}.{suffix}", me()))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start", _] => bring::start().map(|started| format!("started pid {}", started.pid)),
        ["stop", _] => bring::stop().map(|stopped| stopped.to_string()),
        ["add", to, ref texts @ ..] => Ok(told(add(to, texts))),
        ["left"] => Ok(told(count_in("left", STREAM))),
        ["dead"] => Ok(told(count_in("dead", DEAD))),
        _ => Ok("usage: nats_work start NAME | stop NAME | add ADDRESS TEXT... | left | dead".into()),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => return error.report(),
    }
    ExitCode::SUCCESS
}

async fn add(to: &str, texts: &[&str]) -> Result<String, async_nats::Error> {
    let server = connect().await?;
    queue(&server, STREAM).await?;
    for text in texts {
        // Sent, and kept by the server.
        server.publish(STREAM, format!("{to} {text}").into()).await?.await?;
    }
    Ok("added".into())
}

async fn count_in(what: &str, stream: &str) -> Result<String, async_nats::Error> {
    let messages = queue(&connect().await?, stream).await?.info().await?.state.messages;
    Ok(format!("{what} {messages}"))
}

fn told(answer: impl Future<Output = Result<String, async_nats::Error>>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(answer)).unwrap_or_else(|error| {
        eprintln!("{error}");
        process::exit(1)
    })
}
