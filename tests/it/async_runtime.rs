//! The runtime of async bodies: where it is built, its number of threads, and the watchdog.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::async_bodies::{begun, lab, stops, workers};
use crate::common::{EVENT_TIMEOUT, PIDFILE, each, needs, needs_root, nothing_left, run, stop};
use crate::faults::held_system_call::look_until;

/// Promise 10.03.
#[test]
fn runtime_has_the_requested_number_of_threads() {
    let processors = std::thread::available_parallelism().expect("a number").get();
    for (settings, count) in [
        (&["runtime=current_thread"][..], 0),
        (&["worker_threads=1"], 1),
        (&["worker_threads=3", "runtime=multi_thread"], 3),
        (&[], processors),
    ] {
        let lab = lab();
        let daemon = begun(&lab, &[settings, &["body=note:begun,hang"]].concat());
        // A thread receives its name when it first runs.
        look_until(&format!("{settings:?}: {} workers", workers(daemon)), || workers(daemon) == count);
        stops(&lab, daemon, 0);
    }
}

/// Promise 10.03. The launcher is refused unless it has one thread and no descriptor of a runtime when it forks.
#[test]
fn runtime_is_built_after_the_forks() {
    needs(&["strace"]);
    let lab = lab();
    let strace = ["-f", "-qq", "-o", "trace", "-e", "trace=epoll_create1,eventfd2,clone,clone3,fork,vfork,setsid"];
    let settings = ["start", "pidfile=d.pid", "body=note:begun,hang"];
    lab.command("strace", &strace).arg(lab.program()).args(settings).spawn();
    lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
    let daemon = lab.daemon(PIDFILE);
    stop(&lab);
    nothing_left(&lab);
    let trace = lab.read("trace");
    let epolls: Vec<&str> = trace.lines().filter(|line| line.contains("epoll_create1(")).collect();
    let own = format!("{} ", daemon.id());
    assert!(!epolls.is_empty() && epolls.iter().all(|line| line.starts_with(&own)), "{trace}");
    let is_thread = |line: &str| line.contains("CLONE_THREAD");
    assert!(trace.lines().filter(|line| is_thread(line)).all(|line| line.starts_with(&own)), "{trace}");
    let forks = trace.lines().filter(|line| line.contains("clone") && line.contains('(') && !is_thread(line)).count();
    assert_eq!(forks, 2, "{trace}");
}

/// Promise 10.03. The user's limit of processes does not apply to root. A runtime that lacks a thread would not run the
/// body.
#[test]
fn runtime_that_cannot_be_built_fails_the_start() {
    needs(&["setpriv", "prlimit"]);
    needs_root();
    let mut lab = lab();
    lab.bring_program();
    // A uid of its own, so that no other process counts.
    let someone = nix::unistd::Uid::from_raw(45_674);
    nix::unistd::chown(lab.directory(), Some(someone), None).expect("a directory of ours");
    let limited = ["--reuid=45674", "--regid=45674", "--clear-groups", "prlimit", "--nproc=4:4"];
    let settings = ["start", "pidfile=d.pid", "worker_threads=8", "stderr=log", "body=note:begun,hang"];
    let outcome = lab.command("setpriv", &limited).arg(lab.program()).args(settings).run().exits(4);
    outcome.says(&["failed to build the async runtime: Resource temporarily unavailable"]);
    nothing_left(&lab);
    assert!(!lab.path("begun").exists());
}

/// Promise 10.09.
#[test]
fn impossible_combination_is_refused_before_the_start() {
    for (settings, says) in [
        ("worker_threads=0", "`worker_threads` is zero"),
        ("worker_threads=32769", "`worker_threads` is more than 32768"),
        ("worker_threads=2 runtime=current_thread", "`worker_threads` with `runtime = current_thread`, which has none"),
        ("sync=true runtime=current_thread", "`runtime` is about the runtime of an async body"),
        ("sync=true worker_threads=2", "`worker_threads` is about the runtime of an async body"),
        ("body=hang every=5", "`every` is the pace of steps"),
        ("body=hang pool_size=5", "`pool_size` is for messages"),
        ("step=hang idle_time=5", "`idle_time` is for messages"),
        ("inbox=inbox every=5", "`every` is the pace of steps"),
        ("inbox=inbox pool_size=0", "`pool_size` is zero"),
    ] {
        let lab = lab();
        let settings: Vec<&str> = settings.split(' ').collect();
        run(&lab, "start", &settings).exits(2).says(&["failed to configure the daemon", says]);
        nothing_left(&lab);
    }
}

/// Promise 1.12. The watchdog's interval is one second; the daemon sends a message every half second.
#[test]
fn watchdog_is_fed_while_the_body_awaits_and_not_while_it_blocks() {
    let is_fed = |socket: &UnixDatagram, time: Duration| {
        socket.set_read_timeout(Some(time)).unwrap();
        let mut words = [0; 256];
        socket.recv(&mut words).is_ok_and(|length| words.starts_with(b"WATCHDOG=1\n") && length > 0)
    };
    each(["body=hang", "body=idle", "step=pause:3600000", "body=block_on_go"], |body| {
        let lab = lab();
        let name = lab.directory().to_str().expect("a name").to_owned();
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let environment = [("NOTIFY_SOCKET", format!("@{name}")), ("WATCHDOG_USEC", "1000000".to_owned())];
        let daemon = lab.helper(&["foreground", "pidfile=d.pid", "grace=300", body]);
        let daemon = environment.into_iter().fold(daemon, |daemon, (name, value)| daemon.env(name, value)).spawn();
        assert!(!is_fed(&socket, EVENT_TIMEOUT), "the first word is READY");
        assert!((0..3).all(|_| is_fed(&socket, EVENT_TIMEOUT)), "{body}: not fed");
        if body.contains("go") {
            lab.write("go", "");
            lab.wait_for("begun", EVENT_TIMEOUT, |notes| !notes.is_empty());
            // A message may already be queued.
            is_fed(&socket, Duration::from_millis(700));
            assert!(!is_fed(&socket, Duration::from_millis(1500)), "fed while the body blocks its thread");
        }
        daemon.signal(Signal::SIGTERM);
        daemon.finish();
    });
}
