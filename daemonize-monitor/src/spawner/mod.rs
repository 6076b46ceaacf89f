//! Starts programs without blocking: the child opens paths that may hang, and lookups run on threads.
//!
//! The directory or the program of a bot may be on a mount that does not answer. The child opens them, which is forked by the
//! caller's thread and reports through a pipe what has become of it: see [`PendingChild`]. So all bots are children of one thread,
//! to whose end their `PR_SET_PDEATHSIG` is tied. What cannot be left to a child is asked by threads: see [`Lookups`].

mod address_holder;
mod blocking_lookup;
mod file_version;
mod listen_socket;
mod listen_sockets;
mod unix_socket;

pub(crate) use blocking_lookup::Lookups;
pub(crate) use file_version::FileVersion;
pub(crate) use listen_socket::ListenSocket;

use crate::bot::{Bot, ListenAddress};
use crate::error::cause;
use crate::notify;
use crate::program::{AccountNames, RunAs, SpawnContext, StartError};
use crate::secret::Secret;
use crate::sys::spawn::{FdTable, PendingChild, STREAMS};
use listen_sockets::ListenSockets;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::{Uid, fchown};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How many files whose mounts do not answer may be looked at.
const MAX_HANGING_FILES: usize = 16;

/// How many users and groups may be looked up that the name service does not answer for.
const MAX_HANGING_ACCOUNTS: usize = 16;

/// The size of a stack in bytes: next to nothing is done to look at a file, but a name service is code of others.
const STACK_FOR_FILES: usize = 64 * 1024;
const STACK_FOR_ACCOUNTS: usize = 1024 * 1024;

/// See the module.
pub(crate) struct Spawner {
    context: SpawnContext,
    table: FdTable,
    wakeup: Arc<EventFd>,
    accounts: Lookups<AccountNames, Result<Arc<RunAs>, StartError>>,
    files: Lookups<PathBuf, Option<FileVersion>>,
    sockets: ListenSockets,
}

/// A bot that is to be started.
pub(crate) struct Start {
    pub(crate) bot: Arc<Bot>,
    /// Proves that a process belongs to the bot.
    pub(crate) secret: Secret,
    /// The address at which the bot reports that it is ready.
    pub(crate) notify: Option<String>,
    /// The time that the bot has to end after a stop signal; zero if it has none.
    pub(crate) time_to_end: Duration,
    pub(crate) streams: ChildStreams,
    /// The file through which its process joins its control group.
    pub(crate) cgroup: Option<OwnedFd>,
}

/// The streams that a bot gets.
pub(crate) struct ChildStreams(pub(crate) [ChildStream; STREAMS]);

/// A stream that a bot gets.
pub(crate) enum ChildStream {
    Null,
    /// A stream of the monitor's.
    Own(BorrowedFd<'static>),
    Pipe(OwnedFd),
    /// A copy of the preceding stream, for stderr.
    Same,
}

impl Spawner {
    /// Opens the descriptors through which children get theirs.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(crate) fn new(context: SpawnContext) -> io::Result<Spawner> {
        let table = FdTable::new()?;
        let wakeup = Arc::new(EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let accounts = Lookups::new("accounts", MAX_HANGING_ACCOUNTS, STACK_FOR_ACCOUNTS, &wakeup);
        let files = Lookups::new("files", MAX_HANGING_FILES, STACK_FOR_FILES, &wakeup);
        let sockets = ListenSockets::new(&wakeup);
        Ok(Spawner { context, table, wakeup, accounts, files, sockets })
    }

    /// Returns what is readable when an answer has come, until it is read.
    pub(crate) fn wakeup(&self) -> &Arc<EventFd> {
        &self.wakeup
    }

    /// Looks up who a bot runs as.
    pub(crate) fn look_up_account(&mut self, bot: &Bot) -> Poll<Result<Arc<RunAs>, StartError>> {
        let Some(names) = AccountNames::of(bot) else { return Poll::Ready(Ok(Arc::default())) };
        let theirs = names.clone();
        let ask = move |_: &EventFd| RunAs::look_up(&theirs).map(Arc::new);
        self.accounts.ask(&names, Duration::ZERO, ask).map(|answer| answer.and_then(|found| found))
    }

