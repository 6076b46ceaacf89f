//! The bots with a schedule.

use crate::engine::schedule_timers::ScheduleTimers;
use crate::engine::slab::Key;
use crate::schedule_record::ScheduleRecord;

/// The bots with a schedule, and the timers that wake the engine for them.
#[derive(Default)]
pub(super) struct ScheduledBots {
    pub(super) timers: ScheduleTimers,
    pub(super) bots: Vec<Key>,
    pub(super) record: ScheduleRecord,
}
