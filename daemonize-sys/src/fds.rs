//! File descriptors by number: finds open ones and those inherited through `exec`, and closes them.

use crate::pid::Pid;
use crate::syscall::syscall_result;
use nix::unistd::Uid;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;

/// The first number that is found only by listing `/proc/self/fd`.
const MAX_PROBED: RawFd = 4096;

/// The count of numbers that each further call probes.
const PROBES_PER_CALL: usize = 256;

/// The count of numbers that the first call probes: most programs have fewer file descriptors when they become a daemon.
const FIRST_PROBES: usize = 16;

/// Returns stdin, without the buffer of std's handle.
pub fn stdin() -> BorrowedFd<'static> {
    // SAFETY: std opens what is closed among the first three before `main`, and no part of the crates closes them.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// Returns stdout, without the buffer of std's handle.
pub fn stdout() -> BorrowedFd<'static> {
    // SAFETY: as in `stdin`.
    unsafe { BorrowedFd::borrow_raw(1) }
}

/// Returns `true` if this number is an open file descriptor (`fcntl(2)`, `F_GETFD`).
pub fn is_open(fd: RawFd) -> bool {
    flags(fd).is_some()
}

/// Returns the close-on-exec flag of a file descriptor; `None` if it is not open.
fn flags(fd: RawFd) -> Option<bool> {
    // SAFETY: F_GETFD takes an integer and touches no memory of ours; an unused number answers EBADF.
    let flags = syscall_result(unsafe { libc::fcntl(fd, libc::F_GETFD) }.into()).ok()?;
    Some(flags & libc::c_long::from(libc::FD_CLOEXEC) != 0)
}

/// Returns `true` if this number is an open file descriptor without close-on-exec, such as one that was inherited through `exec`.
pub fn is_inherited(fd: RawFd) -> bool {
    flags(fd) == Some(false)
}

/// Returns the process that created the socket pair to which this number belongs, and its effective user (`unix(7)`, `SO_PEERCRED`);
/// `None` if the number is not a `SOCK_SEQPACKET` socket.
pub fn peer(fd: RawFd) -> Option<(Pid, Uid)> {
    let kind: libc::c_int = option(fd, libc::SO_TYPE, 0)?;
    let unknown = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let maker = option(fd, libc::SO_PEERCRED, unknown).filter(|_| kind == libc::SOCK_SEQPACKET)?;
    Some((Pid::from_raw(maker.pid)?, Uid::from_raw(maker.uid)))
}

/// Returns the inode of a file descriptor (`fstat(2)`), which distinguishes two sockets; `None` if the number is not open.
#[allow(clippy::useless_conversion)] // It has 32 bits on some targets.
pub fn inode(fd: RawFd) -> Option<u64> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the kernel writes into a structure of ours, and refuses a number that is not open.
    let result = unsafe { libc::fstat(fd, status.as_mut_ptr()) };
    // SAFETY: the call has succeeded, and so has filled it in.
    (result == 0).then(|| unsafe { status.assume_init() }.st_ino.into())
}

/// Returns a socket option (`getsockopt(2)`); `None` if the number is not a socket.
fn option<T: Copy>(fd: RawFd, name: libc::c_int, mut value: T) -> Option<T> {
    let size = libc::socklen_t::try_from(size_of::<T>()).ok()?;
    let mut written = size;
    // SAFETY: the kernel writes at most the said size into a value of ours, of a type that has no invalid values.
    let result = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, (&raw mut value).cast(), &raw mut written) };
    (result == 0 && written == size).then_some(value)
}

/// Sets close-on-exec (`fcntl(2)`, `F_SETFD`). Does nothing for a number that is not open.
pub fn close_on_exec(fd: RawFd) {
    // SAFETY: F_SETFD takes an integer and touches no memory of ours.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Takes ownership of a file descriptor that was inherited through `exec`. Must be called only once per number.
pub fn own_handed_over(fd: RawFd) -> OwnedFd {
    // SAFETY: no code of this program owns it, and the caller takes it once.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// The open file descriptors from 3 on, by their origin.
pub struct OpenFds {
    /// Inherited through `exec`: those without close-on-exec, which std sets on all that it opens.
    pub leaked: Vec<RawFd>,
    /// Opened by this program.
    pub own: Vec<RawFd>,
}

impl OpenFds {
    /// Finds all open file descriptors from 3 on; both lists are in ascending order.
    pub fn find() -> io::Result<OpenFds> {
        let mut open = OpenFds { leaked: Vec::new(), own: Vec::new() };
        for fd in find_open()?.into_iter().filter(|fd| *fd > 2) {
            match flags(fd) {
                Some(true) => open.own.push(fd),
                Some(false) => open.leaked.push(fd),
                // The file descriptor of the listing itself, closed by now.
                None => {}
            }
        }
        Ok(open)
    }
}

/// Returns the kind of an anonymous file descriptor, such as `eventfd` (`proc_pid_fd(5)`, `anon_inode:`).
pub fn anonymous_kind(fd: RawFd) -> Option<String> {
    let link = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    link.to_str()?.strip_prefix("anon_inode:").map(|kind| kind.trim_matches(['[', ']']).to_owned())
}

/// Closes these open file descriptors, which are in ascending order; adjacent ones by one `close_range(2)`.
pub fn close_leaked(leaked: &[RawFd]) {
    for run in leaked.chunk_by(|fd, next| fd + 1 == *next) {
        match run {
            // One by one before Linux 5.9, or where seccomp blocks close_range(2).
            [first, .., last] if close_range(*first, *last).is_ok() => {}
            run => run.iter().copied().for_each(close),
        }
    }
}

/// Closes every file descriptor from 3 on except those in `keep` (`close_range(2)`). The cost does not depend on `RLIMIT_NOFILE`.
pub fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    match close_ranges_but(keep) {
        // Before Linux 5.9, or where seccomp blocks close_range(2), the open ones are listed and closed one by one.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            list()?.into_iter().filter(|fd| *fd > 2 && !keep.contains(fd) && is_open(*fd)).for_each(close);
            Ok(())
        }
        outcome => outcome,
    }
}

