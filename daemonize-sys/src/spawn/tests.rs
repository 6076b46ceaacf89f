use super::{FdTable, PendingChild, Program, Resources, STREAMS, SpawnError};
use nix::sys::wait::{WaitStatus, waitpid};
use std::ffi::CStr;
use std::fs::File;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::FileTypeExt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

/// The timeout of a spawn, also on a busy machine.
const OUTCOME_TIMEOUT: Duration = Duration::from_secs(20);

fn spawn(table: &mut FdTable, path: &CStr, arguments: &[&CStr]) -> PendingChild {
    spawn_with(table, path, arguments, &[])
}

fn spawn_with(table: &mut FdTable, path: &CStr, arguments: &[&CStr], sockets: &[BorrowedFd<'_>]) -> PendingChild {
    let program = Program {
        paths: &[path],
        arguments,
        environment: &[],
        directory: None,
        umask: None,
        no_new_privs: false,
        identity: None,
        descriptors: None,
        resources: Resources::default(),
        death_signal: 9,
        streams: [None; STREAMS],
        sockets,
    };
    table.spawn(&program).unwrap()
}

/// Returns the outcome of a child, however often that has to be asked for.
fn outcome(child: &PendingChild) -> Result<(), SpawnError> {
    let deadline = Instant::now() + OUTCOME_TIMEOUT;
    loop {
        if let Poll::Ready(outcome) = child.poll() {
            return outcome;
        }
        assert!(Instant::now() < deadline, "no outcome");
        thread::yield_now();
    }
}

/// Spawns children until another thread has a copy of the pipe by which one of them reports.
fn children_with_held_pipe(path: &CStr, arguments: &[&CStr]) -> (Vec<PendingChild>, File) {
    let mut table = FdTable::new().unwrap();
    let slot = format!("/proc/self/fd/{}", table.report.as_raw_fd());
    let (sender, held) = channel();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let is_pipe = |file: &File| file.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
            while !is_over.load(SeqCst) {
                if let Some(pipe) = File::options().write(true).open(&slot).ok().filter(is_pipe) {
                    return sender.send(pipe).unwrap();
                }
            }
        });
        let (deadline, mut children) = (Instant::now() + OUTCOME_TIMEOUT, Vec::new());
        let pipe = loop {
            children.push(spawn(&mut table, path, arguments));
            match held.try_recv() {
                Ok(pipe) => break Some(pipe),
                Err(_) if Instant::now() < deadline => {}
                Err(_) => break None,
            }
        };
        is_over.store(true, SeqCst);
        (children, pipe.expect("a copy of a pipe"))
    })
}

/// Promise 6.11.
#[test]
fn program_is_known_to_be_executed_while_another_process_holds_the_pipe() {
    let (children, held) = children_with_held_pipe(c"/bin/sleep", &[c"sleep", c"60"]);
    for child in children {
        assert_eq!(outcome(&child), Ok(()));
        child.kill();
        child.reap();
    }
    drop(held);
}

/// Promise 6.11.
#[test]
fn failure_is_known_while_another_process_holds_the_pipe() {
    let (children, held) = children_with_held_pipe(c"/nowhere/program", &[c"program"]);
    for child in children {
        assert_eq!(outcome(&child), Err(SpawnError { step: "execute", errno: libc::ENOENT, resource: None }));
        child.reap();
    }
    drop(held);
}

/// Promise 6.64. With more sockets than there are numbers below the slots, one slot has the number of another one's target.
#[test]
fn sockets_become_descriptors_from_3_on_and_the_variable_names_the_child() {
    let mut table = FdTable::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    for count in [1, 2, 12, 40] {
        let script = format!(
            "[ \"$LISTEN_PID\" = $$ ] || exit 10
            n=3; while [ $n -lt {} ]; do [ -S /proc/self/fd/$n ] || exit 11; n=$((n + 1)); done
            [ -c /proc/self/fd/$n ] || exit 12
            n=$((n + 1)); [ -e /proc/self/fd/$n ] && exit 13; exit 42",
            count + 3
        );
        let script = std::ffi::CString::new(script).unwrap();
        let child = spawn_with(&mut table, c"/bin/sh", &[c"sh", c"-c", &script], &vec![listener.as_fd(); count]);
        assert_eq!(outcome(&child), Ok(()));
        let pid = nix::unistd::Pid::from_raw(child.pid().as_raw());
        assert_eq!(waitpid(pid, None), Ok(WaitStatus::Exited(pid, 42)), "{count} sockets");
    }
    // The slots do not keep the socket open.
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert!(std::net::TcpStream::connect(address).is_err());
}
