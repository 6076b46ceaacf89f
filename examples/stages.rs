//! Hooks and `activate`: the program itself becomes the daemon, with functions that run before, after and instead of a stage.
//!
//! `cargo run --example stages -- start`, then `-- stop`; it writes to `stages.log` in the directory for temporary
//! files.

use daemon::Daemon;
use daemon::settings::Stage;
use std::time::Duration;
use std::{env, fs, io};

fn main() -> daemon::Result<()> {
    let daemon = Daemon::new("stages")
        .stdout(env::temp_dir().join("stages.log"))
        .before(Stage::Detach, || println!("launcher: about to detach"))
        .after(Stage::Detach, || println!("daemon: detached, pid {}", std::process::id()))
        .replace(Stage::WorkingDirectory, enter_own_directory)
        .before(Stage::Stdio, || println!("daemon: this still reaches the terminal"));
    match env::args().nth(1).as_deref() {
        Some("start") => daemon.activate()?,
        Some("stop") => {
            println!("{}", daemon.stop()?);
            return Ok(());
        }
        _ => {
            eprintln!("usage: stages start | stop");
            return Ok(());
        }
    }
    println!("in {}", env::current_dir().unwrap_or_default().display());
    while daemon::sleep(Duration::from_secs(1)) {}
    println!("the program ends as any other");
    Ok(())
}

/// Replaces a stage: creates the working directory if it is missing.
fn enter_own_directory() -> io::Result<()> {
    let directory = env::temp_dir().join("stages");
    fs::create_dir_all(&directory)?;
    env::set_current_dir(directory)
}
