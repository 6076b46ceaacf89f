//! The destinations of the standard streams of a daemon with a setting of them.

use super::captured_log::{CapturedLog, LogFile};
use super::log_reopen::LogReopener;
use super::streams::{OPEN, Streams, not_redirected, open_null};
use crate::context::{self, enable_reload_reports};
use crate::error::{Error, Result, cause};
use crate::logs::{LogFiles, LogTarget, ManagedLog, Owner, make_default_directory, manage};
use crate::settings::{Settings, Stdio};
use crate::signals::add_reload_failure;
use crate::stage::Stage;
use crate::sys::device::Device;
use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The destinations of the streams of a daemon with settings; `None` leaves a stream unchanged.
#[derive(Debug)]
struct SetStreams {
    stdin: Option<StreamTarget>,
    stdout: Option<StreamTarget>,
    stderr: Option<StreamTarget>,
    /// The manager of the file of `log`, if a thread of the daemon rotates or writes it.
    log: Option<Arc<dyn ManagedLog>>,
}

#[derive(Clone, Debug)]
enum StreamTarget {
    Open(Arc<OwnedFd>),
    /// A log file, opened for appending, and its path, by which SIGHUP reopens it.
    Log(PathBuf, Arc<OwnedFd>),
}

/// Makes [`open_streams`](super::streams::open_streams) use the settings of the streams.
pub(crate) fn enable_streams() {
    let _ = OPEN.set(SetStreams::open);
    enable_reload_reports();
}

/// Sets the path of a log that was given none to the default one, and makes the directory of that. Returns `false` if the log has a path.
fn resolve_log(settings: &mut Settings, owner: Owner) -> Result<bool> {
    match settings.resolve_log()? {
        Some(path) => make_default_directory(&path, owner).map(|()| true).map_err(|why| unusable("log", &path, why)),
        None => Ok(false),
    }
}

impl SetStreams {
    fn open(settings: &mut Settings, detached: bool, owner: Owner) -> Result<Box<dyn Streams>> {
        let is_default_path = detached && resolve_log(settings, owner)?;
        let (mut null, mut logs) = (NullDevice(None), LogFiles::new(owner));
        let log = settings.log_target().filter(|_| detached);
        let or_log = |key, stream: Option<_>| if stream.is_some() { (key, stream) } else { ("log", log) };
        let stdout_setting = or_log("stdout", settings.stdout.as_ref());
        let stderr_setting = or_log("stderr", settings.stderr.as_ref());
        let stdin = input(settings.stdin.as_ref(), detached, &mut null)?;
        let stdout = output(stdout_setting, detached, &mut logs, &mut null, io::stdout().as_fd())?;
        let stderr = match (stdout_setting.1, stderr_setting.1) {
            // `/dev/stdout` means the daemon's own stdout.
            (_, Some(Stdio::File(path))) if Device::of(path) == Some(Device::STDOUT) => match &stdout {
                Some(stdout) => Some(stdout.clone()),
                None => Some(copy(io::stdout().as_fd())?),
            },
            // One file description for both, so that their lines stay in order.
            (Some(Stdio::File(stdout_path)), Some(Stdio::File(stderr_path))) if stdout_path == stderr_path => {
                stdout.clone()
            }
            _ => output(stderr_setting, detached, &mut logs, &mut null, io::stderr().as_fd())?,
        };
        let log =
            [(stdout_setting.0, &stdout), (stderr_setting.0, &stderr)].into_iter().find_map(|stream| match stream {
                ("log", Some(StreamTarget::Log(path, file))) => Some((path.clone(), Arc::clone(file))),
                _ => None,
            });
        let (bounds, timestamps) = (settings.log_bounds(is_default_path), settings.log_timestamps());
        let log = log.and_then(|(path, file)| manage(LogTarget { path, file, bounds, timestamps }));
        Ok(Box::new(SetStreams { stdin, stdout, stderr, log }))
    }

    fn install_files(&self) -> Result<()> {
        install(self.stdout.as_ref(), |fd| dup2_stdout(fd))?;
        install(self.stderr.as_ref(), |fd| dup2_stderr(fd))
    }

    /// As [`install_files`](SetStreams::install_files), but streams whose lines get timestamps are redirected to a pipe.
    fn install_managed(&self) -> Result<()> {
        let pipe = match &self.log {
            Some(log) => Arc::clone(log).redirect().map_err(|error| Error::stage(Stage::Stdio, cause(&error)))?,
            None => None,
        };
        let pipe = pipe.map(|pipe| StreamTarget::Open(Arc::new(pipe)));
        let target = |stream: &Option<StreamTarget>| match (stream, &pipe, &self.log) {
            (Some(StreamTarget::Log(path, _)), Some(pipe), Some(log)) if path == log.path() => Some(pipe.clone()),
            _ => stream.clone(),
        };
        install(target(&self.stdout).as_ref(), |fd| dup2_stdout(fd))?;
        install(target(&self.stderr).as_ref(), |fd| dup2_stderr(fd))
    }
}

impl Streams for SetStreams {
    fn install_input(&self) -> Result<()> {
        install(self.stdin.as_ref(), |fd| dup2_stdin(fd))
    }

    fn install_outputs(&self) -> Result<()> {
        if self.log.is_some() { self.install_managed() } else { self.install_files() }
    }

    fn descriptors(&self) -> Vec<RawFd> {
        let mut descriptors = Vec::new();
        for target in [&self.stdin, &self.stdout, &self.stderr] {
            if let Some(StreamTarget::Open(fd) | StreamTarget::Log(_, fd)) = target {
                descriptors.push(fd.as_raw_fd());
            }
        }
        descriptors
    }

