//! The limits of the resources of a bot, as the kernel numbers them, and which of them was refused.

use crate::bot::{Bot, Resource, ResourceLimit};
use crate::sys::spawn::Rlimit;
use nix::sys::resource::Resource as KernelResource;

/// Returns the limits of a bot for `prlimit(2)`.
pub(super) fn of(bot: &Bot) -> Vec<Rlimit> {
    let limit = |(resource, limit): (&Resource, &ResourceLimit)| Rlimit {
        resource: number(*resource),
        soft: limit.soft.unwrap_or(u64::MAX),
        hard: limit.hard.unwrap_or(u64::MAX),
    };
    bot.rlimits.iter().map(limit).collect()
}

/// Returns the resource of this number, if a bot can limit it.
pub(super) fn with_number(wanted: u8) -> Option<Resource> {
    Resource::ALL.into_iter().find(|resource| number(*resource) == wanted)
}

/// Returns the number of a resource.
fn number(resource: Resource) -> u8 {
    kernel_resource(resource) as u8
}

/// Returns the resource by its name in `setrlimit(2)`.
pub(crate) fn kernel_resource(resource: Resource) -> KernelResource {
    match resource {
        Resource::As => KernelResource::RLIMIT_AS,
        Resource::Core => KernelResource::RLIMIT_CORE,
        Resource::Cpu => KernelResource::RLIMIT_CPU,
        Resource::Data => KernelResource::RLIMIT_DATA,
        Resource::Fsize => KernelResource::RLIMIT_FSIZE,
        Resource::Memlock => KernelResource::RLIMIT_MEMLOCK,
        Resource::Msgqueue => KernelResource::RLIMIT_MSGQUEUE,
        Resource::Nice => KernelResource::RLIMIT_NICE,
        Resource::Nofile => KernelResource::RLIMIT_NOFILE,
        Resource::Nproc => KernelResource::RLIMIT_NPROC,
        Resource::Rtprio => KernelResource::RLIMIT_RTPRIO,
        Resource::Rttime => KernelResource::RLIMIT_RTTIME,
        Resource::Sigpending => KernelResource::RLIMIT_SIGPENDING,
        Resource::Stack => KernelResource::RLIMIT_STACK,
    }
}
