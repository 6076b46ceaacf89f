//! The program of this process: its image, opened early, and the path by which it was called.

use daemonize_sys::error::cause;
use daemonize_sys::exec;
use daemonize_sys::fork;
use daemonize_sys::trust::FileId;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{getcwd, getegid, geteuid, getgid, getuid};
use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// The magic link to the file that this process executes, also after it was replaced or removed (`proc_pid_exe(5)`).
const EXECUTABLE: &str = "/proc/self/exe";

/// Empty until [`init`](crate::init) is called.
static PASSED: OnceLock<Passed> = OnceLock::new();

/// The path by which the daemon's program was called, in a process that was launched by exec.
static CALLED: OnceLock<PathBuf> = OnceLock::new();

/// `true` if the variable named a link that this process does not trust.
static DISTRUSTED: AtomicBool = AtomicBool::new(false);

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
        // Counted once: `Alone::prove` would wait for threads that are ending.
        threads: fork::threads().ok().filter(|threads| *threads > 1),
        called: find_called_path(),
    });
}

/// Records that the variable named a link that this process does not trust: without this, a new process that cannot verify its link, such
/// as one in another pid namespace, would run `main` and start the daemon again, and so would the next one.
pub(crate) fn distrust() {
    DISTRUSTED.store(true, Relaxed);
}

/// A reason why the new process would not become a launcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It would have more rights than its parent, and believe no link.
    Privileged,
    /// This process has not called [`init`](crate::init), so the new one would not either.
    Uninitialised,
    /// This process had that many threads at its call.
    Late(u64),
    /// The variable named a link that this process does not trust. The new process might not trust its own either.
    Distrusted,
}

/// Returns the reason why this process must not execute its program again, if there is one.
pub(crate) fn obstacle() -> Option<Obstacle> {
    if exec::is_secure() || getuid() != geteuid() || getgid() != getegid() {
        return Some(Obstacle::Privileged);
    }
    match PASSED.get() {
        None => Some(Obstacle::Uninitialised),
        Some(_) if DISTRUSTED.load(Relaxed) => Some(Obstacle::Distrusted),
        Some(passed) => passed.threads.map(Obstacle::Late),
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Privileged => f.write_str(
                "the program is setuid, setgid or has file capabilities, or has changed its effective user or group, so the new \
                 process would not trust the one that starts it: set `launch = fork`",
            ),
            Obstacle::Uninitialised => f.write_str(
                "this process has not called `daemon::init()`, without which the new process would run `main` again: make it the first \
                 statement of `main`, or put `#[daemon::init]` above `#[tokio::main]`; in tests, write `daemon::test_support!();` \
                 once, at the root of the test crate",
            ),
            Obstacle::Distrusted => f.write_str(
                "the variable `DAEMONIC_EXEC` was set when this process began, and named no link to its parent: unset it",
            ),
            Obstacle::Late(threads) => write!(
                f,
                "`daemon::init()` was called when this process had {threads} threads already: make it the first statement of `main`, or put \
                 `#[daemon::init]` above `#[tokio::main]`",
            ),
        }
    }
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
