//! Changes the user of a child, and verifies the change (`setresuid(2)`, `setgroups(2)`). The rules of [`super::child`] apply here too.

use super::program::Identity;
use super::steps::{CAPABILITIES, Failed, GROUP, KEYRING, USER, VERIFY, check, errno};
use std::ffi::{c_int, c_long};

// The calls of these names take 16-bit ids on the oldest architectures: `setgroups(65536)` would mean root's group.
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
use libc::{SYS_setgroups, SYS_setresgid, SYS_setresuid};
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
use libc::{SYS_setgroups32 as SYS_setgroups, SYS_setresgid32 as SYS_setresgid, SYS_setresuid32 as SYS_setresuid};

/// The id for "unchanged" in `setresuid(2)` and `setresgid(2)`.
const UNCHANGED: u32 = u32::MAX;

/// `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits, in two halves.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Changes the ids of this process alone: the functions of the C library would also change those of the monitor's threads.
///
/// `scratch` has room for one group more than the identity has.
pub(super) fn change(identity: &Identity<'_>, scratch: &mut [u32]) -> Result<(), Failed> {
    // SAFETY: takes and touches nothing.
    let current = unsafe { libc::geteuid() };
    let other = identity.user.filter(|user| *user != current);
    if other.is_some() {
        leave_session_keyring()?;
    }
    if let Some(groups) = identity.groups {
        // SAFETY: reads as many numbers of the parent's as are said; by the kernel, for this process alone.
        check(GROUP, unsafe { libc::syscall(SYS_setgroups, groups.len(), groups.as_ptr()) })?;
    }
    if let Some(group) = identity.group {
        // SAFETY: takes integers; by the kernel, for this process alone.
        check(GROUP, unsafe { libc::syscall(SYS_setresgid, group, group, group) })?;
    }
    if let Some(user) = identity.user {
        // SAFETY: takes integers; by the kernel, for this process alone.
        check(USER, unsafe { libc::syscall(SYS_setresuid, user, user, user) })?;
    }
    verify(identity, scratch)?;
    // After the attempts to become root again: capabilities that outlive the change of user are a way back.
    if other.is_some_and(|user| user != 0) { drop_capabilities() } else { Ok(()) }
}

/// Joins a new session keyring, since a change of user keeps the old one, with all keys that root has in it (session-keyring(7)).
/// As root, whose quota of keys has room for thousands of children.
fn leave_session_keyring() -> Result<(), Failed> {
    let (join, anonymous) = (libc::KEYCTL_JOIN_SESSION_KEYRING, 0_usize);
    // SAFETY: takes integers: without a name the keyring is a new one.
    match unsafe { libc::syscall(libc::SYS_keyctl, join, anonymous) } {
        1.. => Ok(()),
        0 => Err((KEYRING, libc::EPERM)),
        // A kernel without keys, or a container whose filter forbids them all.
        _ if matches!(errno(), libc::ENOSYS | libc::EPERM | libc::EACCES) => Ok(()),
        _ => Err((KEYRING, errno())),
    }
}

/// Compares all ids with the kernel's, and checks that the child cannot become root again.
fn verify(identity: &Identity<'_>, scratch: &mut [u32]) -> Result<(), Failed> {
    let wrong = Err((VERIFY, libc::EPERM));
    let [mut real, mut effective, mut saved] = [UNCHANGED; 3];
    if let Some(group) = identity.group {
        // SAFETY: writes three numbers of ours.
        check(VERIFY, unsafe { libc::getresgid(&raw mut real, &raw mut effective, &raw mut saved) }.into())?;
        if [real, effective, saved] != [group; 3] {
            return wrong;
        }
    }
    if let Some(user) = identity.user {
        // SAFETY: writes three numbers of ours.
        check(VERIFY, unsafe { libc::getresuid(&raw mut real, &raw mut effective, &raw mut saved) }.into())?;
        if [real, effective, saved] != [user; 3] || (user != 0 && can_become_root()) {
            return wrong;
        }
    }
    match identity.groups {
        Some(groups) if !has_groups(groups, scratch) => wrong,
        _ => Ok(()),
    }
}

/// Returns `true` if a call that must fail succeeds: the child could become root again.
fn can_become_root() -> bool {
    let root = |ids: [u32; 3]| {
        let [real, effective, saved] = ids;
        // SAFETY: takes integers; by the kernel, for this process alone.
        (unsafe { libc::syscall(SYS_setresuid, real, effective, saved) }) == 0
    };
    root([UNCHANGED, 0, UNCHANGED]) || root([0, UNCHANGED, UNCHANGED]) || root([UNCHANGED, UNCHANGED, 0])
}

/// Returns `true` if this process has these supplementary groups and no others, in any order.
fn has_groups(groups: &[u32], scratch: &mut [u32]) -> bool {
    let room = c_int::try_from(scratch.len()).unwrap_or(c_int::MAX);
    // SAFETY: writes as many numbers of ours as there is room for.
    let count = unsafe { libc::getgroups(room, scratch.as_mut_ptr()) };
    let found = usize::try_from(count).ok().and_then(|count| scratch.get(..count));
    found.is_some_and(|found| found.len() == groups.len() && found.iter().all(|id| groups.binary_search(id).is_ok()))
}

/// Empties the permitted, effective and inheritable sets, and with them the ambient one: the change of user leaves the
/// inheritable set, from which a file's capabilities could take them back (capabilities(7)).
fn drop_capabilities() -> Result<(), Failed> {
    let header: [u32; 2] = [CAPABILITY_VERSION, 0];
    let mut sets = [[0_u32; 3]; 2];
    let get = |sets: &mut [[u32; 3]; 2]| {
        // SAFETY: both are laid out as the kernel's structures of this version are; it fills in the second.
        let answer: c_long = unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), sets.as_mut_ptr()) };
        check(CAPABILITIES, answer)
    };
    get(&mut sets)?;
    if sets == [[0; 3]; 2] {
        return Ok(());
    }
    let none = [[0_u32; 3]; 2];
    // SAFETY: as above; both are only read.
    check(CAPABILITIES, unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })?;
    get(&mut sets)?;
    if sets == none { Ok(()) } else { Err((CAPABILITIES, libc::EPERM)) }
}
