//! The wire format of the messages: one byte for the kind, then the content in native byte order.
//!
//! All processes run the same program, except for a daemon that restarts into a newer version of itself.

use super::message::Message;
use crate::error::{Error, ErrorKind};
use crate::pid::Pid;
use crate::process::{BootContext, Identity};
use crate::signal::Signal;
use crate::stage::Stage;
use crate::sys::wait::Ended;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// The longest text of a message, in bytes: a packet has to fit into the socket buffer.
pub(super) const TEXT_LIMIT: usize = 32 * 1024;

/// The longest message without a text, in bytes: WRITTEN, if all signals are ignored.
pub(super) const SHORT_CAPACITY: usize = 192;

impl Message {
    /// Returns the packet of this message. A text longer than [`TEXT_LIMIT`] is truncated at a character boundary.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Message::Addresses(addresses) => [&b"A"[..], addresses.join("\n").as_bytes()].concat(),
            Message::Warnings(warnings) => [&b"n"[..], warnings.join("\n").as_bytes()].concat(),
            Message::Ready => b"R".to_vec(),
            Message::Exiting => b"x".to_vec(),
            Message::Written(identity, ignored) => encode_written(identity, ignored),
            Message::Forked(pid) => encode_forked(*pid).to_vec(),
            Message::Go => b"G".to_vec(),
            Message::Release => b"r".to_vec(),
            Message::Released => b"d".to_vec(),
            Message::Status(ended) => [&b"S"[..], &ended.as_raw().to_ne_bytes()].concat(),
            Message::Waiting(pidfile) => [&b"w"[..], pidfile.as_os_str().as_bytes()].concat(),
            Message::MoreTime(time) => encode_time(b't', *time),
            Message::Accepted(limit) => encode_time(b'a', *limit),
            Message::Stop => b"s".to_vec(),
            Message::Failed(error) => {
                let text = format!("{error}");
                let end = (0..=TEXT_LIMIT.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
                [&b"F"[..], &encode_kind(error.kind()), &text.as_bytes()[..end.unwrap_or(0)]].concat()
            }
        }
    }

    /// Parses a packet; returns `None` if it is not a message.
    pub(crate) fn decode(packet: &[u8]) -> Option<Message> {
        let (tag, rest) = packet.split_first()?;
        Some(match tag {
            b'A' if rest.is_empty() => Message::Addresses(Vec::new()),
            b'A' => Message::Addresses(std::str::from_utf8(rest).ok()?.split('\n').map(str::to_owned).collect()),
            b'n' => Message::Warnings(std::str::from_utf8(rest).ok()?.split('\n').map(str::to_owned).collect()),
            b'R' if rest.is_empty() => Message::Ready,
            b'x' if rest.is_empty() => Message::Exiting,
            b'W' => decode_written(rest)?,
            b'P' => Message::Forked(Pid::from_raw(i32::from_ne_bytes(rest.try_into().ok()?))?),
            b'G' => Message::Go,
            b'r' => Message::Release,
            b'd' => Message::Released,
            b'S' => Message::Status(Ended::from_raw(i32::from_ne_bytes(rest.try_into().ok()?))),
            b'w' => Message::Waiting(OsStr::from_bytes(rest).into()),
            b't' => Message::MoreTime(Duration::from_millis(u64::from_ne_bytes(rest.try_into().ok()?))),
            b'a' => Message::Accepted(Duration::from_millis(u64::from_ne_bytes(rest.try_into().ok()?))),
            b's' => Message::Stop,
            b'F' => {
                let (kind, text) = rest.split_at_checked(2)?;
                Message::Failed(Error::new(decode_kind(kind), String::from_utf8_lossy(text)))
            }
            _ => return None,
        })
    }
}

/// Encodes FORKED without an allocation.
pub(super) fn encode_forked(pid: Pid) -> [u8; 5] {
    let [a, b, c, d] = pid.as_raw().to_ne_bytes();
    [b'P', a, b, c, d]
}

fn encode_time(tag: u8, time: Duration) -> Vec<u8> {
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    [&[tag][..], &milliseconds.to_ne_bytes()].concat()
}

fn encode_written(identity: &Identity, ignored: &[Signal]) -> Vec<u8> {
    let Identity { pid, start_time, context: BootContext { boot, pid_namespace, time_namespace } } = identity;
    // 0 stands for `None`: the inode number of a namespace is never 0.
    let numbers = [*start_time, *pid_namespace, time_namespace.unwrap_or(0)].map(u64::to_ne_bytes);
    let ignored: Vec<u8> = ignored.iter().filter_map(|signal| u8::try_from(signal.as_raw()).ok()).collect();
    let boot_length = u8::try_from(boot.len()).unwrap_or(u8::MAX);
    [&b"W"[..], &pid.as_raw().to_ne_bytes(), numbers.as_flattened(), &[boot_length], boot.as_bytes(), &ignored].concat()
}

fn decode_written(bytes: &[u8]) -> Option<Message> {
    let (pid, rest) = bytes.split_first_chunk()?;
    let (start_time, rest) = rest.split_first_chunk()?;
    let (pid_namespace, rest) = rest.split_first_chunk()?;
    let (time_namespace, rest) = rest.split_first_chunk()?;
    let (boot_length, rest) = rest.split_first()?;
    let (boot, ignored) = rest.split_at_checked(usize::from(*boot_length))?;
    let context = BootContext {
        boot: String::from_utf8(boot.to_vec()).ok()?,
        pid_namespace: u64::from_ne_bytes(*pid_namespace),
        time_namespace: Some(u64::from_ne_bytes(*time_namespace)).filter(|inode| *inode != 0),
    };
    let (pid, start_time) = (Pid::from_raw(i32::from_ne_bytes(*pid))?, u64::from_ne_bytes(*start_time));
    let ignored = ignored.iter().map(|number| Signal::from(i32::from(*number))).collect();
    Some(Message::Written(Identity { pid, start_time, context }, ignored))
}

/// Encodes a kind of error in two bytes: a letter for the kind, and the number of the stage. Only kinds that a daemon can fail
/// with have a letter.
fn encode_kind(kind: ErrorKind) -> [u8; 2] {
    let letter = match kind {
        ErrorKind::Stage(stage) => return [b's', stage as u8],
        ErrorKind::Body => b'b',
        ErrorKind::Died => b'd',
        ErrorKind::Stopped => b't',
        ErrorKind::PidFile => b'p',
        _ => b'y',
    };
    [letter, 0]
}

fn decode_kind(bytes: &[u8]) -> ErrorKind {
    match bytes {
        [b's', index] => {
            Stage::ALL.get(usize::from(*index)).map_or(ErrorKind::System, |stage| ErrorKind::Stage(*stage))
        }
        [b'b', _] => ErrorKind::Body,
        [b'd', _] => ErrorKind::Died,
        [b't', _] => ErrorKind::Stopped,
        [b'p', _] => ErrorKind::PidFile,
        _ => ErrorKind::System,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_keeps_kind_and_text() {
        for kind in
            [ErrorKind::Stage(Stage::Umask), ErrorKind::Body, ErrorKind::Died, ErrorKind::Stopped, ErrorKind::PidFile]
        {
            let packet = Message::Failed(Error::new(kind, "failed to fly: no wings")).encode();
            let Some(Message::Failed(error)) = Message::decode(&packet) else { panic!("{packet:?}") };
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, "failed to fly: no wings"));
        }
    }

    proptest! {
        #[test]
        fn any_packet_is_decoded_or_refused(packet in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Message::decode(&packet);
        }
    }
}
