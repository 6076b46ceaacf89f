//! Follows a log as it is written, rotated and truncated (`inotify(7)`).

use super::copy::copy_rest;
use super::log_files::LogFiles;
use super::log_files::identity;
use super::printer::Printer;
use super::read::{ReadFailure, length};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// The interval in which the log is read even without an event, in milliseconds: file systems of the network have no events of other machines.
const READ_INTERVAL_MS: u16 = 2000;

/// The most rotations between two reads of the log that are caught up with.
const MAX_MISSED: u32 = 999;

/// Notifications about the directory of a log.
pub(super) struct Watch(Inotify);

impl Watch {
    /// Watches the directory. To be called before the log is read, so that no change is missed.
    pub(super) fn new(files: &LogFiles) -> Result<Watch, ReadFailure> {
        let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        let kinds = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVE;
        let directory = files.path().parent().unwrap_or(files.path());
        let watch = watch.and_then(|watch| watch.add_watch(directory, kinds).map(|_| watch));
        watch.map(Watch).map_err(|errno| ReadFailure::Read(errno.into()))
    }

    /// Waits until the directory has changed, or the interval has passed. Returns `false` if the reader of stdout is gone.
    fn wait(&self) -> Result<bool, ReadFailure> {
        let stdout = io::stdout();
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN), PollFd::new(stdout.as_fd(), PollFlags::empty())];
        match poll(&mut fds, PollTimeout::from(READ_INTERVAL_MS)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(ReadFailure::Read(errno.into())),
        }
        // All events mean the same: look again. EAGAIN means that the interval has passed.
        let _ = self.0.read_events();
        Ok(!fds[1].revents().is_some_and(|events| events.contains(PollFlags::POLLERR)))
    }
}

/// A file that is read as it grows.
pub(super) struct Followed {
    pub(super) file: File,
    pub(super) position: u64,
    /// The newest rotated file before this one was opened: it is older than this one. It stays open, so that no other file gets its
    /// inode number.
    older: Option<File>,
}

impl Followed {
    /// Opens the current file, to be read from its start; `None` if there is none.
    pub(super) fn open(files: &LogFiles) -> Result<Option<Followed>, ReadFailure> {
        // In this order: a file that is rotated in between is no older one.
        let older = files.open_rotated(1)?;
        Ok(files.open()?.map(|file| Followed { file, position: 0, older }))
    }

    fn print_new(&mut self, printer: &mut Printer) -> Result<(), ReadFailure> {
        if length(&self.file)? < self.position {
            // Truncated, as `copytruncate` of logrotate(8) does.
            self.position = 0;
        }
        self.position = copy_rest(&self.file, self.position, printer)?;
        Ok(())
    }
}

/// Prints what is written to the log until the reader of stdout is gone.
pub(super) fn follow(
    files: &LogFiles,
    mut current: Option<Followed>,
    watch: &Watch,
    printer: &mut Printer,
) -> Result<(), ReadFailure> {
    // The writer may still write a few lines to a file after it has renamed it.
    let mut previous: Option<Followed> = None;
    loop {
        if let Some(previous) = &mut previous {
            previous.print_new(printer)?;
        }
        if let Some(current) = &mut current {
            current.print_new(printer)?;
        }
        let named = files.open()?;
        let is_same = |named: &File| current.as_ref().is_some_and(|current| identity(&current.file) == identity(named));
        if named.is_some_and(|named| !is_same(&named)) {
            // Missing while it is rotated at this moment: its successor makes an event.
            if let Some(next) = Followed::open(files)? {
                let mut missed = None;
                if let Some(rotated) = &mut current {
                    rotated.print_new(printer)?;
                    missed = print_missed(files, rotated, &next.file, printer)?;
                }
                let rotated = current.replace(next);
                previous = missed.or(rotated);
                continue;
            }
        }
        printer.finish()?;
        if !watch.wait()? {
            return Ok(());
        }
    }
}

/// Prints the files between the one that was read and the current one, since several rotations may have happened meanwhile, and returns the newest
/// of them.
fn print_missed(
    files: &LogFiles,
    read: &Followed,
    current: &File,
    printer: &mut Printer,
) -> Result<Option<Followed>, ReadFailure> {
    let known = [Some(&read.file), read.older.as_ref()].map(|file| file.and_then(identity));
    let mut missed = Vec::new();
    for number in 1..=MAX_MISSED {
        let Some(file) = files.open_rotated(number)? else {
            // A rotation renames the older file first.
            if number == 1 {
                continue;
            }
            break;
        };
        let id = identity(&file);
        if known.contains(&id) {
            break;
        }
        // A rotation meanwhile shows a file twice.
        if id != identity(current) && missed.iter().all(|seen| identity(seen) != id) {
            missed.push(file);
        }
    }
    let mut newest = None;
    for file in missed.into_iter().rev() {
        let mut file = Followed { file, position: 0, older: None };
        file.print_new(printer)?;
        newest = Some(file);
    }
    Ok(newest)
}
