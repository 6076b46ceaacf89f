//! A program to be looked after. Its arguments are done one after another:
//!
//! `ignore:SIGNAL`, `idle`, `exit:STATUS`, `sleep:MILLIS`, `die:SIGNAL`, `print:TEXT`, `error:TEXT`, `stamp:FILE` (appends its pid and the
//! time), `append:FILE:TEXT`, `lines:COUNT` (numbered), `flood` (lines for ever), `endless:BYTES` (without any newline),
//! `event:NAME:COUNT`, `ready` (as to `sd_notify`), `say:TEXT` (the same with any text, `+` for line ends), `hand-over:TEXT` (with a
//! descriptor), `touch:FILE`, `listen:PORT`, `environment:FILE`, `spawn:ACT,ACT` (a child of
//! its own in the group), `escape:ACT,ACT` (in a session of its own, and orphaned), `spawn-escaped:…` (in a session of its
//! own, not orphaned), `storm:COUNT` (as many double-forked children), `keyed:PROGRAM,ARGUMENT` (executes it with
//! a key in a session keyring), `find-key` (prints whether that key is there).
#![deny(unsafe_code)]

use nix::sys::signal::{Signal, raise};
use nix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    std::env::args().skip(1).try_for_each(|act| perform(&act))
}

fn perform(act: &str) -> Result<(), Box<dyn Error>> {
    let (verb, value) = act.split_once(':').unwrap_or((act, ""));
    match verb {
        "ignore" => ignore(value)?,
        "idle" => loop {
            thread::sleep(Duration::from_secs(1000));
        },
        "exit" => std::process::exit(value.parse()?),
        "sleep" => thread::sleep(Duration::from_millis(value.parse()?)),
        "die" => raise(Signal::from_str(&format!("SIG{value}"))?)?,
        "print" => println!("{value}"),
        "error" => eprintln!("{value}"),
        "stamp" => {
            let now: Duration = clock_gettime(ClockId::CLOCK_MONOTONIC)?.into();
            append(value, &format!("{} {}\n", std::process::id(), now.as_nanos()))?;
        }
        "append" => {
            let (file, text) = value.split_once(':').ok_or("FILE:TEXT")?;
            append(file, &format!("{text}\n"))?;
        }
        "lines" => lines(value.parse()?)?,
        "flood" => loop {
            std::io::stdout().write_all(&b"y\n".repeat(16 * 1024))?;
        },
        "keyed" => {
            use std::os::unix::process::CommandExt;
            look::sys::add_key(c"bot-secret")?;
            let mut words = value.split(',');
            return Err(Command::new(words.next().ok_or("PROGRAM,ARGUMENT…")?).args(words).exec().into());
        }
        "find-key" => println!("key: {}", look::sys::finds_key(c"bot-secret")),
        "endless" => {
            let mut left: usize = value.parse()?;
            while left > 0 {
                let some = left.min(64 * 1024);
                std::io::stdout().write_all(&vec![b'x'; some])?;
                left -= some;
            }
        }
        "event" => events(value)?,
        "ready" => {
            let address = std::env::var("NOTIFY_SOCKET")?;
            notify(&address)?;
        }
        "say" => say(value, &[])?,
        // Goes on when the receiver has closed the descriptor that is sent with it.
        "hand-over" => {
            use std::io::Read;
            use std::os::fd::AsRawFd;
            let (read, write) = nix::unistd::pipe()?;
            say(value, &[write.as_raw_fd()])?;
            drop(write);
            File::from(read).read_to_end(&mut Vec::new())?;
        }
        "touch" => drop(File::create(value)?),
        "listen" => {
            Box::leak(Box::new(std::net::TcpListener::bind(format!("127.0.0.1:{value}"))?)).set_nonblocking(true)?;
        }
        "environment" => {
            let all: Vec<String> = std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect();
            std::fs::write(value, all.concat())?;
        }
        "spawn" => drop(another(value).spawn()?),
        // As one act: the child that makes it ends at once.
        "escape" => {
            let made = Command::new(std::env::current_exe()?).arg(format!("spawn-escaped:{value}")).status()?;
            assert!(made.success(), "{made}");
        }
        "spawn-escaped" => drop(Command::new("setsid").arg(std::env::current_exe()?).args(value.split(',')).spawn()?),
        "storm" => {
            for _ in 0..value.parse::<u32>()? {
                // The child ends at once; its own child, which ends a little later, is an orphan.
                Command::new("/bin/sh").args(["-c", "(:) & exit 0"]).stdout(Stdio::null()).spawn()?.wait()?;
            }
        }
        _ => return Err(format!("there is no act `{verb}`").into()),
    }
    Ok(())
}

/// This program once more, to do other things.
fn another(acts: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(acts.split(','));
    command
}

/// Hears the signal, and does nothing about it.
fn ignore(name: &str) -> Result<(), Box<dyn Error>> {
    signal_hook::flag::register(Signal::from_str(&format!("SIG{name}"))? as i32, Arc::new(AtomicBool::new(false)))?;
    Ok(())
}

fn append(file: &str, text: &str) -> std::io::Result<()> {
    File::options().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

fn lines(count: u64) -> std::io::Result<()> {
    let mut out = BufWriter::new(std::io::stdout());
    for number in 0..count {
        writeln!(out, "line {number}")?;
    }
    out.flush()
}

fn events(value: &str) -> Result<(), Box<dyn Error>> {
    let (name, count) = value.split_once(':').unwrap_or((value, "1"));
    let pipe = File::options().append(true).open(format!("/proc/self/fd/{}", std::env::var("DAEMON_EVENTS")?))?;
    let mut pipe = BufWriter::with_capacity(1 << 16, pipe);
    for _ in 0..count.parse::<u64>()? {
        writeln!(pipe, "{name}")?;
    }
    pipe.flush()?;
    Ok(())
}

/// Sends a text to the monitor as to `sd_notify`, with descriptors; a `+` in it is the end of a line.
fn say(text: &str, fds: &[i32]) -> Result<(), Box<dyn Error>> {
    use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, sendmsg, socket};
    use std::os::fd::AsRawFd;
    let address = std::env::var("NOTIFY_SOCKET")?;
    let address = match address.strip_prefix('@') {
        Some(name) => UnixAddr::new_abstract(name.as_bytes())?,
        None => UnixAddr::new(address.as_str())?,
    };
    let socket = socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    let text = text.replace('+', "\n");
    let rights = [ControlMessage::ScmRights(fds)];
    let rights = if fds.is_empty() { &[][..] } else { &rights };
    sendmsg(socket.as_raw_fd(), &[std::io::IoSlice::new(text.as_bytes())], rights, MsgFlags::empty(), Some(&address))?;
    Ok(())
}

fn notify(address: &str) -> Result<(), Box<dyn Error>> {
    use std::os::linux::net::SocketAddrExt;
    let socket = UnixDatagram::unbound()?;
    let address = match address.strip_prefix('@') {
        Some(name) => std::os::unix::net::SocketAddr::from_abstract_name(name)?,
        None => std::os::unix::net::SocketAddr::from_pathname(address)?,
    };
    socket.send_to_addr(b"STATUS=here\nREADY=1\n", &address)?;
    Ok(())
}
