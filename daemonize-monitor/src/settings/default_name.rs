//! The name of a monitor whose configuration does not name it.

use daemonize_sys::paths::{PathContext, Paths};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The machine's configuration, which `daemonctl` reads if no other one is named.
pub(crate) const SYSTEM_CONFIG: &str = "/etc/daemonctl.toml";

/// The name of that file's monitor, and of one that a program makes.
pub(super) const DEFAULT: &str = "monitor";

/// The most letters of a directory and of a file: the path of a socket holds only 107 bytes.
const MAX_PART_CHARS: usize = 16;

/// The longest path of a Unix socket in bytes (`unix(7)`).
const MAX_SOCKET_PATH: usize = 107;

/// Returns the name of the monitor whose configuration, this file, does not name it: after the file, or a short one where the path
/// of its socket would be too long, in a user's home on a machine with a long name.
pub(crate) fn by_default(file: &Path) -> String {
    // Wherever a client is called from, it must come to the same name.
    let situation = PathContext::now(false);
    chosen(file, |name| Paths::of(name, &situation).ok().map(|places| places.pidfile))
}

fn chosen(file: &Path, pidfile: impl Fn(&str) -> Option<PathBuf>) -> String {
    let (name, short) = (of_file(file), format!("m-{:08x}", digest(file.as_os_str().as_bytes())));
    let socket = pidfile(&name).map(|pidfile| pidfile.with_extension("control").join("socket"));
    let is_too_long = socket.is_some_and(|socket| socket.as_os_str().len() > MAX_SOCKET_PATH);
    if is_too_long && short.len() < name.len() { short } else { name }
}

/// Returns a name for a configuration file, given by its absolute path: directory, file, and a number that tells files of the
/// same name apart (`shop.monitor-5746ea3b`). It is the same in every version and on every machine.
pub(crate) fn of_file(file: &Path) -> String {
    if file == Path::new(SYSTEM_CONFIG) {
        return DEFAULT.to_owned();
    }
    let parts = [file.parent().and_then(Path::file_name), file.file_stem()];
    let parts: Vec<String> = parts.into_iter().flatten().map(plain).filter(|part| !part.is_empty()).collect();
    let parts = if parts.is_empty() { DEFAULT.to_owned() } else { parts.join(".") };
    format!("{parts}-{:08x}", digest(file.as_os_str().as_bytes()))
}

/// Returns the letters of a file name that may be in the name of a daemon; it begins with a letter or a digit.
fn plain(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "-_.+@".contains(letter) { letter } else { '_' };
    let begin = name.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
    begin.chars().take(MAX_PART_CHARS).map(plain).collect()
}

/// Returns FNV-1a of 64 bits, folded. The hashes of the standard library may be others in its next version, which would then not find
/// the monitor of this one.
fn digest(bytes: &[u8]) -> u32 {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let [high, low] = [hash >> 32, hash & u64::from(u32::MAX)];
    u32::try_from(high ^ low).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_tells_files_apart_and_is_one() {
        let of = |file: &str| of_file(Path::new(file));
        assert_eq!(of("/etc/daemonctl.toml"), "monitor");
        // Written down: a running monitor must be found by the next version.
        assert_eq!(of("/srv/shop/monitor.toml"), "shop.monitor-5746ea3b");
        assert_ne!(of("/srv/shop/monitor.toml"), of("/srv/blog/shop/monitor.toml"));
        for file in
            ["/x.toml", "/.config/.toml", "/srv/\u{fc}ber uns/a b.toml", "/srv/..../___.toml", "/a/\u{1b}[2J.toml"]
        {
            let name = of(file);
            assert_eq!(crate::bot::check_name(&name).as_deref(), Ok(&*name), "{file}");
        }
        let in_home = |host: &'static str| {
            let home = Path::new("/home/ada/.local/state");
            chosen("/srv/shop/monitor.toml".as_ref(), |name| Some(home.join(format!("{name}@{host}.pid"))))
        };
        assert_eq!(in_home("box"), "shop.monitor-5746ea3b");
        assert_eq!(in_home("ip-172-31-22-114.eu-central-1.compute.internal.example"), "m-5746ea3b");
        let long = of(&format!("/{0}/{0}.toml", "x".repeat(200)));
        assert!(long.len() <= 2 * MAX_PART_CHARS + 10, "{long}");
    }
}
