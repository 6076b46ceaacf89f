//! The identity of a process, beyond its number.

use crate::error::cause;
use crate::pid::Pid;
use crate::sys::pidfd::PidFd;
use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// Names one process among all, before and after it, here and in other namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: Pid,
    /// Clock ticks after boot, field 22 of `/proc/PID/stat`.
    pub(crate) start_time: u64,
    pub(crate) context: BootContext,
}

/// The boot and the namespaces in which a pid and a start time mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootContext {
    /// The random id of the boot.
    pub(crate) boot: String,
    /// The inode of the pid namespace.
    pub(crate) pid_namespace: u64,
    /// The inode of the time namespace, whose offset is part of every start time; `None` before Linux 5.6.
    pub(crate) time_namespace: Option<u64>,
}

/// The state of the process that an identity names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// It cannot be said, for this reason.
    Unknown(&'static str),
}

impl Identity {
    /// Returns the identity of the process that has this number now.
    pub(crate) fn of(pid: Pid) -> io::Result<Identity> {
        Ok(Identity { pid, start_time: Stat::of(pid)?.start_time, context: BootContext::read()? })
    }

    /// Returns the state of this very process; a zombie is dead.
    pub(crate) fn life(&self) -> io::Result<Life> {
        let here = BootContext::read()?;
        if self.context.boot != here.boot {
            return Ok(Life::Dead);
        }
        if self.context.pid_namespace != here.pid_namespace {
            return Ok(Life::Unknown("the pidfile was written in another pid namespace"));
        }
        if !self.context.shares_time(&here) {
            return Ok(Life::Unknown("the pidfile was written in another time namespace"));
        }
        match Stat::of(self.pid) {
            Ok(stat) if stat.start_time == self.start_time && stat.is_alive() => Ok(Life::Alive),
            Ok(_) => Ok(Life::Dead),
            // Gone before or while its file was read, or hidden. Any other error says nothing about it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => Ok(self.unseen()),
            Err(error) => Err(error),
        }
    }

    /// `/proc` shows no such process: there is none, or it is another user's (`hidepid=2`, proc(5)).
    fn unseen(&self) -> Life {
        match PidFd::open(self.pid) {
            Ok(_) => Life::Unknown("`/proc` hides the process that the pidfile names (mount option `hidepid`)"),
            Err(_) => Life::Dead,
        }
    }

    /// Opens a handle on this very process: `None` if it is dead, or another process has its number by now.
    pub(crate) fn open(&self) -> io::Result<Option<PidFd>> {
        let handle = match PidFd::open(self.pid) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            other => other?,
        };
        Ok((self.life()? == Life::Alive).then_some(handle))
    }
}

/// Returns `true` if the process has this user as its real, effective and saved one: the user can then signal it anyway.
pub(crate) fn runs_as(pid: Pid, user: u32) -> io::Result<bool> {
    let mut buffer = [0; SMALL];
    // The line with the users is among the first ten; the whole file may be longer.
    let text = read_small(&format!("/proc/{pid}/status"), &mut buffer)?;
    let text = String::from_utf8_lossy(text);
    let users = text.lines().find_map(|line| line.strip_prefix("Uid:"));
    let mut users = users.into_iter().flat_map(str::split_ascii_whitespace).map(str::parse::<u32>);
    Ok(users.clone().count() == 4 && users.all(|found| found == Ok(user)))
}

/// More than `/proc/PID/stat` can be: 52 numbers and a name.
const SMALL: usize = 1536;

/// Reads a file of `/proc` in one go, as its writers mean it to be read: a start has no time to ask twice.
fn read_small<'a>(path: &str, buffer: &'a mut [u8; SMALL]) -> io::Result<&'a [u8]> {
    let mut file = fs::File::open(path)?;
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            length => return length.map(|length| &buffer[..length]),
        }
    }
}

const BOOT: &str = "/proc/sys/kernel/random/boot_id";
const PID_NAMESPACE: &str = "/proc/self/ns/pid";
const TIME_NAMESPACE: &str = "/proc/self/ns/time";

fn named(path: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("`{path}`: {}", cause(error)))
}

