//! Finds the file of a bot's program, in `PATH` as `execvp(3)` does.

use super::Bot;
use nix::unistd::{AccessFlags, access};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The search path if neither the bot nor the monitor has a `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Bot {
    /// Returns the path of the program. A name without `/` is searched for in the `PATH` that the bot will have.
    ///
    /// # Errors
    ///
    /// `ENOENT` if there is no such file, `EACCES` if it is not executable.
    pub fn find_program(&self) -> io::Result<PathBuf> {
        if self.command.as_os_str().as_encoded_bytes().contains(&b'/') {
            return executable(&self.command).map(|()| self.command.clone());
        }
        let (mut found, path) = (Err(io::Error::from(nix::Error::ENOENT)), self.search_path());
        for directory in std::env::split_paths(&path) {
            let candidate = directory.join(&self.command);
            match executable(&candidate) {
                Ok(()) => return Ok(candidate),
                // As execvp(3): what cannot be executed is remembered while something better is looked for.
                Err(error) if error.raw_os_error() == Some(nix::Error::EACCES as i32) => found = Err(error),
                Err(_) => {}
            }
        }
        found
    }

    fn search_path(&self) -> OsString {
        let own = self.environment.get(std::ffi::OsStr::new("PATH")).cloned();
        let inherited = || std::env::var_os("PATH").filter(|_| !self.clear_environment);
        own.or_else(inherited).unwrap_or_else(|| PATH.into())
    }
}

/// Checks that a path is a file that this process may execute.
fn executable(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(nix::Error::EACCES.into());
    }
    Ok(access(path, AccessFlags::X_OK)?)
}

#[cfg(test)]
mod tests {
    use super::Bot;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    /// Makes an empty file of this mode.
    fn make(path: &Path, mode: u32) {
        fs::write(path, "").unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    /// The errno of what was not found.
    fn refused(bot: &Bot) -> i32 {
        bot.find_program().unwrap_err().raw_os_error().unwrap()
    }

    #[test]
    fn a_bare_name_is_looked_for_where_the_bot_would() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["a", "b", "b/true"] {
            fs::create_dir(path(name)).unwrap();
        }
        make(&path("a/tool"), 0o644);
        make(&path("b/tool"), 0o755);
        let bot = |command: &str, search: &str| {
            let search = search.replace('.', directory.path().to_str().unwrap());
            Bot::new("bot", command).variable("PATH", search)
        };
        assert_eq!(bot("tool", "./a:./b").find_program().unwrap(), path("b/tool"));
        assert_eq!(bot("true", "./b:/bin").find_program().unwrap(), Path::new("/bin/true"));
        assert_eq!(refused(&bot("tool", "./a")), nix::Error::EACCES as i32);
        assert_eq!(refused(&bot("true", "./b")), nix::Error::EACCES as i32);
        assert_eq!(refused(&bot("true", "./a")), nix::Error::ENOENT as i32);
        assert_eq!(refused(&Bot::new("bot", directory.path())), nix::Error::EACCES as i32);
        assert!(Bot::new("bot", "true").clear_environment().find_program().is_ok());
    }
}
