//! The little language of what async bodies, steps and handlers do: acts with a comma between them, `name` or
//! `name:value`; where others are nested in one, `name(act,act)`. Files are looked for in the lab's directory.

use std::error::Error;
use std::fs::OpenOptions;
use std::future;
use std::io::Write;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What bodies, steps and handlers return.
pub(crate) type Fallible = Result<(), Failure>;

/// Longer than any test takes.
const HOUR: Duration = Duration::from_secs(3600);

/// Longer than any test waits for a daemon.
const PATIENCE: Duration = Duration::from_secs(120);

/// Performs these acts in order, up to the first error; guards live as long as the acts after them, as locals do.
pub(crate) fn perform(acts: String) -> Pin<Box<dyn Future<Output = Fallible> + Send>> {
    Box::pin(async move {
        let mut guards = Vec::new();
        for act in split(&acts, ',') {
            match parts(act) {
                ("guard", file) => guards.push(Guard(file.to_owned())),
                (name, value) => one(name, value).await?,
            }
        }
        Ok(())
    })
}

/// The same for acts that need not await anything.
pub(crate) fn perform_at_once(acts: &str) -> Fallible {
    at_once(perform(acts.to_owned()))
}

/// What comes of a future that need not await anything.
pub(crate) fn at_once<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err("this can only be awaited".into()),
    }
}

/// Performs one act:
///
/// * `pending`: awaits what never comes
/// * `stopped`: awaits the stop
/// * `loop`, `while`: sleeps in a loop that does not look at the answer, or in one that does
/// * `sleep:MILLISECONDS`: sleeps once, unless a stop comes
/// * `pause:MILLISECONDS`: takes that long, whatever comes
/// * `doze`: the loop that does not look, with the sleep that does not await
/// * `block`: keeps its thread for ever
/// * `ask`, `ready`, `stop`: call what is called so
/// * `panic:TEXT`, `err:TEXT`, `exit:STATUS`
/// * `say:TEXT`, `note:FILE`, `guard:FILE`, `counters:FILE`: as in the program `lab`
/// * `steps:FILE`: writes how many steps were done
/// * `await:FILE`: awaits that somebody makes it
/// * `spawn(acts)`: performs them in a task, and goes on
/// * `both(acts|acts)`: performs both at the same time, in this very task
/// * `thread`: keeps one of the runtime's blocking threads for ever, and goes on
/// * `hear:FILE`: notes each SIGHUP there, as tokio hears it, in a task
/// * `elsewhere:FILE`: notes the stop there, as a runtime of another thread hears it
async fn one(name: &str, value: &str) -> Fallible {
    match name {
        "pending" => future::pending().await,
        "stopped" => daemon::stopped().await,
        "loop" => loop {
            daemon::sleep_async(HOUR).await;
        },
        "while" => while daemon::sleep_async(HOUR).await {},
        "sleep" => drop(daemon::sleep_async(milliseconds(value)?).await),
        "pause" => tokio::time::sleep(milliseconds(value)?).await,
        "doze" => loop {
            daemon::sleep(HOUR);
        },
        "block" => block(),
        "ask" => drop(daemon::stopping()),
        "ready" => daemon::ready()?,
        "stop" => daemon::stop(),
        "panic" => panic!("{value}"),
        "err" => return Err(value.into()),
        "exit" => std::process::exit(value.parse()?),
        "say" => print!("{value}"),
        "note" => note(value, "was here")?,
        "counters" => {
            let daemon::Counters { fetched, handled, failed, in_flight, .. } = daemon::counters();
            std::fs::write(look::in_lab(value), format!("{fetched} {handled} {failed} {in_flight}\n"))?;
        }
        "steps" => std::fs::write(look::in_lab(value), format!("{}\n", daemon::counters().steps))?,
        "await" => made(value).await?,
        "spawn" => drop(tokio::spawn(perform(value.to_owned()))),
        "both" => {
            let halves: Vec<&str> = split(value, '|').collect();
            let [one, other] = halves[..] else { return Err(format!("`{value}` is not two").into()) };
            let (one, other) = tokio::join!(perform(one.to_owned()), perform(other.to_owned()));
            one.and(other)?;
        }
        "thread" => drop(tokio::task::spawn_blocking(block)),
        "hear" => hear(value.to_owned())?,
        "elsewhere" => elsewhere(value.to_owned()),
        _ => return Err(format!("unknown act `{name}`").into()),
    }
    Ok(())
}

/// Keeps the thread.
fn block() {
    loop {
        thread::park();
    }
}

/// Awaits a file; a thread beside the runtime looks for it.
async fn made(file: &str) -> Fallible {
    let (path, (found, is_there)) = (look::in_lab(file), oneshot::channel());
    thread::spawn(move || {
        let _ = look::until(&path, look::Deadline::after(PATIENCE), || path.exists().then_some(()));
        let _ = found.send(());
    });
    Ok(is_there.await?)
}

fn hear(file: String) -> Fallible {
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            let _ = note(&file, "heard");
        }
    });
    Ok(())
}

fn elsewhere(file: String) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(daemon::stopped());
        let _ = note(&file, "stopped");
    });
}

fn milliseconds(value: &str) -> Result<Duration, std::num::ParseIntError> {
    value.parse().map(Duration::from_millis)
}

/// Appends one line about this process, in one write.
pub(crate) fn note(file: &str, what: &str) -> std::io::Result<()> {
    let line = format!("{what} {}\n", std::process::id());
    OpenOptions::new().append(true).create(true).open(look::in_lab(file))?.write_all(line.as_bytes())
}

/// Notes that it was dropped.
pub(crate) struct Guard(pub(crate) String);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = note(&self.0, "dropped");
    }
}

/// The name of an act, and its value or what is nested in it.
fn parts(act: &str) -> (&str, &str) {
    match act.find([':', '(']) {
        Some(place) if act[place..].starts_with('(') => (&act[..place], act[place + 1..].trim_end_matches(')')),
        Some(place) => (&act[..place], &act[place + 1..]),
        None => (act, ""),
    }
}

/// What stands between the separators, but for those that are nested.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |letter| {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        depth == 0 && letter == separator
    })
}
