//! The little language of what bodies, hooks and handlers do: acts with a comma between them, `name` or `name:value`.
//! Files are looked for in the lab's directory, wherever the daemon works.

use std::error::Error;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use look::Deadline;
use nix::sys::epoll::{Epoll, EpollCreateFlags};
use nix::sys::signal::{SigSet, Signal};

use crate::inbox;
use crate::manager;

/// What a body, a hook and a handler return.
pub(crate) type Fallible = Result<(), Box<dyn Error + Send + Sync>>;

/// One thing to do.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// `idle`: sleeps until the daemon is to stop, as a well-behaved body does.
    Idle,
    /// `poll`: does a little work until `stopping()` says so.
    Poll,
    /// `hang`: never comes back, and never asks.
    Hang,
    /// `ask`: asks whether it is to stop, and does not care; who has ever asked may come back by itself within grace.
    Ask,
    /// `ready`: tells the launcher that the daemon is ready.
    Ready,
    /// `stop`: the daemon asks itself to stop.
    Stop,
    /// `block:SIGNAL`: blocks it in this thread.
    Block(Signal),
    /// `restart`: the daemon starts its program again and stops.
    Restart,
    /// `await:FILE`: goes on as soon as the file is there.
    Await(String),
    /// `pause:MILLISECONDS`: takes that long, whatever comes.
    Pause(Duration),
    /// `panic`, `panic:TEXT`
    Panic(String),
    /// `err`, `err:TEXT`: returns an error, and nothing after it is done.
    Fail(String),
    /// `exit:STATUS`
    Exit(i32),
    /// `abort`
    Abort,
    /// `kill:SIGNAL`: sends it to this very process.
    Kill(Signal),
    /// `stop-child:N`: the first (`1`) or a later child in a row of forks stops itself, before it does anything else.
    StopChild(usize),
    /// `say:TEXT`: prints it, without a newline.
    Say(String),
    /// `count`: prints a line with the next number, from 1 on.
    Count,
    /// `complain:TEXT`: the same to standard error.
    Complain(String),
    /// `print:BYTES`: prints that many `#`.
    Print(usize),
    /// `eprint:BYTES`: prints that many `%` to standard error.
    ErrorPrint(usize),
    /// `note:FILE`: appends a line with this process's number and its parent's.
    Note(String),
    /// Notes when this process was made.
    Birth(String),
    /// `guard:FILE`: notes `dropped` and the number there when the thread of this body leaves it.
    Guard(String),
    /// `during:FILE`: notes `in` there, and `out` when the thread of this body leaves it, each with the time.
    During(String),
    /// `atexit`: notes `atexit` and the number in the file `atexit` when this process ends by `exit`.
    AtExit,
    /// `open:FILE`: opens it for reading, and never closes it.
    Open(String),
    /// `terminal:FILE`: opens a terminal in the way that may make it the controlling one.
    Terminal(String),
    /// `read:FILE`: opens, reads and closes it, which drops whatever POSIX lock this process had on it.
    Read(String),
    /// `listen:FILE`: makes a Unix socket there.
    Listen(String),
    /// `exclusive:NAME`: has an abstract address to itself until the body ends; is an error when somebody else has it.
    Exclusive(String),
    /// `exec:SECONDS`: becomes a `sleep`.
    Exec(String),
    /// `spawn:SECONDS`: starts a `sleep` that shares our standard streams, and leaves it alone.
    Spawn(String),
    /// `fork`: forks a child that never executes anything, so keeps every descriptor, and sleeps for ever; `fork:on`: one that goes on here, while its parent hangs.
    Fork(String),
    /// `escape`: the same in a session of its own.
    Escape,
    /// `epoll`: opens an epoll instance, as an event loop does.
    Epoll,
    /// `thread:NAME`: starts a thread that sleeps for ever.
    Thread(String),
    /// `joined`: starts a thread and waits for its end.
    Joined,
    /// `seize`: locks standard output and standard error, and hangs.
    Seize,
    /// `hold`: locks a mutex of this process, and hangs.
    Hold,
    /// `lock`: locks that mutex too.
    Lock,
    /// `handed:FILE`: notes there which descriptors were handed over, and keeps them open.
    Handed(String),
    /// `keep:NAME`: the same in the file of that name; and has the service manager keep a socket of that name.
    Keep(String),
    /// `child:FILE`: notes there what environment and descriptors a child has.
    Child(String),
    /// `elsewhere`: starts a thread that asks all the time whether it is to stop.
    Elsewhere,
    /// `counters:FILE`: writes how much the daemon has done.
    Counters(String),
    /// `reload`: asks this daemon to reload.
    Reload,
    /// `event:NAME`: counts one; fails where no monitor hears of it.
    Event(String),
    /// `key:NAME`: puts a key of that name into a new session keyring.
    Key(CString),
    /// `find-key:NAME`: is an error unless a key of that name is in the session keyring.
    FindKey(CString),
    /// `panics-abort`: from here on a panic aborts, as in a program built with `panic = "abort"`.
    PanicsAbort,
    /// `panics-slowly`: from here on it takes 300 ms to print one, as with a backtrace.
    PanicsSlowly,
}

