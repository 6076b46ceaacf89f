//! Stage `Descriptors`: closes file descriptors that the program inherited through `execve(2)`, or all (`close_range(2)`).

use crate::error::{Error, Result, cause};
use crate::launch::daemon::StartingDaemon;
use crate::settings::Close;
use crate::stage::Stage;
use crate::sys::fds;
use std::os::fd::{AsFd, AsRawFd, RawFd};

pub(super) fn run(daemon: &StartingDaemon) -> Result<()> {
    if !daemon.launch.preflight.detached {
        return Ok(());
    }
    match daemon.launch.preflight.settings.close {
        Close::None => Ok(()),
        Close::Inherited => {
            close_inherited(daemon);
            Ok(())
        }
        Close::All => close_all(daemon),
    }
}

fn close_inherited(daemon: &StartingDaemon) {
    let preflight = &daemon.launch.preflight;
    let kept = kept_by_settings(daemon);
    let mut leaked = preflight.leaked.clone();
    leaked.retain(|fd| !kept.contains(fd));
    if daemon.runs_user_code || preflight.has_own_variables {
        // Since the preflight listed them, user code may have closed some, and this process may have closed the socket of a
        // daemon that restarts itself. Those numbers may belong to other files now.
        leaked.retain(|fd| fds::is_inherited(*fd));
    }
    fds::close_leaked(&leaked);
}

fn close_all(daemon: &StartingDaemon) -> Result<()> {
    let mut kept = kept_by_settings(daemon);
    if let Some(lock) = &daemon.launch.lock {
        kept.append(&mut lock.descriptors());
    }
    kept.append(&mut daemon.launch.preflight.streams.descriptors());
    if let Some(parent) = &daemon.launch.watched_parent {
        kept.push(parent.process.as_fd().as_raw_fd());
    }
    if let Some(link) = &daemon.link {
        kept.push(link.ready.as_fd().as_raw_fd());
    }
    if let Some(notifier) = &daemon.notifier {
        kept.push(notifier.as_fd().as_raw_fd());
    }
    fds::close_all_but(&kept).map_err(|error| Error::stage(Stage::Descriptors, cause(&error)))
}

/// Returns the descriptors of `inherit` and of attachments, and those of socket activation (`sd_listen_fds(3)`).
fn kept_by_settings(daemon: &StartingDaemon) -> Vec<RawFd> {
    let preflight = &daemon.launch.preflight;
    let mut kept = preflight.settings.inherit.clone();
    for (_, fd) in &preflight.service.listen_fds {
        kept.push(*fd);
    }
    kept
}
