//! Files of `/proc` about processes (`proc(5)`): read whole by one bounded call, and parsed whatever a process calls itself.

use crate::pid::Pid;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use std::fs::{self, File};
use std::io::{self, Read};
use std::str::FromStr;
use std::time::Duration;

/// More than `/proc/PID/stat` can be, in bytes: a name of 64 bytes and 51 numbers of at most 20 digits.
const SMALL: usize = 1536;

/// `PF_FORKNOEXEC` of `linux/sched.h`.
const FORKED_WITHOUT_EXEC: u64 = 0x40;

/// Reads the beginning of a file of `/proc` in one call, as the kernel means it to be read: a second call would see another
/// moment. Of a longer file, the first 1536 bytes.
pub fn read_small<T>(path: &str, parse: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
    let mut buffer = [0; SMALL];
    let length = read(path, &mut buffer)?;
    Ok(parse(&buffer[..length]))
}

fn read(path: &str, buffer: &mut [u8]) -> io::Result<usize> {
    let mut file = File::open(path)?;
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            length => return length,
        }
    }
}

/// The fields of `/proc/PID/stat` (`proc_pid_stat(5)`) that the crates use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// The name that the process gives itself, without the parentheses around it.
    pub name: String,
    /// `Z` for a zombie, `X` for one that is being reaped.
    pub state: char,
    /// 0 where the parent is in another pid namespace, and for process 1.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session.
    pub session: i32,
    /// `false` if the process was forked and has executed no program since.
    pub has_executed: bool,
    /// Processor time of the process and of the kernel on its behalf, in clock ticks.
    pub cpu_ticks: u64,
    /// The number of threads.
    pub threads: u32,
    /// The moment when the process was made, in clock ticks since the boot.
    pub start_time: u64,
    /// Resident memory, in pages.
    pub resident_pages: u64,
    /// The end of the environment in the process's memory: 0 while it has no memory, or where this process may not look into
    /// it; `None` before Linux 3.5.
    pub env_end: Option<u64>,
}

impl ProcStat {
    /// Reads `/proc/PID/stat`.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it (`hidepid`).
    pub fn of(pid: Pid) -> io::Result<ProcStat> {
        read_small(&format!("/proc/{pid}/stat"), ProcStat::parse)?
            .ok_or_else(|| io::Error::other(format!("`/proc/{pid}/stat` is not understood")))
    }

    /// Parses the text of the file; `None` if a field is missing or is not a number of its width.
    ///
    /// A process may call itself `a) b (c`: its name ends at the last parenthesis, since none comes after it.
    pub fn parse(text: &[u8]) -> Option<ProcStat> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let mut fields = std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let (parent, group, session) = (number(fields.next())?, number(fields.next())?, number(fields.next())?);
        // 7 and 8: terminal; 10 to 13: page faults.
        let flags: u64 = number(fields.nth(2))?;
        let has_executed = flags & FORKED_WITHOUT_EXEC == 0;
        let user_ticks: u64 = number(fields.nth(4))?;
        let kernel_ticks: u64 = number(fields.next())?;
        // 16 to 19: of waited-for children, and priorities.
        let threads = number(fields.nth(4))?;
        let start_time = number(fields.nth(1))?;
        let resident_pages = number(fields.nth(1))?;
        // 25 to 50: limits, addresses, signals, delays.
        let env_end = number(fields.nth(26));
        let cpu_ticks = user_ticks.saturating_add(kernel_ticks);
        Some(ProcStat {
            name,
            state,
            parent,
            group,
            session,
            has_executed,
            cpu_ticks,
            threads,
            start_time,
            resident_pages,
            env_end,
        })
    }

    /// Returns `true` if the first thread of the process has ended: it is a zombie, or is being reaped. Other threads may go
    /// on after `pthread_exit(3)` of the first one, or because they cannot die (of a disk that does not answer).
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Returns `true` if any thread of the process has not ended.
    pub fn has_live_thread(&self) -> bool {
        !self.is_zombie() || self.threads > 1
    }
}

/// Reads the name that a process gives itself (`/proc/PID/comm`), which costs the kernel less than `/proc/PID/stat`.
///
/// # Errors
/// `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it (`hidepid`).
pub fn name_of(pid: Pid) -> io::Result<String> {
    let without_line_end = |text: &[u8]| {
        let name = text.strip_suffix(b"\n").unwrap_or(text);
        String::from_utf8_lossy(name).into_owned()
    };
    read_small(&format!("/proc/{pid}/comm"), without_line_end)
}

/// Returns how long after the boot the clock had counted this many ticks.
pub fn after_boot(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second())
}

/// Returns the time since the clock had counted this many ticks since the boot: the age of a process with this start time.
pub fn age(start_time: u64) -> Duration {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from);
    now.saturating_sub(after_boot(start_time))
}

/// Returns the unit of the times in `/proc`, in ticks per second.
pub fn ticks_per_second() -> u64 {
    positive(SysconfVar::CLK_TCK, 100)
}

/// Returns the size of a page of memory, in bytes.
pub fn page_size() -> u64 {
    positive(SysconfVar::PAGE_SIZE, 4096)
}

fn positive(variable: SysconfVar, usual: u64) -> u64 {
    let number = sysconf(variable).ok().flatten().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).unwrap_or(usual)
}

