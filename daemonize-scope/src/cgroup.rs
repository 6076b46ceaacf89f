//! The cgroup of this process (`cgroups(7)`).

use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use std::fs::File;
use std::io::{self, Read};

/// The largest part of `/proc/self/cgroup` that is read, in bytes: a path has at most 4096, and each v1 hierarchy has a line.
const SIZE_LIMIT: u64 = 64 * 1024;

/// The cgroup of this process.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cgroup {
    /// Its path, from the root of the cgroup namespace on.
    pub(crate) path: String,
    /// `true` if systemd uses cgroup v2 alone: not v1, and not both.
    pub(crate) is_unified: bool,
}

impl Cgroup {
    /// Reads the cgroup of this process. Returns `None` if it has none that systemd could use.
    pub(crate) fn of_this_process() -> io::Result<Option<Cgroup>> {
        let mut text = Vec::new();
        File::open("/proc/self/cgroup")?.take(SIZE_LIMIT).read_to_end(&mut text)?;
        let is_unified = statfs("/sys/fs/cgroup").is_ok_and(|system| system.filesystem_type() == CGROUP2_SUPER_MAGIC);
        Ok(Cgroup::parse(&text, is_unified))
    }

    /// Parses `/proc/self/cgroup`: lines of `HIERARCHY:CONTROLLERS:PATH`. Those of v1 may remain where systemd uses v2 alone.
    pub(crate) fn parse(text: &[u8], is_unified: bool) -> Option<Cgroup> {
        let text = String::from_utf8_lossy(text);
        let path_of = |controllers: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
            lines.find(|(names, path)| *names == controllers && path.starts_with('/')).map(|(_, path)| path.to_owned())
        };
        let path = if is_unified { path_of("") } else { path_of("name=systemd").or_else(|| path_of("")) };
        path.map(|path| Cgroup { path, is_unified })
    }

    /// Returns `true` if it is the cgroup of this unit, or one below it.
    pub(crate) fn is_in(&self, unit: &str) -> bool {
        self.path.split('/').any(|name| name == unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn path_is_that_of_systemds_hierarchy() {
        let both = b"9:name=systemd:/one\n8:pids:/two\n0::/three\n";
        let path = |text: &[u8], is_unified| Cgroup::parse(text, is_unified).map(|cgroup| cgroup.path);
        assert_eq!(path(both, true).as_deref(), Some("/three"));
        assert_eq!(path(both, false).as_deref(), Some("/one"));
        assert_eq!(path(b"0::/a:b\n", true).as_deref(), Some("/a:b"));
        assert_eq!(path(b"0::a\n1:x", true), None);
        assert_eq!(path(b"8:pids:/two\n", false), None);
    }

    #[test]
    fn unit_is_a_whole_name_of_the_path() {
        let cgroup = Cgroup::parse(b"0::/app.slice/app-x-1.scope/below\n", true).unwrap();
        assert!(cgroup.is_in("app-x-1.scope") && !cgroup.is_in("app-x-1"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(text in prop::collection::vec(any::<u8>(), 0..300), is_unified: bool) {
            let parsed = Cgroup::parse(&text, is_unified);
            prop_assert!(parsed.is_none_or(|cgroup| cgroup.path.starts_with('/')));
        }
    }
}
