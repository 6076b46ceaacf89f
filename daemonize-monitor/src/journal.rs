//! Who runs, written down beside the pidfile: what a monitor that was killed leaves behind is ended by the next one.
//!
//! The first line names the monitor, the boot and the pid namespace; each further line says that a process was started or
//! is gone, and ends with a checksum. Lines are appended once per turn of the engine, into room that was reserved while there
//! was some. A file that is torn counts as far as it is whole; one that is no journal, not ours, or from another boot counts
//! as none. What it lacks is found all the same by the place of the pidfile, which each bot has in its environment.

mod leftovers;

use crate::error::{Error, Result, cause};
use crate::process::Facts;
use daemonize_core::Pid;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::libc;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The first word of the file.
const MAGIC: &str = "daemonize-monitor-1";

/// A longer file is no journal.
const LONGEST: u64 = 64 << 20;

/// How often a file that could not be written is tried again.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many bytes are reserved ahead, for a disk that fills up: some thousand lines.
const AHEAD: u64 = 64 * 1024;

/// So many lines may be about processes that are gone, before the file is written anew.
const WASTE: usize = 1024;

/// The journal of this monitor.
pub(crate) struct Journal {
    path: Option<PathBuf>,
    file: Option<File>,
    /// How long the file is, and how long it may become without more room.
    length: u64,
    room: u64,
    /// The place of the pidfile, whatever its path is called.
    place: Option<String>,
    header: Header,
    running: BTreeMap<Pid, Entry>,
    /// What is to be written at the end of this turn.
    pending: String,
    lines: usize,
    /// The file is not what it should be; when to try again.
    behind: Option<Instant>,
}

/// Whose journal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    monitor: String,
    boot: String,
    namespace: u64,
}

/// A process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    /// Exact to 10 ms.
    start_time: u64,
    /// Exact, where the kernel tells it.
    identity: Option<u64>,
    /// How long its stop may take.
    grace: Duration,
}

impl Journal {
    /// Ends what an earlier monitor left, according to the journal at `path`, and begins a new one.
    ///
    /// # Errors
    /// Something cannot be ended: a second copy must not be started beside it. Or it cannot be said who this monitor is, or
    /// not be written down: whoever comes next could not end what is left.
    pub(crate) fn begin(path: Option<PathBuf>) -> Result<Journal> {
        let header = Header::new().map_err(|error| Error::system("identify this monitor", &error))?;
        let place = path.as_deref().and_then(place);
        if let Some(path) = &path {
            let told = read(path).unwrap_or_else(|error| {
                log::warn!("failed to read `{}`: {}", path.display(), cause(&error));
                None
            });
            leftovers::end(told, place.as_deref(), &header)?;
        }
        let (running, pending) = (BTreeMap::new(), String::new());
        let (file, length, room, lines, behind) = (None, 0, 0, 0, None);
        let mut journal = Journal { path, file, length, room, place, header, running, pending, lines, behind };
        let written = journal.replace();
        let path = journal.path.as_deref().unwrap_or(Path::new("")).display();
        written.map_err(|error| Error::system(&format!("write `{path}`"), &error))?;
        Ok(journal)
    }

    /// The number of this monitor, which no other one ever had.
    pub(crate) fn monitor(&self) -> &str {
        &self.header.monitor
    }

    /// The mark of all monitors with this pidfile; `None` for one that leaves nothing behind.
    pub(crate) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// When a file that could not be written is tried again.
    pub(crate) fn again(&self) -> Option<Instant> {
        self.behind
    }

    /// A process was started.
    pub(crate) fn started(&mut self, pid: Pid, identity: Option<u64>, grace: Duration) {
        if self.path.is_none() {
            return;
        }
        // Without a start time nobody could tell it from a stranger.
        let Some(facts) = Facts::of(pid) else { return };
        let entry = Entry { start_time: facts.start_time, identity, grace };
        self.running.insert(pid, entry);
        line(&mut self.pending, &entry.text(pid));
        self.lines += 1;
    }

