//! Puts the time before each line.

use crate::sys::clock::rfc3339;
use std::time::SystemTime;

/// Puts timestamps into a stream of bytes, whose lines may be read in several pieces.
#[derive(Debug)]
pub(super) struct Stamper {
    /// `true` if the next byte begins a line.
    pub(super) at_line_start: bool,
}

impl Stamper {
    pub(super) fn new() -> Stamper {
        Stamper { at_line_start: true }
    }

    /// Appends `bytes` to `out`, with the time before each line that begins in them.
    pub(super) fn stamp(&mut self, bytes: &[u8], time: SystemTime, out: &mut Vec<u8>) {
        let stamp = rfc3339(time);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.at_line_start {
                out.extend_from_slice(stamp.as_bytes());
                out.push(b' ');
            }
            out.extend_from_slice(line);
            self.at_line_start = line.ends_with(b"\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn each_line_begins_with_one_time_however_it_is_read() {
        for pieces in [&[&b"one\ntwo \xff\0\n\nthree"[..]][..], &[b"on", b"e\n", b"two \xff\0", b"\n\nth", b"", b"ree"]]
        {
            let (mut stamper, mut out) = (Stamper::new(), Vec::new());
            for piece in pieces {
                stamper.stamp(piece, UNIX_EPOCH, &mut out);
            }
            let lines = [&b"one\n"[..], b"two \xff\0\n", b"\n", b"three"];
            assert_eq!(out, lines.map(|line| [b"1970-01-01T00:00:00.000Z ", line].concat()).concat());
        }
    }
}
