//! Who a process is, beyond its number.

use crate::pid::Pid;
use crate::sys::pidfd::PidFd;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

/// What tells a process from every other one, before and after it, here and in other pid namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) pid: Pid,
    /// Clock ticks after boot, field 22 of `/proc/PID/stat`.
    pub(crate) start_time: u64,
    /// `/proc/sys/kernel/random/boot_id`.
    pub(crate) boot: String,
    /// The inode of `/proc/PID/ns/pid`.
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
    /// This process. Reads `/proc`, so it has to be asked before a `chroot(2)`.
    pub(crate) fn of_self() -> io::Result<Identity> {
        Identity::of(Pid::this())
    }

    /// The process that has this number now.
    pub(crate) fn of(pid: Pid) -> io::Result<Identity> {
        let (boot, namespace) = here()?;
        Ok(Identity { pid, start_time: Stat::of(pid)?.start_time, boot, namespace })
    }

    /// Whether this very process lives; a zombie does not.
    pub(crate) fn life(&self) -> io::Result<Life> {
        let (boot, namespace) = here()?;
        if self.boot != boot {
            return Ok(Life::Dead);
        }
        if self.namespace != namespace {
            return Ok(Life::Elsewhere);
        }
        let alive = Stat::of(self.pid).is_ok_and(|stat| stat.start_time == self.start_time && stat.is_alive());
        Ok(if alive { Life::Alive } else { Life::Dead })
    }

    /// A handle on this very process: `None` if it is dead, or if somebody else has its number by now.
    pub(crate) fn open(&self) -> io::Result<Option<PidFd>> {
        let handle = match PidFd::open(self.pid) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            other => other?,
        };
        Ok(Some(handle).filter(|_| matches!(self.life(), Ok(Life::Alive))))
    }
}

/// The boot and the pid namespace that numbers mean something in here.
fn here() -> io::Result<(String, u64)> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim_end().to_owned();
    Ok((boot, fs::metadata("/proc/self/ns/pid")?.ino()))
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
        let text = fs::read(format!("/proc/{pid}/stat"))?;
        Stat::parse(&text).ok_or_else(|| io::Error::other(format!("`/proc/{pid}/stat` is not understood")))
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
        let me = Identity::of_self().unwrap();
        assert_eq!(me.life().unwrap(), Life::Alive);
        assert!(me.open().unwrap().is_some());
        let reused = Identity { start_time: me.start_time + 1, ..me.clone() };
        assert_eq!(reused.life().unwrap(), Life::Dead);
        assert!(reused.open().unwrap().is_none());
        let elsewhere = Identity { namespace: me.namespace + 1, ..me };
        assert_eq!(elsewhere.life().unwrap(), Life::Elsewhere);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Stat::parse(&bytes);
        }
    }
}
