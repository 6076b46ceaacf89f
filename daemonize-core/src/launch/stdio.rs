//! The standard streams: opened in the launcher, where a mistake is seen; put in place in the daemon.

use crate::error::{Error, Result, cause};
use crate::report;
use crate::settings::{Settings, Stdio};
use crate::stage::Stage;
use crate::sys::device::Device;
use crate::sys::trust::directory::{Directory, DirectoryPolicy, open_directory};
use crate::sys::trust::log_file;
use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, dup2_stderr, dup2_stdin, dup2_stdout, fchown};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Where the three streams will lead; `None` leaves one as it is.
#[derive(Debug)]
pub(crate) struct Streams {
    stdin: Option<Target>,
    stdout: Option<Target>,
    stderr: Option<Target>,
}

#[derive(Clone, Debug)]
enum Target {
    Open(Arc<OwnedFd>),
    /// Opened for appending; opened again by its name on SIGHUP.
    Log(PathBuf, Arc<OwnedFd>),
}

/// Who owns the log files that are made.
type Owner = (Option<Uid>, Option<Gid>);

/// Functions that open streams, and open them again. Set by the settings of streams, so that a program without them is linked without it.
static FUNCTIONS: OnceLock<(Open, Reopen)> = OnceLock::new();

type Open = fn(&Settings, bool, Owner) -> Result<Streams>;
type Reopen = fn(&Reopening) -> Option<String>;

/// Makes [`open_streams`] look at the settings of streams.
pub(crate) fn enable_streams() {
    let _ = FUNCTIONS.set((Streams::open, Reopening::reopen));
}

/// Opens what is configured; unset streams lead to `/dev/null` when detached, else they stay.
pub(super) fn open_streams(settings: &Settings, detached: bool, owner: Owner) -> Result<Streams> {
    match FUNCTIONS.get() {
        Some((open, _)) => open(settings, detached, owner),
        None => Streams::unset(detached),
    }
}

impl Streams {
    fn unset(detached: bool) -> Result<Streams> {
        let null = if detached { Null(None).target()? } else { None };
        Ok(Streams { stdin: null.clone(), stdout: null.clone(), stderr: null })
    }

    fn open(settings: &Settings, detached: bool, owner: Owner) -> Result<Streams> {
        let (mut null, mut logs) = (Null(None), Logs::new(owner));
        let log = settings.log.as_ref().filter(|_| detached);
        let or_log = |key, stream: Option<_>| if stream.is_some() { (key, stream) } else { ("log", log) };
        let one = or_log("stdout", settings.stdout.as_ref());
        let other = or_log("stderr", settings.stderr.as_ref());
        let stdin = input(settings.stdin.as_ref(), detached, &mut null)?;
        let stdout = output(one, detached, &mut logs, &mut null, io::stdout().as_fd())?;
        let stderr = match (one.1, other.1) {
            // It is where the daemon's own stdout leads, as for the daemon itself.
            (_, Some(Stdio::File(path))) if Device::of(path) == Some(Device::STDOUT) => {
                Some(stdout.clone().map_or_else(|| copy(io::stdout().as_fd()), Ok)?)
            }
            // One description for both: their lines land in the order in which they were written.
            (Some(Stdio::File(one)), Some(Stdio::File(other))) if one == other => stdout.clone(),
            _ => output(other, detached, &mut logs, &mut null, io::stderr().as_fd())?,
        };
        Ok(Streams { stdin, stdout, stderr })
    }

    /// Puts stdin in place (`dup2(2)`).
    pub(crate) fn install_input(&self) -> Result<()> {
        install(self.stdin.as_ref(), |fd| dup2_stdin(fd))
    }

    /// Puts stdout and stderr in place. What is buffered has to have gone where it belongs.
    pub(crate) fn install_outputs(&self) -> Result<()> {
        install(self.stdout.as_ref(), |fd| dup2_stdout(fd))?;
        install(self.stderr.as_ref(), |fd| dup2_stderr(fd))
    }

