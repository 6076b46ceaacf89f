//! The helper process: asks the managers in the daemon's place, and ends.
//!
//! The client of D-Bus needs threads and epoll, and a bus may never answer. In a process of its own, none of that reaches the daemon.

mod bus;
mod login;
mod manager;

use crate::placement::Placement;
use crate::report::{self, Report};
use crate::unit::Unit;
use daemonize_sys::error::cause;
use daemonize_sys::fork::{Alone, Fence, Fork, exit_now, fork};
use daemonize_sys::pidfd::{PidFd, timeout_until};
use daemonize_sys::{Pid, Signal, fds, proc, wait};
use login::LoginRules;
use manager::start_scope;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::unistd::{Uid, dup2_stderr, dup2_stdin, dup2_stdout, getppid, pipe2};
use nix::{errno::Errno, fcntl::OFlag};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

/// The longest time that the helper may take.
const HELPER_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest time in which the killed helper ends, unless the kernel hangs.
const KILL_TIMEOUT: Duration = Duration::from_millis(500);

/// The memory that the helper may allocate, in bytes.
const MEMORY_LIMIT: usize = 64 * 1024 * 1024;

/// Has a helper process move this process to a scope of its own.
pub(crate) fn ask(unit: &Unit, placement: &Placement) -> Report {
    run(unit, placement).unwrap_or_else(|error| Report::failed(format!("failed to run a helper process: {error}")))
}

fn run(unit: &Unit, placement: &Placement) -> Result<Report, String> {
    let text = |error: io::Error| cause(&error);
    let single_thread = Alone::prove().map_err(text)?.map_err(|count| format!("this process has {count} threads"))?;
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| errno.desc().to_owned())?;
    let daemon = Pid::this();
    match fork(single_thread).map_err(text)? {
        Fork::Child => {
            let _fence = Fence::around(true);
            help(daemon, File::from(writer), unit, placement);
            exit_now(0);
        }
        Fork::Parent(helper) => {
            drop(writer);
            // ESRCH if SIGCHLD is ignored and the helper has ended.
            let process = PidFd::open(helper).ok();
            let report = receive(File::from(reader), Instant::now() + HELPER_TIMEOUT);
            end(process.as_ref());
            report
        }
    }
}

/// Receives the report, until the helper closes the pipe.
fn receive(mut pipe: File, deadline: Instant) -> Result<Report, String> {
    let mut received = Vec::new();
    loop {
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout_until(deadline)) {
            Ok(0) if Instant::now() >= deadline => {
                return Ok(Report::failed(format!("the manager did not answer within {} s", HELPER_TIMEOUT.as_secs())));
            }
            Ok(0) | Err(nix::Error::EINTR) => continue,
            Err(errno) => return Err(errno.desc().to_owned()),
            Ok(_) => {}
        }
        let mut part = [0; report::SIZE_LIMIT];
        match pipe.read(&mut part) {
            Ok(0) => break,
            Ok(length) if received.len() + length <= report::SIZE_LIMIT => received.extend_from_slice(&part[..length]),
            Ok(_) => return Err("its report is too long".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cause(&error)),
        }
    }
    Report::decode(&received).ok_or_else(|| "it ended without a report".to_owned())
}

/// Kills and reaps the helper, so that the daemon has no child that it does not know.
fn end(helper: Option<&PidFd>) {
    let Some(helper) = helper else { return };
    let _ = helper.send(Signal::SIGKILL);
    let _ = helper.wait(Instant::now() + KILL_TIMEOUT);
    let _ = wait::reap_process(helper);
}

/// Runs in the helper.
fn help(daemon: Pid, mut pipe: File, unit: &Unit, placement: &Placement) {
    if isolate(daemon, &pipe).is_err() {
        return;
    }
    let report = move_daemon(unit, placement, Uid::effective());
    let _ = pipe.write_all(&report.encode());
}

/// Closes what the helper does not need, and has it end with the daemon.
fn isolate(daemon: Pid, pipe: &File) -> io::Result<()> {
    set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
    if getppid().as_raw() != daemon.as_raw() {
        return Err(Errno::ESRCH.into());
    }
    fds::close_all_but(&[pipe.as_raw_fd()])?;
    // A panic in the client must not be printed on the user's terminal.
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    limit_memory()
}

/// Bounds the memory that a bus can make the client allocate: zbus accepts messages of 128 MiB. An abort leaves no core dump behind.
fn limit_memory() -> io::Result<()> {
    let parse = |text: &[u8]| std::str::from_utf8(text).ok()?.split_whitespace().nth(5)?.parse::<usize>().ok();
    let pages = proc::read_small("/proc/self/statm", parse)?.ok_or(Errno::EINVAL)?;
    let page_size = usize::try_from(proc::page_size()).unwrap_or(4096);
    let limit = pages.saturating_mul(page_size).saturating_add(MEMORY_LIMIT);
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_DATA)?;
    setrlimit(Resource::RLIMIT_DATA, rlim_t::try_from(limit).map_or(hard, |limit| limit.min(hard)), hard)?;
    Ok(())
}

/// Moves the daemon, if it lives longer in a scope of its own.
fn move_daemon(unit: &Unit, placement: &Placement, user: Uid) -> Report {
    if user.is_root() {
        let moved = bus::connect_system().and_then(|bus| start_scope(&bus, unit));
        return moved.map_or_else(Report::failed, |()| Report::Moved { lingers: Some(true) });
    }
    let rules = bus::connect_system().and_then(|bus| LoginRules::of_user(&bus, user.as_raw()));
    let kills = match (&rules, placement) {
        (Ok(LoginRules { kills: false, lingers: false }), Placement::Session(_)) => return Report::Stays,
        (Ok(rules), _) => Some(rules.kills),
        // The scope of a session belongs to root: the user's manager has the system's one move the process.
        (Err(cause), Placement::Session(_)) => return Report::failed(cause.clone()),
        (Err(_), _) => None,
    };
    match bus::connect_user(user).and_then(|bus| start_scope(&bus, unit)) {
        Ok(()) => Report::Moved { lingers: rules.ok().map(|rules| rules.lingers) },
        Err(cause) => Report::Failed { kills, cause },
    }
}
