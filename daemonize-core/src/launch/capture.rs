//! What a starting daemon prints, brought to the launcher.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Uid, dup2_stderr, dup2_stdout, fchown, pipe2};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// As much of each stream is kept; the rest is counted.
const KEPT: usize = 64 * 1024;

/// The launcher's ends of the pipes behind stdout and stderr, and what came out of them.
pub(crate) struct Capture {
    pub(crate) output: Listener,
    pub(crate) errors: Listener,
}

/// The daemon's ends.
pub(crate) struct Captured {
    output: OwnedFd,
    errors: OwnedFd,
}

/// One pipe's reading end.
pub(crate) struct Listener {
    pipe: File,
    /// Where it belongs as well: a copy of the log file's descriptor.
    log: Option<File>,
    kept: Vec<u8>,
    dropped: usize,
    open: bool,
}

impl Capture {
    /// Makes two pipes; what comes through them goes to the logs, too. They belong to the user that the daemon becomes: else
    /// it could not open `/dev/stdout`, which means opening the pipe anew.
    pub(crate) fn new(logs: [Option<BorrowedFd<'_>>; 2], user: Option<Uid>) -> io::Result<(Capture, Captured)> {
        let [output_log, errors_log] = logs;
        let pipe = || {
            let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
            if user.is_some() {
                // Without CAP_CHOWN it stays the launcher's, and serves as a descriptor all the same.
                let _ = fchown(&writer, user, None);
            }
            Ok::<_, nix::Error>((reader, writer))
        };
        let (output_reader, output) = pipe()?;
        let (errors_reader, errors) = pipe()?;
        let capture = Capture {
            output: Listener::new(output_reader, output_log)?,
            errors: Listener::new(errors_reader, errors_log)?,
        };
        Ok((capture, Captured { output, errors }))
    }

    /// Takes what has been printed so far.
    pub(crate) fn drain(&mut self) {
        self.output.drain();
        self.errors.drain();
    }

    /// Returns what has been printed since the last time, which is not kept then.
    pub(crate) fn take_new(&mut self) -> [Vec<u8>; 2] {
        self.drain();
        [&mut self.output, &mut self.errors].map(|listener| std::mem::take(&mut listener.kept))
    }

    /// What was printed, as far as it was kept, and how much more there was.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        self.drain();
        (self.output.finish(), self.errors.finish())
    }
}

impl Captured {
    /// Makes the pipes this process's stdout and stderr.
    pub(crate) fn install(self) -> nix::Result<()> {
        dup2_stdout(self.output)?;
        dup2_stderr(self.errors)
    }
}

impl Listener {
    fn new(pipe: OwnedFd, log: Option<BorrowedFd<'_>>) -> io::Result<Listener> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let log = log.map(|log| log.try_clone_to_owned().map(File::from)).transpose()?;
        Ok(Listener { pipe: pipe.into(), log, kept: Vec::new(), dropped: 0, open: true })
    }

    /// The descriptor to wait for, until its end.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.open.then(|| self.pipe.as_fd())
    }

    /// Never more than a pipe holds: whoever floods it must not keep the launcher from hearing anything else.
    fn drain(&mut self) {
        let mut buffer = [0; 16 * 1024];
        for _ in 0..5 {
            match self.pipe.read(&mut buffer) {
                Ok(0) => return self.open = false,
                Ok(length) => self.take(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if let Some(log) = &mut self.log {
            let _ = log.write_all(bytes);
        }
        let room = KEPT - self.kept.len();
        let (kept, dropped) = bytes.split_at(room.min(bytes.len()));
        self.kept.extend_from_slice(kept);
        self.dropped += dropped.len();
    }

    fn finish(mut self) -> Vec<u8> {
        if self.dropped > 0 {
            self.kept.extend_from_slice(format!("\n[{} more bytes]\n", self.dropped).as_bytes());
        }
        self.kept
    }
}