    /// A process is gone, and all that was with it.
    pub(crate) fn ended(&mut self, pid: Pid) {
        if self.running.remove(&pid).is_some() {
            line(&mut self.pending, &format!("- {pid}"));
            self.lines += 1;
        }
    }

    /// Writes down what has happened in this turn.
    pub(crate) fn flush(&mut self) {
        if self.behind.is_some_and(|again| Instant::now() >= again) || self.lines > self.running.len() * 2 + WASTE {
            return self.rewrite();
        }
        if self.pending.is_empty() || self.behind.is_some() {
            return;
        }
        let Some(file) = &mut self.file else { return };
        let outcome = file.write_all(self.pending.as_bytes());
        self.length += self.pending.len() as u64;
        self.pending.clear();
        match outcome {
            Ok(()) => self.reserve(),
            Err(error) => self.fall_behind(&error),
        }
    }

    /// Everything is stopped: nothing is left that the next monitor would have to end.
    pub(crate) fn end(&mut self) {
        if let Some(path) = self.path.take() {
            let _ = fs::remove_file(path);
        }
    }

    /// Writes the whole file anew, or tries again later.
    fn rewrite(&mut self) {
        if let Err(error) = self.replace() {
            self.fall_behind(&error);
        }
    }

    /// Writes the whole file under another name, and puts it in place of the old one.
    fn replace(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut text = String::new();
        line(&mut text, &self.header.text());
        for (pid, entry) in &self.running {
            line(&mut text, &entry.text(*pid));
        }
        self.pending.clear();
        self.file = Some(replace(path, text.as_bytes())?);
        self.lines = self.running.len();
        self.behind = None;
        (self.length, self.room) = (text.len() as u64, 0);
        self.reserve();
        Ok(())
    }

    /// Reserves room for the next lines; where that cannot be had, they may have to wait for some.
    fn reserve(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.room < self.length + AHEAD / 2) else { return };
        for ahead in [AHEAD, AHEAD / 16] {
            self.room = self.length + ahead;
            let end = libc::off_t::try_from(self.room).unwrap_or(libc::off_t::MAX);
            if fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, end).is_ok() {
                return;
            }
        }
    }

    fn fall_behind(&mut self, error: &io::Error) {
        if let Some(path) = self.path.as_ref().filter(|_| self.behind.is_none()) {
            log::warn!("failed to write `{}`: {}", path.display(), cause(error));
        }
        self.behind = Some(Instant::now() + PATIENCE);
    }
}

impl Header {
    fn new() -> io::Result<Header> {
        let line = |path: &str| Ok::<_, io::Error>(fs::read_to_string(path)?.trim_end().to_owned());
        Ok(Header {
            monitor: line("/proc/sys/kernel/random/uuid")?,
            boot: line("/proc/sys/kernel/random/boot_id")?,
            namespace: fs::metadata("/proc/self/ns/pid")?.ino(),
        })
    }

    fn text(&self) -> String {
        format!("{MAGIC} {} {} {}", self.monitor, self.boot, self.namespace)
    }

    fn parse(text: &str) -> Option<Header> {
        let mut words = text.strip_prefix(MAGIC)?.strip_prefix(' ')?.split(' ');
        let (monitor, boot) = (words.next()?.to_owned(), words.next()?.to_owned());
        let namespace = words.next()?.parse().ok()?;
        (monitor.len() == 36).then_some(Header { monitor, boot, namespace })
    }
}

impl Entry {
    fn text(self, pid: Pid) -> String {
        let identity = self.identity.map(|identity| format!(" {identity}")).unwrap_or_default();
        format!("+ {pid} {} {}{identity}", self.start_time, self.grace.as_millis())
    }

    fn parse(text: &str) -> Option<(Pid, Entry)> {
        let mut words = text.split(' ');
        let pid = Pid::from_raw(words.next()?.parse().ok()?)?;
        let start_time = words.next()?.parse().ok()?;
        let grace = Duration::from_millis(words.next()?.parse().ok()?);
        let identity = words.next().map(str::parse).transpose().ok()?;
        Some((pid, Entry { start_time, identity, grace }))
    }
}

