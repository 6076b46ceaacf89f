//! Bodies under a service manager: they receive its sockets, store one, or run children without them.

use std::fmt::Write as _;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use look::actions::{Fallible, append, hang, idle, note};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![;
    note_listen_fds,
    note_listen_fds_and_idle,
    store_socket_and_idle,
    note_child,
    note_child_and_idle,
    note_child_and_stop,
    note_child_ask_and_hang,
    note_child_and_leave_zombie,
];

/// Notes the sockets that were handed over.
fn note_listen_fds(file: &str) -> Fallible {
    note_sockets(file, &daemon::systemd::listen_fds())
}

/// Keeps the sockets open, and notes `up`.
fn note_listen_fds_and_idle(file: &str) -> Fallible {
    let sockets = daemon::systemd::listen_fds();
    note_sockets(file, &sockets)?;
    note("up")?;
    idle();
    Ok(())
}

/// Stores a socket under this name at the service manager, unless one was handed over, which is then used. Notes the
/// sockets that were handed over in the file of that name.
fn store_socket_and_idle(name: &str) -> Fallible {
    let mut sockets = daemon::systemd::listen_fds();
    note_sockets(name, &sockets)?;
    if sockets.iter().all(|(found, _)| found != name) {
        let socket = UnixListener::bind(look::in_lab(&format!("{name}.sock")))?;
        daemon::systemd::store_fd(name, &socket)?;
        sockets.push((name.to_owned(), socket.into()));
    }
    daemon::ready()?;
    note("up")?;
    idle();
    Ok(())
}

/// Writes the name, the number and the kind of each socket.
fn note_sockets(file: &str, sockets: &[(String, OwnedFd)]) -> Fallible {
    let mut text = String::new();
    for (name, fd) in sockets {
        let fd = fd.as_raw_fd();
        let target = std::fs::read_link(format!("/proc/self/fd/{fd}"))?;
        writeln!(text, "{name} {fd} {}", target.display())?;
    }
    append(file, &(text + "that is all\n"))?;
    Ok(())
}

/// Notes the environment and the descriptors above 2 of a child, then a final line.
fn note_child(file: &str) -> Fallible {
    let script = "env; cd /proc/$$/fd; for fd in *; do [ \"$fd\" -le 2 ] || readlink \"$fd\"; done; echo that is all";
    let output = File::options().append(true).create(true).open(look::in_lab(file))?;
    Command::new("sh").args(["-c", script]).stdin(Stdio::null()).stdout(output).status()?;
    Ok(())
}

fn note_child_and_idle(file: &str) -> Fallible {
    note_child(file)?;
    idle();
    Ok(())
}

fn note_child_and_stop(file: &str) -> Fallible {
    note_child(file)?;
    daemon::stop();
    idle();
    Ok(())
}

fn note_child_ask_and_hang(file: &str) -> Fallible {
    note_child(file)?;
    note("up")?;
    daemon::stopping();
    hang()
}

/// Leaves a child unreaped, which exits soon.
fn note_child_and_leave_zombie(file: &str) -> Fallible {
    note_child(file)?;
    Command::new("sleep").arg("0.1").stdin(Stdio::null()).spawn()?;
    note("up")?;
    idle();
    Ok(())
}
