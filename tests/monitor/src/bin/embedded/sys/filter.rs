//! Filters that emulate an older kernel, or an older container engine.

use nix::libc;

#[allow(clippy::cast_possible_truncation)] // The codes of this small machine are 16 bits.
const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
#[allow(clippy::cast_possible_truncation)]
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
#[allow(clippy::cast_possible_truncation)]
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// Makes `pidfd_send_signal(2)` reject groups, as before Linux 6.9, in this thread and all that it creates.
pub(crate) fn no_groups_by_pidfd() {
    // The number of the call is the first word, the low half of its fourth argument the eleventh.
    install(&mut [
        word(LOAD, 0, 0, 0),
        word(EQUAL, 0, 3, number(libc::SYS_pidfd_send_signal)),
        word(LOAD, 0, 0, if cfg!(target_endian = "little") { 40 } else { 44 }),
        word(EQUAL, 0, 1, 4),
        word(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | libc::EINVAL.unsigned_abs()),
        word(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]);
}

/// Removes `close_range(2)`, as before Linux 5.9.
pub(crate) fn no_close_range() {
    refuse(libc::SYS_close_range, libc::ENOSYS);
}

/// Forbids `close_range(2)` and `keyctl(2)`, as the filter of an old container engine does.
pub(crate) fn forbidden_calls() {
    refuse(libc::SYS_close_range, libc::EPERM);
    refuse(libc::SYS_keyctl, libc::EPERM);
}

fn refuse(call: libc::c_long, errno: i32) {
    install(&mut [
        word(LOAD, 0, 0, 0),
        word(EQUAL, 0, 1, number(call)),
        word(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno.unsigned_abs()),
        word(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ]);
}

fn install(program: &mut [libc::sock_filter]) {
    let len = u16::try_from(program.len()).expect("a short program");
    let filter = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    // SAFETY: the program and its filters live until the call returns, and the kernel copies them.
    let answer = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(answer, 0, "the filter was refused");
}

fn number(call: libc::c_long) -> u32 {
    u32::try_from(call).expect("a small number")
}

fn word(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}