/// The directory as the kernel knows it, so that neither a link nor another root makes two of one, and the name in it.
fn place(journal: &Path) -> Option<String> {
    let directory = fs::metadata(journal.parent()?).ok()?;
    Some(format!("{}:{}/{}", directory.dev(), directory.ino(), journal.file_stem()?.to_str()?))
}

/// Adds a line with its checksum.
fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{text} {:08x}", checksum(text));
}

/// FNV-1a: against half a line, not against anybody who lies.
fn checksum(text: &str) -> u32 {
    text.bytes().fold(0x811C_9DC5, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The whole lines from the beginning on, without their checksums.
fn whole_lines(text: &[u8]) -> impl Iterator<Item = &str> {
    text.split_inclusive(|byte| *byte == b'\n').map_while(|line| {
        let (text, sum) = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?.rsplit_once(' ')?;
        (sum.len() == 8 && u32::from_str_radix(sum, 16).ok()? == checksum(text)).then_some(text)
    })
}

/// What a journal says: whose it is, and who ran. `None` when it is no journal.
fn parse(text: &[u8]) -> Option<(Header, BTreeMap<Pid, Entry>)> {
    let mut lines = whole_lines(text);
    let header = Header::parse(lines.next()?)?;
    let mut running = BTreeMap::new();
    for line in lines {
        if let Some((pid, entry)) = line.strip_prefix("+ ").and_then(Entry::parse) {
            running.insert(pid, entry);
        } else if let Some(pid) = line.strip_prefix("- ").and_then(|pid| Pid::from_raw(pid.parse().ok()?)) {
            running.remove(&pid);
        }
    }
    Some((header, running))
}

/// Reads the journal of an earlier monitor, if there is one that may be believed.
fn read(path: &Path) -> io::Result<Option<(Header, BTreeMap<Pid, Entry>)>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let mut file = match File::options().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let metadata = file.metadata()?;
    let is_ours = metadata.uid() == nix::unistd::geteuid().as_raw() && metadata.mode() & 0o022 == 0;
    if !metadata.is_file() || !is_ours || metadata.len() > LONGEST {
        // Who could write it could have us end whomever they like.
        return Err(io::Error::other("it is not a file of ours that nobody else can write"));
    }
    let mut text = Vec::new();
    Read::by_ref(&mut file).take(LONGEST).read_to_end(&mut text)?;
    Ok(parse(&text))
}

/// Writes a file beside `path`, and renames it: whoever looks finds the old one or the new one, whole.
fn replace(path: &Path, text: &[u8]) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let beside = PathBuf::from(name);
    let _ = fs::remove_file(&beside);
    let mut file = File::options().append(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(text)?;
    file.sync_data()?;
    fs::rename(&beside, path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header { monitor: "0".repeat(36), boot: "b".into(), namespace: 7 }
    }

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn entry(number: i32) -> Entry {
        let identity = (number % 2 == 0).then_some(8);
        Entry { start_time: 1000, identity, grace: Duration::from_secs(10) }
    }

    fn journal() -> (String, BTreeMap<Pid, Entry>) {
        let mut text = String::new();
        line(&mut text, &header().text());
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
        assert_eq!(parse(text.as_bytes()), Some((header(), running)));
    }

    #[test]
    fn p6_13_a_journal_that_is_cut_anywhere_counts_as_far_as_it_is_whole() {
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

    #[test]
    fn p6_13_garbage_is_no_journal() {
        let (text, _) = journal();
        for garbage in [&b""[..], b"\n", b"\xff\xfe\n", &[0; 1000], b"daemonize-monitor-1 x\n", &text.as_bytes()[1..]] {
            assert_eq!(parse(garbage), None);
        }
    }

    #[test]
    fn p6_13_no_change_of_a_byte_makes_a_process_appear() {
        let (text, running) = journal();
        let mut all: BTreeMap<Pid, Entry> = running.clone();
        all.extend((1..20).map(|number| (pid(number), entry(number))));
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            for (pid, entry) in parse(&changed).map(|(_, running)| running).unwrap_or_default() {
                assert_eq!(all.get(&pid), Some(&entry), "changed at {at}");
            }
        }
    }
}
