//! The names of groups.

/// Returns the name of the group of a monitor.
pub(super) fn leaf_name(monitor: &str) -> String {
    format!("monitor-{monitor}")
}

/// Returns the name of the group of all bots of a monitor.
pub(super) fn bots_name(monitor: &str) -> String {
    format!("bots-{monitor}")
}

/// Returns the name of the group of a bot. Bots may be called as files of the kernel's are, such as `cgroup.procs`.
pub(super) fn group_name(bot: &str) -> String {
    format!("bot-{bot}")
}

/// Returns the name of the group of an auxiliary command, which is no bot's.
pub(super) fn command_name(number: usize) -> String {
    format!("command-{number}")
}
