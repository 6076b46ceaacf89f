//! The parsers of what comes from outside, and what must hold of them whatever they are given.

use crate::ipc::Message;
use crate::pidfile::Record;
use crate::sys::proc::ProcStat;

/// A pidfile names a process only if it says exactly what we would have written.
pub fn pidfile(bytes: &[u8]) {
    if let Record::Complete(identity) = Record::parse(bytes) {
        assert!(Record::spellings(&identity).iter().any(|text| bytes.starts_with(text.as_bytes())));
    }
}

/// `/proc/PID/stat`: whatever a process calls itself.
pub fn stat(bytes: &[u8]) {
    if let Some(stat) = ProcStat::parse(bytes) {
        assert!(!stat.name.contains('\0') || bytes.contains(&0));
    }
}

/// What one process of a launch hears from another: what is understood is said back the same.
pub fn message(bytes: &[u8]) {
    if let Some(message) = Message::decode(bytes) {
        let again = Message::decode(&message.encode());
        assert_eq!(format!("{:?}", Some(message)), format!("{again:?}"));
    }
}