/// The users of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    /// The one that started the process.
    pub real: u32,
    /// The one whose rights the process has.
    pub effective: u32,
    /// The one to which the process can change back.
    pub saved: u32,
    /// The one whose rights it has to files; follows the effective one (`setfsuid(2)`).
    pub file_system: u32,
}

impl Users {
    /// Reads the users from `/proc/PID/status`: the owner of `/proc/PID` is root where the process is not dumpable.
    ///
    /// # Errors
    /// `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it.
    pub fn of(pid: Pid) -> io::Result<Users> {
        // The line is among the first ten; the whole file may be longer than what is read.
        read_small(&format!("/proc/{pid}/status"), Users::parse)?
            .ok_or_else(|| io::Error::other(format!("`/proc/{pid}/status` is not understood")))
    }

    fn parse(text: &[u8]) -> Option<Users> {
        // The name before it may be no UTF-8, but line ends in it are escaped.
        let line = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"Uid:"))?;
        let mut numbers = std::str::from_utf8(line).ok()?.split_ascii_whitespace();
        let (real, effective) = (number(numbers.next())?, number(numbers.next())?);
        let (saved, file_system) = (number(numbers.next())?, number(numbers.next())?);
        numbers.next().is_none().then_some(Users { real, effective, saved, file_system })
    }

    /// Returns `true` if all four are this user.
    pub fn are_all(&self, user: u32) -> bool {
        *self == Users { real: user, effective: user, saved: user, file_system: user }
    }
}

/// Returns the number that this word is.
#[inline(never)]
fn number<T: FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

/// Returns the numbers that are names in a directory of `/proc`: processes, or the descriptors of one.
pub fn numbers_in(directory: &str) -> io::Result<Vec<i32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        numbers.extend(number::<i32>(entry?.file_name().to_str()));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stat(name: &[u8], state: char, threads: u32) -> Vec<u8> {
        let mut text = b"42 (".to_vec();
        text.extend(name);
        text.extend(format!(") {state} 7 40 41 0 -1 4194560 1 2 3 4 70 30 5 6 20 0 {threads} 0 9000 99 250").bytes());
        text.extend((25..=52).flat_map(|field| format!(" {field}").into_bytes()));
        text
    }

    #[test]
    fn stat_fields_are_those_of_the_manual() {
        let expected = ProcStat {
            name: "a) b (c".into(),
            state: 'S',
            parent: 7,
            group: 40,
            session: 41,
            has_executed: true,
            cpu_ticks: 100,
            threads: 3,
            start_time: 9000,
            resident_pages: 250,
            env_end: Some(51),
        };
        assert_eq!(ProcStat::parse(&stat(b"a) b (c", 'S', 3)), Some(expected));
    }

    #[test]
    fn zombie_has_a_live_thread_while_it_has_more_than_one() {
        let seen = |state, threads| {
            let stat = ProcStat::parse(&stat(b"a", state, threads)).unwrap();
            (stat.is_zombie(), stat.has_live_thread())
        };
        assert_eq!((seen('S', 1), seen('Z', 2)), ((false, true), (true, true)));
        assert_eq!((seen('Z', 1), seen('X', 0)), ((true, false), (true, false)));
    }

    #[test]
    fn this_process_is_seen_as_it_is() {
        let stat = ProcStat::of(Pid::this()).unwrap();
        assert!(!stat.is_zombie() && stat.start_time > 0 && stat.resident_pages > 0);
        assert_eq!(name_of(Pid::this()).unwrap(), stat.name);
        assert_eq!(stat.parent, nix::unistd::getppid().as_raw());
        assert_eq!(stat.session, nix::unistd::getsid(None).unwrap().as_raw());
        let me = nix::unistd::geteuid().as_raw();
        let users = Users::of(Pid::this()).unwrap();
        assert!(users.effective == me && users.are_all(me) && !users.are_all(me + 1));
    }

    #[test]
    fn users_are_four_numbers() {
        let parse = |text: &str| Users::parse(text.as_bytes());
        let users = Users { real: 1, effective: 2, saved: 3, file_system: 4 };
        assert_eq!(parse("Name:\ta\nUmask:\t0022\nUid:\t1\t2\t3\t4\nGid:\t9\t9\t9\t9\n"), Some(users));
        for text in ["", "Uid:", "Uid:\t1\t2\t3", "Uid:\t1\t2\t3\t4\t5", "Uid:\t1\tx\t3\t4", "Name:\tUid: 1 2 3 4"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_as_it_is(name in "[ ()a\u{1}-\u{7f}]{0,40}") {
            prop_assert_eq!(ProcStat::parse(&stat(name.as_bytes(), 'R', 1)).map(|stat| stat.name), Some(name));
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..120) {
            let _ = (ProcStat::parse(&bytes), Users::parse(&bytes));
            // A number that is cut off is not told from a smaller one, but a field that is missing is.
            let whole = stat(&bytes[..bytes.len().min(60)], 'S', 1);
            let cut = &whole[..whole.len().saturating_sub(cut)];
            let fields = cut.iter().rposition(|byte| *byte == b')').map_or(0, |at| cut[at..].split(|byte| *byte == b' ').count());
            prop_assert!(ProcStat::parse(cut).is_none() || fields > 22);
        }
    }
}
