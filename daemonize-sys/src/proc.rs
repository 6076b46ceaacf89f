//! Reads and parses files of `/proc` about processes (`proc(5)`), each by one read of bounded size.

use crate::pid::Pid;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use std::fs::{self, File};
use std::io::{self, Read};
use std::str::FromStr;
use std::time::Duration;

/// The size of the buffer in bytes: `/proc/PID/stat` has a name of at most 64 bytes and 51 numbers of at most 20 digits.
const BUFFER_SIZE: usize = 1536;

/// `PF_FORKNOEXEC` of `linux/sched.h`.
const FORKED_WITHOUT_EXEC: u64 = 0x40;

/// Reads at most 1536 bytes of a file of `/proc` by one `read(2)`, so that they describe one moment.
pub fn read_small<T>(path: &str, parse: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
    let mut buffer = [0; BUFFER_SIZE];
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

/// Fields of `/proc/PID/stat` (`proc_pid_stat(5)`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcStat {
    /// The name of the process, without the parentheses.
    pub name: String,
    /// The state: `Z` for a zombie, `X` for a process that is being reaped.
    pub state: char,
    /// The parent; 0 if it is in another pid namespace, and for process 1.
    pub parent: i32,
    /// The process group.
    pub group: i32,
    /// The session.
    pub session: i32,
    /// `true` unless the process was forked and has not called `execve(2)` since.
    pub has_executed: bool,
    /// The CPU time of all threads in user mode, in clock ticks.
    pub user_ticks: u64,
    /// The CPU time of all threads in user and kernel mode, in clock ticks.
    pub cpu_ticks: u64,
    /// The number of threads.
    pub threads: u32,
    /// The start time, in clock ticks since boot.
    pub start_time: u64,
    /// Resident memory, in pages.
    pub resident_pages: u64,
    /// The end address of the environment; 0 if the process has no memory, or if this process may not inspect it; `None` before
    /// Linux 3.5.
    pub env_end: Option<u64>,
}

impl ProcStat {
    /// Reads `/proc/PID/stat`.
    ///
    /// # Errors
    /// Returns `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it (`hidepid`).
    pub fn of(pid: Pid) -> io::Result<ProcStat> {
        read_small(&format!("/proc/{pid}/stat"), ProcStat::parse)?
            .ok_or_else(|| io::Error::other(format!("`/proc/{pid}/stat` is not understood")))
    }

    /// Parses the text of the file; `None` if a field is missing or is not a number of its width.
    ///
    /// A name such as `a) b (c` is possible. It ends at the last parenthesis, since no other field contains one.
    pub fn parse(text: &[u8]) -> Option<ProcStat> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        let name = String::from_utf8_lossy(text.get(open + 1..close)?).into_owned();
        let mut fields = std::str::from_utf8(&text[close + 1..]).ok()?.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let (parent, group, session) = (number(fields.next())?, number(fields.next())?, number(fields.next())?);
        // Skips 7 and 8: terminal; 10 to 13: page faults.
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
        Some(ProcStat {
            name,
            state,
            parent,
            group,
            session,
            has_executed,
            user_ticks,
            cpu_ticks: user_ticks.saturating_add(kernel_ticks),
            threads,
            start_time,
            resident_pages,
            env_end,
        })
    }

    /// Returns `true` if the main thread has ended. Other threads may still run, after `pthread_exit(3)` in the main thread, or because
    /// they are in an uninterruptible sleep (a disk that does not respond).
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Returns `true` if a thread of the process has not ended.
    pub fn has_live_thread(&self) -> bool {
        !self.is_zombie() || self.threads > 1
    }
}

/// Returns the name of a process (`/proc/PID/comm`), which is cheaper for the kernel than `/proc/PID/stat`.
///
/// # Errors
/// Returns `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it (`hidepid`).
pub fn name_of(pid: Pid) -> io::Result<String> {
    let without_end = |text: &[u8]| String::from_utf8_lossy(text.strip_suffix(b"\n").unwrap_or(text)).into_owned();
    read_small(&format!("/proc/{pid}/comm"), without_end)
}

/// Converts clock ticks since boot to a duration.
pub fn after_boot(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second())
}

/// Returns the age of a process with this start time, in clock ticks since boot (`clock_gettime(2)`, `CLOCK_BOOTTIME`).
pub fn age(start_time: u64) -> Duration {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from);
    now.saturating_sub(after_boot(start_time))
}

/// Reads `CLOCK_MONOTONIC` in nanoseconds (`clock_gettime(2)`), which all processes of a time namespace share.
pub fn monotonic_nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the clock ticks per second of the times in `/proc` (`sysconf(3)`, `_SC_CLK_TCK`).
pub fn ticks_per_second() -> u64 {
    positive(SysconfVar::CLK_TCK, 100)
}

/// Returns the page size in bytes (`sysconf(3)`, `_SC_PAGESIZE`).
pub fn page_size() -> u64 {
    positive(SysconfVar::PAGE_SIZE, 4096)
}

/// Returns a positive variable of `sysconf(3)`, or the default.
fn positive(variable: SysconfVar, default: u64) -> u64 {
    let number = sysconf(variable).ok().flatten().and_then(|number| u64::try_from(number).ok());
    number.filter(|number| *number > 0).unwrap_or(default)
}

/// The user ids of a process (`credentials(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    /// The real user id: the user that started the process.
    pub real: u32,
    /// The effective user id, which determines the permissions.
    pub effective: u32,
    /// The saved user id, to which the process can change back.
    pub saved: u32,
    /// The file system user id; follows the effective one (`setfsuid(2)`).
    pub file_system: u32,
}

impl Users {
    /// Reads `/proc/PID/status`. The owner of `/proc/PID` is not used: it is root if the process is not dumpable.
    ///
    /// # Errors
    /// Returns `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it.
    pub fn of(pid: Pid) -> io::Result<Users> {
        // The file may be longer than the buffer, but the line is among the first ten.
        read_small(&format!("/proc/{pid}/status"), Users::parse)?
            .ok_or_else(|| io::Error::other(format!("`/proc/{pid}/status` is not understood")))
    }

    fn parse(text: &[u8]) -> Option<Users> {
        // The name in the first line may not be UTF-8, but the kernel escapes line ends in it.
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

/// Parses a number.
#[inline(never)]
fn number<T: FromStr>(word: Option<&str>) -> Option<T> {
    word?.parse().ok()
}

/// Returns the numeric names in a directory of `/proc`: processes, or the file descriptors of one.
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
            user_ticks: 70,
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
        let (parent, session) = (nix::unistd::getppid(), nix::unistd::getsid(None).unwrap());
        assert_eq!((stat.parent, stat.session), (parent.as_raw(), session.as_raw()));
        let (me, users) = (nix::unistd::geteuid().as_raw(), Users::of(Pid::this()).unwrap());
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
