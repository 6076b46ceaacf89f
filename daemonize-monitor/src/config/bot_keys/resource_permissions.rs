//! The limits that a monitor of the user who asks may not set: raising them needs a capability.

use crate::bot::Resource;
use crate::bot::ResourceLimit;
use crate::program;
use daemonize_sys::Capability;
use daemonize_sys::capabilities;
use nix::sys::resource::{RLIM_INFINITY, Resource as KernelResource, getrlimit};

/// Returns why limits of a resource would be refused, if that is known.
pub(super) fn limit(resource: Resource, limit: ResourceLimit) -> Option<String> {
    let (_, most) = getrlimit(program::kernel_resource(resource)).ok()?;
    #[allow(clippy::useless_conversion)] // Of 32 bits on machines of 32 bits.
    let is_raised = most != RLIM_INFINITY && limit.hard.is_none_or(|hard| hard > most.into());
    (is_raised && lacks(Capability::SYS_RESOURCE)).then(|| {
        format!("this user may have at most {most}, and raising that needs CAP_SYS_RESOURCE: write a lower limit")
    })
}

/// Returns why a nice value would be refused, if that is known.
pub(super) fn nice(nice: i8) -> Option<String> {
    let (soft, _) = getrlimit(KernelResource::RLIMIT_NICE).ok()?;
    let least = 20 - i64::try_from(soft).unwrap_or(i64::MAX).min(40);
    (i64::from(nice) < least.min(0) && lacks(Capability::SYS_NICE))
        .then(|| "a value below 0 needs CAP_SYS_NICE: write one from 0 to 19".to_owned())
}

/// Returns why an adjustment of the OOM score would be refused, if that is known.
pub(super) fn oom_score_adjust(score: i16) -> Option<String> {
    let own: i16 = std::fs::read_to_string("/proc/self/oom_score_adj").ok()?.trim().parse().ok()?;
    (score < own.min(0) && lacks(Capability::SYS_RESOURCE))
        .then(|| format!("a value below {} needs CAP_SYS_RESOURCE: write a higher one", own.min(0)))
}

fn lacks(capability: Capability) -> bool {
    capabilities::has(capability).is_ok_and(|has| !has)
}
