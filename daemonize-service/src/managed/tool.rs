//! Runs the tools of service managers: found where only root can put them, with a clean environment, a deadline, and output of
//! bounded size.
//!
//! A verb of root must not run what another user has left in a directory of its `PATH`, and a service manager that hangs must not
//! hang `status`.

use super::command_line::{CommandLine, shown};
use super::managed_error::{ManagedError, ManagedErrorKind};
use daemonize_sys::error::cause;
use daemonize_sys::pid::Pid;
use daemonize_sys::pidfd::{PidFd, timeout_until};
use daemonize_sys::signal::Signal;
use daemonize_sys::signal_disposition::{self, Disposition, SavedAction};
use daemonize_sys::trust::OTHERS_WRITE;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::geteuid;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The directories of tools. `/usr/local` is left out: on Debian the group `staff` can write it.
const DIRECTORIES: [&str; 6] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin", "/command"];

/// The value of `PATH` for tools that are scripts, such as `rc-service`.
const TOOL_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The time in which a tool has to answer a question.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The time that a killed tool has to end.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

/// The most bytes of standard output, and of standard error, that are read.
const MAX_OUTPUT: usize = 64 * 1024;

/// The most bytes of a tool's last output that an error shows.
const MAX_CAUSE: usize = 600;

/// The output of a tool that has exited.
#[derive(Debug)]
pub(super) struct ToolOutput {
    pub(super) status: ExitStatus,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// Runs a tool that answers a question, and returns its standard output.
///
/// # Errors
/// Returns an error if the tool is missing, fails, or does not answer in time.
pub(super) fn ask(line: &CommandLine) -> Result<String, ManagedError> {
    succeed(line, ANSWER_TIMEOUT)
}

/// Runs a tool until it exits, and returns its standard output.
///
/// # Errors
/// Returns an error if the tool is missing, fails, or has not exited in time.
pub(crate) fn succeed(line: &CommandLine, within: Duration) -> Result<String, ManagedError> {
    let output = run(line, within)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
    let why = if said.trim().is_empty() { output.status.to_string() } else { last_bytes(said.trim()).to_owned() };
    Err(failed(line, &why))
}

/// Runs a tool until it exits.
fn run(line: &CommandLine, within: Duration) -> Result<ToolOutput, ManagedError> {
    let deadline = Instant::now() + within;
    let _kept = KeptStatuses::new();
    let mut child = command(line)?.spawn().map_err(|error| failed(line, &cause(&error)))?;
    let result = collect(&mut child, deadline);
    if !matches!(result, Ok(Some(_))) {
        end(&mut child);
    }
    match result {
        Ok(Some(output)) => Ok(output),
        Ok(None) => {
            let text = format!("`{}` did not answer within {} s", shown(&line.words()), within.as_secs());
            Err(ManagedError::new(ManagedErrorKind::NoAnswer, text))
        }
        Err(error) => Err(failed(line, &cause(&error))),
    }
}

/// The default action of SIGCHLD, until the drop, where the caller ignores that signal: the kernel would discard the statuses of tools
/// (`sigaction(2)`).
struct KeptStatuses(Option<SavedAction>);

impl KeptStatuses {
    fn new() -> KeptStatuses {
        let is_ignored = signal_disposition::is_ignored(Signal::SIGCHLD);
        KeptStatuses(is_ignored.then(|| signal_disposition::set(Signal::SIGCHLD, Disposition::Default)).flatten())
    }
}

impl Drop for KeptStatuses {
    fn drop(&mut self) {
        self.0.iter().for_each(signal_disposition::restore);
    }
}

/// Returns the command of a tool, with its output in pipes.
pub(super) fn command(line: &CommandLine) -> Result<Command, ManagedError> {
    let mut command = Command::new(find(line.tool)?);
    command.args(&line.arguments).env_clear().current_dir("/");
    command.env("PATH", TOOL_PATH).env("LC_ALL", "C").env("SYSTEMD_PAGER", "").env("SYSTEMD_COLORS", "0");
    let uid = line.user.map_or_else(|| geteuid().as_raw(), |(uid, _)| uid);
    // The variable of this process could lead to a socket of another user's; the directory is the user's own.
    command.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"));
    if let Some((uid, gid)) = line.user {
        // Also drops the supplementary groups of root (setgroups(2)).
        command.uid(uid).gid(gid);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

/// Returns the path of a tool.
pub(super) fn find(tool: &'static str) -> Result<PathBuf, ManagedError> {
    let paths = DIRECTORIES.iter().map(|directory| Path::new(directory).join(tool));
    paths.into_iter().find(|path| is_roots_program(path)).ok_or_else(|| {
        let text = format!("`{tool}` is not installed in a directory of root's ({})", DIRECTORIES.join(", "));
        ManagedError::new(ManagedErrorKind::NoTool, text)
    })
}

/// Returns `true` for a program that only root can change, in a directory that only root can change.
fn is_roots_program(path: &Path) -> bool {
    let is_roots = |path: &Path| path.metadata().ok().filter(|file| file.uid() == 0 && file.mode() & OTHERS_WRITE == 0);
    let directory = path.parent().and_then(is_roots);
    directory.is_some() && is_roots(path).is_some_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Reads the output to its end and reaps the process; `None` at the deadline.
fn collect(child: &mut Child, deadline: Instant) -> io::Result<Option<ToolOutput>> {
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while stdout.is_some() || stderr.is_some() {
        let Some([has_output, has_errors]) = wait_for_output([fd(stdout.as_ref()), fd(stderr.as_ref())], deadline)?
        else {
            return Ok(None);
        };
        if has_output && !read_piece(stdout.as_mut(), &mut output)? {
            stdout = None;
        }
        if has_errors && !read_piece(stderr.as_mut(), &mut errors)? {
            stderr = None;
        }
    }
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Errno::ESRCH)?;
    if !PidFd::open(pid)?.wait(deadline)? {
        return Ok(None);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Some(ToolOutput { status: child.wait()?, stdout: text(&output), stderr: text(&errors) }))
}

fn fd(pipe: Option<&impl AsFd>) -> Option<BorrowedFd<'_>> {
    pipe.map(AsFd::as_fd)
}

/// Waits until a pipe has data or is closed (`poll(2)`); `None` at the deadline. Returns which of them are readable.
fn wait_for_output(pipes: [Option<BorrowedFd<'_>>; 2], deadline: Instant) -> io::Result<Option<[bool; 2]>> {
    loop {
        let mut fds: Vec<PollFd<'_>> = pipes.iter().flatten().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout_until(deadline)) {
            Ok(0) if Instant::now() >= deadline => return Ok(None),
            Ok(0) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
            Ok(_) => {
                let mut ready = fds.iter().map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
                return Ok(Some(pipes.map(|pipe| pipe.is_some() && ready.next().unwrap_or(false))));
            }
        }
    }
}

/// Reads once from a readable pipe; returns `false` at its end.
fn read_piece(pipe: Option<&mut impl Read>, to: &mut Vec<u8>) -> io::Result<bool> {
    let Some(pipe) = pipe else { return Ok(false) };
    let mut piece = [0; 8192];
    let length = pipe.read(&mut piece)?;
    to.extend_from_slice(&piece[..length]);
    if to.len() > MAX_OUTPUT {
        return Err(io::Error::other(format!("it printed more than {MAX_OUTPUT} bytes")));
    }
    Ok(length > 0)
}

/// Kills a tool and reaps it, unless it does not die.
fn end(child: &mut Child) {
    let _ = child.kill();
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let is_dead = pid
        .and_then(|pid| PidFd::open(pid).ok())
        .is_some_and(|fd| matches!(fd.wait(Instant::now() + KILL_TIMEOUT), Ok(true)));
    if is_dead {
        let _ = child.wait();
    }
}

fn failed(line: &CommandLine, why: &str) -> ManagedError {
    ManagedError::new(ManagedErrorKind::Failed, format!("failed to run `{}`: {why}", shown(&line.words())))
}

/// Returns the last lines of a text, at most [`MAX_CAUSE`] bytes.
fn last_bytes(text: &str) -> &str {
    let mut start = text.len().saturating_sub(MAX_CAUSE);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(tool: &'static str, arguments: &[&str]) -> ManagedError {
        succeed(&CommandLine::new(tool, arguments), Duration::from_millis(300)).unwrap_err()
    }

    #[test]
    fn tool_that_hangs_floods_or_fails_is_an_error_in_time() {
        let begin = Instant::now();
        assert_eq!(error("sleep", &["1000"]).kind(), ManagedErrorKind::NoAnswer);
        // The shell exits, and its child holds the pipes open.
        assert_eq!(error("sh", &["-c", "sleep 3 & exit 0"]).kind(), ManagedErrorKind::NoAnswer);
        assert!(error("sh", &["-c", "exec yes"]).to_string().ends_with("it printed more than 65536 bytes"));
        assert!(error("sh", &["-c", "exec yes >&2"]).to_string().ends_with("it printed more than 65536 bytes"));
        assert!(begin.elapsed() < Duration::from_secs(20));
        let failed = error("sh", &["-c", "printf '\\033[2J no\\n' >&2; exit 3"]);
        assert!(failed.to_string().ends_with(": \\u{1b}[2J no"), "{failed}");
        assert!(error("false", &[]).to_string().ends_with("`false`: exit status: 1"));
    }

    #[test]
    fn tool_has_no_variable_of_the_caller_and_no_directory() {
        let shown = ask(&CommandLine::new("sh", ["-c", "env; pwd"])).unwrap();
        let mut names: Vec<_> = shown.lines().map(|line| line.split('=').next().unwrap()).collect();
        names.retain(|name| !["_", "SHLVL", "PWD", "OLDPWD"].contains(name));
        names.sort_unstable();
        assert_eq!(names, ["/", "LC_ALL", "PATH", "SYSTEMD_COLORS", "SYSTEMD_PAGER", "XDG_RUNTIME_DIR"]);
    }

    #[test]
    fn tool_is_searched_where_only_root_can_put_it() {
        assert_eq!(find("no-such-tool").unwrap_err().kind(), ManagedErrorKind::NoTool);
        assert!(DIRECTORIES.contains(&find("sh").unwrap().parent().unwrap().to_str().unwrap()));
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("sh");
        std::fs::copy("/bin/sh", &program).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o757)).unwrap();
        assert!(!is_roots_program(&program));
    }
}
