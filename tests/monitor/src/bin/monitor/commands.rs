//! Commands, as they come through the socket: `VERB [NAME] [MILLIS]`, the last being how long to wait until it is done.

use daemonize_monitor::{BotStatus, Change, Commands};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What `exhaust` has taken.
static HELD: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Does what a line says; what there is to say about it.
pub(crate) fn obey(commands: &Commands, line: &str, stream: &mut UnixStream) -> Result<String, Box<dyn Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let name = words.get(1).copied().unwrap_or_default();
    let wait = |at: usize| words.get(at).and_then(|word| word.parse().ok()).map(Duration::from_millis);
    let told = |bots: Vec<BotStatus>| Ok(bots.iter().map(tell).collect());
    match words.first().copied().unwrap_or_default() {
        "start" => told(commands.start_bot(name, wait(2))?),
        "stop" => told(commands.stop_bot(name, wait(2))?),
        "restart" => told(commands.restart_bot(name, wait(2))?),
        "destroy" => told(commands.destroy_bot(name, wait(2))?),
        "status" if name.is_empty() => told(commands.status()?),
        "status" => told(commands.bot_status(name)?),
        "find" => Ok(commands.find_named_bot(name)?.join(" ") + "\n"),
        "signal" => commands
            .signal_bot(
                name,
                words.get(2).ok_or("a signal")?.parse::<daemonize_core::Signal>().map_err(|_| "no such signal")?,
            )
            .map(|()| String::new())
            .map_err(Into::into),
        "event" => commands.event(name, words.get(2).ok_or("an event")?).map(|()| String::new()).map_err(Into::into),
        "tail" => {
            let lines = commands.tail(name, words.get(2).ok_or("a number")?.parse()?)?;
            Ok(String::from_utf8_lossy(&lines).into_owned())
        }
        // The next lines, as many as are asked for.
        "follow" => {
            let (lines, mut left) = (commands.follow(name)?, words.get(2).ok_or("a number")?.parse::<usize>()?);
            stream.write_all(b"following\n")?;
            while left > 0 {
                let piece = lines.recv_timeout(Duration::from_secs(20))?;
                left = left.saturating_sub(piece.split(|byte| *byte == b'\n').skip(1).count());
                stream.write_all(&piece)?;
            }
            Ok(String::new())
        }
        // Follows and looks on, and leaves at once.
        "look" => {
            let _looking = (commands.follow(name)?, commands.subscribe()?);
            Ok(String::new())
        }
        // Changes until a bot is in a state: `watch NAME STATE`.
        "watch" => {
            let (changes, state) = (commands.subscribe()?, *words.get(2).ok_or("a state")?);
            let now = commands.bot_status(name)?.iter().map(tell).collect::<String>();
            if now.split_whitespace().nth(1) == Some(state) {
                return Ok(now);
            }
            loop {
                let Change::Bot(change) = changes.recv_timeout(Duration::from_secs(20))? else { continue };
                stream.write_all(tell(&change).as_bytes())?;
                if change.name == name && change.state.name() == state {
                    return Ok(String::new());
                }
            }
        }
        "reload" => Ok(commands.reload(name == "dry")?.to_string()),
        "reopen" => Ok(commands.reopen_logs().map(|()| String::new())?),
        "shutdown" => Ok(commands.shutdown(wait(1)).map(|()| String::new())?),
        // From now on no descriptor is left for anything.
        "exhaust" => {
            setrlimit(Resource::RLIMIT_NOFILE, 128, getrlimit(Resource::RLIMIT_NOFILE)?.1)?;
            let mut held = HELD.lock().expect("nobody panics with it");
            while let Ok(null) = File::open("/dev/null") {
                held.push(null);
            }
            Ok(format!("{}\n", held.len()))
        }
        "relieve" => {
            HELD.lock().expect("nobody panics with it").clear();
            Ok(String::new())
        }
        // How long a status takes now, in microseconds.
        "ping" => {
            let begin = Instant::now();
            commands.find_named_bot("-")?;
            Ok(format!("{}\n", begin.elapsed().as_micros()))
        }
        verb => Err(format!("there is no verb `{verb}`").into()),
    }
}

/// `web running pid=12 lost=0 exits=0 left=- temporary=no reply=3 … : reason`.
fn tell(status: &BotStatus) -> String {
    let mut text = format!("{} {}", status.name, status.state);
    let _ = write!(text, " pid={}", status.pid.map_or(0, daemonize_core::Pid::as_raw));
    let _ = write!(text, " lost={} exits={}", status.lost_output, status.exits.len());
    let _ = write!(text, " left={}", status.left.map_or("-".into(), |left| left.as_millis().to_string()));
    let _ = write!(text, " temporary={}", if status.temporary { "yes" } else { "no" });
    for count in status.counts.iter(Instant::now()) {
        let _ = write!(text, " {}={}", count.name, count.total);
    }
    let _ = writeln!(text, " : {}", status.reason.as_deref().or(status.log_trouble.as_deref()).unwrap_or_default());
    text
}
