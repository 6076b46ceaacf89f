//! The properties of a daemon as seen from outside: after a success they must be the same, whatever failed meanwhile.

use std::collections::BTreeMap;
use std::path::Path;

use look::{Descriptor, Lab, Process};

/// The properties of a daemon, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties(BTreeMap<&'static str, String>);

/// Lines of `/proc/PID/status`.
const LINES: [&str; 13] = [
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "Threads",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "NoNewPrivs",
];

impl Properties {
    /// Reads the properties of an idle daemon.
    pub(crate) fn of(lab: &Lab, daemon: Process) -> Properties {
        let mut known: BTreeMap<_, _> =
            LINES.into_iter().map(|name| (name, daemon.status(name).unwrap_or_default())).collect();
        known.insert("directory", format!("{:?}", daemon.directory()));
        known.insert("core dumps", format!("{:?}", daemon.limit("Max core file size")));
        let place = daemon.stat().map(|stat| (stat.session != own_session(), stat.session != daemon.id(), stat.tty));
        known.insert("session of its own, not led, terminal", format!("{place:?}"));
        let descriptors = daemon.descriptors();
        let mut open: Vec<String> = descriptors.iter().map(|(fd, descriptor)| kind(lab, *fd, descriptor)).collect();
        // If the file of last words cannot be created, the start succeeds without it.
        open.retain(|descriptor| !descriptor.starts_with("further d.last"));
        open.sort();
        known.insert("descriptors", open.join(", "));
        Properties(known)
    }

    /// Returns the differences to `usual`, none if they are equal.
    pub(crate) fn differences(&self, usual: &Properties) -> Vec<String> {
        let differs = |(name, value): (&&str, &String)| {
            let other = usual.0.get(name).filter(|other| *other != value)?;
            Some(format!("{name} is {value}, and otherwise {other}"))
        };
        self.0.iter().filter_map(differs).collect()
    }
}

fn own_session() -> i32 {
    nix::unistd::getsid(None).map_or(0, nix::unistd::Pid::as_raw)
}

/// Describes a standard stream by its number, and any other descriptor by its target: its number does not matter.
fn kind(lab: &Lab, fd: i32, descriptor: &Descriptor) -> String {
    let target = descriptor.target.strip_prefix(lab.directory()).unwrap_or(&descriptor.target);
    let text = Path::new(target).to_string_lossy();
    let what = text.split('[').next().filter(|_| text.contains(":[")).unwrap_or(&text);
    let what = if text.starts_with("anon_inode") { &text } else { what };
    let number = if fd < 3 { fd.to_string() } else { "further".to_owned() };
    format!("{number} {what} {:o}", descriptor.flags)
}
