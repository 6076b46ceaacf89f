//! Actions of a bot that one or two tests need.

use crate::Result;
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socket};
use std::fs::File;
use std::io::{IoSlice, Read};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Calls the function of this name.
pub(crate) fn perform(name: &str, value: &str) -> Result {
    match name {
        "listen" => listen(value.parse()?),
        "print_key" => print_key(),
        "run_with_key" => run_with_key(value),
        "send" => send(value),
        "send_with_descriptor" => send_with_descriptor(value),
        "storm_of_children" => storm_of_children(value.parse()?),
        "write_environment" => write_environment(value),
        _ => Err(format!("`{name}` is not an act").into()),
    }
}

/// Listens on a port of the loopback interface until the process ends.
fn listen(port: u16) -> Result {
    Box::leak(Box::new(TcpListener::bind(("127.0.0.1", port))?)).set_nonblocking(true)?;
    Ok(())
}

/// Prints whether the session keyring has the key of [`run_with_key`].
#[allow(clippy::unnecessary_wraps)]
fn print_key() -> Result {
    println!("key: {}", look::sys::finds_key(c"bot-secret"));
    Ok(())
}

/// Executes `PROGRAM,ARGUMENT…` with a key in a session keyring.
fn run_with_key(command: &str) -> Result {
    look::sys::add_key(c"bot-secret")?;
    let mut words = command.split(',');
    Err(Command::new(words.next().ok_or("PROGRAM,ARGUMENT…")?).args(words).exec().into())
}

/// Sends a message to the monitor as `sd_notify` does; a `+` in it ends a line.
pub(crate) fn send(message: &str) -> Result {
    send_with(message, &[])
}

/// Sends a message with a descriptor; returns when the receiver has closed it.
fn send_with_descriptor(message: &str) -> Result {
    let (read, write) = nix::unistd::pipe()?;
    send_with(message, &[write.as_raw_fd()])?;
    drop(write);
    File::from(read).read_to_end(&mut Vec::new())?;
    Ok(())
}

fn send_with(message: &str, fds: &[RawFd]) -> Result {
    let address = std::env::var("NOTIFY_SOCKET")?;
    let address = match address.strip_prefix('@') {
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        None => UnixAddr::new(address.as_str())?,
    };
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let message = message.replace('+', "\n");
    let rights = [ControlMessage::ScmRights(fds)];
    let rights = if fds.is_empty() { &[][..] } else { &rights };
    sendmsg(socket.as_raw_fd(), &[IoSlice::new(message.as_bytes())], rights, MsgFlags::empty(), Some(&address))?;
    Ok(())
}

/// Starts children in sequence that exit at once; the child of each, which exits a little later, is an orphan.
fn storm_of_children(count: u32) -> Result {
    for _ in 0..count {
        Command::new("/bin/sh").args(["-c", "(:) & exit 0"]).stdout(Stdio::null()).spawn()?.wait()?;
    }
    Ok(())
}

/// Writes the environment of this process to a file, one variable per line.
fn write_environment(file: &str) -> Result {
    let all: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(file, all.concat())?;
    Ok(())
}
