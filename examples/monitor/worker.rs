//! A daemon that counts what it does. By itself it detaches; under the monitor it does not, and the monitor counts, too.
//!
//! ```sh
//! cargo build -p daemonic-monitor-examples
//! daemonctl -c examples/monitor/monitor.toml start
//! daemonctl -c examples/monitor/monitor.toml status
//! ```

use std::time::Duration;

#[daemon::run(name = "example-worker")]
fn main() {
    println!("at work");
    while daemon::sleep(Duration::from_millis(500)) {
        daemon::event("job");
    }
    println!("done");
}
