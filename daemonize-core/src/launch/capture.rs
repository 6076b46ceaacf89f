//! Captures what the daemon prints before it is ready: pipes from its stdout and stderr to the launcher.

use super::captured_log::CapturedLog;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Uid, dup2_stderr, dup2_stdout, fchown, pipe2};
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// How much of each stream is stored, in bytes; the rest is counted.
const CAPTURE_LIMIT: usize = 64 * 1024;

/// The size of one read, in bytes.
const READ_SIZE: usize = 16 * 1024;

/// The number of reads in a row: with [`READ_SIZE`] a little more than the capacity of a pipe (64 KiB, see `pipe(7)`).
const MAX_READS: usize = 5;

/// The launcher's ends of the pipes.
pub(super) struct Capture {
    pub(super) stdout: PipeReader,
    pub(super) stderr: PipeReader,
}

/// The daemon's ends of the pipes.
pub(super) struct OutputPipes {
    stdout: OwnedFd,
    stderr: OwnedFd,
}

/// The reading end of one pipe.
pub(super) struct PipeReader {
    pipe: File,
    /// The stream's log, which gets the output, too.
    log: Option<Box<dyn CapturedLog>>,
    captured: Vec<u8>,
    /// The number of bytes that were not stored.
    dropped: usize,
    is_open: bool,
}

impl Capture {
    /// Makes two pipes, whose output also goes to the logs.
    ///
    /// The pipes belong to `user`, the daemon's future user: otherwise the daemon could not open `/dev/stdout`, because Linux opens
    /// the pipe anew there and checks its permissions (`proc(5)`, `/proc/PID/fd`).
    pub(super) fn new(
        logs: [Option<Box<dyn CapturedLog>>; 2],
        user: Option<Uid>,
    ) -> io::Result<(Capture, OutputPipes)> {
        let [stdout_log, stderr_log] = logs;
        let pipe = || {
            let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
            if user.is_some() {
                // Without CAP_CHOWN the pipe keeps the launcher's user, and still works as a descriptor.
                let _ = fchown(&writer, user, None);
            }
            Ok::<_, nix::Error>((reader, writer))
        };
        let (stdout_reader, stdout) = pipe()?;
        let (stderr_reader, stderr) = pipe()?;
        let capture = Capture {
            stdout: PipeReader::new(stdout_reader, stdout_log)?,
            stderr: PipeReader::new(stderr_reader, stderr_log)?,
        };
        Ok((capture, OutputPipes { stdout, stderr }))
    }

    /// Reads the available output.
    pub(super) fn drain(&mut self) {
        self.stdout.drain();
        self.stderr.drain();
    }

    /// Reads the available output. Returns what was printed on stdout and stderr since the last call, and stores none of it.
    pub(super) fn take_new(&mut self) -> [Vec<u8>; 2] {
        self.drain();
        [&mut self.stdout, &mut self.stderr].map(|reader| mem::take(&mut reader.captured))
    }

    /// Returns the stored output of stdout and stderr, with the number of bytes that were not stored.
    pub(super) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.drain();
        (self.stdout.finish(), self.stderr.finish())
    }
}

impl OutputPipes {
    /// Makes the pipes this process's stdout and stderr (`dup2(2)`).
    pub(super) fn install(self) -> nix::Result<()> {
        dup2_stdout(self.stdout)?;
        dup2_stderr(self.stderr)
    }
}

impl PipeReader {
    fn new(pipe: OwnedFd, log: Option<Box<dyn CapturedLog>>) -> io::Result<PipeReader> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(PipeReader { pipe: pipe.into(), log, captured: Vec::new(), dropped: 0, is_open: true })
    }

    /// Returns the descriptor to poll; `None` after end of file.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.is_open.then(|| self.pipe.as_fd())
    }

    /// Reads at most what a pipe holds: a daemon that prints without a pause must not keep the launcher from its other descriptors.
    fn drain(&mut self) {
        let mut buffer = [0; READ_SIZE];
        for _ in 0..MAX_READS {
            match self.pipe.read(&mut buffer) {
                Ok(0) => {
                    self.is_open = false;
                    return;
                }
                Ok(length) => self.store(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn store(&mut self, bytes: &[u8]) {
        if let Some(log) = &self.log {
            log.write(bytes);
        }
        let free = CAPTURE_LIMIT - self.captured.len();
        let (stored, dropped) = bytes.split_at(free.min(bytes.len()));
        self.captured.extend_from_slice(stored);
        self.dropped += dropped.len();
    }

    fn finish(mut self) -> Vec<u8> {
        if self.dropped > 0 {
            self.captured.extend_from_slice(format!("\n[{} more bytes]\n", self.dropped).as_bytes());
        }
        self.captured
    }
}
