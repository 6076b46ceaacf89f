//! A process, as shown by `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::wait::WaitStatus;

use crate::descriptors::{self, Descriptor};
use crate::sys;
use crate::wait::{self, Deadline, TimedOut};

/// Limits the bytes read of a file in `/proc`: no program of a test has a larger environment.
const MAX_FILE_BYTES: u64 = 128 * 1024;

/// A process by its pid, alive or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process(i32);

/// The fields of `/proc/PID/stat` that concern a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The name of the program, at most 15 bytes.
    pub name: String,
    /// `R`, `S`, `D`, `T`, `Z`, `X` …
    pub state: char,
    /// The parent's pid.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session.
    pub session: i32,
    /// The device number of the controlling terminal, 0 if there is none.
    pub tty: i32,
    /// The foreground process group of that terminal, -1 if there is none.
    pub foreground: i32,
    /// The number of threads.
    pub threads: usize,
    /// The start time, in clock ticks since boot.
    pub start: u64,
}

/// The user and group ids of one thread: real, effective, saved, file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The `Uid:` line.
    pub users: Vec<u32>,
    /// The `Gid:` line.
    pub groups: Vec<u32>,
    /// The `Groups:` line.
    pub supplementary: Vec<u32>,
}

/// A resource limit; `None` is "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The limit in force.
    pub soft: Option<u64>,
    /// The ceiling of the soft limit.
    pub hard: Option<u64>,
}

impl Process {
    /// Returns the process with this pid.
    pub fn new(pid: i32) -> Self {
        Self(pid)
    }

    /// Returns the pid.
    pub fn id(self) -> i32 {
        self.0
    }

    /// Reads `/proc/PID/stat`; `None` if the process is gone, even between open and read.
    pub fn stat(self) -> Option<Stat> {
        parse_stat(&self.read("stat")?)
    }

    /// Returns `true` if the process exists and is neither a zombie nor dead.
    pub fn alive(self) -> bool {
        self.stat().is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    }

    /// Returns its working directory.
    pub fn directory(self) -> Option<PathBuf> {
        self.link("cwd")
    }

    /// Returns the path of its program.
    pub fn program(self) -> Option<PathBuf> {
        self.link("exe")
    }

    /// Returns its root directory.
    pub fn root(self) -> Option<PathBuf> {
        self.link("root")
    }

    /// Returns its umask.
    pub fn umask(self) -> Option<u32> {
        u32::from_str_radix(&self.status("Umask")?, 8).ok()
    }

    /// Returns its open descriptors, by number.
    pub fn descriptors(self) -> BTreeMap<i32, Descriptor> {
        descriptors::of(self.0)
    }

    /// Returns the signal numbers in one of the sets `SigBlk`, `SigIgn`, `SigCgt`, `SigPnd`, `ShdPnd`.
    pub fn signals(self, set: &str) -> BTreeSet<i32> {
        let bits = self.status(set).and_then(|hex| u64::from_str_radix(&hex, 16).ok()).unwrap_or(0);
        (1..=64).filter(|number| bits >> (number - 1) & 1 == 1).collect()
    }

    /// Returns the limit with this name in `/proc/PID/limits`, for example `Max core file size`.
    pub fn limit(self, name: &str) -> Option<Limit> {
        let limits = self.read("limits")?;
        let mut values = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace();
        Some(Limit { soft: values.next()?.parse().ok(), hard: values.next()?.parse().ok() })
    }

    /// Returns the ids of its main thread.
    pub fn ids(self) -> Option<Ids> {
        Some(Ids {
            users: numbers(&self.status("Uid")?),
            groups: numbers(&self.status("Gid")?),
            supplementary: numbers(&self.status("Groups")?),
        })
    }

    /// Returns its threads, as processes of their thread ids.
    pub fn threads(self) -> Vec<Process> {
        let entries = fs::read_dir(format!("/proc/{}/task", self.0)).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).map(Process).collect()
    }

    /// Returns its arguments.
    pub fn arguments(self) -> Vec<String> {
        self.strings("cmdline")
    }

    /// Returns the environment it was executed with, as `NAME=value`.
    pub fn environment(self) -> Vec<String> {
        self.strings("environ")
    }

    /// Returns one line of `/proc/PID/status`, without its name.
    pub fn status(self, name: &str) -> Option<String> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim().to_owned())
    }

    /// Sends a signal through a pidfd to exactly this process, if it is alive.
    pub fn signal(self, signal: Signal) {
        if let Ok(pidfd) = sys::pidfd_open(self.0) {
            let _ = sys::pidfd_send_signal(pidfd.as_fd(), signal as i32);
        }
    }

    /// Waits until the process is dead; returns its status if it was a child of this process.
    pub fn died(self, within: Duration) -> Result<Option<WaitStatus>, TimedOut> {
        wait::death(self.0, Deadline::after(within))
    }

    /// Returns every process.
    pub fn all() -> impl Iterator<Item = Process> {
        let entries = fs::read_dir("/proc").into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).map(Process)
    }

    fn read(self, file: &str) -> Option<String> {
        // Some tests run processes that claim an environment of any length.
        let mut bytes = Vec::new();
        File::open(format!("/proc/{}/{file}", self.0)).ok()?.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn link(self, file: &str) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/{file}", self.0)).ok()
    }

    fn strings(self, file: &str) -> Vec<String> {
        let mut all = Vec::new();
        if let Ok(file) = File::open(format!("/proc/{}/{file}", self.0)) {
            // A process can make its environment appear many gigabytes long (`PR_SET_MM_MAP`).
            let _ = file.take(MAX_STRINGS_BYTES).read_to_end(&mut all);
        }
        String::from_utf8_lossy(&all).split_terminator('\0').map(str::to_owned).collect()
    }
}

/// Exceeds the arguments and environment that `execve(2)` accepts: three quarters of 8 MiB.
const MAX_STRINGS_BYTES: u64 = 8 << 20;

/// The program's name may contain any byte, so the fields are counted after the last `)`.
fn parse_stat(line: &str) -> Option<Stat> {
    let (before, after) = line.rsplit_once(')')?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let number = |index: usize| -> Option<i32> { fields.get(index)?.parse().ok() };
    Some(Stat {
        name: before.split_once('(')?.1.to_owned(),
        state: fields.first()?.chars().next()?,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        tty: number(4)?,
        foreground: number(5)?,
        threads: fields.get(17)?.parse().ok()?,
        start: fields.get(19)?.parse().ok()?,
    })
}

fn numbers(line: &str) -> Vec<u32> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_parsed_after_the_last_parenthesis() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 4711 99";
        let stat = parse_stat(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.parent), ("a) b (c", 'S', 1));
        assert_eq!((stat.threads, stat.start), (3, 4711));
    }

    #[test]
    fn own_process_is_read_correctly() {
        let this = Process::new(i32::try_from(std::process::id()).unwrap());
        assert!(this.alive());
        assert_eq!(this.directory(), std::env::current_dir().ok());
        assert!(this.descriptors().contains_key(&1));
        assert!(this.threads().contains(&this));
    }

    #[test]
    fn pid_above_pid_max_names_no_process() {
        assert!(!Process::new(4_194_305).alive());
    }
}
