//! The greeting that each client reads first, whatever the body does.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use nix::unistd::getuid;

use crate::plain_client::{ANSWER_TIMEOUT, NEVER_IDLE, PlainClient, new_lab, start};

#[test]
fn client_of_running_daemon_reads_its_identity() {
    let lab = new_lab();
    let daemon = start(&lab, "echo", NEVER_IDLE, &["constraint=cache 7%"]);
    let mut client = PlainClient::connect(&lab);
    let greeting = client.line();
    let pid = format!("pid={}", daemon.id());
    let words: Vec<&str> = greeting.split(' ').collect();
    assert_eq!(words[..3], ["daemonic/1", "name=agent", pid.as_str()], "{greeting}");
    assert!(words[3].strip_prefix("build=").is_some_and(|build| build.len() >= 16), "{greeting}");
    assert_eq!(words[4..], ["constraint=cache%207%25", "protocol=1", "state=ready", "clients=1"], "{greeting}");
    assert_eq!(client.ask("hello"), format!("{} hello", getuid()));
    let second = PlainClient::connect(&lab).line();
    assert!(second.ends_with("state=ready clients=2"), "{second}");
}

#[test]
fn clients_of_slow_body_are_greeted_at_once_up_to_the_limit() {
    let lab = new_lab();
    start(&lab, "held", NEVER_IDLE, &["max_queued=2"]);
    let mut first = PlainClient::connect(&lab);
    assert!(first.line().contains("state=ready"));
    // The body has taken the first client when the file exists.
    lab.wait_for("taken", ANSWER_TIMEOUT, |_| true);
    let mut queued = [PlainClient::connect(&lab), PlainClient::connect(&lab)];
    for client in &mut queued {
        assert!(client.line().contains("state=ready"));
    }
    let mut refused = PlainClient::connect(&lab);
    assert!(refused.line().contains("state=full clients=3"));
    assert_eq!(refused.line(), "");
    lab.write("go", "");
    drop(first);
    for mut client in queued {
        assert_eq!(client.ask("late"), format!("{} late", getuid()));
    }
}

#[test]
fn client_of_another_user_is_closed_without_a_word() {
    assert!(getuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = new_lab();
    lab.bring_program();
    start(&lab, "echo", NEVER_IDLE, &[]);
    // The directory keeps others away; without it, the peer check does.
    for (name, mode) in [("agent.agent", 0o755), ("agent.agent/socket", 0o666), ("agent.agent/control", 0o666)] {
        fs::set_permissions(lab.path(name), Permissions::from_mode(mode)).expect("a file of ours");
    }
    let program = lab.program().display().to_string();
    for socket in ["agent.agent/socket", "agent.agent/control"] {
        let setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups", &program, "server", "read", socket];
        let outcome = lab.command("setpriv", &setpriv).run().ok();
        assert_eq!(outcome.stdout, "ends without a line\n", "{socket}");
    }
    assert_eq!(PlainClient::connect(&lab).greeted_answer("hello"), "0 hello");
}

#[test]
fn clients_beyond_the_descriptor_limit_are_sent_away_without_spinning() {
    // The body's files or the clients themselves use the descriptors up.
    for (body, least) in [("held", 1), ("hoard", 0)] {
        assert_sends_away_without_spinning(body, least);
    }
}

fn assert_sends_away_without_spinning(body: &str, least: usize) {
    let lab = new_lab();
    let daemon = start(&lab, body, NEVER_IDLE, &["nofile=40"]);
    let mut clients: Vec<PlainClient> = (0..60).map(|_| PlainClient::connect(&lab)).collect();
    let greetings: Vec<String> = clients.iter_mut().map(PlainClient::line).collect();
    let ready = greetings.iter().filter(|line| line.contains("state=ready")).count();
    let full = greetings.iter().filter(|line| line.contains("state=full")).count();
    assert!(ready >= least && full >= 20 && ready + full == 60, "{greetings:?}");
    let before = cpu_ticks(daemon);
    std::thread::sleep(Duration::from_millis(300));
    assert!(cpu_ticks(daemon) - before <= 5, "the acceptor spins");
    drop(clients);
    lab.write("go", "");
    let mut client = PlainClient::connect(&lab);
    // Until the body has closed the connections that it was given.
    while client.line().contains("state=full") {
        client = PlainClient::connect(&lab);
    }
    assert_eq!(client.ask("hello"), format!("{} hello", getuid()));
}

/// Returns the CPU time of a process in clock ticks.
fn cpu_ticks(process: look::Process) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).expect("a living process");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum()
}
