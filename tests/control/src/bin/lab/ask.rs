//! Asks over a socket as whoever runs this.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use nix::unistd::{Uid, setuid};

/// `GET /`: prints the status, or why there is none. Becomes `user` after it has connected, if that is said.
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
