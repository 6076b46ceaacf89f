//! Schedules: starts jobs and restarts services when their time has come.

use super::Supervisor;
use crate::bot::ScheduledAction;
use crate::engine::reactor::Timer;
use crate::engine::scheduled_runs::{DueRun, ScheduleClocks, ScheduledRuns};
use crate::engine::slab::Key;
use crate::error::cause;
use crate::schedule_record::ScheduleRecord;
use crate::status::State;
use std::time::Duration;

/// How often a timer that could not be made is tried again.
const TIMER_RETRY_INTERVAL: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Plans the first runs, and those that came while no monitor ran.
    pub(in crate::engine) fn begin_schedules(&mut self, record: ScheduleRecord) {
        self.schedules.record = record;
        self.plan_schedules(true);
    }

    /// Plans the runs of bots whose schedules are new or other ones, after bots have come, gone or changed. A bot whose schedule
    /// is unchanged keeps its next run.
    pub(in crate::engine) fn update_schedules(&mut self) {
        self.plan_schedules(false);
    }

    fn plan_schedules(&mut self, is_first: bool) {
        let clocks = ScheduleClocks::now();
        self.schedules.bots.clear();
        for index in self.units.all().collect::<Vec<_>>() {
            let unit = &mut self.units[index];
            match (&unit.bot.schedule, &unit.scheduled_runs) {
                (None, None) => continue,
                (None, Some(_)) => unit.scheduled_runs = None,
                (Some(schedule), Some(runs)) if **schedule == *runs.schedule() => {}
                (Some(schedule), _) => {
                    // A schedule that has changed has missed nothing.
                    let handled = is_first.then(|| self.schedules.record.of_bot(&unit.bot.name)).flatten();
                    unit.scheduled_runs = Some(Box::new(ScheduledRuns::new(schedule, handled, &clocks)));
                }
            }
            if unit.scheduled_runs.is_some() {
                self.schedules.bots.push(self.units.key(index));
            }
        }
        self.set_schedule_timers();
    }

    /// Carries out the runs whose time has come, or plans them again after a step of the clock.
    pub(in crate::engine) fn take_schedules(&mut self) {
        self.schedules.timers.take();
        if self.is_shutting_down {
            return; // The next monitor may make up for what comes now.
        }
        let clocks = ScheduleClocks::now();
        for key in self.schedules.bots.clone() {
            let Some(unit) = self.units.current_mut(key) else { continue };
            let Some(runs) = &mut unit.scheduled_runs else { continue };
            let before = runs.next();
            let due = runs.take_due(&clocks);
            if runs.next() != before {
                // The next run is another one.
                self.unsettled.changed.push(key.index);
            }
            match due {
                Some(DueRun::Run) => self.run_scheduled(key.index),
                Some(DueRun::Missed) => {
                    log::warn!(
                        "bot `{}`: a run of its schedule was missed, and is left out",
                        self.units[key.index].bot.name
                    );
                }
                None => {}
            }
        }
        self.set_schedule_timers();
    }

    /// Starts or restarts a bot whose time has come. A job that still runs, and a service that was stopped or is to stop, are left
    /// alone.
    fn run_scheduled(&mut self, index: usize) {
        let unit = &mut self.units[index];
        let (name, state) = (unit.bot.name.clone(), unit.state());
        let runs_on = unit.bot_state.stop_mark().is_none()
            && matches!(state, State::Running | State::Suspended | State::Starting);
        let (false, Some(action), Some(runs)) =
            (unit.is_removed(), unit.bot.scheduled_action(), unit.scheduled_runs.as_mut())
        else {
            return;
        };
        match action {
            ScheduledAction::Start if state.is_down() => {
                runs.is_left_out = false;
                log::info!("bot `{name}`: its schedule starts it");
                self.start_by_hand(index);
            }
            // Once for each run that takes too long, however many are left out because of it.
            ScheduledAction::Start if std::mem::replace(&mut runs.is_left_out, true) => {}
            ScheduledAction::Start => {
                log::warn!("bot `{name}`: a run of its schedule is left out, since it is {state} from the one before");
            }
            ScheduledAction::Restart if runs_on => {
                log::info!("bot `{name}`: its schedule restarts it");
                self.restart_by_hand(index);
            }
            ScheduledAction::Restart => log::info!("bot `{name}`: it is {state}, so its schedule does not restart it"),
        }
    }

    /// Sets the timers to the next runs, and notes for the next monitor which runs are over.
    fn set_schedule_timers(&mut self) {
        self.schedules.bots.retain(|key| self.units.contains(*key));
        let units = &self.units;
        let over = |key: &Key| {
            let unit = units.get(key.index)?;
            let runs = unit.scheduled_runs.as_ref().filter(|runs| runs.is_made_up_for())?;
            Some((unit.bot.name.clone(), runs.handled()))
        };
        let over = self.schedules.bots.iter().filter_map(over).collect();
        self.schedules.record.write(over);
        let next = |key: &Key| units.get(key.index)?.scheduled_runs.as_ref()?.next();
        let times = self.schedules.bots.iter().filter_map(next);
        if let Err(errno) = self.schedules.timers.set(times, &self.reactor) {
            log::error!("failed to set the timer of schedules: {}: trying again", cause(&errno.into()));
            self.reactor.set_timer(self.now + TIMER_RETRY_INTERVAL, Timer::Schedules);
        }
    }
}
