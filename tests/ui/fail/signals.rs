//! Signals that cannot be had, and how they are written.

fn reload() {}

#[daemon::run(signals = {
    SIGTREM => reload,
    KILL => reload,
    SIGSTOP => ignore,
    SIGSEGV => reload,
    SIGHUP => [],
    TERM => reload,
    libc::SIGTERM => reload,
})]
fn sleepy() {}

#[daemon::run(signals = [reload])]
fn bracketed() {}

#[daemon::run(hooks = { before(umask) => reload })]
fn hooked() {}

fn main() {}
