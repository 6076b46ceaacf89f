//! Identifies a process beyond its pid, which the kernel reuses: by its start time, boot and namespaces.

use crate::error::cause;
use crate::pid::Pid;
use crate::sys::error::errno;
use crate::sys::pidfd::PidFd;
use crate::sys::proc::{ProcStat, Users, read_small};
use nix::errno::Errno;
use std::fs;
use std::io;
use std::sync::OnceLock;

/// The identity of one process. No other process has it, on any boot and in any namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: Pid,
    /// The start time in clock ticks after boot: field 22 of `/proc/PID/stat` (`proc(5)`).
    pub(crate) start_time: u64,
    pub(crate) context: BootContext,
}

/// The boot and the namespaces in which a pid and a start time are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BootContext {
    /// The random id of the boot (`/proc/sys/kernel/random/boot_id`).
    pub(crate) boot: String,
    /// The inode of the pid namespace.
    pub(crate) pid_namespace: u64,
    /// The inode of the time namespace, whose offset is part of every start time; `None` before Linux 5.6.
    pub(crate) time_namespace: Option<u64>,
}

/// The state of the process that an identity names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Liveness {
    Alive,
    Dead,
    /// It cannot be determined, for this reason.
    Unknown(&'static str),
}

impl Identity {
    /// Returns the identity of the process that has this pid now.
    pub(crate) fn of(pid: Pid) -> io::Result<Identity> {
        Ok(Identity { pid, start_time: ProcStat::of(pid)?.start_time, context: BootContext::read()? })
    }

    /// Returns the state of this process. A zombie counts as dead.
    pub(crate) fn liveness(&self) -> io::Result<Liveness> {
        if !is_of_this_boot(&self.context.boot, &BOOT_ID)? {
            return Ok(Liveness::Dead);
        }
        if self.context.pid_namespace != read_pid_namespace()? {
            return Ok(Liveness::Unknown("the pidfile was written in another pid namespace"));
        }
        if !self.context.shares_time(read_time_namespace()) {
            return Ok(Liveness::Unknown("the pidfile was written in another time namespace"));
        }
        self.liveness_in_context()
    }