/// Performs these acts in order, up to the first error.
pub(crate) fn perform(acts: &[Act]) -> Fallible {
    // Guards live as long as the acts after them, as the locals of a real body do.
    let mut guards = Vec::new();
    for act in acts {
        match act {
            Act::Guard(file) => guards.push(Guard::Noting(file.clone())),
            Act::During(file) => guards.push(Guard::during(file)?),
            Act::Exclusive(name) => guards.push(Guard::Holding(UnixListener::bind_addr(&abstract_address(name)?)?)),
            other => other.perform()?,
        }
    }
    Ok(())
}

/// Parses acts with commas between them.
pub(crate) fn parse(text: &str) -> Result<Vec<Act>, String> {
    text.split(',').filter(|word| !word.is_empty()).map(str::parse).collect()
}

/// How far `count` has come.
static COUNTED: AtomicUsize = AtomicUsize::new(0);

/// How many forks further down the one is that stops.
static TO_STOP: AtomicUsize = AtomicUsize::new(0);

/// What `hold` and `lock` fight for.
static MUTEX: Mutex<()> = Mutex::new(());

impl Act {
    fn perform(&self) -> Fallible {
        match self {
            Act::Idle => while daemon::sleep(Duration::from_secs(3600)) {},
            Act::Poll => {
                while !daemon::stopping() {
                    thread::sleep(Duration::from_millis(5));
                }
            }
            Act::Hang => hang(),
            Act::Ask => {
                daemon::stopping();
            }
            Act::Ready => daemon::ready()?,
            Act::Stop => daemon::stop(),
            Act::Block(signal) => SigSet::from(*signal).thread_block()?,
            Act::Restart => daemon::restart()?,
            Act::Reload => daemon::reload()?,
            Act::Event(name) if daemon::event(name) => {}
            Act::Event(_) => return Err("no monitor hears".into()),
            Act::Await(file) => wait_for(&look::in_lab(file))?,
            Act::Pause(time) => thread::sleep(*time),
            Act::Panic(text) => panic!("{text}"),
            Act::Fail(text) => return Err(text.clone().into()),
            Act::Exit(status) => std::process::exit(*status),
            Act::Abort => std::process::abort(),
            Act::Kill(signal) => kill_this_process(*signal)?,
            Act::StopChild(number) => {
                TO_STOP.store(*number, Ordering::Relaxed);
                look::sys::at_fork(stop_if_it_is_this_one);
            }
            Act::Say(text) => print!("{text}"),
            Act::Count => println!("{}", COUNTED.fetch_add(1, Ordering::Relaxed) + 1),
            Act::Complain(text) => eprint!("{text}"),
            Act::Print(bytes) => std::io::stdout().write_all(&vec![b'#'; *bytes])?,
            Act::ErrorPrint(bytes) => std::io::stderr().write_all(&vec![b'%'; *bytes])?,
            Act::Note(file) => note(file, "was here")?,
            Act::Birth(file) => note_birth(file)?,
            Act::Guard(_) | Act::During(_) | Act::Exclusive(_) => unreachable!("last as long as what follows them"),
            Act::AtExit => look::sys::at_exit(note_exit),
            Act::Open(file) => std::mem::forget(File::open(look::in_lab(file))?),
            Act::Terminal(file) => {
                std::mem::forget(OpenOptions::new().read(true).write(true).open(look::in_lab(file))?);
            }
            Act::Read(file) => drop(std::fs::read(look::in_lab(file))?),
            Act::Listen(file) => std::mem::forget(UnixListener::bind(look::in_lab(file))?),
            Act::Exec(seconds) => return Err(Command::new("sleep").arg(seconds).exec().into()),
            Act::Spawn(seconds) => drop(Command::new("sleep").arg(seconds).stdin(Stdio::null()).spawn()?),
            Act::Fork(who) if who == "on" => look::sys::fork_on()?,
            Act::Fork(_) => look::sys::fork_a_sleeper(false)?,
            Act::Escape => look::sys::fork_a_sleeper(true)?,
            Act::Epoll => std::mem::forget(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?),
            Act::Thread(name) => drop(thread::Builder::new().name(name.clone()).spawn(hang)?),
            Act::Joined => thread::spawn(|| ()).join().map_err(|_| "the thread panicked")?,
            Act::Seize => {
                let _held = (std::io::stdout().lock(), std::io::stderr().lock());
                hang();
            }
            Act::Hold => {
                let _held = MUTEX.lock();
                hang();
            }
            Act::Lock => drop(MUTEX.lock()),
            Act::Counters(file) => inbox::note_counters(file)?,
            Act::Handed(file) => manager::note_handed_over(file)?,
            Act::Keep(name) => manager::keep_socket(name)?,
            Act::Child(file) => manager::note_child(file)?,
            Act::Elsewhere => manager::look_elsewhere()?,
            Act::Key(name) => look::sys::add_key(name)?,
            Act::FindKey(name) if look::sys::finds_key(name) => {}
            Act::FindKey(name) => return Err(format!("there is no key {name:?}").into()),
            Act::PanicsSlowly => std::panic::set_hook(Box::new(|_| thread::sleep(Duration::from_millis(300)))),
            Act::PanicsAbort => std::panic::set_hook(Box::new(|_| std::process::abort())),
        }
        Ok(())
    }
}

