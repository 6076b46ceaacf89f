//! The marks in the environment that a process was executed with.
//!
//! A process says with `PR_SET_MM_MAP` where its environment is, so that its length is whatever it likes; and it writes there
//! what it likes. So no more is read than `execve(2)` could have put there, and nothing is believed but a secret.

use crate::program::{BOT_VARIABLE, MONITOR_VARIABLE, SECRET_VARIABLE};
use crate::secret::Secret;
use daemonize_core::Pid;
use daemonize_sys::proc::ProcStat;
use memchr::{memchr, memmem};
use std::fs::File;
use std::io::{self, Read};

/// The most that arguments and environment have together: `execve(2)` allows a quarter of the stack's limit, but no more
/// than three quarters of 8 MiB, whatever that limit is (`fs/exec.c`, `bprm_stack_limits`).
const MAX_ENVIRONMENT: u64 = 6 << 20;

/// How often an environment is read of which nothing comes.
const MAX_ATTEMPTS: usize = 3;

/// The prefix of all marks.
const PREFIX: &[u8] = b"DAEMON_";

/// A longer buffer is given back after use.
const MAX_KEPT_BUFFER: usize = 64 * 1024;

/// The bot of which a process says that it belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks {
    /// The secret of the bot's monitor.
    pub(crate) monitor: Secret,
    /// The bot's name.
    pub(crate) bot: String,
    /// The bot's own secret.
    pub(crate) secret: Secret,
}

/// The result of reading the environment of a process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    /// The process belongs to a bot, if the secrets are right.
    Marked(Marks),
    /// There is nothing in it of a monitor, it is another user's, or the process is dead.
    Unmarked,
    /// The kernel is just executing a program in this process and has not given it an environment yet, or is ending the
    /// process: its children are not ours yet.
    InTransition,
}

/// Reads environments, one after another, into one buffer.
#[derive(Debug, Default)]
pub(crate) struct MarkReader {
    buffer: Vec<u8>,
}

impl MarkReader {
    /// Reads the environment of a process; check its owner first, see [`super::user`].
    pub(crate) fn read(&mut self, pid: Pid) -> Environment {
        // A process that had no environment when that was read may have got one before its state was.
        (0..MAX_ATTEMPTS).find_map(|_| self.try_read(pid)).unwrap_or(Environment::Unmarked)
    }

    /// Returns `None` if nothing was read, although the process is not between two programs any more.
    fn try_read(&mut self, pid: Pid) -> Option<Environment> {
        self.buffer.clear();
        let mut outcome = read_bounded(&format!("/proc/{pid}/environ"), &mut self.buffer);
        if self.buffer.is_empty() {
            if let Some(thread) = thread_of_headless(pid) {
                outcome = read_bounded(&format!("/proc/{pid}/task/{thread}/environ"), &mut self.buffer);
            }
        }
        let found = match outcome {
            Ok(()) if !self.buffer.is_empty() => {
                Some(parse(&self.buffer).map_or(Environment::Unmarked, Environment::Marked))
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(Environment::Unmarked),
            // Since Linux 6.17, a process without memory has no environment to be opened; before, it is an empty one.
            _ => without_environment(pid),
        };
        self.buffer.shrink_to(MAX_KEPT_BUFFER);
        found
    }

    /// Returns the marks in the environment of a process, if there are any.
    pub(crate) fn marks(&mut self, pid: Pid) -> Option<Marks> {
        match self.read(pid) {
            Environment::Marked(marks) => Some(marks),
            Environment::Unmarked | Environment::InTransition => None,
        }
    }
}

fn read_bounded(path: &str, buffer: &mut Vec<u8>) -> io::Result<()> {
    File::open(path)?.take(MAX_ENVIRONMENT).read_to_end(buffer).map(drop)
}

/// Returns a thread of a process whose first thread has ended, and has no environment any more that could be read.
fn thread_of_headless(pid: Pid) -> Option<Pid> {
    ProcStat::of(pid).ok().filter(|stat| stat.state == 'Z')?;
    super::numbers(&format!("/proc/{pid}/task")).find(|thread| *thread != pid)
}

/// Finds the marks in the strings of an environment: the first one of each name counts, as for `getenv(3)`.
fn parse(environment: &[u8]) -> Option<Marks> {
    let (mut monitor, mut bot, mut secret) = (None, None, None);
    // Millions of strings may be in it: only those are looked at that begin as ours do.
    for at in memmem::find_iter(environment, PREFIX) {
        if at.checked_sub(1).is_some_and(|before| environment[before] != 0) {
            continue;
        }
        let rest = &environment[at..];
        let text = &rest[..memchr(0, rest).unwrap_or(rest.len())];
        for (name, found) in
            [(MONITOR_VARIABLE, &mut monitor), (BOT_VARIABLE, &mut bot), (SECRET_VARIABLE, &mut secret)]
        {
            if found.is_none() {
                *found = text.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            }
        }
        if monitor.is_some() && bot.is_some() && secret.is_some() {
            break;
        }
    }
    let text = |bytes: Option<_>| std::str::from_utf8(bytes?).ok();
    Some(Marks {
        monitor: Secret::parse(text(monitor)?)?,
        bot: text(bot)?.to_owned(),
        secret: Secret::parse(text(secret)?)?,
    })
}

/// Returns what a process is that we may look into and that has no environment at all, not even an empty one; `None` if it has
/// one by now. `env_end` of `proc_pid_stat(5)` is zero from the moment on at which its program's memory is gone, until the
/// next one's is filled or the process is a zombie.
fn without_environment(pid: Pid) -> Option<Environment> {
    match ProcStat::of(pid) {
        Ok(stat) if !stat.is_zombie() && stat.env_end == Some(0) => Some(Environment::InTransition),
        Ok(stat) if !stat.is_zombie() => None,
        _ => Some(Environment::Unmarked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(monitor: &str, bot: &str, secret: &str) -> Vec<u8> {
        format!("A=b\0DAEMON_BOT_X=1\0{MONITOR_VARIABLE}={monitor}\0{BOT_VARIABLE}={bot}\0{SECRET_VARIABLE}={secret}\0")
            .into_bytes()
    }

    #[test]
    fn marks_are_found_and_nothing_else_is_one() {
        let (one, two) = ("0".repeat(32), "f".repeat(32));
        let marks = parse(&environment(&one, "web", &two)).unwrap();
        assert_eq!((marks.monitor.as_str(), &*marks.bot, marks.secret.as_str()), (&*one, "web", &*two));
        let hidden = environment(&one, "web", &two).iter().map(|byte| if *byte == 0 { b' ' } else { *byte }).collect();
        for wrong in
            [hidden, environment("x", "web", &two), environment(&one, "web", ""), b"\xff\0=\0\0".to_vec(), vec![]]
        {
            assert_eq!(parse(&wrong), None);
        }
    }

    #[test]
    fn the_first_of_two_marks_counts() {
        let (one, two) = ("0".repeat(32), "f".repeat(32));
        let twice = [environment(&one, "web", &two), environment(&two, "other", &one)].concat();
        assert_eq!(parse(&twice).unwrap().bot, "web");
    }

    /// An endless file stands for an environment of any length.
    #[test]
    fn reading_ends_at_what_execve_allows() {
        let mut buffer = Vec::new();
        read_bounded("/dev/zero", &mut buffer).unwrap();
        assert_eq!(buffer.len() as u64, MAX_ENVIRONMENT);
    }

    #[test]
    fn this_process_has_an_environment() {
        assert_eq!(without_environment(Pid::this()), None);
        assert_ne!(MarkReader::default().read(Pid::this()), Environment::InTransition);
    }
}
