//! One run of an auxiliary command: its process, what it is given to read, and the end of what it prints.

use super::outcome::{AuxiliaryOutcome, AuxiliaryResult, last_line};
use super::purpose::Purpose;
use crate::bot::Bot;
use crate::engine::slab::Key;
use crate::secret::Secret;
use crate::spawner::{ChildStream, ChildStreams, Start};
use crate::sys::spawn::PendingChild;
use daemonize_core::Pid;
use daemonize_sys::pidfd::PidFd;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe2, read, write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much of the end of its output is kept, in bytes.
const MAX_OUTPUT: usize = 1024;

/// How much is read of its output at once, in bytes.
const PIECE: usize = 16 * 1024;

/// How many pieces are read at its end, so that a process that it has left cannot keep the engine reading.
const LAST_PIECES: usize = 4;

/// See the module.
pub(in crate::engine) struct AuxiliaryRun {
    pub(in crate::engine) bot: Key,
    pub(in crate::engine) purpose: Purpose,
    pub(in crate::engine) stage: AuxiliaryStage,
    /// Its secret, which no bot has.
    pub(in crate::engine) secret: Secret,
    /// How long it may run, and until when.
    pub(in crate::engine) timeout: Duration,
    pub(in crate::engine) deadline: Instant,
    /// Its outcome was reported, or is not wanted any more: it was killed.
    pub(in crate::engine) is_reported: bool,
    pub(in crate::engine) output: OwnedFd,
    pub(in crate::engine) input: Option<OwnedFd>,
    /// The rest of its stdin, which is not written yet.
    to_write: Vec<u8>,
    /// The end of what it has printed.
    printed: Vec<u8>,
}

/// How far a command has come.
pub(in crate::engine) enum AuxiliaryStage {
    /// Its user is looked up.
    LookUp(Start),
    /// Its program is executed, with this specification.
    Execution(PendingChild, Arc<Bot>),
    Running(Pid, PidFd),
    /// It has no process.
    Over,
}

/// The monitor's ends of the pipes of a command.
pub(in crate::engine) struct AuxiliaryPipes {
    output: OwnedFd,
    input: Option<OwnedFd>,
}

impl AuxiliaryPipes {
    /// Makes the pipes of a command: one for stdout and stderr, and one for stdin if there is something to read.
    pub(in crate::engine) fn open(has_input: bool) -> nix::Result<(AuxiliaryPipes, ChildStreams)> {
        let (output, stdout) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (mut input, mut stdin) = (None, ChildStream::Null);
        if has_input {
            let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
            fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            (input, stdin) = (Some(ours), ChildStream::Pipe(theirs));
        }
        let streams = ChildStreams([stdin, ChildStream::Pipe(stdout), ChildStream::Same, ChildStream::Null]);
        Ok((AuxiliaryPipes { output, input }, streams))
    }

    /// Returns the descriptors.
    pub(in crate::engine) fn descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        [&self.output].into_iter().chain(&self.input)
    }
}

impl AuxiliaryRun {
    pub(in crate::engine) fn new(
        (bot, purpose): (Key, Purpose),
        secret: Secret,
        pipes: AuxiliaryPipes,
        stdin: Vec<u8>,
        (timeout, deadline): (Duration, Instant),
    ) -> AuxiliaryRun {
        AuxiliaryRun {
            bot,
            purpose,
            stage: AuxiliaryStage::Over,
            secret,
            timeout,
            deadline,
            is_reported: false,
            output: pipes.output,
            input: pipes.input,
            to_write: stdin,
            printed: Vec::new(),
        }
    }

    /// Writes as much to its stdin as fits. Returns `true` if all is written, or it does not read any more.
    pub(in crate::engine) fn write_input(&mut self) -> bool {
        let Some(input) = &self.input else { return true };
        while !self.to_write.is_empty() {
            match write(input, &self.to_write) {
                Ok(length) => drop(self.to_write.drain(..length)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return false,
                Err(_) => return true,
            }
        }
        true
    }

    /// Reads a piece of its output. Returns `false` if there is no more for now, or ever.
    pub(in crate::engine) fn read_output(&mut self) -> AuxiliaryOutput {
        let mut piece = [0; PIECE];
        match read(&self.output, &mut piece) {
            Ok(0) => AuxiliaryOutput::End,
            Ok(length) => {
                self.printed.extend_from_slice(&piece[..length]);
                let surplus = self.printed.len().saturating_sub(MAX_OUTPUT);
                self.printed.drain(..surplus);
                AuxiliaryOutput::Some
            }
            Err(Errno::EINTR) => AuxiliaryOutput::Some,
            Err(Errno::EAGAIN) => AuxiliaryOutput::None,
            Err(_) => AuxiliaryOutput::End,
        }
    }

    /// Returns the outcome, with what it has printed until now.
    pub(in crate::engine) fn outcome(&mut self, result: AuxiliaryResult) -> AuxiliaryOutcome {
        for _ in 0..LAST_PIECES {
            if self.read_output() != AuxiliaryOutput::Some {
                break;
            }
        }
        AuxiliaryOutcome { result, last_line: last_line(&self.printed) }
    }
}

/// The outcome of a read of the output of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum AuxiliaryOutput {
    Some,
    None,
    End,
}
