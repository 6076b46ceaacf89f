//! Locks the pidfile for a launch: the daemon's lifetime as the only one of its name begins here.

use super::pidfile_path::create_state_directory;
use super::preflight::Preflight;
use super::signal_block::SignalBlock;
use super::state::Launch;
use super::wait_progress;
use super::watched_parent::HandedOver;
use crate::error::Result;
use crate::pidfile::PidFile;
use crate::pidfile_search::check_not_running_elsewhere;
use crate::self_restart::RestartedFrom;
use crate::settings::{Settings, WaitReason};
use crate::sys::outlined::Outlined;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

/// The interval at which a start tries to lock a pidfile that another process has locked.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(20);

impl Launch {
    /// Runs the checks and locks the pidfile.
    pub(crate) fn prepare(settings: Outlined<Settings>, caller_pidfile: Option<PidFile>) -> Result<Launch> {
        Launch::acquire_pidfile(Preflight::check(settings)?, caller_pidfile)
    }

    /// Locks the pidfile, or takes over the lock of the caller or of the daemon that started this process.
    pub(crate) fn acquire_pidfile(
        mut preflight: Outlined<Preflight>,
        caller_pidfile: Option<PidFile>,
    ) -> Result<Launch> {
        let mut restarted_from = preflight.restarted_from.take();
        let has_pidfile = preflight.has_pidfile();
        let inherited = match &mut restarted_from {
            Some(daemon) => wait_for_handover(&preflight, daemon)?,
            None => None,
        };
        let handed_over = restarted_from.as_mut().map(|daemon| HandedOver(daemon.take_watched_parent()));
        if preflight.settings.pidfile.is_none() && has_pidfile {
            create_state_directory(&preflight.pidfile)?;
        }
        // From here on a signal that ends this process would leave an empty pidfile, so signals stay blocked until a process can
        // remove it.
        let block = SignalBlock::new();
        let inherited = match inherited {
            Some(lock) if has_pidfile => PidFile::inherit(&preflight.pidfile, preflight.settings.pidfile_mode, lock)?,
            _ => None,
        };
        if let Some(daemon) = restarted_from {
            // Unblocked: the daemon's `atexit(3)` handlers may take long. Before the lock: a daemon that passed no lock may still be
            // named by the pidfile, and as long as it is alive that refuses a start.
            let deadline = Instant::now() + preflight.settings.stop_timeout();
            block.with_original_mask(|| daemon.wait_for_end(deadline, &preflight.settings))?;
        }
        let mut lock = match (inherited, caller_pidfile) {
            (Some(lock), _) => Some(lock),
            (None, Some(locked)) => Some(locked.empty_for_daemon(preflight.settings.pidfile_mode)?),
            (None, None) if has_pidfile => Some(acquire(&preflight, &block)?),
            (None, None) => None,
        };
        // P13: a daemon that changes its user or root could not create the file of its last words itpreflight.
        if let (Some(lock), Some(privileges)) = (&mut lock, &preflight.privileges) {
            if privileges.is_irreversible() {
                lock.prepare_last_words(privileges.owner());
            }
        }
        Ok(Launch { preflight, lock: lock.map(Box::new), watched_parent: None, handed_over, block })
    }
}

/// Waits until the daemon that started this process hands over. Returns its lock, if it has passed one.
fn wait_for_handover(preflight: &Preflight, daemon: &mut RestartedFrom) -> Result<Option<OwnedFd>> {
    if preflight.has_pidfile() {
        // While that daemon can still refuse and go on.
        PidFile::check_replaceable(&preflight.pidfile).inspect_err(|error| daemon.refuse(error))?;
    }
    daemon.wait_for_handover(&preflight.settings, &preflight.pidfile)
}

/// Locks the pidfile; waits up to `lock_timeout`. A waiting start can be interrupted.
fn acquire(preflight: &Preflight, block: &SignalBlock) -> Result<PidFile> {
    let Preflight { settings, pidfile, .. } = preflight;
    let mut progress = wait_progress::begin(settings.on_wait.as_ref().filter(|_| !settings.lock_timeout.is_zero()));
    // The first call of clock_gettime(2) costs two page faults (vDSO), so only a start that waits reads the clock.
    let deadline = match settings.lock_timeout {
        Duration::ZERO => None,
        timeout => Some(Instant::now() + timeout),
    };
    loop {
        let acquired = check_not_running_elsewhere(settings)
            .and_then(|()| PidFile::acquire_with(pidfile, settings.pidfile_mode, Duration::ZERO));
        match acquired {
            Err(error) if error.is_temporary() && deadline.is_some_and(|deadline| Instant::now() < deadline) => {
                if let Some(progress) = &mut progress {
                    progress.call_if_due(block, settings.lock_timeout, WaitReason::Lock);
                }
                block.with_original_mask(|| thread::sleep(LOCK_RETRY_INTERVAL));
            }
            acquired => return acquired,
        }
    }
}
