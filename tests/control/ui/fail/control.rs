//! Values that an endpoint cannot be made of; each error points at its value.

use daemon::control::Endpoint;

#[daemon::run(control = "0.0.0.0:80")]
fn everywhere() {}

#[daemon::run(control = "localhost:80")]
fn name() {}

#[daemon::run(control = 80, control)]
fn number() {}

#[daemon::step(control =)]
fn nothing() {}

#[daemon::run(controll)]
fn misspelt() {}

#[daemon::run(control = 80 + 1)]
fn another_type() {}

#[daemon::run(control = Endpoint::new().on("x", |_| Opaque))]
fn no_reply() {}

struct Opaque;

fn main() {
    let _ = (everywhere::client, name::client, number::client);
}
