//! Events: what a program counts by name, and tells the monitor that keeps it alive.
//!
//! The monitor hands a pipe down: `DAEMON_EVENTS` is the descriptor's number, `DAEMON_EVENTS_PIPE` says which pipe it was
//! (`device:inode`), so that a number that means something else by now is left alone. One line is one event.

use crate::mutex::lock;
use std::collections::BTreeMap;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::{Mutex, OnceLock};

/// Names the descriptor of the pipe.
const DESCRIPTOR: &str = "DAEMON_EVENTS";

/// Says which pipe it is.
const PIPE: &str = "DAEMON_EVENTS_PIPE";

/// The largest length of a name, in bytes.
const MAX_NAME_LENGTH: usize = 64;

/// The largest number of names that this process counts itself; the monitor counts more.
const MAX_NAMES: usize = 64;

static COUNTS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// Counts an event. Returns `true` if the event also reached a monitor.
///
/// The name has 1 to 64 printable ASCII characters without spaces; with any other name, nothing is counted. Under a monitor the event becomes a
/// count of this program, with a total and a number for the past hour. The call never blocks: if the monitor does not read, the event is not
/// sent. It is not async-signal-safe.
///
/// ```
/// daemon::event("reply");
/// assert_eq!(daemon::events(), [("reply".to_owned(), 1)]);
/// assert!(!daemon::event("no such name"));
/// ```
pub fn event(name: &str) -> bool {
    if !is_name(name) {
        return false;
    }
    count(name);
    // One write, so that no line is torn: writes of at most PIPE_BUF bytes are atomic (pipe(7)).
    let mut line = [b'\n'; MAX_NAME_LENGTH + 1];
    line[..name.len()].copy_from_slice(name.as_bytes());
    let line = &line[..=name.len()];
    pipe().is_some_and(|mut pipe| pipe.write(line).is_ok_and(|written| written == line.len()))
}

/// Returns how often this process has counted each [`event`]: at most 64 names, in alphabetical order.
pub fn events() -> Vec<(String, u64)> {
    lock(&COUNTS).iter().map(|(name, count)| (name.clone(), *count)).collect()
}

/// Returns the descriptors that lead to a monitor: the inherited one, which children may use, and our own. Must be called before a change
/// of root hides `/proc`.
pub(crate) fn descriptors() -> Vec<RawFd> {
    let handed_down = || env::var(DESCRIPTOR).ok()?.parse().ok();
    pipe().map_or_else(Vec::new, |own| handed_down().into_iter().chain([own.as_raw_fd()]).collect())
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn count(name: &str) {
    let mut counts = lock(&COUNTS);
    if let Some(count) = counts.get_mut(name) {
        *count += 1;
    } else if counts.len() < MAX_NAMES {
        counts.insert(name.to_owned(), 1);
    }
}

/// A description of our own of the monitor's pipe, which does not block: the one that was handed down is also others'.
fn pipe() -> Option<&'static File> {
    static PIPE: OnceLock<Option<File>> = OnceLock::new();
    let open = || {
        let fd: u32 = env::var(DESCRIPTOR).ok()?.parse().ok().filter(|fd| *fd > 2)?;
        let pipe = env::var(self::PIPE).ok()?;
        let options = OpenOptions::new().write(true).custom_flags(nix::fcntl::OFlag::O_NONBLOCK.bits()).clone();
        let file = options.open(format!("/proc/self/fd/{fd}")).ok()?;
        let status = file.metadata().ok()?;
        (format!("{}:{}", status.dev(), status.ino()) == pipe).then_some(file)
    };
    PIPE.get_or_init(open).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_printable_word() {
        assert!(is_name("reply") && is_name("http.500") && is_name(&"x".repeat(MAX_NAME_LENGTH)));
        for wrong in ["", "two words", "line\n", "tab\t", "ünicode", &"x".repeat(MAX_NAME_LENGTH + 1)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn the_number_of_names_is_bounded() {
        for number in 0..2 * MAX_NAMES {
            count(&format!("name-{number}"));
        }
        assert_eq!(events().len(), MAX_NAMES);
    }
}
