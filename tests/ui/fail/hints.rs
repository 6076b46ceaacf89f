//! Common first attempts: words of other libraries, numbers without a unit, parameters in keys.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[daemon::run(cwd = "/srv", timeout = "3s", uid = 33, log_file = "x.log", foreground)]
fn words() {}

#[daemon::step(every = 200)]
fn unit() {}

#[daemon::run(name = format!("web-{port}"), pidfile = path, signals = { HUP => || flag.store(true, Ordering::Relaxed) })]
fn parameters(path: &str, flag: Arc<AtomicBool>, port: u16) {
    println!("{path} {flag:?} {port}");
}

fn main() -> daemon::Result<()> {
    words()?;
    unit::stop()?;
    parameters::stop()?;
    Ok(())
}
