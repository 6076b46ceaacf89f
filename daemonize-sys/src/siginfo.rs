//! The data of queued signals (`sigqueue(3)`). The library marks its signals by their value, so that a daemon can distinguish them
//! from signals of `kill(1)`.

use crate::signal::Signal;
use crate::syscall::syscall_result;
use std::io;
use std::mem;
use std::ptr;

// The marks: four ASCII letters each, which no other program sends by chance.
const STOP: usize = 0x6461_656d;
const RESTART: usize = 0x7265_7374;
const HURRY: usize = 0x6875_7272;

/// The purpose for which a signal was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sent without a mark, for example by `kill(1)` or by a service manager.
    Unmarked,
    /// Sent by `stop`, or by the daemon that stops itself.
    Stop,
    /// Sent by a monitor after a first stop signal had no effect in time: the daemon interrupts its shutdown work.
    Hurry,
    /// Sent by a daemon to itself that has restarted its program.
    Restart,
}

/// The layout of a queued signal, on all targets where `si_code` is the last of the first three fields.
#[repr(C)]
#[derive(Clone, Copy)]
struct Queued {
    header: [libc::c_int; 3],
    sender: Sender,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Sender {
    pid: libc::pid_t,
    uid: libc::uid_t,
    value: libc::sigval,
}

#[repr(C)]
union Info {
    whole: libc::siginfo_t,
    queued: Queued,
}

/// Returns the siginfo of a signal with the mark of this purpose; `None` for `Unmarked`, for which the kernel provides it.
pub(super) fn marked(signal: Signal, purpose: Purpose) -> Option<libc::siginfo_t> {
    let mark = match purpose {
        Purpose::Unmarked => return None,
        Purpose::Stop => STOP,
        Purpose::Restart => RESTART,
        Purpose::Hurry => HURRY,
    };
    Some(queued(signal, nix::unistd::getpid().as_raw(), nix::unistd::getuid().as_raw(), mark))
}

/// Returns the siginfo of a signal that is queued by this process and user, with this value.
pub(super) fn queued(signal: Signal, pid: libc::pid_t, uid: libc::uid_t, value: usize) -> libc::siginfo_t {
    let sender = Sender { pid, uid, value: libc::sigval { sival_ptr: ptr::without_provenance_mut(value) } };
    // SAFETY: a siginfo of zeros is a valid one, and its first fields and those of a queued signal lie within it.
    unsafe {
        let mut info = Info { whole: mem::zeroed() };
        info.whole.si_signo = signal.as_raw();
        info.whole.si_code = libc::SI_QUEUE;
        info.queued.sender = sender;
        info.whole
    }
}

/// Returns the purpose of a signal by its mark. Async-signal-safe.
pub(super) fn purpose(info: &libc::siginfo_t) -> Purpose {
    if info.si_code != libc::SI_QUEUE {
        return Purpose::Unmarked;
    }
    // SAFETY: the sender fills in a value for every signal of this code.
    match unsafe { info.si_value() }.sival_ptr.addr() {
        STOP => Purpose::Stop,
        RESTART => Purpose::Restart,
        HURRY => Purpose::Hurry,
        _ => Purpose::Unmarked,
    }
}

/// Queues a marked signal for the calling thread (`rt_tgsigqueueinfo(2)`), so that it is not merged with a signal that is pending for
/// the process.
pub(super) fn queue_for_thread(info: &libc::siginfo_t) -> io::Result<()> {
    // SAFETY: getpid and gettid have no preconditions; the kernel only reads the siginfo, which outlives the call.
    syscall_result(unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), libc::gettid(), info.si_signo, ptr::from_ref(info))
    })?;
    Ok(())
}

/// Queues a marked signal for this process (`rt_sigqueueinfo(2)`). Any thread that does not block it handles it.
pub(super) fn queue_for_process(info: &libc::siginfo_t) -> io::Result<()> {
    // SAFETY: as in `queue_for_thread`.
    syscall_result(unsafe {
        libc::syscall(libc::SYS_rt_sigqueueinfo, libc::getpid(), info.si_signo, ptr::from_ref(info))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_no_other_value_is_one() {
        for wanted in [Purpose::Stop, Purpose::Restart, Purpose::Hurry] {
            let info = marked(Signal::SIGTERM, wanted).unwrap();
            assert_eq!((info.si_signo, purpose(&info)), (libc::SIGTERM, wanted));
        }
        assert!(marked(Signal::SIGTERM, Purpose::Unmarked).is_none());
        let mut other = marked(Signal::SIGTERM, Purpose::Stop).unwrap();
        other.si_code = libc::SI_USER;
        assert_eq!(purpose(&other), Purpose::Unmarked);
    }
}
