//! Reads the keys of the resources that a bot may use: `memory_max`, `nice`, `rlimits`, `oom_score_adjust` and `cgroup`.

use super::resource_permissions;
use crate::bot::{Bot, CgroupLimits, Resource, ResourceLimit, ResourceLimits};
use crate::config::value::{Keys, Value};
use crate::config::value_parsers;

/// The largest `cpu_max`: of a thousand processors.
const MAX_CPU_PERCENT: u32 = 100_000;

/// Reads the keys of resources.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>) {
    keys.set_some("memory_max", &mut bot.memory_max, memory);
    keys.set_some("nice", &mut bot.nice, |value| {
        let nice = narrow(value, -20, 19)?;
        resource_permissions::nice(nice).map_or(Some(nice), |why| value.wrong(why))
    });
    keys.set("rlimits", &mut bot.rlimits, resource_limits);
    keys.set_some("oom_score_adjust", &mut bot.oom_score_adjust, |value| {
        let score = narrow(value, -1000, 1000)?;
        resource_permissions::oom_score_adjust(score).map_or(Some(score), |why| value.wrong(why))
    });
    keys.set_some("cgroup", &mut bot.cgroup, |value| cgroup_limits(value).map(Box::new));
}

/// Reads a size that is not zero.
fn memory(value: Value<'_>) -> Option<u64> {
    match value.parsed(value_parsers::size, "a size in quotes, such as \"512MB\"")? {
        0 => value.wrong("no program runs without memory: write a size such as \"512MB\", or take the key out"),
        size => Some(size),
    }
}

/// Reads a whole number of a small range.
fn narrow<T: TryFrom<i64>>(value: Value<'_>, least: i64, most: i64) -> Option<T> {
    value.signed(least..=most).and_then(|number| T::try_from(number).ok())
}

fn resource_limits(value: Value<'_>) -> Option<ResourceLimits> {
    let keys = value.keys(&Resource::NAMES, &[])?;
    let mut limits = ResourceLimits::new();
    for resource in Resource::ALL {
        if let Some(limit) = keys.get(resource.name()).and_then(|value| resource_limit(value, resource)) {
            if let Some(why) = resource_permissions::limit(resource, limit) {
                let _: Option<()> = keys.get(resource.name()).and_then(|value| value.wrong(why));
            }
            limits.insert(resource, limit);
        }
    }
    Some(limits)
}

fn resource_limit(value: Value<'_>, resource: Resource) -> Option<ResourceLimit> {
    if !value.is_list() {
        return single_limit(value, resource);
    }
    let [soft, hard] = value.list("a list")?[..] else {
        return value.wrong("expected two limits, [SOFT, HARD]");
    };
    let (soft, hard) = (single_limit(soft, resource)?.soft, single_limit(hard, resource)?.hard);
    let is_above = hard.is_some_and(|hard| soft.is_none_or(|soft| soft > hard));
    if is_above {
        return value.wrong("the soft limit is higher than the hard one: write [SOFT, HARD]");
    }
    Some(ResourceLimit { soft, hard })
}

/// Reads a limit that is both the soft and the hard one.
fn single_limit(value: Value<'_>, resource: Resource) -> Option<ResourceLimit> {
    if !value.is_text() {
        return value.signed(0..=i64::MAX).and_then(|number| u64::try_from(number).ok()).map(ResourceLimit::from);
    }
    // A number that is the value of a variable is in quotes.
    let parse = |text: &str| match (text, text.parse::<u64>()) {
        ("unlimited", _) => Ok(ResourceLimit::UNLIMITED),
        (_, Ok(number)) => Ok(number.into()),
        (text, _) if resource.is_in_bytes() => value_parsers::size(text).map(ResourceLimit::from),
        (text, _) => Err(format!("`{text}` is not a limit: write a whole number, \"unlimited\", or [SOFT, HARD]")),
    };
    value.parsed(parse, "")
}

fn cgroup_limits(value: Value<'_>) -> Option<CgroupLimits> {
    let keys = value.keys(&["cpu_max", "cpu_weight", "memory_high", "memory_max", "pids_max"], &[])?;
    let mut limits = CgroupLimits::default();
    keys.set_some("cpu_max", &mut limits.cpu_max, |value| value.parsed(percent, "a percentage, such as \"50%\""));
    keys.set_some("cpu_weight", &mut limits.cpu_weight, |value| narrow(value, 1, 10_000));
    keys.set_some("memory_high", &mut limits.memory_high, memory);
    keys.set_some("memory_max", &mut limits.memory_max, memory);
    keys.set_some("pids_max", &mut limits.pids_max, |value| value.integer(1..=u32::MAX));
    Some(limits)
}

/// Reads `50%` of one processor; `250%` are two and a half.
fn percent(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('%').map(str::trim_end).unwrap_or_default();
    match number.parse() {
        Ok(percent @ 1..=MAX_CPU_PERCENT) if !number.starts_with('+') => Ok(percent),
        _ => Err(format!("`{text}` is not a percentage of one processor: write \"50%\", or \"200%\" for two")),
    }
}
