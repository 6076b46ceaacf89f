//! Identifies the build of the running program: the linker's build-id note, else a hash of the executable.

mod executable;
mod note;

use std::sync::OnceLock;

/// Returns the id of the build that this process executes: lowercase hexadecimal digits, at most 64 of them.
///
/// It is the GNU build-id note of the main program as it is mapped in memory (`ld --build-id`, `dl_iterate_phdr(3)`), and
/// so that of the running program even if its file was replaced. A program without the note gets a hash of its executable
/// (`/proc/self/exe`), which begins with `x`, so that it never equals a note. Two processes of one file have one id; another
/// id says that the files differ, not which of them is newer. A program that changes only in a shared library keeps its id.
///
/// The id is computed at the first call: the note costs microseconds, the hash about a millisecond for each megabyte, so that a program
/// for which that is too long is linked with `-C link-arg=-Wl,--build-id`. A program whose executable cannot be read gets an id of its inode, size and time of
/// modification; without `/proc`, the id is `unknown`.
pub fn build_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| note::of_main_program().unwrap_or_else(executable::hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_id_of_two_calls_is_one() {
        assert!(std::ptr::eq(build_id(), build_id()));
        assert!(
            build_id().bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'x').contains(&byte)),
            "{}",
            build_id()
        );
    }
}
