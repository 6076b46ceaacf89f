//! Stage `PidFile`: waits until the launcher has written the pidfile, or writes it if there is no launcher.

use crate::error::Result;
use crate::launch::daemon::StartingDaemon;

pub(super) fn run(daemon: &mut StartingDaemon) -> Result<()> {
    // L5: with a launcher, this waits for WRITTEN.
    let identity = daemon.identity()?;
    let Some(lock) = &mut daemon.launch.lock else { return Ok(()) };
    if daemon.link.is_none() && lock.pid().is_none() {
        // P6: in the foreground this process is the daemon.
        lock.write(&identity, &daemon.addresses)?;
        lock.renew_last_words();
        lock.keep_lock_only();
    }
    lock.adopt(identity);
    Ok(())
}