    /// The log files behind stdout and stderr, for what reaches the launcher instead while the daemon starts.
    pub(crate) fn logs(&self) -> [Option<BorrowedFd<'_>>; 2] {
        [&self.stdout, &self.stderr].map(|target| match target {
            Some(Target::Log(_, fd)) => Some(fd.as_fd()),
            _ => None,
        })
    }

    /// What SIGHUP opens again: the streams with a file behind them.
    pub(crate) fn reopening(&self) -> Reopening {
        let log = |target: &Option<Target>| match target {
            Some(Target::Log(path, _)) => Some(path.clone()),
            _ => None,
        };
        Reopening { stdout: log(&self.stdout), stderr: log(&self.stderr) }
    }

    /// The descriptors that must stay open until the streams are in place.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let mut descriptors = Vec::new();
        for target in [&self.stdin, &self.stdout, &self.stderr] {
            if let Some(Target::Open(fd) | Target::Log(_, fd)) = target {
                descriptors.push(fd.as_raw_fd());
            }
        }
        descriptors
    }
}

/// Log files by name, to be opened again when somebody has moved them away.
#[derive(Debug)]
pub(crate) struct Reopening {
    stdout: Option<PathBuf>,
    stderr: Option<PathBuf>,
}

impl Reopening {
    pub(crate) fn is_empty(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Opens the files again; what cannot be opened stays as it is. Returns what is to be told about that.
    pub(crate) fn run(&self) -> Option<String> {
        let (_, reopen) = FUNCTIONS.get()?;
        reopen(self)
    }

    fn reopen(&self) -> Option<String> {
        let (mut failures, mut logs) = (Vec::new(), Logs::new((None, None)));
        let mut reopen = |key: &str, path: &Path| {
            let failed = |why| format!("failed to reopen {key} `{}`: {why}; it stays where it was", path.display());
            logs.open(path).map_err(|why| failures.push(failed(why))).ok()
        };
        let stdout = self.stdout.as_deref().and_then(|path| reopen("stdout", path));
        let stderr = match (&self.stdout, &self.stderr) {
            (Some(one), Some(other)) if one == other => stdout.clone(),
            (_, path) => path.as_deref().and_then(|path| reopen("stderr", path)),
        };
        // dup2 is atomic: no line is lost in between.
        if let Some(fd) = stdout {
            let _ = dup2_stdout(fd);
        }
        if let Some(fd) = stderr {
            let _ = dup2_stderr(fd);
        }
        for failure in &failures {
            report::alarm(failure);
        }
        (!failures.is_empty()).then(|| failures.join("; "))
    }
}

/// `/dev/null`, opened once, and before a change of root may hide it.
struct Null(Option<Target>);

impl Null {
    fn target(&mut self) -> Result<Option<Target>> {
        if self.0.is_none() {
            let null = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
            let failed = |errno: nix::Error| {
                Error::stage(Stage::Stdio, format_args!("open `/dev/null`: {}", cause(&errno.into())))
            };
            self.0 = Some(Target::Open(Arc::new(null.map_err(failed)?)));
        }
        Ok(self.0.clone())
    }
}

fn input(setting: Option<&Stdio>, detached: bool, null: &mut Null) -> Result<Option<Target>> {
    let opened = match setting {
        None if detached => return null.target(),
        Some(Stdio::Null) => return null.target(),
        None | Some(Stdio::Inherit) => return Ok(None),
        Some(Stdio::Descriptor(fd)) => return Ok(Some(Target::Open(Arc::clone(fd)))),
        Some(Stdio::File(path)) => match Device::of(path) {
            Some(Device::Null) => return null.target(),
            Some(Device::STDIN) => return Ok(None),
            _ => open_input(path),
        },
        Some(Stdio::Text(text)) => {
            memory(text).map_err(|error| Error::system("keep the text for stdin", cause(&error)))
        }
    };
    opened.map(|file| Some(Target::Open(Arc::new(file.into()))))
}

fn output(
    (key, setting): (&str, Option<&Stdio>),
    detached: bool,
    logs: &mut Logs,
    null: &mut Null,
    current: BorrowedFd<'_>,
) -> Result<Option<Target>> {
    // A copy: until the daemon is ready its stdout may lead to the launcher.
    let inherited = || if detached { copy(current).map(Some) } else { Ok(None) };
    match setting {
        None if detached => null.target(),
        Some(Stdio::Null) => null.target(),
        None | Some(Stdio::Inherit) => inherited(),
        Some(Stdio::Descriptor(fd)) => Ok(Some(Target::Open(Arc::clone(fd)))),
        Some(Stdio::File(path)) => match Device::of(path) {
            Some(Device::Null) => null.target(),
            Some(Device::Descriptor(number)) if number == current.as_raw_fd() => inherited(),
            Some(Device::STDERR) => copy(io::stderr().as_fd()).map(Some),
            _ => {
                let opened = logs.open(path).map(|fd| Some(Target::Log(path.clone(), fd)));
                opened.map_err(|why| unusable(key, path, why))
            }
        },
        Some(Stdio::Text(_)) => Err(Error::configuration(format_args!("`{key}` cannot be a text"))),
    }
}

fn copy(fd: BorrowedFd<'_>) -> Result<Target> {
    fd.try_clone_to_owned()
        .map(|fd| Target::Open(Arc::new(fd)))
        .map_err(|error| Error::system("keep a standard stream", cause(&error)))
}

/// Opens log files.
struct Logs {
    owner: Owner,
    /// The directory of the last one, which was judged: two logs mostly lie in one.
    last: Option<(PathBuf, Directory)>,
}

impl Logs {
    fn new(owner: Owner) -> Logs {
        Logs { owner, last: None }
    }