    /// As [`liveness`](Identity::liveness), for an identity that is known to be of this boot and of these namespaces.
    fn liveness_in_context(&self) -> io::Result<Liveness> {
        match ProcStat::of(self.pid) {
            // A killed process stays a zombie while one of its threads is in uninterruptible sleep (a disk that does not answer).
            // It counts as dead, so that a new daemon can start.
            Ok(stat) if stat.start_time == self.start_time && !stat.is_zombie() => Ok(Liveness::Alive),
            Ok(_) => Ok(Liveness::Dead),
            // The process ended before or during the read, or `/proc` hides it. Any other error says nothing about the process.
            Err(error) if matches!(errno(&error), Some(Errno::ENOENT | Errno::ESRCH)) => {
                Ok(self.liveness_without_proc())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the state of a process that `/proc` does not show: it has ended, or it belongs to another user (`hidepid=2`,
    /// `proc(5)`).
    fn liveness_without_proc(&self) -> Liveness {
        match PidFd::open(self.pid) {
            Ok(_) => Liveness::Unknown("`/proc` hides the process that the pidfile names (mount option `hidepid`)"),
            Err(_) => Liveness::Dead,
        }
    }

    /// Opens a pidfd of the process. Returns `None` if it is dead, or another process has its pid by now. The identity must be of
    /// this process's boot and namespaces: [`liveness`](Identity::liveness) has checked it, or it was read here.
    pub(crate) fn open(&self) -> io::Result<Option<PidFd>> {
        let handle = match PidFd::open(self.pid) {
            Err(error) if errno(&error) == Some(Errno::ESRCH) => return Ok(None),
            other => other?,
        };
        Ok((self.liveness_in_context()? == Liveness::Alive).then_some(handle))
    }
}

/// Returns `true` if this user is the real, effective and saved user of the process, so that the user may send it signals.
pub(crate) fn runs_as(pid: Pid, user: u32) -> io::Result<bool> {
    Ok(Users::of(pid)?.are_all(user))
}

const BOOT: &str = "/proc/sys/kernel/random/boot_id";
const PID_NAMESPACE: &str = "/proc/self/ns/pid";
const TIME_NAMESPACE: &str = "/proc/self/ns/time";

/// The id of the boot at its first read.
static BOOT_ID: OnceLock<String> = OnceLock::new();

/// Reads the id of the boot.
fn read_boot_id() -> io::Result<String> {
    // The file is missing if `/proc` shows processes only (mount option `subset=pid`, `ProcSubset=pid` of systemd).
    let id = read_small(BOOT, |id| String::from_utf8_lossy(id).trim_end().to_owned());
    id.map_err(|error| with_path(BOOT, &error))
}

/// Returns `true` if `id` is the id of the boot. Reads the current id unless `id` is the `known` one: a container may have an id of
/// its own, and this process may have entered one since (`setns(2)`), or was restored from a checkpoint after another boot.
fn is_of_this_boot(id: &str, known: &OnceLock<String>) -> io::Result<bool> {
    if known.get().is_some_and(|known| known == id) {
        return Ok(true);
    }
    let now = read_boot_id()?;
    let is_it = now == id;
    known.get_or_init(|| now);
    Ok(is_it)
}

/// Reads the inode of the pid namespace. Not cached: a fork may lead into another one (`unshare(2)`).
fn read_pid_namespace() -> io::Result<u64> {
    read_namespace(PID_NAMESPACE).map_err(|error| with_path(PID_NAMESPACE, &error))
}

/// Reads the inode of the time namespace; `None` if the kernel has none.
fn read_time_namespace() -> Option<u64> {
    read_namespace(TIME_NAMESPACE).ok()
}

/// Reads the number in a link such as `pid:[4026531836]` (`namespaces(7)`). Following the link costs twice as much, since the
/// kernel then creates an inode.
fn read_namespace(path: &str) -> io::Result<u64> {
    let target = fs::read_link(path)?;
    let text = target.to_str().and_then(|text| text.split_once(":[")).and_then(|(_, rest)| rest.strip_suffix(']'));
    text.and_then(|inode| inode.parse().ok()).ok_or_else(|| io::Error::other("it is not a link of a namespace"))
}

fn with_path(path: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("`{path}`: {}", cause(error)))
}

impl BootContext {
    /// Reads the context of this process.
    pub(crate) fn read() -> io::Result<BootContext> {
        let (boot, pid_namespace) = (read_boot_id()?, read_pid_namespace()?);
        Ok(BootContext { boot, pid_namespace, time_namespace: read_time_namespace() })
    }

    /// Returns `false` if start times of the two contexts differ by the offset of a time namespace (`time_namespaces(7)`).
    fn shares_time(&self, time_namespace: Option<u64>) -> bool {
        match (self.time_namespace, time_namespace) {
            (Some(one), Some(other)) => one == other,
            // A pidfile of an older version, or a kernel without time namespaces.
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn liveness_of_reused_pid_is_dead() {
        let me = Identity::of(Pid::this()).unwrap();
        assert_eq!(me.liveness().unwrap(), Liveness::Alive);
        assert!(me.open().unwrap().is_some());
        let reused = Identity { start_time: me.start_time + 1, ..me.clone() };
        assert_eq!(reused.liveness().unwrap(), Liveness::Dead);
        assert!(reused.open().unwrap().is_none());
        let elsewhere = |context| Identity { context, ..me.clone() }.liveness().unwrap();
        let pid_namespace = me.context.pid_namespace + 1;
        assert!(matches!(elsewhere(BootContext { pid_namespace, ..me.context.clone() }), Liveness::Unknown(_)));
        let time_namespace = me.context.time_namespace.map(|inode| inode + 1);
        assert!(matches!(elsewhere(BootContext { time_namespace, ..me.context.clone() }), Liveness::Unknown(_)));
        assert_eq!(elsewhere(BootContext { time_namespace: None, ..me.context.clone() }), Liveness::Alive);
    }

    #[test]
    fn boot_id_that_is_not_the_known_one_is_read_again() {
        let (boot, known) = (read_boot_id().unwrap(), OnceLock::from("of another container".to_owned()));
        assert!(is_of_this_boot(&boot, &known).unwrap());
        assert!(!is_of_this_boot("of an earlier boot", &known).unwrap());
        let known = OnceLock::new();
        assert!(!is_of_this_boot("of an earlier boot", &known).unwrap());
        assert_eq!(known.get(), Some(&boot));
        assert!(is_of_this_boot(&boot, &known).unwrap());
    }

    #[test]
    fn namespace_link_contains_its_inode() {
        use std::os::unix::fs::MetadataExt;
        assert_eq!(read_pid_namespace().unwrap(), fs::metadata(PID_NAMESPACE).unwrap().ino());
        assert_eq!(read_time_namespace(), fs::metadata(TIME_NAMESPACE).ok().map(|namespace| namespace.ino()));
    }

    #[test]
    fn process_runs_as_its_own_user_only() {
        let me = nix::unistd::geteuid().as_raw();
        assert!(runs_as(Pid::this(), me).unwrap() && !runs_as(Pid::this(), me + 1).unwrap());
    }
}
