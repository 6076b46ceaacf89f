//! A program to be supervised, which performs its arguments in order:
//!
//! `idle`, `exit:STATUS`, `sleep:MILLISECONDS`, `ignore:SIGNAL`, `print:TEXT`, `error:TEXT`, `lines:COUNT` (numbered),
//! `touch:FILE`, `append:FILE:TEXT`, `stamp:FILE` (appends its pid and the time), `event:NAME:COUNT`, `ready` (as
//! `sd_notify(3)`), `spawn:ACTION,ACTION` (a child in its process group), `escape:ACTION,ACTION` (an orphan in a
//! session of its own).
//!
//! `serve:VERSION` and `load:ADDRESS:…` are an HTTP server and its clients, see [`serve`] and [`load`].
//!
//! An action that only one or two tests need is a function of the module [`rare`], under its own name:
//! `storm_of_children:5`.
#![deny(unsafe_code)]

mod load;
mod memory;
mod rare;
mod serve;

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    std::env::args().skip(1).try_for_each(|act| perform(&act))
}

fn perform(act: &str) -> Result {
    let (verb, value) = act.split_once(':').unwrap_or((act, ""));
    match verb {
        "idle" => loop {
            thread::sleep(Duration::from_secs(1000));
        },
        "exit" => std::process::exit(value.parse()?),
        "sleep" => thread::sleep(Duration::from_millis(value.parse()?)),
        "ignore" => ignore(value)?,
        "print" => println!("{value}"),
        "error" => eprintln!("{value}"),
        "lines" => lines(value.parse()?)?,
        "touch" => drop(File::create(value)?),
        "append" => {
            let (file, text) = value.split_once(':').ok_or("FILE:TEXT")?;
            append(file, &format!("{text}\n"))?;
        }
        "stamp" => {
            let now: Duration = clock_gettime(ClockId::CLOCK_MONOTONIC)?.into();
            append(value, &format!("{} {}\n", std::process::id(), now.as_nanos()))?;
        }
        "event" => events(value)?,
        "ready" => rare::send("STATUS=here+READY=1")?,
        "spawn" => drop(Command::new(std::env::current_exe()?).args(value.split(',')).spawn()?),
        "escape" => escape(value)?,
        "serve" => serve::serve(value)?,
        "load" => load::load(value)?,
        _ => memory::perform(verb, value).unwrap_or_else(|| rare::perform(verb, value))?,
    }
    Ok(())
}

/// Catches a signal, and ignores it.
fn ignore(name: &str) -> Result {
    signal_hook::flag::register(Signal::from_str(&format!("SIG{name}"))? as i32, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

fn append(file: &str, text: &str) -> std::io::Result<()> {
    File::options().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

fn lines(count: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    for number in 0..count {
        writeln!(out, "line {number}")?;
    }
    out.flush()
}

fn events(value: &str) -> Result {
    let (name, count) = value.split_once(':').unwrap_or((value, "1"));
    let pipe = File::options().append(true).open(format!("/proc/self/fd/{}", std::env::var("DAEMON_EVENTS")?))?;
    let mut pipe = BufWriter::with_capacity(1 << 16, pipe);
    for _ in 0..count.parse::<u64>()? {
        writeln!(pipe, "{name}")?;
    }
    pipe.flush()?;
    Ok(())
}

/// Starts this program as a grandchild in a session of its own; the child exits at once.
fn escape(acts: &str) -> Result {
    let script = "setsid \"$0\" \"$@\" & exit 0";
    let made =
        Command::new("/bin/sh").args(["-c", script]).arg(std::env::current_exe()?).args(acts.split(',')).status()?;
    assert!(made.success(), "{made}");
    Ok(())
}
