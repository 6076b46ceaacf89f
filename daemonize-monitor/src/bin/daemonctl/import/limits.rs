//! The limit of restarts that is as patient as that of another supervisor.

use super::document::TomlValue;

/// The restarts that supervisord and pm2 allow by default.
pub(super) const RETRIES_OF_SUPERVISORD: u32 = 3;
pub(super) const RESTARTS_OF_PM2: u32 = 16;

/// The largest limit.
const LARGEST: u32 = 1000;

/// The longest delay between two restarts, in seconds, as it is by default.
const LONGEST_BACKOFF: u64 = 60;

/// Returns the limit for a number of restarts that follow each other, each after a run of at most `seconds`. Other supervisors
/// count only those, so the window is twice as long as they take: exits that are further apart are not counted together.
pub(super) fn within_retries(retries: u32, seconds: u64) -> TomlValue {
    let exits = retries.min(LARGEST);
    let waits: u64 = (0..exits).map(|retry| LONGEST_BACKOFF.min(1 << retry.min(6))).sum();
    let runs = seconds.min(86_400) * (u64::from(exits) + 1);
    let minutes = (2 * (waits + runs)).div_ceil(60);
    TomlValue::table([
        ("exits", TomlValue::Integer(exits.into())),
        ("window", TomlValue::expanded(format!("{minutes}m"))),
    ])
}
