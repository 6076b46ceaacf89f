//! The anonymous memory of processes, in RAM and in swap: what a program has allocated, without files, their cache and shared memory.
//!
//! `/proc/PID/status` has it at the price of reading some counters. It counts a page in each process that shares it since a
//! `fork(2)`. `/proc/PID/smaps_rollup` divides such a page among them, but walks all pages: it is read only where the sum of the first
//! says that a bot is over its limit.

use daemonize_core::Pid;
use std::fs::File;
use std::io::{self, Read};

/// The most that is read of a file: a process of 65,536 groups has 700 KiB of them.
const MAX_STATUS: u64 = 1 << 20;

/// Reads the memory of processes, one after another, into one buffer.
#[derive(Default)]
pub(crate) struct MemoryReader {
    buffer: Vec<u8>,
}

impl MemoryReader {
    /// Returns the anonymous memory of a process in bytes (`RssAnon` and `VmSwap`); a process that has ended has none.
    pub(crate) fn counted(&mut self, pid: Pid) -> u64 {
        self.sum(&format!("/proc/{pid}/status"), &[b"RssAnon:", b"VmSwap:"]).unwrap_or_default().unwrap_or_default()
    }

    /// Returns the same without what it shares with other processes, of which it has its part (`Pss_Anon` and `SwapPss`). Where that
    /// cannot be read, it is the [counted](MemoryReader::counted) memory.
    pub(crate) fn proportional(&mut self, pid: Pid) -> u64 {
        match self.sum(&format!("/proc/{pid}/smaps_rollup"), &[b"Pss_Anon:", b"SwapPss:"]) {
            Ok(Some(bytes)) => bytes,
            // Not permitted, or a kernel before Linux 5.9; a process that has ended has no status either.
            Ok(None) | Err(_) => self.counted(pid),
        }
    }

    /// Returns the sum of the lines that begin so, in bytes; `None` if the first one is not there.
    fn sum(&mut self, path: &str, names: &[&[u8]]) -> io::Result<Option<u64>> {
        self.buffer.clear();
        File::open(path)?.take(MAX_STATUS).read_to_end(&mut self.buffer)?;
        Ok(sum(&self.buffer, names))
    }
}

fn sum(text: &[u8], names: &[&[u8]]) -> Option<u64> {
    let mut total = None;
    for line in text.split(|byte| *byte == b'\n') {
        let Some((at, rest)) = names.iter().enumerate().find_map(|(at, name)| Some((at, line.strip_prefix(*name)?)))
        else {
            continue;
        };
        let number = std::str::from_utf8(rest).ok().and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok());
        let bytes = number.unwrap_or(0_u64).saturating_mul(1024);
        total = match (total, at) {
            (None, 0) => Some(bytes),
            (None, _) => None,
            (Some(sum), _) => Some(bytes.saturating_add(sum)),
        };
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_these_names_are_added_and_no_others() {
        let text =
            b"Name:\tVmSwap:\\n\nVmRSS:\t 9 kB\nRssAnon:\t     112 kB\nRssFile:\t 1576 kB\nVmSwap:\t       8 kB\n";
        assert_eq!(sum(text, &[b"RssAnon:", b"VmSwap:"]), Some(120 * 1024));
        assert_eq!(sum(b"Name:\tx\nVmSwap:\t 8 kB\n", &[b"RssAnon:", b"VmSwap:"]), None);
        assert_eq!(sum(b"", &[b"RssAnon:"]), None);
        assert_eq!(sum(b"RssAnon:\t18446744073709551615 kB\n", &[b"RssAnon:"]), Some(u64::MAX));
    }

    #[test]
    fn this_process_has_memory_and_one_that_is_not_there_has_none() {
        let mut reader = MemoryReader::default();
        let held = vec![1_u8; 8 << 20];
        let (counted, proportional) = (reader.counted(Pid::this()), reader.proportional(Pid::this()));
        assert!(counted >= held.len() as u64 && proportional >= held.len() as u64, "{counted} {proportional}");
        let none = Pid::from_raw(i32::MAX).unwrap();
        assert_eq!((reader.counted(none), reader.proportional(none)), (0, 0));
    }
}
