//! Numbers and names of capabilities.

use crate::escape::escape;
use std::fmt;
use std::str::FromStr;

/// A capability: one of the privileges into which Linux divides those of root (`capabilities(7)`).
///
/// Parses from a name with or without `CAP_`.
///
/// ```
/// use daemon::settings::Capability;
///
/// assert_eq!("net_bind_service".parse(), Ok(Capability::NET_BIND_SERVICE));
/// assert_eq!(Capability::NET_BIND_SERVICE.to_string(), "CAP_NET_BIND_SERVICE");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(u8);

macro_rules! names {
    ($($name:ident = $number:literal)*) => {
        impl Capability {
            $(
                #[doc = concat!("`CAP_", stringify!($name), "`, see `capabilities(7)`.")]
                pub const $name: Capability = Capability($number);
            )*

            const NAMES: &'static [(&'static str, Capability)] = &[$((stringify!($name), Capability::$name)),*];
        }
    };
}

names! {
    CHOWN = 0 DAC_OVERRIDE = 1 DAC_READ_SEARCH = 2 FOWNER = 3 FSETID = 4 KILL = 5 SETGID = 6 SETUID = 7 SETPCAP = 8
    LINUX_IMMUTABLE = 9 NET_BIND_SERVICE = 10 NET_BROADCAST = 11 NET_ADMIN = 12 NET_RAW = 13 IPC_LOCK = 14 IPC_OWNER = 15
    SYS_MODULE = 16 SYS_RAWIO = 17 SYS_CHROOT = 18 SYS_PTRACE = 19 SYS_PACCT = 20 SYS_ADMIN = 21 SYS_BOOT = 22
    SYS_NICE = 23 SYS_RESOURCE = 24 SYS_TIME = 25 SYS_TTY_CONFIG = 26 MKNOD = 27 LEASE = 28 AUDIT_WRITE = 29
    AUDIT_CONTROL = 30 SETFCAP = 31 MAC_OVERRIDE = 32 MAC_ADMIN = 33 SYSLOG = 34 WAKE_ALARM = 35 BLOCK_SUSPEND = 36
    AUDIT_READ = 37 PERFMON = 38 BPF = 39 CHECKPOINT_RESTORE = 40
}

impl Capability {
    /// Returns the number of system calls.
    pub const fn as_raw(self) -> u8 {
        self.0
    }

    /// Returns the bit in a capability set of the kernel.
    #[doc(hidden)] // For the crates of `daemonic` alone.
    pub const fn bit(self) -> u64 {
        1 << self.0
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES.iter().find(|(_, capability)| capability == self).map_or("?", |(name, _)| name);
        write!(f, "CAP_{name}")
    }
}

impl fmt::Debug for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The error for a text that is not the name of a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCapability(String);

impl fmt::Display for UnknownCapability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown capability `{}`: give a name (CAP_NET_BIND_SERVICE or NET_BIND_SERVICE)", escape(&self.0))
    }
}

impl std::error::Error for UnknownCapability {}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Capability, UnknownCapability> {
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let found = Self::NAMES.iter().find(|(name, _)| *name == bare);
        found.map(|(_, capability)| *capability).ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_name_that_means_it() {
        assert_eq!(Capability::NAMES.len(), 41);
        for ((name, capability), number) in Capability::NAMES.iter().zip(0..) {
            assert_eq!(capability.as_raw(), number);
            assert_eq!(name.parse(), Ok(*capability));
            assert_eq!(capability.to_string().parse(), Ok(*capability));
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "CAP_", "ALL", "10", "CAP_CAP_KILL", " KILL", "?"] {
            assert_eq!(text.parse::<Capability>(), Err(UnknownCapability(text.to_owned())));
        }
    }
}
