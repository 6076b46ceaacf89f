//! Those who are not what they seem.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::thread;
use std::time::Duration;

use daemon::PidFile;

/// Takes connections at this address, and writes all that comes into a file that is there; its first line says that it listens.
pub(crate) fn listen(kind: &str, address: &str, log: &str) {
    let mut log = OpenOptions::new().append(true).open(log).expect("a log");
    if kind == "tcp" {
        let listener = TcpListener::bind(address).expect("a port");
        writeln!(log, "listens {}", listener.local_addr().expect("an address")).expect("a line");
        listener.incoming().for_each(|stream| hear(stream.expect("a connection"), &mut log));
    } else {
        let listener = UnixListener::bind(address).expect("a socket");
        fs::set_permissions(address, fs::Permissions::from_mode(0o777)).expect("a mode");
        writeln!(log, "listens {address}").expect("a line");
        listener.incoming().for_each(|stream| hear(stream.expect("a connection"), &mut log));
    }
}

fn hear(mut stream: impl Read, log: &mut fs::File) {
    writeln!(log, "connected").expect("a line");
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    writeln!(log, "heard {} bytes: {}", all.len(), String::from_utf8_lossy(&all).escape_debug()).expect("a line");
}

/// A living process whose pidfile names addresses that are not its own.
pub(crate) fn seal(pidfile: &str, addresses: &[&str]) {
    let addresses: Vec<String> = addresses.iter().map(|&address| address.to_owned()).collect();
    let pidfile = PidFile::acquire(pidfile, Duration::ZERO).and_then(|lock| lock.seal_with(&addresses));
    let _pidfile = pidfile.expect("a pidfile");
    println!("sealed");
    thread::sleep(Duration::from_secs(1000));
}

/// Somebody who has the lock for a while and never says who he is.
pub(crate) fn lock(pidfile: &str, milliseconds: usize) {
    let _lock = PidFile::acquire(pidfile, Duration::ZERO).expect("a lock");
    println!("locked");
    thread::sleep(Duration::from_millis(milliseconds as u64));
}
