//! Messages: every file that is put into `spool/new` is one. It is claimed by moving it to `spool/work`, and ends in
//! `spool/done` when it was handled, in `spool/failed` when it could not be, and back in `spool/new` when the daemon ended first.
//!
//! `cargo run --example spool -- start`, then `-- add words.txt`, `-- stop`; `spool` and `spool.log` are in the directory for
//! temporary files.

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use daemon::{Ack, Delivery, Nack};

#[daemon::message(
    from = next_file, pool_size = 4, idle_time = "50ms",
    hooks = { after(PidFile) => prepare }, stdout = temporary("spool.log"), stderr = temporary("spool.log"),
)]
fn count_words(file: PathBuf) -> io::Result<()> {
    let words = fs::read_to_string(&file)?.split_whitespace().count();
    println!("{words} words in {}", file.display());
    Ok(())
}

/// The next message, if there is one: claimed, so that nobody else takes it.
fn next_file() -> io::Result<Option<Delivery<PathBuf, Claim>>> {
    let Some(entry) = spool("new").read_dir()?.next() else { return Ok(None) };
    let claim = Claim(entry?.file_name());
    claim.pass("new", "work")?;
    Ok(Some(Delivery::new(spool("work").join(&claim.0), claim)))
}

/// What stays behind while the handler has the file.
struct Claim(OsString);

impl Claim {
    fn pass(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(spool(from).join(&self.0), spool(to).join(&self.0))
    }
}

impl Ack for Claim {
    fn ack(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.pass("work", "done")?)
    }

    fn nack(self, why: Nack) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.pass("work", if why == Nack::Failed { "failed" } else { "new" })?)
    }
}

/// In the daemon, which has the pidfile and so is the only one: what an elder one was killed over is put back.
fn prepare() -> io::Result<()> {
    for place in ["new", "work", "done", "failed"] {
        fs::create_dir_all(spool(place))?;
    }
    spool("work").read_dir()?.try_for_each(|entry| Claim(entry?.file_name()).pass("work", "new"))
}

fn spool(place: &str) -> PathBuf {
    temporary("spool").join(place)
}

fn temporary(name: &str) -> PathBuf {
    env::temp_dir().join(name)
}

/// Copied to the side first, so that nobody finds half of it.
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
