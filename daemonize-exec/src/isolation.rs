//! Frees a daemon from the attributes of the process that starts it, as far as they survive `fork(2)` and `execve(2)`.
//!
//! A daemon on demand serves all clients of a user, and whichever came first must not decide how. The launcher resets, before any
//! stage of the daemon:
//!
//! * the working directory (`/`), the umask (0077) and the signals (default actions, none blocked);
//! * the soft resource limits ([`limits`]);
//! * the CPU affinity (that of process 1), the scheduling policy, the nice value, the I/O priority, the timer slack and the memory
//!   policy, and the adjustment of the OOM score;
//! * the personality and the stack limit, before the launcher is executed: a debugger or a shell has often turned off the random layout
//!   of the address space.
//!
//! Some of it takes a privilege, and stays without it: see [`Isolation::Reset`]. The daemon's own stages do the rest: session, terminal,
//! descriptors, standard streams, keyring.

use crate::limits;
use daemonize_sys::attributes;
use daemonize_sys::signal_disposition::{self, Disposition};
use daemonize_sys::signal_mask::Mask;
use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, chdir};
use serde::{Deserialize, Serialize};
use std::fs;

/// The umask of an isolated launcher: that of a daemon, unless it sets its own.
const LAUNCHER_UMASK: Mode = Mode::from_bits_truncate(0o077);

/// The adjustment of the OOM score of this process (`proc_pid_oom_score_adj(5)`).
const OOM_SCORE_ADJ: &str = "/proc/self/oom_score_adj";

/// The adjustments that a session usually begins with: none, and those that systemd gives to users' managers and their services. An
/// unprivileged process can set none below that.
const USUAL_ADJUSTMENTS: [i32; 3] = [0, 100, 200];

/// The attributes of a process that a daemon launched by exec takes over from the one that starts it.
///
/// ```no_run
/// use daemon::Daemon;
/// use daemon::body::Work;
/// use daemon::exec::Isolation;
///
/// fn agent() -> Daemon<impl Work> {
///     Daemon::new("agent").run(|| while daemon::sleep(std::time::Duration::from_secs(20)) {})
/// }
///
/// daemon::exec::init();
/// let started = daemon::exec::exec!(agent())?.isolation(Isolation::Reset).start()?;
/// started.warnings.iter().for_each(|warning| eprintln!("{warning}"));
/// # Ok::<(), daemon::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Isolation {
    /// All that a daemon launched by fork takes over: limits, priorities, CPU affinity.
    #[default]
    Inherit,
    /// As few as possible. The working directory becomes `/`, so that a relative path in the settings is refused; soft limits, umask,
    /// signals, CPU affinity (to that of process 1), scheduling, memory policy, personality and OOM score are reset. Soft limits become the
    /// hard ones, but for 1024 open files and a stack of 8 MiB: a daemon that needs more open files calls `setrlimit(2)`.
    ///
    /// Attributes that only a privileged process could reset stay: hard limits, a higher nice value, an OOM score above the session's; further
    /// `no_new_privs`, seccomp filters, securebits, capability sets, namespaces, the root directory, the cgroup and the audit session. The
    /// start warns of hard limits and of a higher nice value.
    Reset,
}

impl Isolation {
    /// Resets the attributes of this process, a launcher with one thread. Returns warnings about those that hinder the daemon and cannot be
    /// undone.
    pub(crate) fn apply(self) -> Vec<String> {
        if self == Isolation::Inherit {
            return Vec::new();
        }
        // Before any path is expanded: a relative one must not depend on the caller. `/` exists always.
        let _ = chdir(c"/");
        umask(LAUNCHER_UMASK);
        reset_signals();
        limits::reset();
        reset_affinity();
        reset_oom_score();
        let mut warnings = limits::hard_limits();
        if let Err(kept) = attributes::reset_scheduling() {
            warnings.push(format!("keeps the starting process's {kept}"));
        }
        attributes::reset_memory_policy();
        warnings
    }
}

/// Restores the default actions of ignored signals, but for SIGPIPE, which every Rust program ignores; unblocks all signals.
fn reset_signals() {
    for signal in signal_disposition::ignored() {
        if signal != daemonize_sys::Signal::SIGPIPE {
            signal_disposition::set(signal, Disposition::Default);
        }
    }
    Mask::of([]).set();
}

/// Allows all CPUs that process 1 may use: an administrator may have set those of the machine or container there. The kernel keeps to the cgroup's.
fn reset_affinity() {
    let current = Pid::from_raw(0);
    if let (Ok(all), Ok(own)) = (sched_getaffinity(Pid::from_raw(1)), sched_getaffinity(current)) {
        if all != own {
            // Fails only where the cgroup allows none of them.
            let _ = sched_setaffinity(current, &all);
        }
    }
}

/// Sets the lowest usual adjustment that the kernel permits: another one is that of a program which the kernel should kill first or spare.
fn reset_oom_score() {
    let current = fs::read_to_string(OOM_SCORE_ADJ).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let Some(current) = current.filter(|current| *current != 0) else { return };
    for usual in USUAL_ADJUSTMENTS.into_iter().filter(|usual| current < 0 || *usual < current) {
        if fs::write(OOM_SCORE_ADJ, usual.to_string()).is_ok() {
            return;
        }
    }
}
