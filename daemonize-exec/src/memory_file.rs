//! Bytes that are passed to another process as a sealed file in memory (`memfd_create(2)`): of any size, and unchangeable.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit, rlim_t};
use nix::sys::stat::fstat;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// `MFD_NOEXEC_SEAL` (Linux 6.3), which a system may demand (`vm.memfd_noexec`).
const NOEXEC_SEAL: MFdFlags = MFdFlags::from_bits_retain(8);

/// Returns a sealed file with these bytes.
pub(crate) fn create(parts: &[&[u8]]) -> io::Result<OwnedFd> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let file = match memfd_create("daemonic", flags | NOEXEC_SEAL) {
        Err(Errno::EINVAL) => memfd_create("daemonic", flags)?,
        file => file?,
    };
    check_size(parts.iter().map(|part| part.len()).sum())?;
    let mut file = File::from(file);
    for part in parts {
        file.write_all(part)?;
    }
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals()))?;
    Ok(file.into())
}

/// Fails if a file may not become so large: a write would end this process by SIGXFSZ, unless that signal is ignored.
fn check_size(size: usize) -> io::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if rlim_t::try_from(size).is_ok_and(|size| size <= limit) {
        return Ok(());
    }
    let why = format!("it has {size} bytes, and this process may write {limit} to a file: raise `ulimit -f`");
    Err(io::Error::new(io::ErrorKind::FileTooLarge, why))
}

/// Reads the bytes of a sealed file.
///
/// # Errors
/// The descriptor is not a sealed file in memory, or has more than `limit` bytes.
pub(crate) fn read(file: OwnedFd, limit: usize) -> io::Result<Vec<u8>> {
    let wrong = |text: &str| io::Error::other(text.to_owned());
    // Only files in memory have seals. With these its size does not change any more.
    let found = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| wrong("it is not a file in memory"))?;
    if !SealFlag::from_bits_retain(found).contains(seals()) {
        return Err(wrong("it is not sealed"));
    }
    let size = usize::try_from(fstat(&file)?.st_size).unwrap_or(usize::MAX);
    if size > limit {
        return Err(wrong("it is too long"));
    }
    let file = File::from(file);
    let mut bytes = vec![0; size];
    // From its beginning: the sender has left the offset at its end.
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

fn seals() -> SealFlag {
    SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_is_sealed_and_short_enough_is_read() {
        let file = || create(&[b"one", b"", b"two"]).unwrap();
        assert_eq!(read(file(), 6).unwrap(), b"onetwo");
        assert_eq!(read(file(), 5).unwrap_err().to_string(), "it is too long");
        assert!(File::from(file()).write_all(b"more").is_err());
        let null = File::open("/dev/null").unwrap();
        assert_eq!(read(null.into(), 6).unwrap_err().to_string(), "it is not a file in memory");
        let open = memfd_create("open", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).unwrap();
        assert_eq!(read(open, 6).unwrap_err().to_string(), "it is not sealed");
    }
}
