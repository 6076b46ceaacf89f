//! Daemons whose body has its own shutdown: it ends by a signal handler of the program, and never asks the daemon
//! whether it is to stop.
//!
//! ```sh
//! shutdowns start pidfile=d.pid by=signal-hook at=body body=ends
//! shutdowns stop  pidfile=d.pid
//! ```
//!
//! Verbs: `start`, `foreground` and `stop`. `by` selects how the handler is installed: `signal-hook`, `tokio`, `ctrlc`,
//! `signal` (replaces the existing handler), `once` (`SA_SIGINFO` and `SA_RESETHAND`), `ignore` (ignores the signal);
//! `at` selects when: in `main`, after the `stage` Signals, or in the `body`. `signal` is the signal that it handles
//! (`TERM` by default).
//!
//! The body `ends` after its handler has run, which takes 300 ms, with status 7; `naps` for an hour at a time until
//! then; `spins` until then, and ends fastest; `hangs`; `forks` a child, which sleeps, and hangs; or `serves` requests
//! at `socket` until the handler has run, and answers the accepted ones. A body that `dozes` has a thread or task that
//! sleeps repeatedly, and itself asks about the stop. With `async=true` the body is async.
//!
//! `handle=SIGNAL`, `fail=SIGNAL`, `stop-on=SIGNAL` and `reload-on=SIGNAL` add a handler to the daemon that writes to
//! `handled`, that writes and fails, that stops the daemon, or that reloads it and writes to `reloaded`. Every other
//! key is the builder method of the same name.
#![deny(unsafe_code)]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use daemon::body::Work;
use daemon::settings::{Hooks, Stage};
use daemon::signals::Signals;
use daemon::{Daemon, Signal, Started};
use nix::sys::signal::Signal as Number;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

type Fallible = Result<(), Box<dyn Error + Send + Sync>>;

/// Set by the handlers of signal-hook and ctrlc.
static FLAG: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

#[derive(Clone)]
struct Plan {
    by: String,
    at: String,
    body: String,
    signal: Number,
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| error.report())
}

fn run() -> daemon::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().expect("a verb");
    let mut plan = Plan { by: String::new(), at: String::new(), body: String::new(), signal: Number::SIGTERM };
    let (mut daemon, mut is_async) = (Daemon::new("shutdowns"), false);
    for argument in arguments {
        let (key, value) = argument.split_once('=').expect("`key=value`");
        let milliseconds = || Duration::from_millis(value.parse().expect("milliseconds"));
        match key {
            "by" => value.clone_into(&mut plan.by),
            "at" => value.clone_into(&mut plan.at),
            "body" => value.clone_into(&mut plan.body),
            "signal" => plan.signal = format!("SIG{value}").parse().expect("a signal"),
            "async" => is_async = value == "true",
            "pidfile" => daemon = daemon.pidfile(value),
            "stderr" => daemon = daemon.stderr(value),
            "grace" => daemon = daemon.grace(milliseconds()),
            "stop_timeout" => daemon = daemon.stop_timeout(milliseconds()),
            "kill" => daemon = daemon.kill(value == "true"),
            "handle" => daemon = daemon.signals(Signals::new().handle(parsed(value), || note("handled"))),
            "fail" => daemon = daemon.signals(Signals::new().handle(parsed(value), fail)),
            "reload-on" => daemon = daemon.signals(Signals::new().handle(parsed(value), reload)),
            "stop-on" => daemon = daemon.signals(Signals::new().handle(parsed(value), daemon::stop)),
            _ => panic!("unknown key `{key}`"),
        }
    }
    if verb == "stop" {
        println!("{}", daemon.stop()?);
        return Ok(ExitCode::SUCCESS);
    }
    if plan.at == "main" {
        plan.catch().expect("a handler");
    }
    let hooked = plan.clone();
    let hook = move || if hooked.at == "stage" { hooked.catch() } else { Ok(()) };
    let daemon = daemon.hooks(Hooks::new().after(Stage::Signals, hook));
    let started = if is_async {
        begin(daemon.run_async(move || plan.perform_async()), &verb)?
    } else {
        begin(daemon.run(move || plan.perform()), &verb)?
    };
    println!("started {}", started.pid);
    started.report()
}

fn begin(daemon: Daemon<impl Work>, verb: &str) -> daemon::Result<Started> {
    match verb {
        "start" => daemon.start(),
        "foreground" => match daemon.foreground()? {},
        _ => panic!("unknown verb `{verb}`"),
    }
}

