//! Limits the resources of a child (`setrlimit(2)`, `setpriority(2)`, `proc_pid_oom_score_adj(5)`, `cgroups(7)`). The rules of
//! [`super::child`] apply here too.

use super::steps::{CGROUP, Failed, NICE, OOM_SCORE, RESOURCES, check};
use std::ffi::{CStr, c_int};
use std::os::fd::{AsRawFd, BorrowedFd};

/// The room for `-1000`.
const DIGITS: usize = 8;

/// The resources that a child may use. The default changes nothing.
#[derive(Clone, Copy, Default)]
pub struct Resources<'a> {
    /// Limits of single resources.
    pub limits: &'a [Rlimit],
    /// The nice value, from -20 to 19.
    pub nice: Option<i8>,
    /// The adjustment of the OOM score, from -1000 to 1000.
    pub oom_score_adjust: Option<i16>,
    /// The file `cgroup.procs` of the control group that the child joins, open for writing.
    pub cgroup: Option<BorrowedFd<'a>>,
}

/// The limits of one resource (`prlimit(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rlimit {
    /// The number of the resource (`RLIMIT_NOFILE` and the like), from 0 to 15.
    pub resource: u8,
    /// The soft limit; `u64::MAX` is none.
    pub soft: u64,
    /// The hard limit; `u64::MAX` is none.
    pub hard: u64,
}

/// Joins the control group, while the child still has the parent's table of descriptors.
///
/// By a write of the child itself, and not by `clone3(2)`: that is blocked in many containers, and the child executes no program before.
pub(super) fn join_cgroup(resources: &Resources<'_>) -> Result<(), Failed> {
    let Some(processes) = resources.cgroup else { return Ok(()) };
    // SAFETY: reads a byte of ours; 0 means the process that writes.
    check(CGROUP, unsafe { libc::write(processes.as_raw_fd(), c"0".as_ptr().cast(), 1) }.try_into().unwrap_or(-1))
}

/// Sets limits, nice value and OOM score, before the change of user: root may raise them.
pub(super) fn limit(resources: &Resources<'_>) -> Result<(), Failed> {
    for Rlimit { resource, soft, hard } in resources.limits {
        let limit = [*soft, *hard];
        let (this, none): (c_int, *mut u64) = (0, std::ptr::null_mut());
        // SAFETY: reads two numbers of ours, laid out as `struct rlimit64` is on every architecture.
        let set = unsafe { libc::syscall(libc::SYS_prlimit64, this, c_int::from(*resource), limit.as_ptr(), none) };
        check(RESOURCES + resource.min(&15), set)?;
    }
    if let Some(nice) = resources.nice {
        let (process, this) = (0, 0);
        // SAFETY: takes integers; by the kernel, for this process alone.
        check(NICE, unsafe { libc::syscall(libc::SYS_setpriority, process, this, c_int::from(nice)) })?;
        // If the kernel groups tasks by session, nice values count within a session only (sched(7), autogroup), and this child
        // has one of its own. An error means that it does not group them.
        let _ = write_number(c"/proc/self/autogroup", nice.into());
    }
    match resources.oom_score_adjust {
        Some(score) => check(OOM_SCORE, write_number(c"/proc/self/oom_score_adj", score)),
        None => Ok(()),
    }
}

/// Writes a number to a file. Returns a negative number if that fails, and leaves `errno`.
fn write_number(path: &CStr, number: i16) -> libc::c_long {
    let mut text = [0_u8; DIGITS];
    let begin = digits(number, &mut text);
    // SAFETY: reads a string of ours.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return -1;
    }
    // SAFETY: reads bytes of ours. The program inherits no descriptor: it is closed when that is executed.
    let written = unsafe { libc::write(file, text[begin..].as_ptr().cast(), DIGITS - begin) };
    if written < 0 { -1 } else { 0 }
}

/// Writes the digits of a number at the end of `text`. Returns where they begin.
fn digits(number: i16, text: &mut [u8; DIGITS]) -> usize {
    let (mut rest, mut begin) = (number.unsigned_abs(), DIGITS);
    loop {
        begin -= 1;
        text[begin] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        begin -= 1;
        text[begin] = b'-';
    }
    begin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 7, -1, -20, 19, 1000, -1000, i16::MIN, i16::MAX] {
            let mut text = [0; DIGITS];
            let begin = digits(number, &mut text);
            assert_eq!(std::str::from_utf8(&text[begin..]), Ok(&*number.to_string()));
        }
    }
}
