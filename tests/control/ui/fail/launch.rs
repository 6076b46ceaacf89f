//! Functions that cannot be launched by exec, and values that a daemon on demand cannot have; each error points at its parameter or
//! value.

use std::net::TcpListener;

struct Opaque;

#[derive(serde::Serialize)]
struct OneWay;

#[daemon::run(launch = exec)]
fn by_value(_: u16, _: TcpListener) {}

#[daemon::run(on_demand = "10m")]
async fn lent(_: &str, _: &OneWay, _: &[Opaque]) {}

#[daemon::step(launch = exec)]
fn lent_to_steps(_: &mut OneWay, _: u64) {}

#[daemon::run(launch = exec)]
fn borrowing(_: Vec<&str>, _: &dyn Fn()) {}

#[daemon::run(launch = exec)]
fn generic<T: serde::Serialize>(_: T) {}

#[daemon::run(on_demand = 600, on_mismatch = 3, protocol = "3", constraint = 3)]
fn literals() {}

#[daemon::run(on_demand = minutes(), constraint = 3 + 4, environment = [PATH])]
fn expressions() {}

fn minutes() -> u64 {
    10
}

const PATH: u8 = 1;

#[daemon::run(on_demand = "1m", scope, launch = fork)]
fn excluded() {}

#[daemon::init]
fn not_main() {}

#[daemon::run(launch = exec)]
fn main() {
    let _ = (by_value, borrowing::start, excluded::connect, literals::connect, expressions::connect);
}
