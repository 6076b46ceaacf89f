//! Clients of [`serve`](crate::serve), to find out how many requests fail while it is restarted.
//!
//! `load:127.0.0.1:80:new:8:1000:FILE` sends 1000 requests by 8 clients, each on a connection of its own; `keep` instead of `new` keeps a connection
//! until the server says `Connection: close`. Prints one line, `1000 requests, 0 failed, 0.42 s, longest 3.1 ms: v1 250, v2 750`, and
//! the causes of failures; appends a line to `FILE` at the first answer of each version. With the count 0 it goes on until `FILE.stop` is there.

use crate::Result;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// How long an answer may take: one that takes longer has failed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The outcome of the requests.
#[derive(Default)]
struct Outcome {
    versions: BTreeMap<String, usize>,
    failures: BTreeMap<String, usize>,
    longest: Duration,
}

struct Load<'a> {
    address: SocketAddr,
    keeps: bool,
    count: usize,
    file: &'a str,
    sent: AtomicUsize,
    outcome: Mutex<Outcome>,
}

pub(crate) fn load(value: &str) -> Result {
    let parts: Vec<&str> = value.split(':').collect();
    let [host, port, kind, clients, count, file] = parts[..] else {
        return Err("ADDRESS:KIND:CLIENTS:COUNT:FILE".into());
    };
    let load = Load {
        address: format!("{host}:{port}").parse()?,
        keeps: kind == "keep",
        count: count.parse()?,
        file,
        sent: AtomicUsize::new(0),
        outcome: Mutex::default(),
    };
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..clients.parse().unwrap_or(1) {
            scope.spawn(|| load.client());
        }
    });
    let outcome = load.outcome.into_inner()?;
    let failed: usize = outcome.failures.values().sum();
    let answered: usize = outcome.versions.values().sum();
    let versions: Vec<String> = outcome.versions.iter().map(|(version, count)| format!("{version} {count}")).collect();
    println!(
        "{} requests, {failed} failed, {:.2} s, longest {:.1} ms: {}",
        answered + failed,
        begin.elapsed().as_secs_f64(),
        outcome.longest.as_secs_f64() * 1000.0,
        versions.join(", ")
    );
    outcome.failures.iter().for_each(|(cause, count)| println!("failed: {count} by {cause}"));
    Ok(())
}

impl Load<'_> {
    fn is_over(&self) -> bool {
        let sent = self.sent.fetch_add(1, SeqCst);
        if self.count == 0 { Path::new(&format!("{}.stop", self.file)).exists() } else { sent >= self.count }
    }

    /// Sends requests one after another.
    fn client(&self) {
        let mut connection = None;
        while !self.is_over() {
            let begin = Instant::now();
            let answer = self.request(&mut connection);
            let mut outcome = self.outcome.lock().expect("no panic");
            outcome.longest = outcome.longest.max(begin.elapsed());
            match answer {
                Ok(version) => {
                    let count = outcome.versions.entry(version.clone()).or_default();
                    *count += 1;
                    if *count == 1 {
                        crate::append(self.file, &format!("{version}\n")).expect("a file");
                    }
                }
                Err(error) => {
                    connection = None;
                    *outcome.failures.entry(error.to_string()).or_default() += 1;
                }
            }
        }
    }

    /// Sends one request. Returns the version that has answered.
    fn request(&self, kept: &mut Option<BufReader<TcpStream>>) -> std::io::Result<String> {
        let mut connection = if let Some(connection) = kept.take() {
            connection
        } else {
            let stream = TcpStream::connect(self.address)?;
            stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
            stream.set_nodelay(true)?;
            BufReader::new(stream)
        };
        let wish = if self.keeps { "keep-alive" } else { "close" };
        let request = format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: {wish}\r\n\r\n");
        connection.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length, mut closes) = (String::new(), 0, false);
        while connection.read_line(&mut line)? > 2 {
            let lower = line.to_ascii_lowercase();
            closes |= lower.starts_with("connection: close");
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| Error::from(ErrorKind::InvalidData))?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body)?;
        if self.keeps && !closes {
            *kept = Some(connection);
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        text.split(' ')
            .next()
            .filter(|version| !version.is_empty())
            .map(str::to_owned)
            .ok_or(ErrorKind::UnexpectedEof.into())
    }
}
