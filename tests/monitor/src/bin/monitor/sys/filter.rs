//! A kernel that is older than this one.

use nix::libc;

/// From now on, in this thread and all that it makes: `pidfd_send_signal(2)` knows no groups, as before Linux 6.9.
#[allow(clippy::cast_possible_truncation)] // The codes of this small machine are 16 bits.
pub(crate) fn no_groups_by_pidfd() {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let word = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let call = u32::try_from(libc::SYS_pidfd_send_signal).expect("a small number");
    let refused = libc::SECCOMP_RET_ERRNO | libc::EINVAL.unsigned_abs();
    // The number of the call is the first word, the low half of its fourth argument the eleventh.
    let mut program = [
        word(LOAD, 0, 0, 0),
        word(EQUAL, 0, 3, call),
        word(LOAD, 0, 0, if cfg!(target_endian = "little") { 40 } else { 44 }),
        word(EQUAL, 0, 1, 4),
        word(RETURN, 0, 0, refused),
        word(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: 6, filter: program.as_mut_ptr() };
    // SAFETY: the program and what points to it live until the call returns, and the kernel copies them.
    let answer = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) };
    assert_eq!(answer, 0, "the filter was refused");
}
