//! Reads which process traces another one (`ptrace(2)`): a debugger, `strace`.

use crate::pid::Pid;
use crate::proc::read_small;
use std::io;

/// Returns the thread that traces a process, as a number of this process's pid namespace; `None` if there is none.
///
/// # Errors
/// Returns `ENOENT` or `ESRCH` if there is no such process, or if `/proc` hides it.
pub fn tracer_of(pid: Pid) -> io::Result<Option<Pid>> {
    // The file may be longer than the buffer, but the line is among the first ten.
    read_small(&format!("/proc/{pid}/status"), |text| Pid::from_raw(parse(text)?))
}

fn parse(status: &[u8]) -> Option<i32> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"TracerPid:"))?;
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracer_is_a_process_unless_it_is_zero() {
        assert_eq!(parse(b"Name:\ta\nTracerPid:\t42\nUid:\t1\t2\t3\t4\n"), Some(42));
        assert_eq!(parse(b"Name:\tTracerPid:42\n"), None);
        assert_eq!(tracer_of(Pid::this()).unwrap(), None);
    }
}
