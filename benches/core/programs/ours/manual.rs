//! A daemon from `main` that says itself that it is ready. Argument: the pidfile.

use std::time::Duration;

#[daemon::run(pidfile = std::env::args_os().nth(1).expect("a pidfile"), ready = manual)]
fn main() -> daemon::Result<()> {
    daemon::ready()?;
    while daemon::sleep(Duration::from_secs(600)) {}
    Ok(())
}