impl BootContext {
    /// Reads the context of this process.
    pub(crate) fn read() -> io::Result<BootContext> {
        let mut buffer = [0; SMALL];
        // Missing where `/proc` shows processes only (`subset=pid`, `ProcSubset=pid` of systemd).
        let boot = read_small(BOOT, &mut buffer).map_err(|error| named(BOOT, &error))?;
        let boot = String::from_utf8_lossy(boot).trim_end().to_owned();
        let pid_namespace = fs::metadata(PID_NAMESPACE).map_err(|error| named(PID_NAMESPACE, &error))?.ino();
        let time_namespace = fs::metadata(TIME_NAMESPACE).ok().map(|namespace| namespace.ino());
        Ok(BootContext { boot, pid_namespace, time_namespace })
    }

    /// Returns `false` if start times read here and there differ by the offset of a time namespace (`time_namespaces(7)`).
    fn shares_time(&self, other: &BootContext) -> bool {
        match (self.time_namespace, other.time_namespace) {
            (Some(one), Some(other)) => one == other,
            // An older pidfile, or a kernel without time namespaces.
            _ => true,
        }
    }
}

/// The fields of `/proc/PID/stat` (`proc(5)`) that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: i32,
    pub(crate) start_time: u64,
}

impl Stat {
    pub(crate) fn of(pid: Pid) -> io::Result<Stat> {
        let mut buffer = [0; SMALL];
        let text = read_small(&format!("/proc/{pid}/stat"), &mut buffer)?;
        Stat::parse(text).ok_or_else(|| io::Error::other(format!("`/proc/{pid}/stat` is not understood")))
    }

    /// A process may call itself `a) b (c`: its name ends at the last parenthesis.
    pub(crate) fn parse(text: &[u8]) -> Option<Stat> {
        let text = String::from_utf8_lossy(text);
        let (head, rest) = text.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Stat {
            name,
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }

    /// Returns how long after the boot the process was started.
    pub(crate) fn age_at_boot(&self) -> Duration {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| ticks.try_into().ok()).unwrap_or(100);
        Duration::from_millis(self.start_time.saturating_mul(1000) / ticks)
    }

    /// Returns `false` for a zombie, and for a process that is being reaped. A process that was killed stays a zombie as long as
    /// one of its threads cannot die (of a disk that does not answer): it is dead as well, and its successor may start.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_parentheses_is_parsed_to_its_end() {
        let mut text = b"42 (a) b (c) S 7".to_vec();
        text.extend((5..=21).flat_map(|n| format!(" {n}").into_bytes()));
        text.extend(b" 9000 23 24\n");
        let stat = Stat::parse(&text).unwrap();
        assert_eq!(stat, Stat { name: "a) b (c".into(), state: 'S', parent: 7, start_time: 9000 });
    }

    #[test]
    fn this_process_is_alive_and_another_start_time_is_not() {
        let me = Identity::of(Pid::this()).unwrap();
        assert_eq!(me.life().unwrap(), Life::Alive);
        assert!(me.open().unwrap().is_some());
        let reused = Identity { start_time: me.start_time + 1, ..me.clone() };
        assert_eq!(reused.life().unwrap(), Life::Dead);
        assert!(reused.open().unwrap().is_none());
        let elsewhere = |context| Identity { context, ..me.clone() }.life().unwrap();
        let pid_namespace = me.context.pid_namespace + 1;
        assert!(matches!(elsewhere(BootContext { pid_namespace, ..me.context.clone() }), Life::Unknown(_)));
        let time_namespace = me.context.time_namespace.map(|inode| inode + 1);
        assert!(matches!(elsewhere(BootContext { time_namespace, ..me.context.clone() }), Life::Unknown(_)));
        assert_eq!(elsewhere(BootContext { time_namespace: None, ..me.context.clone() }), Life::Alive);
    }

    #[test]
    fn a_process_runs_as_its_user_and_no_other() {
        let me = nix::unistd::geteuid().as_raw();
        assert!(runs_as(Pid::this(), me).unwrap() && !runs_as(Pid::this(), me + 1).unwrap());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Stat::parse(&bytes);
        }
    }
}
