//! The examples that receive messages from a broker, with the broker itself: each acknowledged message was handled, and
//! no message is lost, whichever process dies.

mod fixture;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use look::{Lab, Run};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, lab};
use fixture::{Bench, Kind, POOL, address, socket, text};

/// Entries of a stream, acknowledged by `XACK`.
const REDIS: Kind = Kind {
    example: "redis_stream",
    server: "redis-server",
    variable: "REDIS_URL",
    place: |lab| format!("unix://{}", socket(lab).display()),
    serve: redis_server,
    ready: "ready to accept connections",
};

/// A work queue, in which each message is acknowledged by itself.
const NATS: Kind = Kind {
    example: "nats_work",
    server: "nats-server",
    variable: "NATS_URL",
    place: |_| address(),
    serve: nats_server,
    ready: "Server is ready",
};

/// Everything is on disk before it is acknowledged.
fn redis_server<'lab>(lab: &'lab Lab, _: &str, log: &str) -> Run<'lab> {
    let (socket, directory) = (socket(lab), lab.directory());
    let place = ["--port", "0", "--unixsocket", text(&socket), "--dir", text(directory), "--logfile", log];
    let storage = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    lab.command("redis-server", &place).args(storage)
}

fn nats_server<'lab>(lab: &'lab Lab, place: &str, log: &str) -> Run<'lab> {
    let (address, port) = place.split_once(':').expect("an address with a port");
    let storage = lab.path("jetstream");
    lab.command("nats-server", &["-js", "-sd", text(&storage), "-a", address, "-p", port, "-l", log])
}

