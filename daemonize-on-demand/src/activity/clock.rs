//! The clock of the idle time.

use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Returns the time since the boot, with the time in which the machine slept (`clock_gettime(2)`, `CLOCK_BOOTTIME`).
pub(super) fn boot_time() -> Duration {
    // Every kernel since 2.6.39 has this clock.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from)
}
