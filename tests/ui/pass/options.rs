//! Every setting takes an `Option`, in an attribute and in the builder, and what std has for it by reference.
#![deny(warnings)]
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "users have a style of their own")]

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::messages::Retry;
use daemon::settings::Runtime;
use daemon::settings::{Capability, Close, Detach, Hooks, Ready, Stdio};
use daemon::signals::Signals;
use daemon::{Daemon, PidFile, Signal};

#[derive(Clone, Default)]
struct Config {
    name: Option<String>,
    path: Option<PathBuf>,
    text: Option<&'static str>,
    number: Option<u32>,
    yes: Option<bool>,
    time: Option<Duration>,
    fds: Option<Vec<i32>>,
}

fn config() -> Config {
    Config::default()
}

fn show(output: &[u8]) {
    drop(output.to_vec());
}

#[daemon::run(
    name = config().name,
    pidfile = config().path,
    pidfile_mode = config().number,
    signals = { SIGHUP => || {} },
    detach = None::<Detach>,
    working_directory = config().text,
    umask = None,
    user = config().name,
    group = config().number,
    init_groups = config().yes,
    chroot = config().path,
    core_dumps = config().yes,
    inherit = config().fds,
    close = None,
    stdin = config().path,
    stdout = None,
    stderr = Some(Stdio::Null),
    log = config().text,
    ready = Some(Ready::Auto),
    on_output = show,
    start_timeout = config().time,
    stop_timeout = None,
    grace = config().time,
    kill = config().yes,
)]
fn options() {}

#[daemon::run(pidfile = none, log = inherit)]
fn without_pidfile() {}

fn builder(path: &Path, buffer: &PathBuf, text: &String) -> Daemon {
    Daemon::new("builder")
        .name(config().name)
        .name("builder")
        .pidfile(config().path)
        .pidfile(path)
        .pidfile(buffer)
        .pidfile(text)
        .pidfile_mode(0o600)
        .lock_timeout(config().time)
        .signals(None)
        .signals(Signals::new().ignore("USR1"))
        .handle("HUP", || {})
        .handle(Signal::SIGUSR2, |_: Signal| {})
        .ignore(10)
        .default_action(String::from("SIGPIPE"))
        .detach(Some(Detach::Auto))
        .working_directory(Some(path))
        .umask(0o022)
        .user(1000)
        .group(Some("staff"))
        .init_groups(true)
        .capabilities([Capability::CHOWN])
        .capabilities(None::<Vec<Capability>>)
        .no_new_privs(None)
        .inherit([3])
        .inherit(Vec::new())
        .inherit(Some(vec![4]))
        .close(Close::All)
        .stdin(buffer)
        .stdout(text)
        .stderr(Some(buffer))
        .log(config().path)
        .hooks(None)
        .hooks(Hooks::new())
        .every(None)
        .pool_size(Some(3))
        .idle_time(config().time)
        .nack_timeout(None)
        .retry(Some(Retry::new()))
        .runtime(Some(Runtime::MultiThread))
        .worker_threads(2)
        .on_output(show)
        .on_output(|output| drop(output.to_vec()))
        .no_pidfile()
}

fn own(path: &Path) -> daemon::Result<Daemon> {
    Ok(Daemon::new("own").with_pidfile(PidFile::lock(path)?))
}

fn names() -> io::Result<()> {
    options::send("HUP")?;
    options::send(String::from("SIGUSR1"))?;
    options::send(Signal::SIGUSR2)?;
    Ok(options::send(1)?)
}

fn main() {
    let _ = (builder, own, names, without_pidfile::stop);
}
