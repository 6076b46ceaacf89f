//! The kinds of errors as a letter and a number.

use crate::error::ErrorKind;
use crate::pid::Pid;
use crate::stage::Stage;

/// Returns the letter of a kind, and the pid or the stage that belongs to it, else 0.
pub(super) fn encode(kind: ErrorKind) -> (u8, i32) {
    let letter = match kind {
        ErrorKind::AlreadyRunning { pid } => return (b'a', pid.as_raw()),
        ErrorKind::Stage(stage) => return (b's', stage as i32),
        ErrorKind::Configuration => b'c',
        ErrorKind::Threads => b'h',
        ErrorKind::Runtime => b'u',
        ErrorKind::Locked => b'l',
        ErrorKind::Died => b'd',
        ErrorKind::NotReady => b'r',
        ErrorKind::Body => b'b',
        ErrorKind::Stopped => b't',
        ErrorKind::Stop => b'S',
        ErrorKind::Reload => b'R',
        ErrorKind::NotRunning => b'n',
        ErrorKind::Permission => b'e',
        ErrorKind::PidFileInaccessible => b'i',
        ErrorKind::PidFile => b'p',
        ErrorKind::Connect => b'C',
        ErrorKind::Unsupported => b'v',
        ErrorKind::System => b'y',
    };
    (letter, 0)
}

/// Returns the kind; `None` if [`encode`] would not have returned this.
pub(super) fn decode(letter: u8, detail: i32) -> Option<ErrorKind> {
    let kind = match letter {
        b'a' => return Some(ErrorKind::AlreadyRunning { pid: Pid::from_raw(detail)? }),
        b's' => return Stage::ALL.get(usize::try_from(detail).ok()?).map(|stage| ErrorKind::Stage(*stage)),
        b'c' => ErrorKind::Configuration,
        b'h' => ErrorKind::Threads,
        b'u' => ErrorKind::Runtime,
        b'l' => ErrorKind::Locked,
        b'd' => ErrorKind::Died,
        b'r' => ErrorKind::NotReady,
        b'b' => ErrorKind::Body,
        b't' => ErrorKind::Stopped,
        b'S' => ErrorKind::Stop,
        b'R' => ErrorKind::Reload,
        b'n' => ErrorKind::NotRunning,
        b'e' => ErrorKind::Permission,
        b'i' => ErrorKind::PidFileInaccessible,
        b'p' => ErrorKind::PidFile,
        b'C' => ErrorKind::Connect,
        b'v' => ErrorKind::Unsupported,
        b'y' => ErrorKind::System,
        _ => return None,
    };
    (detail == 0).then_some(kind)
}
