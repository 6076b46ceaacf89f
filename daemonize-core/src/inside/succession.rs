//! A daemon that starts its program again, which takes over from it.

use super::{current, stop};
use crate::error::{Error, ErrorKind, Result, cause};
use crate::mutex::lock;
use crate::pid::Pid;
use crate::process::{Here, Identity};
use crate::stopping as flag;
use std::env;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

/// Names the daemon that a restarted program is to take over from: pid, start time, whether it detached, name.
pub(crate) const SUCCESSOR: &str = "DAEMONIC_RESTART";

/// Starts this program again, as it was started, and stops this daemon, which its successor waits for.
///
/// The second time it does nothing more: the successor waits already.
///
/// # Errors
/// This process is no daemon, or one that is to stop; it changed its user or root, so that it could not be started as it
/// was; something [attached](crate::Attachment::check_restart) refuses it; or the program cannot be started.
pub fn restart() -> Result<()> {
    static HAS_A_SUCCESSOR: Mutex<bool> = Mutex::new(false);
    let refused = |why: &str| Error::new(ErrorKind::Inside, format!("failed to restart: {why}"));
    let inside = current().ok_or_else(|| refused("this process is no daemon"))?;
    let mut has_a_successor = lock(&HAS_A_SUCCESSOR);
    if *has_a_successor {
        return Ok(());
    }
    if let Some(obstacle) = inside.program.obstacle {
        return Err(refused(obstacle));
    }
    if flag::is_told() {
        return Err(refused("it is to stop"));
    }
    // Before anything is started or stopped.
    inside.check_restart().map_err(|why| refused(&why.to_string()))?;
    let directory = inside.program.directory.as_deref().ok_or_else(|| refused("its first directory is gone"))?;
    let program = program().map_err(|error| refused(&cause(&error)))?;
    let Identity { pid, start_time, .. } = &inside.identity;
    Command::new(&program)
        .args(env::args_os().skip(1))
        .current_dir(directory)
        .env(SUCCESSOR, format!("{pid} {start_time} {} {}", inside.program.detached, inside.handle.name))
        .spawn()
        .map_err(|error| refused(&format!("`{}`: {}", program.display(), cause(&error))))?;
    *has_a_successor = true;
    stop();
    Ok(())
}

/// The path of this program; the new one, where an upgrade has replaced it.
fn program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}

/// A daemon that started this process to take over from it.
pub(crate) struct Predecessor {
    pub(crate) identity: Identity,
    pub(crate) detached: bool,
}

/// The daemon that this process was started to take over from, if it is `name`.
pub(crate) fn predecessor(name: &str) -> Option<Predecessor> {
    let text = env::var(SUCCESSOR).ok()?;
    let mut words = text.splitn(4, ' ');
    let pid = words.next()?.parse().ok().and_then(Pid::from_raw)?;
    let start_time = words.next()?.parse().ok()?;
    let detached = words.next()?.parse().ok()?;
    let identity = Identity { pid, start_time, here: Here::look().ok()? };
    (words.next()? == name).then_some(Predecessor { identity, detached })
}