impl FromStr for Act {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let (name, value) = word.split_once(':').unwrap_or((word, ""));
        let text = || value.to_owned();
        Ok(match name {
            "idle" => Act::Idle,
            "poll" => Act::Poll,
            "hang" => Act::Hang,
            "ask" => Act::Ask,
            "ready" => Act::Ready,
            "stop" => Act::Stop,
            "block" => Act::Block(signal(value)?),
            "restart" => Act::Restart,
            "reload" => Act::Reload,
            "event" => Act::Event(text()),
            "await" => Act::Await(text()),
            "pause" => Act::Pause(Duration::from_millis(number(word, value)?)),
            "panic" => Act::Panic(text()),
            "err" => Act::Fail(text()),
            "exit" => Act::Exit(number(word, value)?),
            "abort" => Act::Abort,
            "kill" => Act::Kill(signal(value)?),
            "stop-child" => Act::StopChild(number(word, value)?),
            "say" => Act::Say(text()),
            "count" => Act::Count,
            "complain" => Act::Complain(text()),
            "print" => Act::Print(number(word, value)?),
            "eprint" => Act::ErrorPrint(number(word, value)?),
            "note" => Act::Note(text()),
            "birth" => Act::Birth(text()),
            "guard" => Act::Guard(text()),
            "during" => Act::During(text()),
            "atexit" => Act::AtExit,
            "open" => Act::Open(text()),
            "terminal" => Act::Terminal(text()),
            "read" => Act::Read(text()),
            "listen" => Act::Listen(text()),
            "exclusive" => Act::Exclusive(text()),
            "exec" => Act::Exec(text()),
            "spawn" => Act::Spawn(text()),
            "fork" => Act::Fork(text()),
            "escape" => Act::Escape,
            "epoll" => Act::Epoll,
            "thread" => Act::Thread(text()),
            "joined" => Act::Joined,
            "seize" => Act::Seize,
            "hold" => Act::Hold,
            "lock" => Act::Lock,
            "counters" => Act::Counters(text()),
            "handed" => Act::Handed(text()),
            "keep" => Act::Keep(text()),
            "child" => Act::Child(text()),
            "elsewhere" => Act::Elsewhere,
            "key" => Act::Key(c_text(value)?),
            "find-key" => Act::FindKey(c_text(value)?),
            "panics-abort" => Act::PanicsAbort,
            "panics-slowly" => Act::PanicsSlowly,
            _ => return Err(format!("unknown act `{word}`")),
        })
    }
}

