//! A monitor that is built in code: two bots, one after the other, and an endpoint to ask it.
//!
//! ```sh
//! cargo run -p daemonic-monitor-examples --bin in_code
//! curl --unix-socket /run/in-code.control/socket http://localhost/bots
//! kill "$(head -n 1 /run/in-code.pid)"
//! ```

use daemonize_monitor::control::Endpoint;
use daemonize_monitor::{Bot, Monitor, Ready};
use std::time::Duration;

fn main() -> daemonize_monitor::Result<()> {
    let first = Bot::new("first", "/bin/sh")
        .arguments(["-c", "echo warming up; sleep 0.2; echo here we go; exec sleep 1000"])
        .ready(Ready::Output("here we go".into()));
    let second = Bot::new("second", "/bin/sh")
        .arguments(["-c", "while :; do echo tick >&$DAEMON_EVENTS; sleep 1; done"])
        .depends_on("first")
        .limit(3, Duration::from_secs(60));
    let monitor = Monitor::builder("in-code").bot(first).bot(second).listen(Endpoint::new());
    let started = monitor.start()?;
    println!("it runs as pid {}", started.pid);
    Ok(())
}