    fn logs(&self) -> [Option<Box<dyn CapturedLog>>; 2] {
        [&self.stdout, &self.stderr].map(|target| match target {
            Some(StreamTarget::Log(path, fd)) => {
                let managed = self.log.clone().filter(|log| log.is_redirected() && path == log.path());
                Some(Box::new(LogFile { file: Arc::clone(fd), managed }) as Box<dyn CapturedLog>)
            }
            _ => None,
        })
    }

    fn log_start(&self) -> Option<Box<dyn FnOnce()>> {
        let log = self.log.clone()?;
        Some(Box::new(|| log.start(warn_about_log)))
    }

    fn log_reopen(&self) -> Option<Box<dyn FnMut() + Send>> {
        let log = |target: &Option<StreamTarget>| match target {
            Some(StreamTarget::Log(path, _)) => Some(path.clone()),
            _ => None,
        };
        let reopener = LogReopener { stdout: log(&self.stdout), stderr: log(&self.stderr), managed: self.log.clone() };
        if reopener.is_empty() {
            return None;
        }
        Some(Box::new(move || {
            if let Some(failure) = reopener.run() {
                add_reload_failure(failure);
            }
        }))
    }
}

/// Warns the operator about the log. `None` withdraws the warning.
fn warn_about_log(warning: Option<String>) {
    if let Some(context) = context::current() {
        context.warn_about_log(warning);
    }
}

/// `/dev/null`, opened once. In the launcher, because `chroot(2)` may hide it.
struct NullDevice(Option<StreamTarget>);

impl NullDevice {
    fn target(&mut self) -> Result<Option<StreamTarget>> {
        if self.0.is_none() {
            self.0 = Some(StreamTarget::Open(Arc::new(open_null()?)));
        }
        Ok(self.0.clone())
    }
}

fn input(setting: Option<&Stdio>, detached: bool, null: &mut NullDevice) -> Result<Option<StreamTarget>> {
    let opened = match setting {
        None if detached => return null.target(),
        Some(Stdio::Null) => return null.target(),
        None | Some(Stdio::Inherit) => return Ok(None),
        Some(Stdio::Descriptor(fd)) => return Ok(Some(StreamTarget::Open(Arc::clone(fd)))),
        Some(Stdio::File(path)) => match Device::of(path) {
            Some(Device::Null) => return null.target(),
            Some(Device::STDIN) => return Ok(None),
            _ => open_input(path),
        },
        Some(Stdio::Text(text)) => {
            memory(text).map_err(|error| Error::system("keep the text for stdin", cause(&error)))
        }
    };
    opened.map(|file| Some(StreamTarget::Open(Arc::new(file.into()))))
}

fn output(
    (key, setting): (&str, Option<&Stdio>),
    detached: bool,
    logs: &mut LogFiles,
    null: &mut NullDevice,
    current: BorrowedFd<'_>,
) -> Result<Option<StreamTarget>> {
    // A copy: until the daemon is ready, its stdout may be a pipe to the launcher.
    let inherited = || if detached { copy(current).map(Some) } else { Ok(None) };
    match setting {
        None if detached => null.target(),
        Some(Stdio::Null) => null.target(),
        None | Some(Stdio::Inherit) => inherited(),
        Some(Stdio::Descriptor(fd)) => Ok(Some(StreamTarget::Open(Arc::clone(fd)))),
        Some(Stdio::File(path)) => match Device::of(path) {
            Some(Device::Null) => null.target(),
            Some(Device::Descriptor(number)) if number == current.as_raw_fd() => inherited(),
            Some(Device::STDERR) => copy(io::stderr().as_fd()).map(Some),
            _ => {
                let opened = logs.open(path).map(|fd| Some(StreamTarget::Log(path.clone(), fd)));
                opened.map_err(|why| unusable(key, path, why))
            }
        },
        Some(Stdio::Text(_)) => Err(Error::configuration(format_args!("`{key}` cannot be a text"))),
    }
}

fn copy(fd: BorrowedFd<'_>) -> Result<StreamTarget> {
    fd.try_clone_to_owned()
        .map(|fd| StreamTarget::Open(Arc::new(fd)))
        .map_err(|error| Error::system("keep a standard stream", cause(&error)))
}

/// Opens a regular file for stdin. A FIFO is refused: opening it blocks until there is a writer (`fifo(7)`).
fn open_input(path: &Path) -> Result<File> {
    let opened = File::options().read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path);
    let file = opened.map_err(|error| unusable("stdin", path, cause(&error)))?;
    match file.metadata() {
        Ok(status) if status.is_file() => Ok(file),
        Ok(_) => Err(unusable("stdin", path, "it is not a regular file")),
        Err(error) => Err(unusable("stdin", path, cause(&error))),
    }
}

/// Returns a file in memory with this content (`memfd_create(2)`).
fn memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn install(target: Option<&StreamTarget>, put: impl FnOnce(BorrowedFd<'_>) -> nix::Result<()>) -> Result<()> {
    let Some(StreamTarget::Open(fd) | StreamTarget::Log(_, fd)) = target else { return Ok(()) };
    put(fd.as_fd()).map_err(not_redirected)
}

fn unusable(key: &str, path: &Path, why: impl Display) -> Error {
    Error::configuration(format_args!("`{key}` `{}`: {why}", path.display()))
}
