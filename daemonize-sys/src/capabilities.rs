//! Changes the capability sets of the calling thread (`capabilities(7)`), which nix does not wrap.
//!
//! The crate `caps` is not used: it reads all sets before each change of one set, where a single `capset(2)` sets all three.

use crate::capability::Capability;
use crate::syscall::syscall_result;
use std::io;

/// `_LINUX_CAPABILITY_VERSION_3`: sets of 64 bits, in two halves.
const VERSION: u32 = 0x2008_0522;

/// Removes a capability from the bounding set (`prctl(2)`, `PR_CAPBSET_DROP`). Returns `EINVAL` if the kernel has no such capability.
pub fn drop_from_bounding_set(number: u8) -> io::Result<()> {
    prctl(libc::PR_CAPBSET_DROP, number.into(), 0)
}

/// Empties the ambient set (`prctl(2)`, `PR_CAP_AMBIENT_CLEAR_ALL`).
pub fn clear_ambient() -> io::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, flag(libc::PR_CAP_AMBIENT_CLEAR_ALL), 0)
}

/// Adds a capability, which must be permitted and inheritable, to the ambient set (`prctl(2)`, `PR_CAP_AMBIENT_RAISE`).
pub fn raise_ambient(capability: Capability) -> io::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, flag(libc::PR_CAP_AMBIENT_RAISE), capability.as_raw().into())
}

/// Sets the permitted, effective and inheritable sets to exactly these capabilities (`capset(2)`).
pub fn set(capabilities: u64) -> io::Result<()> {
    let header: [u32; 2] = [VERSION, 0];
    let low = u32::try_from(capabilities & u64::from(u32::MAX)).map_err(io::Error::other)?;
    let high = u32::try_from(capabilities >> 32).map_err(io::Error::other)?;
    let data: [[u32; 3]; 2] = [[low; 3], [high; 3]];
    // SAFETY: both are laid out as the kernel's structures of this version are, and are only read.
    syscall_result(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) })?;
    Ok(())
}

/// Returns `true` if the calling thread has a capability in its effective set (`capget(2)`).
pub fn has(capability: Capability) -> io::Result<bool> {
    let header: [u32; 2] = [VERSION, 0];
    let mut data = [[0_u32; 3]; 2];
    // SAFETY: both are laid out as the kernel's structures of this version are; it fills in the second.
    syscall_result(unsafe { libc::syscall(libc::SYS_capget, header.as_ptr(), data.as_mut_ptr()) })?;
    let number = u32::from(capability.as_raw());
    let [effective, _, _] = data[usize::from(number >= u32::BITS)];
    Ok(effective >> (number % u32::BITS) & 1 == 1)
}

fn prctl(option: libc::c_int, first: libc::c_ulong, second: libc::c_ulong) -> io::Result<()> {
    let none: libc::c_ulong = 0;
    // SAFETY: the options above take numbers only and touch no memory of ours.
    syscall_result(unsafe { libc::prctl(option, first, second, none, none) }.into())?;
    Ok(())
}

/// Converts a second-level option, which libc declares as an int.
fn flag(option: libc::c_int) -> libc::c_ulong {
    option.unsigned_abs().into()
}
