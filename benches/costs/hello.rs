//! The smallest daemon: its start is traced, and its text is measured.

use std::time::Duration;

#[daemon::run(pidfile = "hello.pid", ready = entered)]
fn hello() {
    while daemon::sleep(Duration::from_secs(600)) {}
}

fn main() -> daemon::Result<()> {
    // Marks in the trace the end of the loader's and the runtime's system calls, none of which is `getpid`.
    let _ = std::process::id();
    hello()?;
    Ok(())
}
