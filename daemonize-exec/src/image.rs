//! The program of this process: its image, opened early, and the path by which it was called.

use daemonize_sys::error::cause;
use daemonize_sys::exec;
use daemonize_sys::fork::Alone;
use daemonize_sys::trust::FileId;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{getcwd, getegid, geteuid, getgid, getuid};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The magic link to the file that this process executes, also after it was replaced or removed (`proc_pid_exe(5)`).
const EXECUTABLE: &str = "/proc/self/exe";

/// Empty until [`init`](crate::init) is called.
static PASSED: OnceLock<Passed> = OnceLock::new();

/// The path by which the daemon's program was called, in a process that was launched by exec.
static CALLED: OnceLock<PathBuf> = OnceLock::new();

/// The state of the process at its call of [`init`](crate::init).
struct Passed {
    /// The image, opened before the process may change its root directory. The file must still be this one when it is used: a program
    /// may close all its descriptors.
    image: Result<(OwnedFd, FileId), String>,
    /// The number of threads, if there was more than one.
    threads: Option<u64>,
    /// The path by which the program was called: absolute, with its symbolic links; `None` if it did not lead to this program.
    called: Option<PathBuf>,
}

/// Records the state of this process. Later calls change nothing.
pub(crate) fn pass() {
    PASSED.get_or_init(|| Passed {
        image: open_image().map_err(|error| format!("failed to open `{EXECUTABLE}`: {}", cause(&error))),
        threads: Alone::prove().ok().and_then(Result::err),
        called: find_called_path(),
    });
}

/// Returns `true` once [`init`](crate::init) has been called.
pub(crate) fn has_passed() -> bool {
    PASSED.get().is_some()
}

/// Returns the reason why this process must not launch a daemon by exec, with the fix, if there is one.
pub(crate) fn obstacle() -> Option<String> {
    // The new process would believe no link, and run `main`.
    if exec::is_secure() || getuid() != geteuid() || getgid() != getegid() {
        return Some(
            "the program is setuid, setgid or has file capabilities, or has changed its effective user or group: the new process \
             would not trust the one that starts it; set `launch = fork`"
                .to_owned(),
        );
    }
    let threads = PASSED.get().and_then(|passed| passed.threads)?;
    Some(format!(
        "`daemon::init()` was called when this process had {threads} threads already: make it the first statement of `main`, and put \
         `#[daemon::init]` above `#[tokio::main]`"
    ))
}

/// Opens the image of this process, which is executed again.
///
/// # Errors
/// `/proc` is not mounted, and the descriptor that was opened early is closed.
pub(crate) fn image() -> Result<OwnedFd, String> {
    if let Ok((image, _)) = open_image() {
        return Ok(image);
    }
    let passed = PASSED.get().ok_or("`daemon::init()` was not called")?;
    let (image, id) = passed.image.as_ref().map_err(Clone::clone)?;
    let copy = image.try_clone().map_err(|error| cause(&error))?;
    let is_same = fstat(&copy).is_ok_and(|status| FileId::of(&status) == *id);
    is_same.then_some(copy).ok_or_else(|| format!("`{EXECUTABLE}` is gone, and its descriptor was closed"))
}

fn open_image() -> io::Result<(OwnedFd, FileId)> {
    let image = open(EXECUTABLE, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
    let id = FileId::of(&fstat(&image)?);
    Ok((image, id))
}

/// Returns the path by which the program was called, with which a restart follows a symbolic link to a new release.
pub(crate) fn called_path() -> Option<PathBuf> {
    CALLED.get().or_else(|| PASSED.get()?.called.as_ref()).cloned()
}

fn find_called_path() -> Option<PathBuf> {
    let called = exec::called_path()?;
    let path = if called.is_absolute() { called } else { getcwd().ok()?.join(called) };
    let identity = |path: &Path| fs::metadata(path).map(|status| (status.dev(), status.ino())).ok();
    let is_this_program = identity(&path).is_some_and(|file| Some(file) == identity(Path::new(EXECUTABLE)));
    is_this_program.then_some(path)
}

/// Sets the path by which the program was called, as the process that launched this one reports it.
pub(crate) fn set_called_path(path: PathBuf) {
    let _ = CALLED.set(path);
}
