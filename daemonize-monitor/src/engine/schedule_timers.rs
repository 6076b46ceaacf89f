//! Wakes the engine for the next run of a schedule: a timer on each of two clocks, made when it is needed first.
//!
//! The timer of the wall clock is also due when that clock is set (`TFD_TIMER_CANCEL_ON_SET`, see `timerfd_create(2)`), so nothing
//! has to look at the clock again and again. Both are due after a sleep of the machine, if their time has come meanwhile.

use super::reactor::Reactor;
use super::scheduled_runs::ScheduledTime;
use super::token::Token;
use nix::sys::epoll::EpollFlags;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::time::{Duration, SystemTime};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ScheduleTimers {
    wall: Option<TimerFd>,
    boot: Option<TimerFd>,
}

impl ScheduleTimers {
    /// Sets the timers to the first of these times on each clock; without one, the timer of the clock is not due.
    ///
    /// # Errors
    /// There is no descriptor for a timer.
    pub(super) fn set(&mut self, times: impl Iterator<Item = ScheduledTime>, reactor: &Reactor) -> nix::Result<()> {
        let (mut wall, mut boot): (Option<Duration>, Option<Duration>) = (None, None);
        for time in times {
            let (first, at) = match time {
                ScheduledTime::Wall(at) => (&mut wall, at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
                ScheduledTime::Boot(at) => (&mut boot, at),
            };
            *first = Some(first.map_or(at, |first| first.min(at)));
        }
        let absolute = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        let noticing_steps = absolute | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        set(&mut self.wall, ClockId::CLOCK_REALTIME, wall, noticing_steps, reactor)?;
        set(&mut self.boot, ClockId::CLOCK_BOOTTIME, boot, absolute, reactor)
    }

    /// Takes what has woken the engine: a time that has come, or a step of the wall clock.
    pub(super) fn take(&self) {
        // They do not block. ECANCELED says that the clock was set; the clocks themselves say which times have come.
        for timer in [&self.wall, &self.boot].into_iter().flatten() {
            let _ = timer.wait();
        }
    }
}

fn set(
    timer: &mut Option<TimerFd>,
    clock: ClockId,
    at: Option<Duration>,
    flags: TimerSetTimeFlags,
    reactor: &Reactor,
) -> nix::Result<()> {
    match (&timer, at) {
        (None, None) => Ok(()),
        (Some(timer), None) => timer.unset(),
        (Some(timer), Some(at)) => timer.set(once(at), flags),
        (None, Some(at)) => {
            let made = TimerFd::new(clock, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
            made.set(once(at), flags)?;
            reactor.watch(&made, Token::Schedules, EpollFlags::EPOLLIN)?;
            *timer = Some(made);
            Ok(())
        }
    }
}

fn once(at: Duration) -> Expiration {
    // A time of zero would disarm the timer.
    Expiration::OneShot(TimeSpec::from_duration(at.max(Duration::from_nanos(1))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::scheduled_runs::ScheduleClocks;
    use std::os::fd::{AsFd, AsRawFd};

    /// Promise 6.56. A step of the clock is noticed without looking at it again and again.
    #[test]
    fn timer_of_the_wall_clock_is_due_at_its_time_and_when_the_clock_is_set() {
        let reactor = Reactor::new().unwrap();
        let mut timers = ScheduleTimers::default();
        let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
        let soon = ScheduleClocks::now().boot + Duration::from_millis(5);
        timers.set([ScheduledTime::Wall(in_an_hour)].into_iter(), &reactor).unwrap();
        assert!(timers.boot.is_none());
        let number = timers.wall.as_ref().map(|timer| timer.as_fd().as_raw_fd()).unwrap();
        let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap();
        // TFD_TIMER_ABSTIME and TFD_TIMER_CANCEL_ON_SET, on CLOCK_REALTIME.
        assert!(facts.contains("clockid: 0\n") && facts.contains("settime flags: 03\n"), "{facts}");
        timers.set([ScheduledTime::Wall(in_an_hour), ScheduledTime::Boot(soon)].into_iter(), &reactor).unwrap();
        let mut reactor = reactor;
        assert_eq!(reactor.wait(Some(Duration::from_secs(10))).unwrap(), [Token::Schedules]);
        timers.take();
        assert_eq!(reactor.wait(Some(Duration::ZERO)).unwrap(), []);
        timers.set(std::iter::empty(), &reactor).unwrap();
        assert_eq!(timers.wall.as_ref().unwrap().get().unwrap(), None);
    }
}
