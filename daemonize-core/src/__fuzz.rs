//! The parsers of untrusted input, with the properties that must hold for any input.

use crate::ipc::Message;
use crate::pidfile::Record;
use crate::sys::proc::ProcStat;

/// Parses a pidfile: it names a process only if its text is exactly what this library would have written.
pub fn pidfile(bytes: &[u8]) {
    if let Record::Complete(identity) = Record::parse(bytes) {
        assert!(Record::spellings(&identity).iter().any(|text| bytes.starts_with(text.as_bytes())));
    }
}

/// Parses `/proc/PID/stat`, which contains the name that the process has given itself.
pub fn stat(bytes: &[u8]) {
    if let Some(stat) = ProcStat::parse(bytes) {
        assert!(!stat.name.contains('\0') || bytes.contains(&0));
    }
}

/// Decodes a message between the processes of a launch: encoding a decoded message and decoding it again gives the same message.
pub fn message(bytes: &[u8]) {
    if let Some(message) = Message::decode(bytes) {
        let again = Message::decode(&message.encode());
        assert_eq!(format!("{:?}", Some(message)), format!("{again:?}"));
    }
}