impl Plan {
    /// Installs the handler.
    fn catch(&self) -> Fallible {
        match self.by.as_str() {
            "" | "tokio" => {}
            "signal-hook" => drop(signal_hook::flag::register(self.signal as i32, Arc::clone(&FLAG))?),
            "ctrlc" => ctrlc::set_handler(|| FLAG.store(true, Ordering::SeqCst))?,
            "signal" => look::sys::catch(self.signal as i32)?,
            "ignore" => look::sys::ignore(self.signal as i32)?,
            "once" => look::sys::catch_once(self.signal as i32)?,
            other => panic!("unknown way `{other}`"),
        }
        Ok(())
    }

    fn perform(&self) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        if self.at == "body" {
            self.catch()?;
        }
        if self.body == "dozes" {
            doze();
            return Ok(ExitCode::SUCCESS);
        }
        if self.body == "forks" {
            look::sys::fork_sleeper_process(false)?;
        }
        note("begun");
        while ["hangs", "forks"].contains(&self.body.as_str()) || !is_caught() {
            match self.body.as_str() {
                "naps" => drop(daemon::sleep(Duration::from_secs(3600))),
                "spins" => std::hint::spin_loop(),
                _ => thread::sleep(Duration::from_millis(2)),
            }
        }
        if self.body == "spins" {
            return Ok(ExitCode::SUCCESS);
        }
        thread::sleep(Duration::from_millis(300));
        note("cleaned");
        Ok(ExitCode::from(7))
    }

    async fn perform_async(self) -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
        if self.at == "body" {
            self.catch()?;
        }
        if self.body == "dozes" {
            doze_async().await;
            return Ok(ExitCode::SUCCESS);
        }
        if self.by == "tokio" {
            let mut signals = signal(SignalKind::from_raw(self.signal as i32))?;
            match self.body.as_str() {
                "serves" => serve(&mut signals).await?,
                body => {
                    note("begun");
                    signals.recv().await;
                    if body == "hangs" {
                        std::future::pending::<()>().await;
                    }
                }
            }
        } else {
            note("begun");
            while self.body == "hangs" || !is_caught() {
                if self.body == "naps" {
                    daemon::sleep_async(Duration::from_secs(3600)).await;
                } else {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        note("cleaned");
        Ok(ExitCode::from(7))
    }
}

/// The length of each sleep of a body that dozes.
const DOZE: Duration = Duration::from_millis(50);

/// Sleeps in a thread that notes it in `dozed`; the body sees the stop, and cleans up for ten sleeps.
fn doze() {
    thread::spawn(|| {
        note("begun");
        loop {
            daemon::sleep(DOZE);
            note("dozed");
        }
    });
    while !daemon::stopping() {
        thread::sleep(Duration::from_millis(2));
    }
    for _ in 0..=10 {
        daemon::sleep(DOZE);
    }
    note("cleaned");
}

/// Sleeps in a task instead of a thread.
async fn doze_async() {
    tokio::spawn(async {
        note("begun");
        loop {
            daemon::sleep_async(DOZE).await;
            note("dozed");
        }
    });
    daemon::stopped().await;
    for _ in 0..=10 {
        daemon::sleep_async(DOZE).await;
    }
    note("cleaned");
}

/// Accepts connections until the signal, and answers the accepted ones: the graceful shutdown of axum.
async fn serve(signals: &mut tokio::signal::unix::Signal) -> Fallible {
    let listener = UnixListener::bind(look::in_lab("socket"))?;
    let mut requests = Vec::new();
    note("begun");
    loop {
        tokio::select! {
            _ = signals.recv() => break,
            accepted = listener.accept() => {
                let (mut stream, _) = accepted?;
                requests.push(tokio::spawn(async move {
                    let mut request = [0; 4];
                    stream.read_exact(&mut request).await?;
                    note("request");
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    stream.write_all(b"done").await
                }));
            }
        }
    }
    for request in requests {
        request.await??;
    }
    Ok(())
}

fn parsed(name: &str) -> Signal {
    name.parse().expect("a signal")
}

fn is_caught() -> bool {
    FLAG.load(Ordering::SeqCst) || look::sys::caught() > 0
}

/// Fails after some time.
fn fail() -> Fallible {
    note("handled");
    thread::sleep(Duration::from_millis(100));
    Err("no ink".into())
}

/// Reloads the daemon from inside.
fn reload() -> daemon::Result<()> {
    daemon::reload()?;
    note("reloaded");
    Ok(())
}

/// Appends a line to a file of the lab.
fn note(file: &str) {
    let file = OpenOptions::new().append(true).create(true).open(look::in_lab(file));
    file.and_then(|mut file| file.write_all(b"was here\n")).expect("a file");
}
