//! Messages from a work queue of NATS (`JetStream`), shared by daemons on any number of hosts. The server delivers each message to one
//! daemon, and redelivers it if the daemon does not acknowledge it in time.
//!
//! Each message is a notice. The handler sends it to a TCP address, and expects the reply "thanks".
//!
//! `cargo run -p daemonic-brokers --bin nats_work -- start one`, as many as you like, then `nc -l 127.0.0.1 4711` in another
//! terminal, `-- add 127.0.0.1:4711 hello`, `-- left`, `-- dead`, `-- stop one`. The server (`nats-server -js`) is that of
//! `$NATS_URL`, or the one on this machine; pidfiles and logs are in the directory for temporary files.
//!
//! After another reply, the server redelivers the notice after a delay, and counts the attempts. After five attempts the notice is moved
//! to a dead-letter stream.

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

/// The dead-letter stream.
const DEAD: &str = "dead_notices";

/// The timeout of a reply to a notice.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);

/// The time after which the server redelivers an unacknowledged message to another daemon. It must exceed the longest run of a handler,
/// unless the handler reports its progress (`AckKind::Progress`).
const ACK_WAIT: Duration = Duration::from_secs(4);

/// The time that a fetch waits on the server for a message.
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
    let answer = timeout(REPLY_TIMEOUT, say(to, text)).await??;
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

/// The source: fetches one message at a time, so that messages beyond the capacity of this daemon are left to others.
async fn next_notice() -> Result<Option<Delivery<Message, Receipt>>, async_nats::Error> {
    /// Created in the daemon on first use, since it needs a runtime.
    static KEPT: Mutex<Option<PullConsumer>> = Mutex::const_new(None);
    let mut kept = KEPT.lock().await;
    let group = match kept.take() {
        Some(group) => group,
        None => join().await?,
    };
    let mut batch = group.batch().max_messages(1).expires(WAIT).messages().await?;
    // A server that does not reply in time has lost the request, or is down.
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

/// Returns the shared consumer of the stream. The first daemon creates both.
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

/// The receipt of a message. Its acknowledgements are confirmed by the server, since an unconfirmed one can be lost when this process
/// ends.
struct Receipt {
    acker: Acker,
    payload: Bytes,
}

impl AckAsync for Receipt {
    async fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.acker.double_ack().await
    }

    /// Returns an unfinished message to the queue immediately. An exhausted one is acknowledged once it is in the dead-letter stream.
    async fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        if why != Nack::Exhausted {
            return self.acker.double_ack_with(AckKind::Nak(None)).await;
        }
        let server = connect().await?;
        queue(&server, DEAD).await?;
        server.publish(DEAD, self.payload).await?.await?;
        self.acker.double_ack().await
    }

    /// The server keeps the message for the delay, even if this daemon ends.
    async fn retry(self, delay: Duration) -> Result<Option<Receipt>, Box<dyn Error + Send + Sync>> {
        self.acker.double_ack_with(AckKind::Nak(Some(delay))).await?;
        Ok(None)
    }
}

/// Returns the name of this daemon, which its files have too.
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
        // Waits until the server has stored the message.
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
