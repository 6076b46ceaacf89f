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

/// Returns 64 bits of std's hasher, and the length. The same code computes both sides' hashes, because only processes of one file have
/// one hash; it need not resist attacks, because another user's process is refused before ids are compared.
fn hash_of(mut content: impl Read) -> io::Result<String> {
    let (mut hasher, mut total) = (DefaultHasher::new(), 0_u64);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:016x}{total:016x}", hasher.finish())),
            Ok(length) => {
                hasher.write(&buffer[..length]);
                total += length as u64;
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// Returns an id of the file's inode, size and times.
fn hash_of_inode(file: &Metadata) -> String {
    let mut hasher = DefaultHasher::new();
    for number in [file.dev(), file.ino(), file.size()] {
        hasher.write_u64(number);
    }
    for time in [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()] {
        hasher.write_i64(time);
    }
    format!("{:016x}", hasher.finish())
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
