//! Messages from a Redis stream by a consumer group: an entry is pending until it is handled, then it is removed.
//!
//! Each message is a notice. The handler sends it to a TCP address, and expects the reply "thanks".
//!
//! `cargo run -p daemonic-brokers --bin redis_stream -- start one`, then `nc -l 127.0.0.1 4711` in another terminal,
//! `-- add 127.0.0.1:4711 hello`, `-- left`, `-- dead`, `-- stop one`. The server is that of `$REDIS_URL`, or the one on this machine;
//! pidfile and log are in the directory for temporary files.
//!
//! After another reply, the notice is sent again after a delay; the server counts the attempts. After five attempts the notice is moved to
//! a dead-letter stream.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, process};

use daemon::messages::{Ack, Delivery, Nack};
use redis::io::tcp::TcpSettings;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamClaimOptions, StreamId, StreamPendingCountReply,
    StreamReadOptions, StreamReadReply,
};
use redis::{Commands, Connection, IntoConnectionInfo, RedisResult, Value};

const STREAM: &str = "notices";
const GROUP: &str = "daemons";

/// The dead-letter stream.
const DEAD: &str = "dead_notices";

/// The timeout of a connection, and of its reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);

/// The time after which another daemon claims a pending entry. It must exceed the longest run of a handler.
const TAKE_OVER: Duration = Duration::from_secs(7);

/// The time that a read waits on the server for a new entry. A stop waits for its reply.
const BLOCK: Duration = Duration::from_millis(250);

#[daemon::message(
    from = entries(), pool_size = 8, idle_time = "200ms",
    retry = { delay = "500ms", max_delay = TAKE_OVER, attempts = 5 },
    signals = { SIGTERM => count },
    name = "redis_stream", pidfile = temporary("pid"), stdout = temporary("log"), stderr = temporary("log"),
)]
fn bring(entry: StreamId) -> Result<(), Box<dyn Error + Send + Sync>> {
    let to: SocketAddr = entry.get::<String>("to").ok_or("a notice without an address")?.parse()?;
    let text: String = entry.get("text").ok_or("a notice without a text")?;
    let mut peer = TcpStream::connect_timeout(&to, REPLY_TIMEOUT)?;
    peer.set_read_timeout(Some(REPLY_TIMEOUT))?;
    writeln!(peer, "{text} (by {})", me())?;
    let mut answer = String::new();
    BufReader::new(peer).read_line(&mut answer)?;
    println!("{to} answers {text:?} with {:?}", answer.trim_end());
    if answer == "thanks\n" { Ok(()) } else { Err(format!("{to} does not thank for {text:?}").into()) }
}

fn count() {
    println!("stopping, with {} in flight", daemon::messages::counters().in_flight);
}

/// The source: first entries that a killed daemon of this name has left pending, then new ones, and periodically those that have been
/// pending for too long.
fn entries() -> impl FnMut() -> RedisResult<Option<Delivery<StreamId, Receipt>>> {
    let mut reader = Reader { connection: None, read: "0".into(), swept: "0-0".into(), rested: Instant::now() };
    move || reader.next()
}

struct Reader {
    /// Created in the daemon on first use.
    connection: Option<Connection>,
    /// The position in the own pending entries; `>` reads new ones.
    read: String,
    /// The position in the pending entries of the group, and the time of the last check.
    swept: String,
    rested: Instant,
}

impl Reader {
    fn next(&mut self) -> RedisResult<Option<Delivery<StreamId, Receipt>>> {
        // After an error the connection is dropped, and the next call opens another.
        let mut connection = self.connection.take().map_or_else(connect, Ok)?;
        let entry = self.wait_for_entry(&mut connection)?;
        let delivery = entry.map(|entry| deliver(&mut connection, entry)).transpose()?;
        self.connection = Some(connection);
        Ok(delivery)
    }

    /// The read waits on the server, so `idle_time` is only the delay after an error.
    fn wait_for_entry(&mut self, redis: &mut Connection) -> RedisResult<Option<StreamId>> {
        while !daemon::stopping() {
            if self.rested.elapsed() >= TAKE_OVER / 4 {
                if let Some(entry) = self.claim(redis)? {
                    return Ok(Some(entry));
                }
            }
            let one = StreamReadOptions::default().group(GROUP, me()).count(1).block(millis(BLOCK));
            let reply: Option<StreamReadReply> = redis.xread_options(&[STREAM], &[&self.read], &one)?;
            let entry = reply.and_then(|mut reply| reply.keys.pop()?.ids.pop());
            match &entry {
                Some(entry) if self.read != ">" => self.read.clone_from(&entry.id),
                Some(_) => {}
                None => self.read = ">".into(),
            }
            if entry.is_some() {
                return Ok(entry);
            }
        }
        Ok(None)
    }

    fn claim(&mut self, redis: &mut Connection) -> RedisResult<Option<StreamId>> {
        let one = StreamAutoClaimOptions::default().count(1);
        let mut reply: StreamAutoClaimReply =
            redis.xautoclaim_options(STREAM, GROUP, me(), millis(TAKE_OVER), &self.swept, one)?;
        self.swept = reply.next_stream_id;
        if self.swept == "0-0" {
            self.rested = Instant::now();
        }
        Ok(reply.claimed.pop())
    }
}

