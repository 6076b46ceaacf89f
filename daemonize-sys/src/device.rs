//! Paths such as `/dev/stdout` that name an open file descriptor of the process.

use std::os::fd::RawFd;
use std::path::Path;

/// The target of a path such as `/dev/null` or `/dev/stdout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// `/dev/null`.
    Null,
    /// The file descriptor of this number, of the process that opens the path.
    Descriptor(RawFd),
}

impl Device {
    /// Standard input.
    pub const STDIN: Device = Device::Descriptor(0);
    /// Standard output.
    pub const STDOUT: Device = Device::Descriptor(1);
    /// Standard error.
    pub const STDERR: Device = Device::Descriptor(2);

    /// Returns the target of a path such as `/dev/stdout`, `/dev/fd/1` or `/dev/null`; `None` for every other path. Does not access the
    /// file system.
    #[must_use]
    pub fn of(path: &Path) -> Option<Device> {
        let named = [("/dev/stdin", 0), ("/dev/stdout", 1), ("/dev/stderr", 2)];
        if path == Path::new("/dev/null") {
            return Some(Device::Null);
        }
        if let Some((_, number)) = named.into_iter().find(|(name, _)| path == Path::new(name)) {
            return Some(Device::Descriptor(number));
        }
        let directories = ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"].map(Path::new);
        let name = path.file_name().filter(|_| directories.iter().any(|directory| path.parent() == Some(directory)))?;
        name.to_str()?.parse().ok().filter(|number| *number >= 0).map(Device::Descriptor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 6.45.
    #[test]
    fn device_is_known_by_each_of_its_names_and_a_file_is_not_one() {
        let of = |path: &str| Device::of(Path::new(path));
        for path in
            ["/dev/stdout", "/dev//stdout", "/dev/./stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"]
        {
            assert_eq!(of(path), Some(Device::Descriptor(1)), "{path}");
        }
        assert_eq!((of("/dev/stdin"), of("/dev/fd/2")), (Some(Device::Descriptor(0)), Some(Device::Descriptor(2))));
        assert_eq!((of("/dev/null"), of("/dev/fd/7")), (Some(Device::Null), Some(Device::Descriptor(7))));
        for path in [
            "/dev/stdouts",
            "stdout",
            "dev/stdout",
            "/dev/fd",
            "/dev/fd/x",
            "/dev/fd/-1",
            "/proc/1/fd/1",
            "/x/dev/null",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
