//! The content of a pidfile.
//!
//! ```text
//! 4711
//! start=8934752 boot=6f1c4a52-36de-4b0e-9b3c-7f6f0d5a9a01 pidns=4026531836 timens=4026531834
//! unix:///run/sleepy.sock
//! ```
//!
//! Line 1 is the pid, for other tools. Line 2 is the identity: start time in clock ticks after boot, boot id, and the
//! inodes of the pid namespace and the time namespace. It begins with a word, so that the shell idiom
//! `kill $(cat x.pid)` fails on it instead of signalling the process whose pid is the start time. Further lines, if any, are
//! addresses: URLs without spaces. Each line ends with a newline; a file that is not complete names no process.

use crate::pid::Pid;
use crate::process::{BootContext, Identity};

/// The longest pidfile, in bytes.
pub(crate) const LIMIT: usize = 4096;

/// The parsed content of a pidfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Nothing yet: a start is in progress, or was killed.
    Empty,
    /// A pid without a valid identity: the pidfile of another program, or a partial write. It names no process for certain.
    Unproven(Pid),
    /// A complete record of this library.
    Complete(Identity),
    /// Not a pidfile: never replaced and never removed.
    Foreign,
}

impl Record {
    pub(crate) fn parse(bytes: &[u8]) -> Record {
        // A system crash can leave a file of the right size that is full of zeros.
        if bytes.iter().all(|byte| *byte == 0) && bytes.len() <= LIMIT {
            return Record::Empty;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if text.len() <= LIMIT => Record::parse_text(text),
            _ => Record::Foreign,
        }
    }

    fn parse_text(text: &str) -> Record {
        let first = text.split('\n').next().unwrap_or_default();
        let Some(pid) = parse_pid(first) else { return Record::Foreign };
        let complete = || {
            let mut lines = text.strip_suffix('\n')?.split('\n').skip(1);
            let identity = parse_identity(pid, lines.next()?)?;
            lines.all(is_address).then_some(identity)
        };
        // Only the exact spelling of this library: a number with a leading zero was written by another program.
        let spelt = |identity: &Identity| Record::spellings(identity).iter().any(|spelling| text.starts_with(spelling));
        complete().filter(spelt).map_or(Record::Unproven(pid), Record::Complete)
    }

    /// Returns the lines of a complete record from the third on.
    pub(crate) fn addresses(bytes: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.lines().skip(2).map(str::to_owned).collect()
    }

    /// Checks that a pidfile can hold these addresses.
    ///
    /// # Errors
    /// The text says which address is not a URL, or that they are too long.
    pub(crate) fn check_addresses(addresses: &[String]) -> Result<(), String> {
        match addresses.iter().find(|address| !is_address(address)) {
            Some(address) => Err(format!("the address {address:?} is not a URL without spaces")),
            None if addresses.iter().map(|address| address.len() + 1).sum::<usize>() > LIMIT / 2 => {
                Err(format!("its addresses are longer than {} bytes", LIMIT / 2))
            }
            None => Ok(()),
        }
    }

    /// Prints the two lines that name a process.
    pub(crate) fn print(identity: &Identity) -> String {
        let Identity { pid, start_time, context: BootContext { boot, pid_namespace, time_namespace } } = identity;
        let time = time_namespace.map_or_else(String::new, |inode| format!(" timens={inode}"));
        format!("{pid}\nstart={start_time} boot={boot} pidns={pid_namespace}{time}\n")
    }

    /// Returns the two lines as they are written, and in the format of the first version, which is still read.
    pub(crate) fn spellings(identity: &Identity) -> [String; 2] {
        let Identity { pid, start_time, context: BootContext { boot, pid_namespace, .. } } = identity;
        [Record::print(identity), format!("{pid}\n{start_time} {boot} {pid_namespace}\n")]
    }
}

/// Parses `[1-9][0-9]{0,6}`: a Linux pid has at most seven digits (`/proc/sys/kernel/pid_max`, see `proc(5)`).
fn parse_pid(line: &str) -> Option<Pid> {
    let plain =
        (1..=7).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit()) && !line.starts_with('0');
    plain.then(|| line.parse().ok().and_then(Pid::from_raw)).flatten()
}

fn parse_identity(pid: Pid, line: &str) -> Option<Identity> {
    let named = line.starts_with("start=");
    let mut words = line.split(' ');
    let mut word = |name: &str| words.next().and_then(|word| if named { word.strip_prefix(name) } else { Some(word) });
    let start_time = word("start=")?.parse().ok()?;
    let boot = word("boot=").filter(|boot| boot.len() == 36)?.to_owned();
    let pid_namespace = word("pidns=")?.parse().ok()?;
    let time_namespace = match words.next() {
        Some(word) if named => Some(word.strip_prefix("timens=")?.parse().ok()?),
        Some(_) => return None,
        None => None,
    };
    let context = BootContext { boot, pid_namespace, time_namespace };
    words.next().is_none().then_some(Identity { pid, start_time, context })
}