    /// Opens a log file for appending: a regular file with one name, not a link, made with mode 0640 if it is missing.
    fn open(&mut self, path: &Path) -> Result<Arc<OwnedFd>, String> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err("it names no file".into());
        };
        let (user, group) = self.owner;
        let last = match self.last.take() {
            Some(last) if last.0 == parent => last,
            _ => (parent.to_owned(), open_directory(parent, DirectoryPolicy::Log(user))?),
        };
        let (_, directory) = self.last.insert(last);
        let (fd, is_new) = log_file::open_to_append(directory, name, user)?;
        if is_new {
            fchmod(&fd, Mode::from_bits_truncate(log_file::MODE)).map_err(describe)?;
            if self.owner != (None, None) {
                fchown(&fd, user, group).map_err(describe)?;
            }
        }
        // Writers expect a file that takes what it is given.
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_APPEND)).map_err(describe)?;
        Ok(Arc::new(fd))
    }
}

fn describe(errno: nix::Error) -> String {
    cause(&errno.into())
}

/// Opens a file to be stdin; not a FIFO, which might make the start wait for a writer.
fn open_input(path: &Path) -> Result<File> {
    let opened = File::options().read(true).custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits()).open(path);
    let file = opened.map_err(|error| unusable("stdin", path, cause(&error)))?;
    match file.metadata() {
        Ok(status) if status.is_file() => Ok(file),
        Ok(_) => Err(unusable("stdin", path, "it is not a regular file")),
        Err(error) => Err(unusable("stdin", path, cause(&error))),
    }
}

/// A file in memory that says this from its start.
fn memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"stdin", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn install(target: Option<&Target>, put: impl FnOnce(BorrowedFd<'_>) -> nix::Result<()>) -> Result<()> {
    let Some(Target::Open(fd) | Target::Log(_, fd)) = target else { return Ok(()) };
    put(fd.as_fd()).map_err(|errno| Error::stage(Stage::Stdio, cause(&errno.into())))
}

fn unusable(key: &str, path: &Path, why: impl Display) -> Error {
    Error::configuration(format_args!("`{key}` `{}`: {why}", path.display()))
}
