//! The format of the process journal.
//!
//! The first line holds the secret of the monitor, the boot id and the pid namespace. `+ PID START GRACE [IDENTITY]` records a
//! start, `- PID` an exit, and `u UID` a user of bots. Each line ends with a checksum.

use crate::secret::Secret;
use daemonize_core::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// The first word of the file.
const MAGIC: &str = "daemonize-monitor-2";

/// The contents of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ParsedJournal {
    pub(super) header: JournalHeader,
    /// The users of bots, except that of the monitor.
    pub(super) users: BTreeSet<u32>,
    pub(super) running: BTreeMap<Pid, ProcessRecord>,
}

/// The first line of a journal: the monitor that wrote it, the boot and the pid namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JournalHeader {
    /// The monitor's secret: all of its bots have it in their environment, and no other process knows it.
    pub(super) secret: Secret,
    pub(super) boot: String,
    pub(super) namespace: u64,
}

/// A process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProcessRecord {
    /// The start time in clock ticks, exact to 10 ms.
    pub(super) start_time: u64,
    /// The inode number of the pidfd, where the kernel provides it.
    pub(super) identity: Option<u64>,
    /// How long its stop may take before it is killed.
    pub(super) grace: Duration,
}

impl JournalHeader {
    pub(super) fn new() -> io::Result<JournalHeader> {
        let line = |path: &str| Ok::<_, io::Error>(fs::read_to_string(path)?.trim_end().to_owned());
        Ok(JournalHeader {
            secret: Secret::random()?,
            boot: line("/proc/sys/kernel/random/boot_id")?,
            namespace: fs::metadata("/proc/self/ns/pid")?.ino(),
        })
    }

    pub(super) fn text(&self) -> String {
        format!("{MAGIC} {} {} {}", self.secret.as_str(), self.boot, self.namespace)
    }

    fn parse(text: &str) -> Option<JournalHeader> {
        let mut words = text.strip_prefix(MAGIC)?.strip_prefix(' ')?.split(' ');
        let (secret, boot) = (Secret::parse(words.next()?)?, words.next()?.to_owned());
        let namespace = words.next()?.parse().ok()?;
        Some(JournalHeader { secret, boot, namespace })
    }
}

impl ProcessRecord {
    pub(super) fn text(self, pid: Pid) -> String {
        let identity = self.identity.map(|identity| format!(" {identity}")).unwrap_or_default();
        format!("+ {pid} {} {}{identity}", self.start_time, self.grace.as_millis())
    }

    fn parse(text: &str) -> Option<(Pid, ProcessRecord)> {
        let mut words = text.split(' ');
        let pid = Pid::from_raw(words.next()?.parse().ok()?)?;
        let start_time = words.next()?.parse().ok()?;
        let grace = Duration::from_millis(words.next()?.parse().ok()?);
        let identity = words.next().map(str::parse).transpose().ok()?;
        Some((pid, ProcessRecord { start_time, identity, grace }))
    }
}

/// Adds a line with its checksum.
pub(super) fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text} {:08x}", checksum(text));
}

/// Returns the FNV-1a hash, which detects truncated lines. It does not protect against forgery.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Returns the lines with a valid checksum up to the first invalid one, without their checksums.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split_inclusive(|byte| *byte == b'\n').map_while(|line| {
        let (text, sum) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.rsplit_once(' ')?;
        (sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == checksum(text)).then_some(text)
    })
}

/// Parses a journal up to its first invalid line; `None` if it is not a journal.
pub(super) fn parse(text: &[u8]) -> Option<ParsedJournal> {
    let mut lines = whole_lines(text);
    let header = JournalHeader::parse(lines.next()?)?;
    let (mut users, mut running) = (BTreeSet::new(), BTreeMap::new());
    for line in lines {
        if let Some((pid, entry)) = line.strip_prefix("+ ").and_then(ProcessRecord::parse) {
            running.insert(pid, entry);
        } else if let Some(pid) = line.strip_prefix("- ").and_then(|pid| Pid::from_raw(pid.parse().ok()?)) {
            running.remove(&pid);
        } else if let Some(user) = line.strip_prefix("u ").and_then(|user| user.parse().ok()) {
            users.insert(user);
        }
    }
    Some(ParsedJournal { header, users, running })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> JournalHeader {
        JournalHeader { secret: Secret::parse(&"0".repeat(32)).unwrap(), boot: "b".into(), namespace: 7 }
    }

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn entry(number: i32) -> ProcessRecord {
        let identity = (number % 2 == 0).then_some(8);
        ProcessRecord { start_time: 1000, identity, grace: Duration::from_secs(10) }
    }

    fn journal() -> (String, BTreeMap<Pid, ProcessRecord>) {
        let mut text = String::new();
        line(&mut text, &header().text());
        line(&mut text, "u 7");
        let mut running = BTreeMap::new();
        for number in 1..20 {
            let entry = entry(number);
            line(&mut text, &entry.text(pid(number)));
            running.insert(pid(number), entry);
            if number % 3 == 0 {
                line(&mut text, &format!("- {}", number - 1));
                running.remove(&pid(number - 1));
            }
        }
        (text, running)
    }

    #[test]
    fn what_is_written_is_read() {
        let (text, running) = journal();
        let told = ParsedJournal { header: header(), users: BTreeSet::from([7]), running };
        assert_eq!(parse(text.as_bytes()), Some(told));
    }

    /// Promise 6.13.
    #[test]
    fn a_journal_that_is_cut_anywhere_counts_as_far_as_it_is_whole() {
        let (text, _) = journal();
        let first = text.find('\n').unwrap() + 1;
        for end in 0..text.len() {
            let cut = &text.as_bytes()[..end];
            let parsed = parse(cut);
            assert_eq!(parsed.is_some(), end >= first, "cut at {end}");
            let whole = cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            assert_eq!(parsed, parse(&cut[..whole]), "cut at {end}");
        }
    }

    /// Promise 6.13.
    #[test]
    fn garbage_is_no_journal() {
        let (text, _) = journal();
        for garbage in [&b""[..], b"\n", b"\xff\xfe\n", &[0; 1000], b"daemonize-monitor-2 x\n", &text.as_bytes()[1..]] {
            assert_eq!(parse(garbage), None);
        }
    }

    /// Promise 6.13.
    #[test]
    fn no_change_of_a_byte_makes_a_process_appear() {
        let (text, running) = journal();
        let mut all: BTreeMap<Pid, ProcessRecord> = running.clone();
        all.extend((1..20).map(|number| (pid(number), entry(number))));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            for (pid, entry) in parse(&changed).map(|told| told.running).unwrap_or_default() {
                assert_eq!(all.get(&pid), Some(&entry), "changed at {at}");
            }
        }
    }
}
