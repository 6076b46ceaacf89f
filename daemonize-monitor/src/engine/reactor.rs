//! Events that the engine waits for: descriptors, by `epoll(7)`, and timers, in a heap of which the first one bounds the wait.

use super::slab::Key;
use super::token::Token;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The most descriptors that are handled per turn; the kernel takes turns among those that are ready.
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
    /// Signals may have come that are not logged yet.
    SignalCounters,
    /// A phase of the shutdown has lasted too long.
    Shutdown,
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

    /// Stops watching a descriptor. Closing it is not enough while a child that is being made has a copy.
    pub(super) fn unwatch(&self, fd: impl AsFd) {
        let _ = self.epoll.delete(fd);
    }

    /// Waits until a descriptor is ready, for at most so long, or for ever. Returns the tokens of those that are ready.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> nix::Result<Vec<Token>> {
        let timeout = timeout.map_or(EpollTimeout::NONE, |time| {
            // Rounded up: a timer that has not come yet would be waited for without a pause.
            EpollTimeout::try_from(time.as_micros().div_ceil(1000)).unwrap_or(EpollTimeout::MAX)
        });
        match self.epoll.wait(&mut self.events, timeout) {
            Ok(count) => Ok(self.events[..count].iter().map(|event| Token::decode(event.data())).collect()),
            Err(Errno::EINTR) => Ok(Vec::new()),
            Err(errno) => Err(errno),
        }
    }

    /// Sets a timer. It cannot be cancelled: its receiver checks whether it still matters.
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
