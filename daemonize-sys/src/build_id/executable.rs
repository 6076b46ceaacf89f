//! Hashes the executable of a program that has no build-id note.

use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;

/// The file that this process executes, also after it was replaced or removed (`proc(5)`).
const EXECUTABLE: &str = "/proc/self/exe";

/// Returns an id of the executable's content, or of its inode if the file cannot be read (mode 0711).
pub(super) fn hash() -> String {
    match File::open(EXECUTABLE).and_then(hash_of) {
        Ok(hash) => format!("x{hash}"),
        Err(_) => std::fs::metadata(EXECUTABLE).map_or("unknown".into(), |file| format!("xi{}", hash_of_inode(&file))),
    }
}

/// Returns 128 bits: two values of std's hasher (`SipHash`) with different first bytes. The same code computes both sides' hashes, because
/// only processes of one file have one hash; it need not resist attacks, because another user's process is refused before
/// ids are compared.
fn hash_of(mut content: impl Read) -> io::Result<String> {
    let mut hashes = hashers();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(digits(&hashes)),
            Ok(length) => hashes.iter_mut().for_each(|hash| hash.write(&buffer[..length])),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// Returns an id of the file's inode, size and times.
fn hash_of_inode(file: &Metadata) -> String {
    let mut hashes = hashers();
    let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()];
    for hash in &mut hashes {
        for number in [file.dev(), file.ino(), file.size()] {
            hash.write_u64(number);
        }
        for time in times {
            hash.write_i64(time);
        }
    }
    digits(&hashes)
}

/// Returns two hashers that differ.
fn hashers() -> [DefaultHasher; 2] {
    [0, 1].map(|first| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(first);
        hasher
    })
}

/// Returns the values of the hashers as hexadecimal digits.
fn digits(hashes: &[DefaultHasher; 2]) -> String {
    format!("{:016x}{:016x}", hashes[0].finish(), hashes[1].finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_of_equal_contents_is_one_and_of_others_another() {
        assert_eq!(hash_of(&b"same"[..]).unwrap(), hash_of(&b"same"[..]).unwrap());
        assert_ne!(hash_of(&b"same"[..]).unwrap(), hash_of(&b"sane"[..]).unwrap());
        assert_ne!(hash_of(&b""[..]).unwrap(), hash_of(&b"\0"[..]).unwrap());
    }

    #[test]
    fn hash_of_this_program_has_32_digits() {
        let hash = hash();
        assert!(hash.len() == 33 && hash.starts_with('x'), "{hash}");
    }
}
