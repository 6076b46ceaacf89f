//! Who a process is, beyond its number.

use crate::error::cause;
use crate::pid::Pid;
use crate::sys::pidfd::PidFd;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

/// What tells a process from every other one, before and after it, here and in other pid namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: Pid,
    /// Clock ticks after boot, field 22 of `/proc/PID/stat`.
    pub(crate) start_time: u64,
    pub(crate) here: Here,
}

/// Where the number of a process means something: in one boot, in one pid namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    /// The random id of the boot.
    pub(crate) boot: String,
    /// The inode of the pid namespace.
    pub(crate) namespace: u64,
}

/// What has become of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    Dead,
    /// It was written in another pid namespace: nothing here can be said of it, and no number in it means anything.
    Elsewhere,
}

impl Identity {
    /// The process that has this number now.
    pub(crate) fn of(pid: Pid) -> io::Result<Identity> {
        Ok(Identity { pid, start_time: Stat::of(pid)?.start_time, here: Here::look()? })
    }

    /// Whether this very process lives; a zombie does not.
    pub(crate) fn life(&self) -> io::Result<Life> {
        let here = Here::look()?;
        if self.here.boot != here.boot {
            return Ok(Life::Dead);
        }
        if self.here.namespace != here.namespace {
            return Ok(Life::Elsewhere);
        }
        match Stat::of(self.pid) {
            Ok(stat) if stat.start_time == self.start_time && stat.is_alive() => Ok(Life::Alive),
            Ok(_) => Ok(Life::Dead),
            // Gone before or while its file was read. Any other error says nothing about it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => Ok(Life::Dead),
            Err(error) => Err(error),
        }
    }

    /// A handle on this very process: `None` if it is dead, or if somebody else has its number by now.
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

/// Where the boot and the pid namespace are written.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
const NAMESPACE: &str = "/proc/self/ns/pid";

fn named(path: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("`{path}`: {}", cause(error)))
}

impl Here {
    /// Where this process is.
    pub(crate) fn look() -> io::Result<Here> {
        let mut buffer = [0; SMALL];
        // Missing where `/proc` shows processes only (`subset=pid`, `ProcSubset=pid` of systemd).
        let boot = read_small(BOOT, &mut buffer).map_err(|error| named(BOOT, &error))?;
        let boot = String::from_utf8_lossy(boot).trim_end().to_owned();
        let namespace = fs::metadata(NAMESPACE).map_err(|error| named(NAMESPACE, &error))?;
        Ok(Here { boot, namespace: namespace.ino() })
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

    /// Neither a zombie nor one that is just going.
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
        let elsewhere = Identity { here: Here { namespace: me.here.namespace + 1, ..me.here }, ..me };
        assert_eq!(elsewhere.life().unwrap(), Life::Elsewhere);
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
