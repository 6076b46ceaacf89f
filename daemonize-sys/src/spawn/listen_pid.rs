//! The variable `LISTEN_PID`, which names the process that passed sockets are for (`sd_listen_fds(3)`).
//!
//! Its value is known only after the fork, when no memory can be allocated: the parent makes room in the environment, and the child
//! writes its number there.

use std::ffi::c_char;

/// The beginning of the variable.
const NAME: &[u8] = b"LISTEN_PID=";

/// The most digits of a pid.
const DIGITS: usize = 10;

/// Room for the variable, with a zero byte at the end.
pub(super) struct ListenPid([u8; NAME.len() + DIGITS + 1]);

impl ListenPid {
    /// Makes room. The number is missing.
    pub(super) fn new() -> ListenPid {
        let mut text = [0; NAME.len() + DIGITS + 1];
        text[..NAME.len()].copy_from_slice(NAME);
        ListenPid(text)
    }

    /// Writes the number of a process; makes no call and allocates nothing. Returns the variable, which ends with a zero byte.
    pub(super) fn write(&mut self, pid: libc::pid_t) -> *const c_char {
        let mut digits = [0_u8; DIGITS];
        let (mut left, mut count) = (pid.unsigned_abs(), 0);
        for digit in &mut digits {
            // The remainder fits into a byte.
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            count += 1;
            if left == 0 {
                break;
            }
        }
        let room = self.0.iter_mut().skip(NAME.len());
        let written = digits.iter().take(count).rev().copied().chain([0]);
        room.zip(written).for_each(|(byte, digit)| *byte = digit);
        self.0.as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CStr;

    #[test]
    fn number_of_any_length_is_written_in_decimal_digits() {
        let mut variable = ListenPid::new();
        for pid in [1, 10, 4_194_304, 99, 2_147_483_647, 7] {
            let text = variable.write(pid);
            // SAFETY: it ends with a zero byte, and lives until the next call.
            let text = unsafe { CStr::from_ptr(text) };
            assert_eq!(text.to_str().unwrap(), format!("LISTEN_PID={pid}"));
        }
    }
}