fn c_text(value: &str) -> Result<CString, String> {
    CString::new(value).map_err(|error| error.to_string())
}

/// A signal by its name, with or without `SIG`.
pub(crate) fn signal(name: &str) -> Result<Signal, String> {
    let full = if name.starts_with("SIG") { name.to_owned() } else { format!("SIG{name}") };
    full.parse().map_err(|_| format!("unknown signal `{name}`"))
}

/// A number of the kind the caller wants.
pub(crate) fn number<T: FromStr>(word: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{word}` wants a number"))
}

/// Rust's own handler of SEGV and BUS, which looks for an overflow of the stack, lets the first one pass.
fn kill_this_process(signal: Signal) -> nix::Result<()> {
    nix::sys::signal::raise(signal)?;
    if matches!(signal, Signal::SIGSEGV | Signal::SIGBUS) { nix::sys::signal::raise(signal) } else { Ok(()) }
}

fn hang() {
    loop {
        thread::park();
    }
}

fn wait_for(path: &Path) -> Fallible {
    let patience = Deadline::after(Duration::from_secs(60));
    Ok(look::until(path, patience, || path.exists().then_some(()))?)
}

fn abstract_address(name: &str) -> std::io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

/// Appends one line about this process and its parent, in one write.
fn note(file: &str, what: &str) -> std::io::Result<()> {
    append(file, &format!("{what} {} {}\n", std::process::id(), nix::unistd::getppid()))
}

/// The same with the time on the clock that all processes share.
fn note_time(file: &str, what: &str) -> std::io::Result<()> {
    append(file, &format!("{what} {} {}\n", std::process::id(), look::now().as_nanos()))
}

/// Notes as "born", on the same clock, when this process was made, to the clock tick of `/proc/PID/stat`, rounded down.
fn note_birth(file: &str) -> std::io::Result<()> {
    let this = look::Process::new(std::process::id().try_into().expect("a pid fits into an int"));
    let ticks = this.stat().ok_or(std::io::ErrorKind::NotFound)?.start;
    append(file, &format!("born {} {}\n", this.id(), u128::from(ticks) * 10_000_000))
}

fn append(file: &str, line: &str) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).open(look::in_lab(file))?.write_all(line.as_bytes())
}

/// What a body holds until it ends.
enum Guard {
    Noting(String),
    Timing(String),
    Holding(UnixListener),
}

impl Guard {
    fn during(file: &str) -> std::io::Result<Guard> {
        note_time(file, "in")?;
        Ok(Guard::Timing(file.to_owned()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        match self {
            Guard::Noting(file) => drop(note(file, "dropped")),
            Guard::Timing(file) => drop(note_time(file, "out")),
            Guard::Holding(listener) => drop(listener.take_error()),
        }
    }
}

/// In the child of every fork, which has a count of its own.
extern "C" fn stop_if_it_is_this_one() {
    if TO_STOP.fetch_sub(1, Ordering::Relaxed) == 1 {
        let _ = nix::sys::signal::raise(Signal::SIGSTOP);
    }
}

extern "C" fn note_exit() {
    let _ = note("atexit", "atexit");
}
