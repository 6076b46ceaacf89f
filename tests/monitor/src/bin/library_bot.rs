//! A bot that is a daemon made with the library: it counts three replies, writes its pid, and runs until it is stopped.

use std::time::Duration;

#[daemon::run(name = "worker")]
fn main() {
    for _ in 0..3 {
        daemon::event("reply");
    }
    println!("at work as {}", std::process::id());
    while daemon::sleep(Duration::from_secs(1000)) {}
}
