//! A daemon whose `main` is annotated, awaits, and never returns.
#![deny(unsafe_code)]

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

#[daemon::run(pidfile = look::in_lab("d.pid"), runtime = current_thread, ready = manual)]
async fn main() -> ! {
    let _guard = Guard;
    tokio::task::yield_now().await;
    let _ = daemon::ready();
    loop {
        daemon::sleep_async(Duration::from_secs(3600)).await;
    }
}

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        let opened = OpenOptions::new().append(true).create(true).open(look::in_lab("left"));
        let _ = opened.and_then(|mut file| file.write_all(format!("dropped {}\n", std::process::id()).as_bytes()));
    }
}
