//! Messages: every file that is put into `spool/new` is one. It is claimed by moving it to `spool/work`, and ends in
//! `spool/done` when it was handled, and back in `spool/new` when the daemon ended first. A file that could not be handled is
//! moved back after a delay, with the number of its next attempt at the end of its name (`words.txt~2`); after the third
//! attempt it is moved to `spool/failed`.
//!
//! `cargo run --example spool -- start`, then `-- add words.txt`, `-- stop`; `spool` and `spool.log` are in the directory for
//! temporary files.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use daemon::messages::{Ack, Delivery, Nack};

#[daemon::message(
    from = next_file, pool_size = 4, idle_time = "50ms", retry = { delay = "200ms", attempts = 3 },
    hooks = { after(PidFile) => prepare }, stdout = temporary("spool.log"), stderr = temporary("spool.log"),
)]
fn count_words(file: PathBuf) -> io::Result<()> {
    let words = fs::read_to_string(&file)?.split_whitespace().count();
    println!("{words} words in {}", file.display());
    Ok(())
}

/// Returns the next message, if there is one, and claims it, so that no other process takes it.
fn next_file() -> io::Result<Option<Delivery<PathBuf, Claim>>> {
    let Some(entry) = spool("new").read_dir()?.next() else { return Ok(None) };
    let claim = Claim::of(entry?.file_name());
    claim.pass("new", "work")?;
    let (file, attempt) = (spool("work").join(&claim.file), claim.attempt);
    Ok(Some(Delivery::new(file, claim).attempt(attempt)))
}

/// The receipt of a file that a handler is processing.
struct Claim {
    file: OsString,
    /// The file's name without the number of the attempt.
    name: OsString,
    attempt: u32,
}

impl Claim {
    fn of(file: OsString) -> Claim {
        let parts = file.to_str().and_then(|file| file.rsplit_once('~'));
        let parts = parts.and_then(|(name, attempt)| Some((name.into(), attempt.parse().ok()?)));
        let (name, attempt) = parts.unwrap_or_else(|| (file.clone(), 1));
        Claim { file, name, attempt }
    }

    fn pass(&self, from: &str, to: &str) -> io::Result<()> {
        self.pass_as(from, to, &self.file)
    }

    fn pass_as(&self, from: &str, to: &str, name: &OsStr) -> io::Result<()> {
        fs::rename(spool(from).join(&self.file), spool(to).join(name))
    }
}

impl Ack for Claim {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.pass_as("work", "done", &self.name)?)
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        let passed = match why {
            Nack::Failed => {
                let mut next = self.name.clone();
                next.push(format!("~{}", self.attempt + 1));
                self.pass_as("work", "new", &next)
            }
            Nack::Exhausted => self.pass_as("work", "failed", &self.name),
            _ => self.pass("work", "new"),
        };
        Ok(passed?)
    }
}

/// Runs in the daemon after it has locked its pidfile: returns the files that a killed daemon has left in `work`.
fn prepare() -> io::Result<()> {
    for directory in ["new", "work", "done", "failed"] {
        fs::create_dir_all(spool(directory))?;
    }
    spool("work").read_dir()?.try_for_each(|entry| Claim::of(entry?.file_name()).pass("work", "new"))
}

fn spool(directory: &str) -> PathBuf {
    temporary("spool").join(directory)
}

fn temporary(name: &str) -> PathBuf {
    env::temp_dir().join(name)
}

/// Adds a file. It is copied to another directory first, so that the daemon never reads an incomplete copy.
fn add(file: &Path) -> io::Result<String> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    fs::copy(file, temporary("spool").join(name))?;
    fs::rename(temporary("spool").join(name), spool("new").join(name))?;
    Ok(format!("added {}", file.display()))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["start"] => count_words::start().map(|started| format!("started pid {}", started.pid)),
        ["add", file] => Ok(add(Path::new(file)).unwrap_or_else(|error| format!("cannot add {file}: {error}"))),
        ["stop"] => count_words::stop().map(|stopped| stopped.to_string()),
        _ => Ok("usage: spool start | add FILE | stop".into()),
    };
    match outcome {
        Ok(text) => println!("{text}"),
        Err(error) => return error.report(),
    }
    ExitCode::SUCCESS
}