/// Closes the ranges between the numbers in `keep`.
fn close_ranges_but(keep: &[RawFd]) -> io::Result<()> {
    let mut first = 3;
    while let Some(kept) = keep.iter().copied().filter(|fd| *fd >= first).min() {
        close_range(first, kept - 1)?;
        first = kept + 1;
    }
    close_range(first, RawFd::MAX)
}

/// Closes all file descriptors from `first` to `last` (`close_range(2)`).
fn close_range(first: RawFd, last: RawFd) -> io::Result<()> {
    if first <= last {
        // SAFETY: the user asked for every descriptor to be closed but those they and we named.
        syscall_result(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) })?;
    }
    Ok(())
}

/// Closes a file descriptor that no code of this program uses (`close(2)`).
fn close(fd: RawFd) {
    // SAFETY: it came in through exec without close-on-exec, or the user asked for every descriptor to be closed.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
}

/// Returns the open file descriptors in ascending order. Since Linux 6.2 the kernel reports their count, so `poll(2)` can probe for
/// them; before that they are listed, which takes longer and may include the file descriptor of the listing itself.
fn find_open() -> io::Result<Vec<RawFd>> {
    let count = fs::metadata("/proc/self/fd").map_or(0, |directory| directory.size());
    let mut found = probe::<FIRST_PROBES>(0);
    if count > found.len() as u64 {
        found.clear();
        for first in (0..MAX_PROBED).step_by(PROBES_PER_CALL) {
            if count > found.len() as u64 {
                found.extend(probe::<PROBES_PER_CALL>(first));
            }
        }
    }
    if count == found.len() as u64 { Ok(found) } else { list() }
}

/// Returns the open ones among `COUNT` numbers, by one `poll(2)`: it reports `POLLNVAL` for those that are not open.
fn probe<const COUNT: usize>(first: RawFd) -> Vec<RawFd> {
    let mut fds = [libc::pollfd { fd: 0, events: 0, revents: 0 }; COUNT];
    for (probe, fd) in fds.iter_mut().zip(first..) {
        probe.fd = fd;
    }
    // SAFETY: the array is ours and as long as it is said to be; nothing is waited for.
    if unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, 0) } < 0 {
        return Vec::new();
    }
    fds.iter().filter(|probe| probe.revents & libc::POLLNVAL == 0).map(|probe| probe.fd).collect()
}

/// Lists `/proc/self/fd` in ascending order. The file descriptor of the listing itself is closed on return.
fn list() -> io::Result<Vec<RawFd>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::{FcntlArg, fcntl};
    use std::os::fd::AsRawFd;

    /// Makes a copy of a descriptor with the lowest free number from `least` on, close-on-exec, and never closes it.
    fn copy_from(fd: &fs::File, least: RawFd) -> RawFd {
        fcntl(fd, FcntlArg::F_DUPFD_CLOEXEC(least)).unwrap()
    }

    #[test]
    fn adjacent_descriptors_are_closed_and_those_between_stay() {
        // Numbers that no other test uses.
        let null = fs::File::open("/dev/null").unwrap();
        let fds: Vec<RawFd> = (700..708).map(|least| copy_from(&null, least)).collect();
        assert_eq!(fds, (700..708).collect::<Vec<_>>());
        close_leaked(&[700, 701, 702, 704, 706, 707]);
        let open: Vec<RawFd> = fds.into_iter().filter(|fd| is_open(*fd)).collect();
        assert_eq!(open, [703, 705]);
        close_leaked(&open);
        assert!(is_open(null.as_raw_fd()));
    }

    #[test]
    fn census_finds_descriptors_of_any_number() {
        let null = fs::File::open("/dev/null").unwrap();
        let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap().0;
        let highest = RawFd::try_from(limit.min(100_000)).unwrap() - 1;
        for least in [20, 300, 1000, 5000].into_iter().filter(|least| *least <= highest) {
            let own = copy_from(&null, least);
            let open = OpenFds::find().unwrap();
            assert!(open.own.contains(&own) && open.own.is_sorted(), "{least}: {:?}", open.own);
            assert!(!open.leaked.contains(&own), "{least}: {:?}", open.leaked);
        }
    }
}