    /// Takes the answers to look-ups of accounts.
    pub(crate) fn take_accounts(&mut self) -> Vec<(AccountNames, Result<Arc<RunAs>, StartError>)> {
        let answers = self.accounts.take_answers().into_iter();
        answers.map(|(names, answer)| (names, answer.and_then(|found| found))).collect()
    }

    /// Looks which file is at a path, and waits at most `timeout` for the answer. Where it cannot be looked, there is none.
    pub(crate) fn look_at(&mut self, path: &Path, timeout: Duration) -> Poll<Option<FileVersion>> {
        let path = path.to_owned();
        let theirs = path.clone();
        let ask = move |wakeup: &EventFd| FileVersion::find(&theirs, wakeup);
        self.files.ask(&path, timeout, ask).map(|answer| answer.unwrap_or(None))
    }

    /// Takes the answers to looks at files.
    pub(crate) fn take_files(&mut self) -> Vec<(PathBuf, Option<FileVersion>)> {
        let answers = self.files.take_answers().into_iter();
        answers.map(|(path, answer)| (path, answer.unwrap_or(None))).collect()
    }

    /// Makes room for this number of sockets of one bot, with low numbers if it is called before the first start.
    pub(crate) fn reserve_sockets(&mut self, count: usize) {
        // Without room now, the start makes it, or reports that it cannot.
        let _ = self.table.reserve_sockets(count);
    }

    /// Returns the listening sockets of a bot. Opens those that are not held yet, which may take long.
    pub(crate) fn listen_sockets(
        &mut self,
        bot: &Bot,
        run_as: &RunAs,
    ) -> Poll<Result<Vec<Arc<ListenSocket>>, StartError>> {
        self.sockets.get(bot, run_as)
    }

    /// Takes the answers to what was opened: addresses, with the error of those that cannot be listened on.
    pub(crate) fn take_sockets(&mut self) -> Vec<(ListenAddress, Option<StartError>)> {
        self.sockets.take_opened()
    }

    /// Closes the listening sockets that none of these bots has.
    pub(crate) fn release_sockets<'a>(&mut self, bots: impl Iterator<Item = &'a Bot>) {
        if !self.sockets.is_empty() {
            self.sockets.retain(bots);
        }
    }

    /// Forks the process of a bot. Returns it with the user that it runs as.
    ///
    /// # Errors
    /// There is no process.
    pub(crate) fn spawn(
        &mut self,
        start: &Start,
        run_as: &RunAs,
        sockets: &[Arc<ListenSocket>],
    ) -> Result<(PendingChild, u32), StartError> {
        let Start { bot, secret, notify, time_to_end, streams, cgroup } = start;
        let prepared =
            self.context.prepare(bot, run_as, secret, notify.as_deref(), *time_to_end, streams.borrowed())?;
        if let Some(user) = prepared.new_user() {
            streams.give_to(user);
        }
        if let Some(address) = notify {
            notify::hand_over(address, prepared.user())
                .map_err(|error| StartError::shortage(&format!("its notify socket: {}", cause(&error))))?;
        }
        let sockets: Vec<BorrowedFd<'_>> = sockets.iter().map(|socket| socket.as_fd()).collect();
        Ok((prepared.spawn(&mut self.table, &sockets, cgroup.as_ref().map(AsFd::as_fd))?, prepared.user()))
    }
}

impl ChildStreams {
    /// Makes the pipes the bot's own, so that it can open `/dev/stdout` and the like, which means opening the pipe anew. What
    /// it inherits of the monitor's stays whose it was.
    fn give_to(&self, user: Uid) {
        for stream in &self.0 {
            if let ChildStream::Pipe(pipe) = stream {
                // Without CAP_CHOWN they stay root's, and serve as descriptors nevertheless.
                let _ = fchown(pipe, Some(user), None);
            }
        }
    }

    fn borrowed(&self) -> [Option<BorrowedFd<'_>>; STREAMS] {
        let fd = |at: usize| match &self.0[at] {
            ChildStream::Pipe(fd) => Some(fd.as_fd()),
            ChildStream::Own(fd) => Some(fd.as_fd()),
            ChildStream::Null | ChildStream::Same => None,
        };
        let stderr = if matches!(self.0[2], ChildStream::Same) { fd(1) } else { fd(2) };
        [fd(0), fd(1), stderr, fd(3)]
    }
}
