//! The data of a queued signal (`sigqueue(3)`): its sender and a value. The verbs mark their signals with the value,
//! so that a daemon can tell them from signals that were sent by hand.

use crate::signal::Signal;
use crate::syscall::syscall_result;
use std::io;
use std::mem;
use std::ptr;

/// The values of our marks: four letters, so that no other program's value is one by chance.
const STOP: usize = 0x6461_656d;
const RESTART: usize = 0x7265_7374;
const HURRY: usize = 0x6875_7272;

/// The purpose for which a signal was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Sent by hand or by a service manager: it has no mark.
    Unmarked,
    /// The verb `stop`, or the daemon that stops itself.
    Stop,
    /// A monitor whose earlier signal of this stop had no effect in its time: what the daemon is at is cut short.
    Hurry,
    /// The daemon that gives way to the program it has restarted.
    Restart,
}

/// The layout of a queued signal on all targets that have `si_code` last of the first three fields.
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

/// Returns the siginfo of a signal that is sent for this purpose; `None` leaves it to the kernel, as in `kill(2)`.
pub(super) fn marked(signal: Signal, purpose: Purpose) -> Option<libc::siginfo_t> {
    let mark = match purpose {
        Purpose::Unmarked => return None,
        Purpose::Stop => STOP,
        Purpose::Restart => RESTART,
        Purpose::Hurry => HURRY,
    };
    Some(queued(signal, nix::unistd::getpid().as_raw(), nix::unistd::getuid().as_raw(), mark))
}

/// Returns the siginfo of a signal that is queued by this process and user with this value.
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

/// Returns the purpose for which this signal was sent. Async-signal-safe.
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

/// Queues a marked signal for the calling thread (`rt_tgsigqueueinfo(2)`), so that it does not merge with one that is
/// pending for the process.
pub(super) fn queue_for_thread(info: &libc::siginfo_t) -> io::Result<()> {
    // SAFETY: getpid and gettid have no preconditions; the kernel only reads the siginfo, which outlives the call.
    syscall_result(unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), libc::gettid(), info.si_signo, ptr::from_ref(info))
    })?;
    Ok(())
}

/// Queues a marked signal for this process (`rt_sigqueueinfo(2)`): any thread that does not block it takes it.
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
