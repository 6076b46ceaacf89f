//! The resources that a bot may use: limits of its processes (`setrlimit(2)`), and of its control group.

use std::collections::BTreeMap;
use std::fmt;

/// The limits of the processes of a bot.
pub type ResourceLimits = BTreeMap<Resource, ResourceLimit>;

/// A resource whose use `setrlimit(2)` limits for each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Resource {
    /// The address space, in bytes (`RLIMIT_AS`).
    As,
    /// The size of a core dump, in bytes (`RLIMIT_CORE`).
    Core,
    /// The processor time, in seconds (`RLIMIT_CPU`).
    Cpu,
    /// The data segment, in bytes (`RLIMIT_DATA`).
    Data,
    /// The size of a file that is written, in bytes (`RLIMIT_FSIZE`).
    Fsize,
    /// The locked memory, in bytes (`RLIMIT_MEMLOCK`).
    Memlock,
    /// The message queues of its user, in bytes (`RLIMIT_MSGQUEUE`).
    Msgqueue,
    /// The lowest nice value, as 20 minus that value (`RLIMIT_NICE`).
    Nice,
    /// The number of file descriptors (`RLIMIT_NOFILE`).
    Nofile,
    /// The number of threads of its user (`RLIMIT_NPROC`); not enforced for root.
    Nproc,
    /// The highest real-time priority (`RLIMIT_RTPRIO`).
    Rtprio,
    /// The processor time without a blocking call under a real-time policy, in microseconds (`RLIMIT_RTTIME`).
    Rttime,
    /// The number of queued signals of its user (`RLIMIT_SIGPENDING`).
    Sigpending,
    /// The stack, in bytes (`RLIMIT_STACK`).
    Stack,
}

impl Resource {
    /// All resources.
    pub const ALL: [Resource; 14] = [
        Resource::As,
        Resource::Core,
        Resource::Cpu,
        Resource::Data,
        Resource::Fsize,
        Resource::Memlock,
        Resource::Msgqueue,
        Resource::Nice,
        Resource::Nofile,
        Resource::Nproc,
        Resource::Rtprio,
        Resource::Rttime,
        Resource::Sigpending,
        Resource::Stack,
    ];

    /// The names of all resources.
    pub(crate) const NAMES: [&'static str; Resource::ALL.len()] = {
        let mut names = [""; Resource::ALL.len()];
        let mut at = 0;
        // An iterator cannot be used in a constant.
        while at < names.len() {
            names[at] = Resource::ALL[at].name();
            at += 1;
        }
        names
    };

    /// Returns the name, as in a configuration: that of the constant of `setrlimit(2)`, without `RLIMIT_`, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Resource::As => "as",
            Resource::Core => "core",
            Resource::Cpu => "cpu",
            Resource::Data => "data",
            Resource::Fsize => "fsize",
            Resource::Memlock => "memlock",
            Resource::Msgqueue => "msgqueue",
            Resource::Nice => "nice",
            Resource::Nofile => "nofile",
            Resource::Nproc => "nproc",
            Resource::Rtprio => "rtprio",
            Resource::Rttime => "rttime",
            Resource::Sigpending => "sigpending",
            Resource::Stack => "stack",
        }
    }

    /// Returns `true` if the limit is a number of bytes.
    pub(crate) fn is_in_bytes(self) -> bool {
        use Resource::{As, Core, Data, Fsize, Memlock, Msgqueue, Stack};
        matches!(self, As | Core | Data | Fsize | Memlock | Msgqueue | Stack)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The soft and the hard limit of a resource; `None` is unlimited.
///
/// ```
/// use daemonize_monitor::{Bot, Resource, ResourceLimit};
///
/// let web = Bot::new("web", "/usr/bin/web").rlimit(Resource::Nofile, 4096).rlimit(Resource::Core, ResourceLimit::UNLIMITED);
/// assert_eq!(web.rlimits[&Resource::Nofile], ResourceLimit { soft: Some(4096), hard: Some(4096) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceLimit {
    /// The limit that is enforced. A process may change it, up to the hard limit.
    pub soft: Option<u64>,
    /// The highest soft limit.
    pub hard: Option<u64>,
}

impl ResourceLimit {
    /// No limit at all.
    pub const UNLIMITED: ResourceLimit = ResourceLimit { soft: None, hard: None };
}

impl From<u64> for ResourceLimit {
    /// Both limits are this number.
    fn from(limit: u64) -> ResourceLimit {
        ResourceLimit { soft: Some(limit), hard: Some(limit) }
    }
}

/// The limits of the control group that a bot has where the monitor's own is delegated to it (`cgroups(7)`, version 2).
///
/// Each needs its controller, which the machine may not hand to the monitor; a limit that cannot be set is warned of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CgroupLimits {
    /// The processor time of all processes together, in percent of one processor (`cpu.max`).
    pub cpu_max: Option<u32>,
    /// The share of processor time where it is scarce, from 1 to 10,000; 100 is the kernel's default (`cpu.weight`).
    pub cpu_weight: Option<u16>,
    /// The memory above which the processes are slowed down and their memory is reclaimed, in bytes (`memory.high`).
    pub memory_high: Option<u64>,
    /// The memory above which the kernel kills a process of the bot, in bytes (`memory.max`).
    pub memory_max: Option<u64>,
    /// The number of threads of all processes together (`pids.max`).
    pub pids_max: Option<u32>,
}
