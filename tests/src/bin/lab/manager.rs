//! What a daemon does about its service manager: takes what was handed over, keeps it, and passes nothing on.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::act::Fallible;

/// Writes down what was handed over, a line for each: its name, its number, and what it is.
pub(crate) fn note_handed_over(file: &str) -> Fallible {
    let handed_over = daemon::listen_fds();
    write_down(file, &handed_over)?;
    std::mem::forget(handed_over);
    Ok(())
}

/// Has the service manager keep a socket under this name, unless it was handed over: then that one is used on. Writes
/// down what was handed over in the file of that name.
pub(crate) fn keep_socket(name: &str) -> Fallible {
    let mut handed_over = daemon::listen_fds();
    write_down(name, &handed_over)?;
    if handed_over.iter().all(|(found, _)| found != name) {
        let socket = UnixListener::bind(look::in_lab(&format!("{name}.sock")))?;
        daemon::store_fd(name, &socket)?;
        handed_over.push((name.to_owned(), socket.into()));
    }
    std::mem::forget(handed_over);
    Ok(())
}

fn write_down(file: &str, handed_over: &[(String, OwnedFd)]) -> Fallible {
    let mut text = String::new();
    for (name, fd) in handed_over {
        let fd = fd.as_raw_fd();
        let target = std::fs::read_link(format!("/proc/self/fd/{fd}"))?;
        writeln!(text, "{name} {fd} {}", target.display())?;
    }
    text += "that is all\n";
    File::options().append(true).create(true).open(look::in_lab(file))?.write_all(text.as_bytes())?;
    Ok(())
}

/// Writes down the environment of a child, then its descriptors from 3 on, and that that is all.
pub(crate) fn note_child(file: &str) -> Fallible {
    let script = "env; cd /proc/$$/fd; for fd in *; do [ \"$fd\" -le 2 ] || readlink \"$fd\"; done; echo that is all";
    let output = File::options().append(true).create(true).open(look::in_lab(file))?;
    Command::new("sh").args(["-c", script]).stdin(Stdio::null()).stdout(output).status()?;
    Ok(())
}

/// Starts a thread that asks all the time whether the daemon is to stop.
pub(crate) fn look_elsewhere() -> Fallible {
    let look = || {
        while !daemon::stopping() {
            thread::sleep(Duration::from_millis(5));
        }
    };
    thread::Builder::new().name("elsewhere".into()).spawn(look)?;
    Ok(())
}
