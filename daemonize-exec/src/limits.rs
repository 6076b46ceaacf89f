//! Soft resource limits of a daemon, independent of the process that starts it (`getrlimit(2)`).

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t, setrlimit};

/// The soft limit that a resource gets.
#[derive(Clone, Copy)]
enum Soft {
    /// The hard limit: nothing below it hinders the daemon.
    Hard,
    /// This value, or the hard limit if that is lower: programs depend on a moderate value.
    AtMost(rlim_t),
}

/// The resources, with their soft limits.
///
/// * `RLIMIT_NOFILE` 1024, as systemd sets it: select(2) cannot use higher numbers. A daemon that needs more raises it.
/// * `RLIMIT_STACK` 8 MiB, the kernel's default: the C library makes the stacks of threads as large.
/// * `RLIMIT_CORE` the hard one; the stage `CoreDumps` sets both to 0 unless the daemon allows core dumps.
/// * The others limit what the caller may consume, and a daemon outlives the caller.
const LIMITS: [(Resource, Soft); 16] = [
    (Resource::RLIMIT_NOFILE, Soft::AtMost(1024)),
    (Resource::RLIMIT_STACK, Soft::AtMost(8 << 20)),
    (Resource::RLIMIT_AS, Soft::Hard),
    (Resource::RLIMIT_CORE, Soft::Hard),
    (Resource::RLIMIT_CPU, Soft::Hard),
    (Resource::RLIMIT_DATA, Soft::Hard),
    (Resource::RLIMIT_FSIZE, Soft::Hard),
    (Resource::RLIMIT_LOCKS, Soft::Hard),
    (Resource::RLIMIT_MEMLOCK, Soft::Hard),
    (Resource::RLIMIT_MSGQUEUE, Soft::Hard),
    (Resource::RLIMIT_NICE, Soft::Hard),
    (Resource::RLIMIT_NPROC, Soft::Hard),
    (Resource::RLIMIT_RSS, Soft::Hard),
    (Resource::RLIMIT_RTPRIO, Soft::Hard),
    (Resource::RLIMIT_RTTIME, Soft::Hard),
    (Resource::RLIMIT_SIGPENDING, Soft::Hard),
];

/// The hard limits below which a caller has lowered them, so that the daemon may miss what it needs, with the words for a warning.
const USUAL_HARD_LIMITS: [(Resource, rlim_t, &str); 5] = [
    (Resource::RLIMIT_AS, RLIM_INFINITY, "address space in bytes (`ulimit -v`)"),
    (Resource::RLIMIT_CPU, RLIM_INFINITY, "CPU time in seconds (`ulimit -t`)"),
    (Resource::RLIMIT_DATA, RLIM_INFINITY, "data segment in bytes (`ulimit -d`)"),
    (Resource::RLIMIT_FSIZE, RLIM_INFINITY, "file size in bytes (`ulimit -f`)"),
    (Resource::RLIMIT_NOFILE, 1024, "open files (`ulimit -n`)"),
];

/// Sets the soft limits (`setrlimit(2)`). A limit that cannot be set stays.
pub(crate) fn reset() {
    for (resource, soft) in LIMITS {
        let Ok((current, hard)) = getrlimit(resource) else { continue };
        let soft = match soft {
            Soft::Hard => hard,
            Soft::AtMost(most) => hard.min(most),
        };
        if soft != current {
            let _ = setrlimit(resource, soft, hard);
        }
    }
}

/// Returns a warning for each hard limit that a caller has lowered, which only a privileged process could raise.
pub(crate) fn hard_limits() -> Vec<String> {
    let mut warnings = Vec::new();
    for (resource, usual, name) in USUAL_HARD_LIMITS {
        match getrlimit(resource) {
            Ok((_, hard)) if hard < usual => {
                warnings.push(format!("keeps the starting process's hard limit of the {name}: {hard}"));
            }
            _ => {}
        }
    }
    warnings
}
