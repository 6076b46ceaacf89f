//! The reactor: waits for file descriptors with `epoll(7)`, for at most the time until the first timer in a heap is due.

use super::slab::Key;
use super::token::Token;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The file descriptors that are handled per turn. With more, `epoll_wait(2)` returns the ready ones in round-robin order.
const MAX_EVENTS: usize = 128;

/// The purpose of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The deadline or the next probe of a bot.
    Bot(Key),
    /// The start of a bot may hang.
    Start(Key),
    /// Children have changed that were not handled yet.
    Children,
    /// Bots are due whose memory is limited.
    Memory,
    /// Signals may have come that are not logged yet.
    SignalCounters,
    /// A timer of schedules could not be made.
    Schedules,
    /// A phase of the shutdown has lasted too long.
    Shutdown,
    /// The next check of a bot.
    Check(Key),
    /// The deadline of an auxiliary command.
    Auxiliary(Key),
    /// Auxiliary commands may have left something behind.
    AuxiliaryLeftovers,
}

/// See the module.
pub(super) struct Reactor {
    epoll: Epoll,
    events: [EpollEvent; MAX_EVENTS],
    timers: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Reactor {
    pub(super) fn new() -> nix::Result<Reactor> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Reactor { epoll, events: [EpollEvent::empty(); MAX_EVENTS], timers: BinaryHeap::new() })
    }

    /// Watches a descriptor until it is [unwatched](Reactor::unwatch) or closed.
    pub(super) fn watch(&self, fd: impl AsFd, token: Token, flags: EpollFlags) -> nix::Result<()> {
        self.epoll.add(fd, EpollEvent::new(flags, token.encode()))
    }

    /// Stops watching a file descriptor. Closing it is not enough while a forked child has a copy: `epoll(7)` removes an entry only
    /// when all file descriptors of the open file description are closed.
    pub(super) fn unwatch(&self, fd: impl AsFd) {
        let _ = self.epoll.delete(fd);
    }

    /// Waits until a file descriptor is ready or `timeout` has elapsed. Returns the tokens of the ready file descriptors.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> nix::Result<Vec<Token>> {
        let timeout = timeout.map_or(EpollTimeout::NONE, |time| {
            // Rounded up: epoll_wait(2) counts milliseconds, and a timeout of 0 would spin until the timer is due.
            EpollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(EpollTimeout::MAX)
        });
        match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => Ok(self.events[..count].iter().map(|event| Token::decode(event.data())).collect()),
            Err(Errno::EINTR) => Ok(Vec::new()),
            Err(errno) => Err(errno),
        }
    }

    /// Sets a timer. It cannot be cancelled: its receiver ignores a timer that is out of date.
    pub(super) fn set_timer(&mut self, at: Instant, timer: Timer) {
        self.timers.push(Reverse((at, timer)));
    }

    /// Takes the next timer whose moment has come, with that moment.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<(Instant, Timer)> {
        if self.timers.peek()?.0.0 > now {
            return None;
        }
        self.timers.pop().map(|Reverse(due)| due)
    }

    /// Returns how long no timer is due; `None` if there is none.
    pub(super) fn time_to_next(&self, now: Instant) -> Option<Duration> {
        self.timers.peek().map(|Reverse((at, _))| at.saturating_duration_since(now))
    }
}
