//! Sends requests over a socket as the user of this process.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use nix::unistd::{Uid, setuid};

/// Sends `GET /`, and prints the status or the error. With `user`, changes to that user after it has connected.
pub(crate) fn ask(socket: &str, user: Option<u32>) {
    match status(socket, user) {
        Ok(status) => println!("{status}"),
        Err(error) => println!("{}", error.kind()),
    }
}

fn status(socket: &str, user: Option<u32>) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    if let Some(user) = user {
        setuid(Uid::from_raw(user))?;
    }
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split(' ').nth(1).unwrap_or("nothing").to_owned())
}

/// Opens 64 connections, sends one byte on each, creates a file, and stays until it is killed.
pub(crate) fn crowd(socket: &str, told: &str) {
    let mut all = Vec::new();
    for _ in 0..64 {
        let mut stream = UnixStream::connect(socket).expect("a socket that listens");
        // Unauthorized peers may be disconnected.
        let _ = stream.write_all(b"G");
        all.push(stream);
    }
    std::fs::write(told, "all are there\n").expect("a file that is there");
    std::thread::sleep(std::time::Duration::from_secs(30));
    drop(all);
}