/// An entry, with the number of its attempt, which the server counts from 1.
fn deliver(redis: &mut Connection, entry: StreamId) -> RedisResult<Delivery<StreamId, Receipt>> {
    let pending: StreamPendingCountReply = redis.xpending_count(STREAM, GROUP, &entry.id, &entry.id, 1)?;
    let attempt = pending.ids.first().map_or(1, |pending| pending.times_delivered.try_into().unwrap_or(u32::MAX));
    Ok(Delivery::new(entry.clone(), Receipt(entry)).attempt(attempt))
}

/// The receipt of an entry: a copy of it.
struct Receipt(StreamId);

impl Ack for Receipt {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let id = &[&self.0.id];
        Ok(ask(|redis| redis::pipe().atomic().xack(STREAM, GROUP, id).xdel(STREAM, id).exec(redis))?)
    }

    /// Leaves an unfinished entry pending: the next daemon of this name reads it first, or another daemon claims it later. Moves an exhausted
    /// entry to the dead-letter stream, in one transaction.
    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        if why != Nack::Exhausted {
            return Ok(());
        }
        let (id, keys) = (&[&self.0.id], self.0.map.keys());
        let fields: Vec<(&String, Vec<u8>)> = keys.filter_map(|key| Some((key, self.0.get(key)?))).collect();
        let mut step = redis::pipe();
        step.atomic().xadd(DEAD, "*", &fields).xack(STREAM, GROUP, id).xdel(STREAM, id);
        Ok(ask(|redis| step.exec(redis))?)
    }

    /// The entry is made to look as if it had been pending for so long that it will be taken over after the delay. Without
    /// `JUSTID`, that would count as one more attempt.
    fn retry(self, delay: Duration) -> Result<Option<Receipt>, Box<dyn Error + Send + Sync>> {
        let idle = millis(TAKE_OVER.saturating_sub(delay));
        let options = || StreamClaimOptions::default().idle(idle).with_justid();
        ask(|redis| redis.xclaim_options(STREAM, GROUP, me(), 0, &[&self.0.id], options()).map(|_: Value| ()))?;
        Ok(None)
    }
}

/// Returns the connection that the workers share. The reader has another, on which the server waits.
fn ask<T>(question: impl Fn(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
    static KEPT: Mutex<Option<Connection>> = Mutex::new(None);
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // The cached connection may be lost: then the request is repeated on a new one.
    let answer = kept.as_mut().and_then(|connection| question(connection).ok());
    if let Some(answer) = answer {
        return Ok(answer);
    }
    *kept = None;
    let mut connection = connect()?;
    let answer = question(&mut connection)?;
    *kept = Some(connection);
    Ok(answer)
}

/// Without a timeout for what is read: a signal, and be it a HUP for the logs, would interrupt the reader, and an answer with
/// an entry in it could be lost. A server that is out of reach shows when what was sent to it is not acknowledged (by its
/// kernel) for a while.
fn connect() -> RedisResult<Connection> {
    let url = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1".into());
    let server = url.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_user_timeout(REPLY_TIMEOUT));
    let mut connection = redis::Client::open(server)?.get_connection_with_timeout(REPLY_TIMEOUT)?;
    match connection.xgroup_create_mkstream::<_, _, _, ()>(STREAM, GROUP, "0") {
        Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
        _ => Ok(connection),
    }
}

/// The consumer's name within the group. Its pidfile is locked, so there is no other daemon of this name, and what is
/// pending under it was its predecessor's.
fn me() -> String {
    env::args().nth(2).unwrap_or_default()
}

fn temporary(suffix: &str) -> PathBuf {
    env::temp_dir().join(format!("redis_stream-{}.{suffix}", me()))
}

fn millis(time: Duration) -> usize {
    time.as_millis().try_into().unwrap_or(usize::MAX)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start", _] => bring::start().map(|started| format!("started pid {}", started.pid)),
        ["stop", _] => bring::stop().map(|stopped| stopped.to_string()),
        ["add", to, ref texts @ ..] => {
            Ok(told(texts.iter().try_for_each(|text| add(to, text)).map(|()| "added".into())))
        }
        ["left"] => Ok(told(ask(|redis| redis.xlen(STREAM)).map(|left: usize| format!("left {left}")))),
        ["dead"] => Ok(told(ask(|redis| redis.xlen(DEAD)).map(|dead: usize| format!("dead {dead}")))),
        _ => Ok("usage: redis_stream start NAME | stop NAME | add ADDRESS TEXT... | left | dead".into()),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => return error.report(),
    }
    ExitCode::SUCCESS
}

fn add(to: &str, text: &str) -> RedisResult<()> {
    ask(|redis| redis.xadd(STREAM, "*", &[("to", to), ("text", text)]))
}

fn told(answer: RedisResult<String>) -> String {
    answer.unwrap_or_else(|error| {
        eprintln!("{error}");
        process::exit(1)
    })
}
