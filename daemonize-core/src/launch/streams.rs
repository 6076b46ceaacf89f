//! The destinations of the standard streams, opened in the launcher, where the user sees an error; those of a daemon without a
//! setting of them.

use super::captured_log::CapturedLog;
use crate::error::{Error, Result, cause};
use crate::logs::Owner;
use crate::settings::Settings;
use crate::stage::Stage;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

/// The destinations of the three streams. A trait, so that a program without a setting of a stream is linked without the code for
/// files and logs.
pub(super) trait Streams: Send {
    /// Redirects stdin (`dup2(2)`).
    fn install_input(&self) -> Result<()>;

    /// Redirects stdout and stderr (`dup2(2)`). The caller has flushed buffered output.
    fn install_outputs(&self) -> Result<()>;

    /// Returns the descriptors that must stay open until the streams are redirected.
    fn descriptors(&self) -> Vec<RawFd>;

    /// Returns the logs of stdout and stderr, to which the launcher writes the output that it captures.
    fn logs(&self) -> [Option<Box<dyn CapturedLog>>; 2] {
        [None, None]
    }

    /// Returns the function that starts the thread of the log, if it has one.
    fn log_start(&self) -> Option<Box<dyn FnOnce()>> {
        None
    }

    /// Returns the function that reopens the log files at SIGHUP, if there are any.
    fn log_reopen(&self) -> Option<Box<dyn FnMut() + Send>> {
        None
    }
}

/// The streams of a daemon without settings: `/dev/null`, or unchanged.
struct UnsetStreams(Option<OwnedFd>);

/// Opens the destinations of [`set_streams`](super::set_streams), once a setting of a stream is used: a program without them is linked without the code.
pub(super) static OPEN: OnceLock<Open> = OnceLock::new();

pub(super) type Open = fn(&mut Settings, bool, Owner) -> Result<Box<dyn Streams>>;

/// Opens the configured destinations. Without a setting, a stream leads to `/dev/null` in a detached daemon, and stays unchanged
/// otherwise.
pub(super) fn open_streams(settings: &mut Settings, detached: bool, owner: Owner) -> Result<Box<dyn Streams>> {
    match OPEN.get() {
        Some(open) => open(settings, detached, owner),
        None => UnsetStreams::open(detached),
    }
}

impl UnsetStreams {
    fn open(detached: bool) -> Result<Box<dyn Streams>> {
        let null = if detached { Some(open_null()?) } else { None };
        Ok(Box::new(UnsetStreams(null)))
    }

    fn install(&self, put: &[fn(BorrowedFd<'_>) -> nix::Result<()>]) -> Result<()> {
        match &self.0 {
            Some(null) => put.iter().try_for_each(|put| put(null.as_fd())).map_err(not_redirected),
            None => Ok(()),
        }
    }
}

impl Streams for UnsetStreams {
    fn install_input(&self) -> Result<()> {
        self.install(&[|fd| dup2_stdin(fd)])
    }

    fn install_outputs(&self) -> Result<()> {
        self.install(&[|fd| dup2_stdout(fd), |fd| dup2_stderr(fd)])
    }

    fn descriptors(&self) -> Vec<RawFd> {
        self.0.iter().map(AsRawFd::as_raw_fd).collect()
    }
}

/// Opens `/dev/null`.
pub(super) fn open_null() -> Result<OwnedFd> {
    let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
    null.map_err(|errno| Error::stage(Stage::Stdio, format_args!("open `/dev/null`: {}", cause(&errno.into()))))
}

/// Returns the error of a `dup2(2)`.
pub(super) fn not_redirected(errno: nix::Error) -> Error {
    Error::stage(Stage::Stdio, cause(&errno.into()))
}
