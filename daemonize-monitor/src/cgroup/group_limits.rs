//! The limits of the group of a bot, and the controllers that have them.

use super::group_files::{put, read};
use crate::bot::CgroupLimits;
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

/// The period within which processor time is limited, in microseconds: that of the kernel.
const PERIOD: u64 = 100_000;

/// The controllers that were handed to the groups of bots.
#[derive(Default)]
pub(super) struct Controllers(BTreeSet<&'static str>);

/// A limit: its controller, its file, and what is written there, with and without the limit.
struct GroupLimit {
    key: &'static str,
    controller: &'static str,
    file: &'static str,
    value: Option<String>,
    default: &'static str,
}

impl Controllers {
    /// Sets limits of a group. Returns those that could not be set, with the reason.
    pub(super) fn limit(
        &mut self,
        root: &OwnedFd,
        bots: &OwnedFd,
        group: &OwnedFd,
        limits: &CgroupLimits,
    ) -> Option<String> {
        let mut failures = Vec::new();
        for limit in all(limits) {
            let Some(value) = &limit.value else {
                // Without its controller it has no limit.
                let _ = put(group, limit.file, limit.default);
                continue;
            };
            let set = self
                .hand(limit.controller, root, bots)
                .and_then(|()| put(group, limit.file, value).map_err(|errno| errno.desc().to_lowercase()));
            if let Err(why) = set {
                failures.push(format!("`{}`: {why}", limit.key));
            }
        }
        (!failures.is_empty()).then(|| failures.join("; "))
    }

    /// Hands a controller to the groups of bots, unless they have it.
    fn hand(&mut self, controller: &'static str, root: &OwnedFd, bots: &OwnedFd) -> Result<(), String> {
        if self.0.contains(controller) {
            return Ok(());
        }
        let has =
            read(root, "cgroup.controllers").is_ok_and(|all| all.split_ascii_whitespace().any(|one| one == controller));
        if !has {
            return Err(format!("the monitor has no `{controller}` controller"));
        }
        let enable = |group: &OwnedFd| put(group, "cgroup.subtree_control", &format!("+{controller}"));
        match enable(root).and_then(|()| enable(bots)) {
            Ok(()) => {
                self.0.insert(controller);
                Ok(())
            }
            Err(Errno::EBUSY) => Err("other processes are in the monitor's control group".to_owned()),
            Err(errno) => Err(errno.desc().to_lowercase()),
        }
    }

    /// Takes back what was handed to the groups of bots, which are gone, so that processes may be in the root again.
    pub(super) fn take_back(&mut self, root: &OwnedFd) {
        for controller in std::mem::take(&mut self.0) {
            let _ = put(root, "cgroup.subtree_control", &format!("-{controller}"));
        }
    }
}

fn all(limits: &CgroupLimits) -> [GroupLimit; 5] {
    let CgroupLimits { cpu_max, cpu_weight, memory_high, memory_max, pids_max } = *limits;
    let limit = |key, controller, file, value, default| GroupLimit { key, controller, file, value, default };
    let cpu = cpu_max.map(|percent| format!("{} {PERIOD}", u64::from(percent) * PERIOD / 100));
    [
        limit("cpu_max", "cpu", "cpu.max", cpu, "max"),
        limit("cpu_weight", "cpu", "cpu.weight", cpu_weight.map(|weight| weight.to_string()), "100"),
        limit("memory_high", "memory", "memory.high", memory_high.map(|bytes| bytes.to_string()), "max"),
        limit("memory_max", "memory", "memory.max", memory_max.map(|bytes| bytes.to_string()), "max"),
        limit("pids_max", "pids", "pids.max", pids_max.map(|count| count.to_string()), "max"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let limits =
            CgroupLimits { cpu_max: Some(250), memory_high: Some(1000), pids_max: Some(7), ..CgroupLimits::default() };
        let written: Vec<String> =
            all(&limits).iter().filter_map(|limit| Some(format!("{} {}", limit.file, limit.value.as_ref()?))).collect();
        assert_eq!(written, ["cpu.max 250000 100000", "memory.high 1000", "pids.max 7"]);
    }
}
