//! A bot that is a daemon made with the library: it counts three replies, writes its pid, and runs until it is stopped. On each socket
//! that it is passed it tells its name and its pid.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

#[daemon::run(name = "worker")]
fn main() {
    for _ in 0..3 {
        daemon::event("reply");
    }
    for (name, socket) in daemon::systemd::listen_fds() {
        let listener = TcpListener::from(socket);
        listener.set_nonblocking(true).expect("a socket");
        std::thread::spawn(move || tell(&listener, &name));
    }
    println!("at work as {}", std::process::id());
    while daemon::sleep(Duration::from_secs(1000)) {}
}

/// Answers each connection. Other instances share the socket, so that it does not block.
fn tell(listener: &TcpListener, name: &str) {
    loop {
        match listener.accept() {
            Ok((mut client, _)) => drop(writeln!(client, "{name} {}", std::process::id())),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