/// Expands to the tests of one kind, under the same names for each.
macro_rules! kinds {
    ($($test:ident),* $(,)?) => {
        mod redis { $(#[test] fn $test() { super::$test(&super::REDIS); })* }
        mod nats { $(#[test] fn $test() { super::$test(&super::NATS); })* }
    };
}

kinds![
    every_message_is_handled_once_and_then_gone,
    messages_of_a_killed_daemon_are_taken_over,
    stop_finishes_messages_in_flight_and_leaves_the_rest,
    server_started_later_is_found,
    killed_server_loses_no_message,
    failed_message_is_redelivered,
    message_that_always_fails_is_retried_slowly_and_given_up,
];

fn every_message_is_handled_once_and_then_gone(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let _server = bench.serve();
    bench.start("one");
    let texts = bench.add(30);
    let seen = bench.answer_all(&texts);
    assert!(seen.len() == 30 && seen.values().all(|times| *times == 1), "{seen:?}");
    // The daemon waits for a message, which the signal must not lose.
    bench.rotate_log("one");
    let more = bench.add(1);
    assert_eq!(bench.visit().thank(), more[0]);
    bench.stop("one");
    assert_eq!(bench.left(), 0);
    let log = lab.read("rotated") + &bench.log("one");
    assert!(!log.contains("failed"), "{log}");
}

/// Two daemons as on two machines: one of them handles the messages of the one that was killed.
fn messages_of_a_killed_daemon_are_taken_over(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let _server = bench.serve();
    let one = bench.start("one");
    bench.start("two");
    let texts = bench.add(3 * POOL);
    // The maximum that both hold at a time.
    let (ones, twos): (Vec<_>, Vec<_>) = bench.visits(2 * POOL).into_iter().partition(|visit| visit.by == "one");
    assert_eq!((ones.len(), twos.len()), (POOL, POOL));
    one.signal(Signal::SIGKILL);
    one.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
    let mut seen: BTreeSet<String> = twos.into_iter().map(fixture::Visit::thank).collect();
    while seen.len() < texts.len() {
        let visit = bench.visit();
        assert_eq!(visit.by, "two");
        seen.insert(visit.thank());
    }
    bench.settle("two");
}

/// The pidfile guarantees that no other daemon of this name runs, so the next one need not wait until the group
/// releases the messages of the dead one: it begins with them.
#[test]
fn redis_redelivers_pending_messages_to_the_next_daemon() {
    let lab = lab();
    let bench = Bench::new(&lab, &REDIS);
    let _server = bench.serve();
    let daemon = bench.start("one");
    let texts = bench.add(2 * POOL);
    // None is answered before the daemon is killed.
    let held = bench.visits(POOL);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("SIGKILL ends it");
    let held: BTreeSet<String> = held.into_iter().map(|visit| visit.text).collect();
    assert_eq!(bench.left(), texts.len());
    bench.start("one");
    let again = bench.visits(POOL);
    assert_eq!(again.iter().map(|visit| visit.text.clone()).collect::<BTreeSet<_>>(), held);
    for visit in again {
        visit.thank();
    }
    let rest: Vec<String> = texts.into_iter().filter(|text| !held.contains(text)).collect();
    bench.answer_all(&rest);
    bench.settle("one");
}

fn stop_finishes_messages_in_flight_and_leaves_the_rest(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let _server = bench.serve();
    bench.start("one");
    let texts = bench.add(4 * POOL);
    let held = bench.visits(POOL);
    let stop = bench.run(&["stop", "one"]).spawn();
    bench.wait_for_log("one", &format!("stopping, with {POOL} in flight"));
    let mut seen: Vec<String> = held.into_iter().map(fixture::Visit::thank).collect();
    // The log may be rotated before the stop arrives.
    while let Some(visit) = bench.visit_until_death_of(stop.process()) {
        seen.push(visit.thank());
    }
    stop.finish().ok().prints(&["stopped"]);
    assert!(!bench.log("one").contains("failed"), "{}", bench.log("one"));
    assert!(seen.len() < texts.len(), "all of them: {seen:?}");
    assert_eq!(bench.left(), texts.len() - seen.len());
    bench.start("one");
    while seen.len() < texts.len() {
        seen.push(bench.visit().thank());
    }
    bench.stop("one");
    assert_eq!(bench.left(), 0);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), texts.len(), "some twice: {seen:?}");
}

fn server_started_later_is_found(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    bench.serve().kill();
    bench.start("one");
    bench.wait_for_log("one", "fetching a message failed");
    let _server = bench.serve();
    let texts = bench.add(3);
    bench.answer_all(&texts);
    bench.stop("one");
    assert_eq!(bench.left(), 0);
}

/// The server is killed while messages are handled and others are queued; the stored ones are delivered again.
fn killed_server_loses_no_message(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let server = bench.serve();
    bench.start("one");
    let texts = bench.add(2 * POOL);
    let held = bench.visits(POOL);
    server.kill();
    let _server = bench.serve();
    let held: BTreeSet<String> = held.into_iter().map(fixture::Visit::thank).collect();
    let rest: Vec<String> = texts.into_iter().filter(|text| !held.contains(text)).collect();
    bench.answer_all(&rest);
    let late = bench.add(1);
    bench.answer_all(&late);
    bench.settle("one");
}

fn failed_message_is_redelivered(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let _server = bench.serve();
    bench.start("one");
    let texts = bench.add(1);
    assert_eq!(bench.visit().answer("rejected"), texts[0]);
    bench.wait_for_log("one", "the handler of a message failed: 127.0.0.1:");
    assert_eq!(bench.left(), 1);
    assert_eq!(bench.visit().thank(), texts[0]);
    bench.stop("one");
    assert_eq!(bench.left(), 0);
}

/// Promises 9.09, 10.12. The server keeps the delay and counts the attempts, also across daemons.
fn message_that_always_fails_is_retried_slowly_and_given_up(kind: &'static Kind) {
    let lab = lab();
    let bench = Bench::new(&lab, kind);
    let _server = bench.serve();
    bench.start("one");
    let texts = bench.add(1);
    let mut delays = Vec::new();
    let mut last = None;
    for _ in 0..5 {
        let visit = bench.visit();
        delays.extend(last.replace(Instant::now()).map(|last: Instant| last.elapsed()));
        assert_eq!(visit.answer("rejected"), texts[0]);
    }
    bench.wait_for_log("one", "giving up a message whose handler failed in attempt 5");
    for (delay, at_least) in delays.iter().zip([500, 1_000, 2_000, 4_000]) {
        // The server's clock and its rounding differ.
        assert!(*delay >= Duration::from_millis(at_least) * 9 / 10, "{delays:?}");
    }
    bench.stop("one");
    assert_eq!((bench.left(), bench.dead()), (0, 1));
}
