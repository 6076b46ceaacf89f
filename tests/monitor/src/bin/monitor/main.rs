//! A monitor to experiment with. It reads its bots from the file `bots` of its directory, one a line (see [`bots`]), and
//! takes commands through the socket `commands` there, one a connection (see [`commands`]).
//!
//! ```sh
//! monitor start            # as a daemon, with the pidfile `m.pid`, or the one that the variable `PIDFILE` names
//! monitor foreground
//! monitor stop | status
//! monitor tell "restart web 5000"
//! ```
#![deny(unsafe_code)]

mod bots;
mod commands;
#[allow(unsafe_code)] // The only room with it.
mod sys;

use daemonize_core::{Attachment, Daemon, Handle, Signal};
use daemonize_monitor::{Commands, Monitor};
use std::error::Error;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Where the monitor listens and its bots are read: in the directory that it was started in.
struct Place {
    bots: PathBuf,
    commands: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match perform(&arguments) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let here = std::env::current_dir()?;
    let place = Place { bots: here.join("bots"), commands: here.join("commands") };
    let pidfile = here.join(std::env::var_os("PIDFILE").unwrap_or_else(|| "m.pid".into()));
    let verb = arguments.first().map_or("foreground", String::as_str);
    if verb == "tell" {
        return tell(&place, &arguments[1..].join(" "));
    }
    if verb == "stop" {
        let stopped = Daemon::new("monitor")
            .pidfile(&pidfile)
            .stop_timeout(Duration::from_secs(60))
            .grace(Duration::from_secs(50))
            .stop()?;
        println!("{stopped}");
        return Ok(ExitCode::SUCCESS);
    }
    let monitor = monitor(&place, &pidfile, &arguments[1..])?;
    match verb {
        "start" => {
            println!("started {}", monitor.start()?.pid);
            Ok(ExitCode::SUCCESS)
        }
        _ => match monitor.foreground()? {},
    }
}

fn monitor(place: &Place, pidfile: &std::path::Path, settings: &[String]) -> Result<Monitor, Box<dyn Error>> {
    let bots = place.bots.clone();
    let (sender, commands) = std::sync::mpsc::channel();
    let listener = Listener { path: place.commands.clone(), commands: std::sync::Mutex::new(commands) };
    let builder = if settings.iter().any(|setting| setting == "config") {
        Monitor::from_config(bots.with_extension("toml"))?
    } else {
        Monitor::builder("monitor").bots(bots::read(&bots)?).source(move || bots::config(&bots))
    };
    let mut builder =
        builder.daemon(|daemon| daemon.pidfile(pidfile).stderr(pidfile.with_extension("log")).attach(listener));
    for setting in settings {
        if setting == "careful" {
            builder = builder.daemon(|daemon| daemon.after(daemonize_core::Stage::Stdio, sys::allocator::watch));
        }
        let filter: Option<fn()> = match &**setting {
            "old-kernel" => Some(sys::filter::no_groups_by_pidfd),
            "no-close-range" => Some(sys::filter::no_close_range),
            "old-container" => Some(sys::filter::forbidden_calls),
            _ => None,
        };
        if let Some(filter) = filter {
            builder = builder.daemon(|daemon| daemon.after(daemonize_core::Stage::Stdio, filter));
        }
        if let Some(signal) = setting.strip_prefix("handle=") {
            let signal: Signal = signal.parse()?;
            builder = builder.daemon(|daemon| daemon.handle(signal, |signal: Signal| eprintln!("handled {signal}")));
        }
        if let Some(signal) = setting.strip_prefix("default=") {
            let signal: Signal = signal.parse()?;
            builder = builder.daemon(|daemon| daemon.default_action(signal));
        }
        if let Some(millis) = setting.strip_prefix("stop_timeout=") {
            builder = builder.stop_timeout(Duration::from_millis(millis.parse()?));
        }
    }
    let monitor = builder.build()?;
    sender.send(monitor.commands())?;
    Ok(monitor)
}

/// Takes commands beside the engine.
struct Listener {
    path: PathBuf,
    commands: std::sync::Mutex<std::sync::mpsc::Receiver<Commands>>,
}

impl Attachment for Listener {
    fn start(&self, _: Handle) -> Result<(), Box<dyn Error>> {
        let commands = self.commands.lock().expect("nobody panics with it").recv()?;
        let _ = std::fs::remove_file(&self.path);
        let listener = UnixListener::bind(&self.path)?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = (commands.clone(), stream.try_clone());
                let serving = std::thread::Builder::new().spawn(move || {
                    if let (commands, Ok(stream)) = shared {
                        serve(&commands, stream);
                    }
                });
                if serving.is_err() {
                    // No room for a thread: one after another.
                    serve(&commands, stream);
                }
            }
        });
        Ok(())
    }
}

fn serve(commands: &Commands, mut stream: UnixStream) {
    let mut line = String::new();
    if stream.read_to_string(&mut line).is_ok() {
        let answer = match commands::obey(commands, line.trim(), &mut stream) {
            Ok(answer) => format!("{answer}ok\n"),
            Err(error) => format!("error {error}\n"),
        };
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn tell(place: &Place, line: &str) -> Result<ExitCode, Box<dyn Error>> {
    let mut stream = UnixStream::connect(&place.commands)?;
    stream.write_all(line.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    print!("{answer}");
    Ok(if answer.ends_with("ok\n") { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