fn is_address(line: &str) -> bool {
    line.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && !rest.is_empty() && line.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOOT: &str = "6f1c4a52-36de-4b0e-9b3c-7f6f0d5a9a01";

    fn identity() -> Identity {
        let context = BootContext { boot: BOOT.into(), pid_namespace: 402, time_namespace: Some(403) };
        Identity { pid: Pid::from_raw(4711).unwrap(), start_time: 8934, context }
    }

    fn unproven() -> Record {
        Record::Unproven(identity().pid)
    }

    #[test]
    fn what_is_printed_is_parsed() {
        let text = Record::print(&identity());
        assert_eq!(text, format!("4711\nstart=8934 boot={BOOT} pidns=402 timens=403\n"));
        assert_eq!(Record::parse(text.as_bytes()), Record::Complete(identity()));
        let with_address = text + "http://127.0.0.1:8080/\n";
        assert_eq!(Record::parse(with_address.as_bytes()), Record::Complete(identity()));
    }

    #[test]
    fn record_of_the_first_version_is_parsed() {
        let mut old = identity();
        old.context.time_namespace = None;
        assert_eq!(Record::parse(format!("4711\n8934 {BOOT} 402\n").as_bytes()), Record::Complete(old.clone()));
        let without_time = format!("4711\nstart=8934 boot={BOOT} pidns=402\n");
        assert_eq!(Record::parse(without_time.as_bytes()), Record::Complete(old));
    }

    #[test]
    fn addresses_are_the_lines_from_the_third_on() {
        let addresses = ["unix:///run/a.control/socket".to_owned(), "http://127.0.0.1:8080".to_owned()];
        let text = Record::print(&identity()) + &addresses.join("\n") + "\n";
        assert_eq!(Record::parse(text.as_bytes()), Record::Complete(identity()));
        assert_eq!(Record::addresses(text.as_bytes()), addresses);
        assert_eq!(Record::check_addresses(&addresses), Ok(()));
        for wrong in ["", "/run/socket", "unix://", "http://a b", "http://a\nb", "http://ä"] {
            assert!(Record::check_addresses(&[wrong.to_owned()]).is_err(), "{wrong:?}");
        }
        assert!(Record::check_addresses(&[format!("unix:///{}", "a".repeat(LIMIT))]).is_err());
    }

    #[test]
    fn prefix_of_a_record_is_unproven() {
        let text = Record::print(&identity());
        for end in 1..text.len() {
            let unproven = Record::Unproven(Pid::from_raw(text[..end.min(4)].parse().unwrap()).unwrap());
            assert_eq!(Record::parse(&text.as_bytes()[..end]), unproven, "{:?}", &text[..end]);
        }
    }

    #[test]
    fn what_is_no_pidfile_is_foreign() {
        for text in
            ["0\n", "-1\n", "+1\n", " 7\n", "0x10\n", "12 34\n", "12345678\n", "root:x:0:0\n", "007\n", "\n", "1\0"]
        {
            assert_eq!(Record::parse(text.as_bytes()), Record::Foreign, "{text:?}");
        }
        assert_eq!(Record::parse(&vec![b'7'; LIMIT + 1]), Record::Foreign);
        assert_eq!(Record::parse(b""), Record::Empty);
        assert_eq!(Record::parse(&[0; 60]), Record::Empty);
    }

    #[test]
    fn a_wrong_second_line_names_nobody() {
        for line in [
            "",
            "8934",
            "8934  x 402",
            "-1 b 402",
            &format!("08934 {BOOT} 402"),
            &format!("+8934 {BOOT} 402"),
            &format!("8934 {BOOT} 402 5"),
            &format!("8934 {BOOT}"),
            &format!("start=08934 boot={BOOT} pidns=402 timens=403"),
            &format!("start=8934 boot={BOOT} pidns=402 timens="),
            &format!("start=8934 boot={BOOT} pidns=402 timens=403 more=1"),
            &format!("start=8934 {BOOT} 402"),
            &format!("boot={BOOT} start=8934 pidns=402"),
        ] {
            assert_eq!(Record::parse(format!("4711\n{line}\n").as_bytes()), unproven(), "{line:?}");
        }
        let noise = Record::print(&identity()) + "noise\n";
        assert_eq!(Record::parse(noise.as_bytes()), unproven());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Record::Complete(identity) = Record::parse(&bytes) {
                prop_assert!(Record::spellings(&identity).iter().any(|text| bytes.starts_with(text.as_bytes())));
            }
        }
    }
}
