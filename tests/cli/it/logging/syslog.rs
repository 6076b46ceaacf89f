//! Records in syslog. In a private mount namespace, `/dev/log` belongs to the test.

use super::{EVENT_TIMEOUT, PIDFILE, lab, stop};
use look::Lab;
use nix::sys::signal::Signal;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

/// Starts a daemon that logs to the socket `log.socket`.
fn start(lab: &Lab, words: &str) {
    let script = format!(
        "mkdir dev && mount -t tmpfs none dev && mknod -m 666 dev/null c 1 3 && ln -s $LOOK_LAB/log.socket dev/log \
         && mount --bind dev /dev && $D start syslog {words}"
    );
    lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program()).run().ok();
    lab.daemon(PIDFILE);
}

fn receiver(lab: &Lab) -> UnixDatagram {
    let socket = UnixDatagram::bind(lab.path("log.socket")).expect("a socket");
    socket.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a deadline");
    socket
}

/// Reads messages up to one that contains `last`.
#[track_caller]
fn messages(socket: &UnixDatagram, last: &str) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    while !messages.last().is_some_and(|message| message.contains(last)) {
        let mut bytes = vec![0; 100_000];
        let length =
            socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}: {last:?} is not in {messages:#?}"));
        messages.push(String::from_utf8_lossy(&bytes[..length]).into_owned());
    }
    messages
}

#[test]
fn record_in_syslog_has_priority_name_and_pid_in_one_bounded_line() {
    let lab = lab();
    let socket = receiver(&lab);
    start(&lab, "attack");
    let pid = lab.daemon(PIDFILE).id();
    let messages = messages(&socket, "after the attack");
    for (index, (priority, text)) in [
        (27, "request{id=7}: logging_lab::records: an error"),
        (28, "request{id=7}: logging_lab::records: a warning"),
        (30, "request{id=7}: logging_lab::records: ready port=8080 host=\"localhost\""),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(messages[index], format!("<{priority}>logging-lab[{pid}]: {text}"));
    }
    for message in &messages {
        assert!(
            message.starts_with("<30>logging-lab[") || message.starts_with("<27>") || message.starts_with("<28>"),
            "{message}"
        );
        assert!(message.chars().all(|letter| matches!(letter, ' '..='~')), "{message:?}");
        assert!(message.len() <= 8192, "{}", message.len());
    }
    assert!(messages.iter().any(|message| message.ends_with(" bytes left out]")), "{messages:?}");
    stop(&lab);
}

/// A receiver that was started again has another socket with the same name.
#[test]
fn restarted_receiver_is_found_again_and_told_of_lost_records() {
    let lab = lab();
    let first = receiver(&lab);
    start(&lab, "");
    messages(&first, "by log");
    drop(first);
    std::fs::remove_file(lab.path("log.socket")).unwrap();
    let daemon = lab.daemon(PIDFILE);
    // All of these are lost. Then the daemon waits a second before it connects again.
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("out/logged", EVENT_TIMEOUT, |logged| logged == "all");
    let second = receiver(&lab);
    let deadline = Instant::now() + EVENT_TIMEOUT;
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut found = String::new();
    while !found.contains("were lost") {
        assert!(Instant::now() < deadline, "nothing is reported: {} bytes", found.len());
        daemon.signal(Signal::SIGUSR1);
        let mut bytes = [0; 9000];
        while let Ok(length) = second.recv(&mut bytes) {
            found.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
    }
    assert!(found.contains(" records were lost: syslog did not accept them"), "{found}");
    stop(&lab);
}

/// A receiver that reads nothing costs the daemon half a second, not its work.
#[test]
fn receiver_that_does_not_read_delays_the_daemon_once() {
    let lab = lab();
    let socket = receiver(&lab);
    start(&lab, "");
    let daemon = lab.daemon(PIDFILE);
    // Its queue holds `net.unix.max_dgram_qlen` messages, by default 10, and 512 under systemd.
    let begin = Instant::now();
    for _ in 0..200 {
        daemon.signal(Signal::SIGUSR1);
        std::thread::sleep(Duration::from_millis(2));
    }
    stop(&lab);
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    drop(socket);
}
