//! The library's path must hold wherever the expansion goes.

extern crate daemon as renamed;

#[renamed::run(crate = renamed)]
fn sleepy() {}

#[daemon::run(crate = "daemon", companion = "Sleepy")]
fn text() {}

fn main() {
    let _ = text::stop;
}
