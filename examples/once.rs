//! A program in the foreground that runs once at a time, by its pidfile alone.
//!
//! `cargo run --example once -- 30`, and in another terminal `cargo run --example once -- 1`

use daemon::{ErrorKind, PidFile};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let path = std::env::temp_dir().join("once.pid");
    let once = match PidFile::lock(&path) {
        Ok(once) => once,
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyRunning { .. }) => {
            println!("another process holds the pidfile: {error}");
            return ExitCode::from(error.exit_code());
        }
        Err(error) => return error.report(),
    };
    println!("running alone for {seconds} s, by `{}`", once.path().display());
    std::thread::sleep(Duration::from_secs(seconds));
    println!("still held: {}", once.is_mine());
    // Dropping it removes the file.
    ExitCode::SUCCESS
}
