//! Resets attributes of the process that survive `execve(2)`: scheduling, memory policy, personality.

use crate::syscall::syscall_result;
use std::io;
use std::ptr;

/// The timer slack of a process that did not change it, in nanoseconds (`PR_SET_TIMERSLACK(2const)`).
const DEFAULT_TIMER_SLACK: libc::c_ulong = 50_000;

/// Refers to one process in `ioprio_set(2)`.
const IOPRIO_WHO_PROCESS: libc::c_long = 1;

/// The policy of memory allocation of a process that did not change it (`set_mempolicy(2)`).
const MPOL_DEFAULT: libc::c_long = 0;

/// The part of a personality that says which system the program was made for (`personality(2)`).
const PERSONALITY_DOMAIN: libc::c_ulong = 0xff;

/// Sets the scheduling policy `SCHED_OTHER` and the nice value 0 of the calling thread, its I/O priority and its timer slack to their
/// defaults.
///
/// # Errors
/// An error names the attributes that could not be reset: lowering a nice value needs `CAP_SYS_NICE` or `RLIMIT_NICE`.
pub fn reset_scheduling() -> Result<(), String> {
    let this: libc::c_int = 0;
    // The class "none": by the nice value.
    // SAFETY: takes integers.
    let _ = unsafe { libc::syscall(libc::SYS_ioprio_set, IOPRIO_WHO_PROCESS, this, 0) };
    // SAFETY: takes integers.
    let _ = unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_TIMERSLACK, DEFAULT_TIMER_SLACK) };
    // Not by the C library: musl's fails.
    // SAFETY: takes integers.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, this) };
    let mut kept = Vec::new();
    if policy != libc::c_long::from(libc::SCHED_OTHER) {
        let priority: libc::c_int = 0;
        // SAFETY: the kernel reads one integer of ours, all of `struct sched_param`.
        let set = unsafe { libc::syscall(libc::SYS_sched_setscheduler, this, libc::SCHED_OTHER, &raw const priority) };
        if syscall_result(set).is_err() {
            kept.push(format!("scheduling policy {policy}"));
        }
    }
    let nice = nice();
    if nice != 0 && set_nice(0).is_err() {
        kept.push(format!("nice value {nice}"));
    }
    if kept.is_empty() { Ok(()) } else { Err(kept.join(" and ")) }
}

/// Returns the nice value of the calling thread.
fn nice() -> libc::c_long {
    // SAFETY: takes integers.
    let raw = unsafe { libc::syscall(libc::SYS_getpriority, libc::PRIO_PROCESS, 0) };
    // The system call returns 20 minus the nice value, so that it is never negative (`getpriority(2)`, NOTES).
    20 - raw
}

fn set_nice(nice: libc::c_int) -> io::Result<()> {
    // SAFETY: takes integers.
    syscall_result(unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// Sets the default policy of memory allocation (`set_mempolicy(2)`), and allows transparent huge pages again. A kernel without these
/// has nothing to reset.
pub fn reset_memory_policy() {
    let none = ptr::null::<libc::c_ulong>();
    // SAFETY: without a mask of nodes, no memory of ours is read.
    let _ = unsafe { libc::syscall(libc::SYS_set_mempolicy, MPOL_DEFAULT, none, 0) };
    let (disabled, unused): (libc::c_ulong, libc::c_ulong) = (0, 0);
    // SAFETY: takes integers.
    let _ = unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_THP_DISABLE, disabled, unused, unused, unused) };
}

/// Removes the flags of the personality, such as `ADDR_NO_RANDOMIZE` that a debugger sets. This process keeps the address space that it
/// has; programs that it executes get a randomized one.
pub(crate) fn reset_personality() {
    let query: libc::c_ulong = 0xffff_ffff;
    // SAFETY: takes an integer.
    let current = unsafe { libc::syscall(libc::SYS_personality, query) };
    let Ok(current) = libc::c_ulong::try_from(current) else { return };
    if current & !PERSONALITY_DOMAIN != 0 {
        // SAFETY: as above.
        let _ = unsafe { libc::syscall(libc::SYS_personality, current & PERSONALITY_DOMAIN) };
    }
}

/// The stack limit of a process that did not change it, in bytes.
const DEFAULT_STACK_LIMIT: libc::rlim64_t = 8 << 20;

/// Resets the personality and the soft limit of the stack before `execve(2)`: both decide where the kernel puts the parts of a program,
/// and whether it randomizes that. Makes only system calls, so that a child can call it that shares the memory of its parent.
pub(crate) fn reset_layout() {
    reset_personality();
    let this: libc::pid_t = 0;
    let mut limit = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let unset = ptr::null::<libc::rlimit64>();
    // SAFETY: the kernel writes a limit of ours, and reads none.
    let read = unsafe { libc::syscall(libc::SYS_prlimit64, this, libc::RLIMIT_STACK, unset, &raw mut limit) };
    if read == 0 {
        limit.rlim_cur = DEFAULT_STACK_LIMIT.min(limit.rlim_max);
        let unread = ptr::null_mut::<libc::rlimit64>();
        // SAFETY: the kernel reads a limit of ours, and writes none.
        let _ = unsafe { libc::syscall(libc::SYS_prlimit64, this, libc::RLIMIT_STACK, &raw const limit, unread) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nice_value_is_read_as_the_kernel_reports_it() {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields = stat.rsplit_once(") ").unwrap().1;
        assert_eq!(nice().to_string(), fields.split(' ').nth(16).unwrap());
    }
}
