//! The jobserver of `make -j` in environment variables: a daemon must neither use descriptors that it has not inherited, nor hold the
//! job slots of the build that happened to start it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The variables in which `make(1)` and `cargo` pass a jobserver on.
const VARIABLES: [&str; 3] = ["MAKEFLAGS", "MFLAGS", "CARGO_MAKEFLAGS"];

/// The options that name the pipe or the FIFO of a jobserver; `--jobserver-fds` before make 4.2.
const OPTIONS: [&[u8]; 3] = [b"--jobserver-auth=", b"--jobserver-fds=", b"--jobserver-style="];

/// Returns the value of the variable without the options of a jobserver; `None` if it has none.
pub(crate) fn removed(name: &OsStr, value: &OsStr) -> Option<OsString> {
    let is_option = |word: &[u8]| OPTIONS.iter().any(|option| word.starts_with(option));
    let words = || value.as_bytes().split(|byte| *byte == b' ');
    if !VARIABLES.iter().any(|variable| name == *variable) || !words().any(is_option) {
        return None;
    }
    let kept: Vec<&[u8]> = words().filter(|word| !is_option(word)).collect();
    Some(OsString::from_vec(kept.join(&b' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed_from(name: &str, value: &str) -> Option<String> {
        removed(name.as_ref(), value.as_ref()).map(|value| value.into_string().unwrap())
    }

    #[test]
    fn options_of_a_jobserver_are_removed_and_others_stay() {
        for (value, rest) in [
            ("w -j8 --jobserver-auth=3,4 -- A=1", "w -j8 -- A=1"),
            (" -j --jobserver-fds=3,4 --jobserver-auth=3,4", " -j"),
            ("--jobserver-auth=fifo:/tmp/GMfifo1", ""),
        ] {
            assert_eq!(removed_from("MAKEFLAGS", value).as_deref(), Some(rest));
            assert_eq!(removed_from("CARGO_MAKEFLAGS", value).as_deref(), Some(rest));
            assert_eq!(removed_from("OTHER", value), None);
        }
        assert_eq!(removed_from("MAKEFLAGS", "kw -- NOTE=--jobserver"), None);
    }
}
