//! What stands in a pidfile.
//!
//! ```text
//! 4711
//! 8934752 6f1c4a52-36de-4b0e-9b3c-7f6f0d5a9a01 4026531836
//! unix:///run/sleepy.sock
//! ```
//!
//! Line 1 is the pid, for everybody else's tools. Line 2 is the identity: start time in clock ticks after boot, boot id,
//! pid namespace. Further lines, if any, are addresses: URLs without spaces. Each line ends with a newline; a file that
//! is not complete names nobody.

use crate::pid::Pid;
use crate::process::{Here, Identity};

/// More than this is no pidfile.
pub(crate) const LIMIT: usize = 4096;

/// What a pidfile says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Nothing yet: a start is on its way, or one died.
    Empty,
    /// A pid without identity, or an unfinished line: somebody else's pidfile or a torn one. It names nobody.
    Unproven,
    /// A complete record of ours.
    Complete(Identity),
    /// Not a pidfile at all: nothing that may be emptied or removed.
    Foreign,
}

impl Record {
    pub(crate) fn parse(bytes: &[u8]) -> Record {
        // A crash of the machine can leave a file of the right size full of zeros.
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
        // Only in our own spelling: a number with a leading zero was not written by us.
        let spelt = |identity: &Identity| text.starts_with(&Record::print(identity));
        complete().filter(spelt).map_or(Record::Unproven, Record::Complete)
    }

    /// The lines from the third on of a complete record.
    pub(crate) fn addresses(bytes: &[u8]) -> Vec<String> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.lines().skip(2).map(str::to_owned).collect()
    }

    /// What is wrong with these as lines of a pidfile.
    pub(crate) fn check_addresses(addresses: &[String]) -> Result<(), String> {
        match addresses.iter().find(|address| !is_address(address)) {
            Some(address) => Err(format!("the address {address:?} is no URL without spaces")),
            None if addresses.iter().map(|address| address.len() + 1).sum::<usize>() > LIMIT / 2 => {
                Err(format!("its addresses are longer than {} bytes", LIMIT / 2))
            }
            None => Ok(()),
        }
    }

    /// The two lines that name a process.
    pub(crate) fn print(identity: &Identity) -> String {
        let Identity { pid, start_time, here: Here { boot, namespace } } = identity;
        format!("{pid}\n{start_time} {boot} {namespace}\n")
    }
}

/// `[1-9][0-9]{0,6}`, as the kernel numbers processes.
fn parse_pid(line: &str) -> Option<Pid> {
    let plain =
        (1..=7).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit()) && !line.starts_with('0');
    plain.then(|| line.parse().ok().and_then(Pid::from_raw)).flatten()
}

fn parse_identity(pid: Pid, line: &str) -> Option<Identity> {
    let mut words = line.split(' ');
    let start_time = words.next()?.parse().ok()?;
    let boot = words.next().filter(|boot| boot.len() == 36)?.to_owned();
    let namespace = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Identity { pid, start_time, here: Here { boot, namespace } })
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
        let here = Here { boot: BOOT.into(), namespace: 402 };
        Identity { pid: Pid::from_raw(4711).unwrap(), start_time: 8934, here }
    }

    #[test]
    fn what_is_printed_is_parsed() {
        let text = Record::print(&identity());
        assert_eq!(text, format!("4711\n8934 {BOOT} 402\n"));
        assert_eq!(Record::parse(text.as_bytes()), Record::Complete(identity()));
        let with_address = text + "http://127.0.0.1:8080/\n";
        assert_eq!(Record::parse(with_address.as_bytes()), Record::Complete(identity()));
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
    fn a_prefix_names_nobody() {
        let text = Record::print(&identity());
        for end in 1..text.len() {
            assert_eq!(Record::parse(&text.as_bytes()[..end]), Record::Unproven, "{:?}", &text[..end]);
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
        ] {
            assert_eq!(Record::parse(format!("4711\n{line}\n").as_bytes()), Record::Unproven, "{line:?}");
        }
        let noise = Record::print(&identity()) + "noise\n";
        assert_eq!(Record::parse(noise.as_bytes()), Record::Unproven);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Record::Complete(identity) = Record::parse(&bytes) {
                prop_assert!(bytes.starts_with(Record::print(&identity).as_bytes()));
            }
        }
    }
}
