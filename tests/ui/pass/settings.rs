//! Every key, with literals and with expressions.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::path::PathBuf;
use std::time::Duration;

use daemon::settings::{Close, Detach, Ready, Stdio};
use daemon::{Daemon, Signal};

fn reload() {}
fn rotate() {}
fn told(signal: Signal) {
    let _ = signal;
}
fn more(daemon: Daemon) -> Daemon {
    daemon
}
fn path() -> PathBuf {
    "/tmp".into()
}
fn prepare() -> std::io::Result<()> {
    Ok(())
}
const MODE: u32 = 0o600;
static DAEMON: u32 = 0o027;

#[daemon::run(
    name = "literals",
    pidfile = "~/sleepy.pid",
    pidfile_mode = 0o644,
    signals = {
        SIGTERM => reload,
        HUP => [reload, rotate, || println!("again")],
        libc::SIGUSR1 => ignore,
        Signal::SIGUSR2 => told,
        SIGPIPE => default,
    },
    detach = auto,
    working_directory = "/",
    umask = 0o027,
    user = "nobody",
    group = 65534,
    init_groups = true,
    chroot = "/srv",
    core_dumps = false,
    inherit = [3, 4],
    close = inherited,
    stdin = null,
    stdout = "/dev/null",
    stderr = inherit,
    ready = manual,
    start_timeout = "60s",
    stop_timeout = "1m",
    grace = "1500ms",
    kill = false,
    hooks = { before(Umask) => prepare, after(PidFile) => [prepare, || println!("sealed")], replace(Stdio) => || {} },
    configure = more,
)]
fn literals() {}

#[daemon::step(
    name = format!("{}-{}", "expressions", 3),
    pidfile = path().join("x.pid"),
    pidfile_mode = MODE,
    detach = Detach::Never,
    working_directory = path(),
    umask = DAEMON,
    user = String::from("nobody"),
    core_dumps = cfg!(debug_assertions),
    inherit = Vec::new(),
    close = if cfg!(unix) { Close::All } else { Close::None },
    stdin = Stdio::Null,
    stdout = path().join("x.log"),
    ready = Ready::Auto,
    stop_timeout = Duration::from_secs(70),
    every = Duration::from_millis(5),
    configure = |daemon| daemon.umask(0),
)]
fn expressions() {}

fn main() {}
