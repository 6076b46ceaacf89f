//! Files, sockets, terminals, keys and output of the tests' daemons.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use look::actions::{Fallible, idle, note, note_counters};
use nix::sys::epoll::{Epoll, EpollCreateFlags};

use super::{Named, table};

pub(super) const TABLE: &[Named] = table![
    count,
    note_counters,
    open_epoll,
    lose_process_descriptors_and_idle,
    print_ten_mebibytes_and_idle,
    read_pidfile_and_idle;
    open_file,
    open_file_in_place_of_three,
    open_terminal_and_idle,
    listen_and_idle,
    add_key,
    find_key_and_idle,
];

/// Prints consecutive numbers, one per line, from 1 on.
fn count() {
    static COUNTED: AtomicUsize = AtomicUsize::new(0);
    println!("{}", COUNTED.fetch_add(1, Ordering::Relaxed) + 1);
}

/// Opens a file and never closes it.
fn open_file(file: &str) -> std::io::Result<()> {
    std::mem::forget(File::open(look::in_lab(file))?);
    Ok(())
}

/// Closes descriptor 3, the lowest one that may be free, and opens a file, which receives that number.
fn open_file_in_place_of_three(file: &str) -> Fallible {
    nix::unistd::close(3)?;
    Ok(open_file(file)?)
}

/// Closes the descriptors of processes by number, and opens other files in their place.
fn lose_process_descriptors_and_idle() -> Fallible {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        let is_process = std::fs::read_link(&path).is_ok_and(|link| link.to_string_lossy().contains("pidfd"));
        if let (true, Some(number)) = (is_process, path.file_name().and_then(|name| name.to_str())) {
            nix::unistd::close(number.parse::<i32>()?)?;
            std::mem::forget(File::open("/dev/null")?);
        }
    }
    daemon::ready()?;
    idle();
    Ok(())
}

/// Opens an epoll instance, as an event loop does, and never closes it.
fn open_epoll() -> nix::Result<()> {
    std::mem::forget(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
    Ok(())
}

/// Opens a terminal without `O_NOCTTY`, so that it could become the controlling terminal.
fn open_terminal_and_idle(path: &str) -> Fallible {
    let _terminal = OpenOptions::new().read(true).write(true).open(path)?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Becomes ready once clients can connect.
fn listen_and_idle(file: &str) -> Fallible {
    let _listener = UnixListener::bind(look::in_lab(file))?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Opens, reads and closes the pidfile before and after it is ready: each close drops every POSIX lock of the process
/// on the file.
fn read_pidfile_and_idle() -> Fallible {
    std::fs::read(look::in_lab("d.pid"))?;
    daemon::ready()?;
    std::fs::read(look::in_lab("d.pid"))?;
    note("read")?;
    idle();
    Ok(())
}

/// Prints far more to both streams than a launcher shows, before it is ready.
fn print_ten_mebibytes_and_idle() -> Fallible {
    std::io::stdout().write_all(&vec![b'#'; 10 << 20])?;
    std::io::stderr().write_all(&vec![b'%'; 10 << 20])?;
    daemon::ready()?;
    idle();
    Ok(())
}

/// Adds a key of this name to a new session keyring.
fn add_key(name: &str) -> Fallible {
    look::sys::add_key(&CString::new(name)?)?;
    Ok(())
}

/// Fails unless a key of this name is in the session keyring.
fn find_key_and_idle(name: &str) -> Fallible {
    if !look::sys::finds_key(&CString::new(name)?) {
        return Err(format!("there is no key {name:?}").into());
    }
    daemon::ready()?;
    idle();
    Ok(())
}
