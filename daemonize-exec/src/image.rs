//! The program of this process: its image, opened early, and the path by which it was called.

use crate::exec_error::refused;
use daemonize_core::Result;
use daemonize_sys::error::cause;
use daemonize_sys::exec;
use daemonize_sys::fork::Alone;
use daemonize_sys::trust::FileId;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The magic link to the file that this process executes, also after it was replaced or removed (`proc_pid_exe(5)`).
const EXECUTABLE: &str = "/proc/self/exe";

/// What [`init`](crate::init) has found out; empty until it is called.
static PASSED: OnceLock<Passed> = OnceLock::new();

/// What is known since [`init`](crate::init).
struct Passed {
    /// The image, opened before the process may lose its view of `/proc`.
    image: io::Result<(OwnedFd, FileId)>,
    /// The number of threads, if there was more than one.
    threads: Option<u64>,
    /// The path by which the program was called, absolute; `None` if it does not lead to the program.
    called: Option<PathBuf>,
}
