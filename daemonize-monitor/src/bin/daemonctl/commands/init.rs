//! `init`.

use crate::exit_status::{CliError, ExitStatus};
use crate::find_config;
use crate::output::Output;
use daemonize_monitor::__daemonctl;
use daemonize_sys::escape::escape_bytes;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use serde_json::json;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The configuration that is written.
const STARTER: &str = include_str!("starter.toml");

/// Writes a commented configuration to a file that must not exist yet, and says what to do with it.
pub(crate) fn init(output: Output, given: Option<&Path>) -> Result<ExitStatus, CliError> {
    let (path, is_default) = find_config::new_config(given)?;
    let name = shown(&path);
    if is_default {
        make_directory(&path).map_err(|error| CliError::failed("create the directory of", &name, cause(&error)))?;
    }
    let written = NewConfig::write(&path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CliError::new(ExitStatus::Failed, format!("`{name}` is there already: edit it, or name another file"))
        }
        _ => CliError::failed("write", &name, cause(&error)),
    })?;
    if let Err(mistakes) = __daemonctl::check(&path) {
        // A directory that other users can write, for example: a monitor would refuse the file.
        written.remove();
        return Err(CliError::new(ExitStatus::Failed, format!("failed to write `{name}`: {mistakes}")));
    }
    if output.json {
        output.document(&json!({ "success": true, "file": path }))?;
    } else {
        let option = if is_default { String::new() } else { format!(" -c {name}") };
        output.line(format!("`{name}` is written, with one bot, `hello`"))?;
        output.line(format!(
            "next: edit it, validate it with `daemonctl{option} check`, and start it with `daemonctl{option} start`"
        ))?;
    }
    Ok(ExitStatus::Done)
}

/// Makes `~/.config` of a new user.
fn make_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent().filter(|directory| !directory.is_dir()) else { return Ok(()) };
    DirBuilder::new().mode(0o700).create(directory)
}

/// A configuration that was just written, by its name in the directory that was opened: another user may have put a link in place of
/// that directory since, and no file elsewhere is removed then.
struct NewConfig {
    directory: OwnedFd,
    name: OsString,
}

impl NewConfig {
    /// Writes a new file, through no link. The umask may make it less readable, never writable to others.
    fn write(path: &Path) -> io::Result<NewConfig> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = open(parent, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let config = NewConfig { directory, name: path.file_name().ok_or(Errno::EISDIR)?.to_owned() };
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o644);
        let mut file = File::from(openat(&config.directory, &*config.name, flags, mode)?);
        file.write_all(STARTER.as_bytes()).inspect_err(|_| config.remove())?;
        Ok(config)
    }

    fn remove(&self) {
        let _ = unlinkat(&self.directory, &*self.name, UnlinkatFlags::NoRemoveDir);
    }
}

/// Returns why the system refuses, in the words of its message.
fn cause(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| Errno::from_raw(number).desc().to_lowercase())
}

fn shown(path: &Path) -> Cow<'_, str> {
    escape_bytes(path.as_os_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{NewConfig, STARTER};
    use daemonize_monitor::Config;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn bots(text: &str) -> Vec<String> {
        let read =
            Config::parse("/srv/daemonctl.toml", text, &|_| None).unwrap_or_else(|wrong| panic!("{text}\n{wrong}"));
        read.bots.into_iter().map(|bot| bot.name).collect()
    }

    #[test]
    fn starter_is_valid_as_it_is_and_with_all_that_it_suggests() {
        assert_eq!(bots(STARTER), ["hello"]);
        let is_suggested =
            |line: &str| line.starts_with('[') || line.split(" = ").next().is_some_and(|key| !key.contains(' '));
        let uncommented = STARTER.lines().map(|line| match line.strip_prefix("# ") {
            // Not every machine has the files and users of the example.
            Some(line) if ["include", "user", "env_file"].iter().any(|key| line.starts_with(key)) => "",
            Some(suggested) if is_suggested(suggested) => suggested,
            _ => line,
        });
        let text = uncommented.collect::<Vec<_>>().join("\n");
        assert_eq!(bots(&text), ["hello", "web", "backup"]);
        assert!(
            text.contains("\nlimit = ") && text.contains("\nschedule = ") && text.contains("\ncontrol = "),
            "{text}"
        );
    }

    #[test]
    fn removal_where_the_directory_was_swapped_leaves_other_files_alone() {
        let lab = tempfile::tempdir().unwrap();
        let [open, moved, victim] = ["open", "moved", "victim"].map(|name| lab.path().join(name));
        fs::create_dir(&open).unwrap();
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("m.toml"), "valuable").unwrap();
        let written = NewConfig::write(&open.join("m.toml")).unwrap();
        fs::rename(&open, &moved).unwrap();
        symlink(&victim, &open).unwrap();
        written.remove();
        assert_eq!(fs::read_to_string(victim.join("m.toml")).unwrap(), "valuable");
        assert!(!moved.join("m.toml").exists());
    }
}
