//! How arguments are written.

fn path() -> &'static str {
    "x.pid"
}

#[daemon::run(pidfile)]
fn no_value() {}

#[daemon::run("x.pid")]
fn no_key() {}

#[daemon::run(pidfile = path() umask = 0o22)]
fn no_comma() {}

#[daemon::run(pidfile("x.pid"), user: "nobody", umask =)]
fn no_equals() {}

#[daemon::run(signals = { HUP, }, hooks = { before => path })]
fn no_arrow() {}

fn main() {
    let _ = no_value::stop;
    let _ = no_key::stop;
}
