//! Checks bots by requests: `check_loop ours BOT STARTS COUNT EVERY PORT` is a monitor of COUNT bots that are checked every EVERY
//! milliseconds, `check_loop bare COUNT EVERY PORT` a loop that makes as many requests with the same client, and looks after
//! no bot.

use std::time::Duration;

use daemonize_monitor::{Bot, Check, LogTarget, Monitor, Ready};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{interval_at, timeout};

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |text: &String| text.parse::<u64>().expect("a number");
    match &arguments[..] {
        [kind, bot, starts, count, every, port] if kind == "ours" => {
            ours(bot, starts, number(count), Duration::from_millis(number(every)), port);
        }
        [kind, count, every, port] if kind == "bare" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(bare(number(count), Duration::from_millis(number(every)), port));
        }
        _ => panic!("check_loop ours BOT STARTS COUNT EVERY PORT, or check_loop bare COUNT EVERY PORT"),
    }
}

fn ours(bot: &str, starts: &str, count: u64, every: Duration, port: &str) {
    let url = format!("http://127.0.0.1:{port}/health").parse().expect("a URL");
    let check = Check::http(url).every(every).timeout(REQUEST_TIMEOUT).failures(1000);
    let bots = (0..count).map(|number| {
        Bot::new(format!("b{number}"), bot)
            .arguments([starts, &number.to_string()])
            .stdout(LogTarget::Null)
            .ready(Ready::AtOnce)
            .health_check(check.clone())
    });
    let pidfile = std::env::current_dir().expect("a directory").join("check_loop.pid");
    let monitor = Monitor::builder("check_loop").bots(bots).daemon(|daemon| daemon.pidfile(pidfile)).build();
    let Err(error) = monitor.and_then(Monitor::foreground);
    panic!("{error}");
}

/// Makes requests at the same rate, spread over the period as those of the monitor are.
#[allow(clippy::cast_precision_loss)] // Of small counts.
async fn bare(count: u64, every: Duration, port: &str) {
    for number in 0..count {
        let address = format!("127.0.0.1:{port}");
        let begin = tokio::time::Instant::now() + every.mul_f64(number as f64 / count as f64);
        tokio::spawn(async move {
            let mut ticks = interval_at(begin, every);
            loop {
                ticks.tick().await;
                let status = timeout(REQUEST_TIMEOUT, request(&address)).await.expect("an answer in time");
                assert_eq!(status.expect("an answer"), 200);
            }
        });
    }
    std::future::pending::<()>().await;
}

async fn request(address: &str) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/health")
        .header("host", address)
        .header("user-agent", "check_loop")
        .header("accept", "*/*")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    answer.into_body().collect().await?;
    let _ = connection.await;
    Ok(status)
}
