//! The rules, tried with workers that are made of paper.

use super::*;
use proptest::prelude::*;
use std::thread;
use std::time::Duration;

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Made,
    Busy,
    Looking,
    Asleep,
    Gone,
}

/// A pool whose workers do one step when they are told to.
struct Paper {
    state: PoolState<u32, ()>,
    workers: Vec<At>,
    pushed: u32,
    begun: Vec<u32>,
    finished: u32,
}

impl Paper {
    fn new(size: usize) -> Paper {
        Paper { state: PoolState::new(size), workers: Vec::new(), pushed: 0, begun: Vec::new(), finished: 0 }
    }

    /// What the one who fetches does, as far as there is room.
    fn fetch(&mut self, threads: bool) {
        if self.state.workers() == 0 {
            let call = self.state.reserve_slot();
            self.perform(call, threads);
        }
        if self.state.workers() > 0 && self.state.has_capacity() {
            self.pushed += 1;
            let call = self.state.push(self.pushed, Tracked::first(()));
            self.perform(call, threads);
        }
    }

    #[allow(clippy::needless_pass_by_value)] // A call is answered once.
    fn perform(&mut self, call: WakeAction, threads: bool) {
        match call {
            WakeAction::None | WakeAction::Unpark(_) => {}
            WakeAction::Spawn(index) if threads => {
                self.workers.resize(self.workers.len().max(index + 1), At::Gone);
                assert_eq!(self.workers[index], At::Gone, "two workers in one slot");
                self.workers[index] = At::Made;
            }
            WakeAction::Spawn(index) => self.state.spawn_failed(index, Instant::now()),
        }
    }

    /// One worker goes on to its next step.
    fn step(&mut self, index: usize, threads: bool) {
        match self.workers[index] {
            At::Gone => {}
            At::Made => {
                self.state.worker_started(index, thread::current());
                self.take_or_look(index, threads);
            }
            At::Busy => {
                self.state.finish();
                self.finished += 1;
                self.take_or_look(index, threads);
            }
            At::Looking => {
                self.state.end_search();
                self.take_or_sleep(index, threads);
            }
            At::Asleep if self.state.take_wakeup(index) => self.take_or_look(index, threads),
            At::Asleep => {
                if self.state.try_retire(index) {
                    self.workers[index] = At::Gone;
                }
            }
        }
    }

    fn take_or_look(&mut self, index: usize, threads: bool) {
        if self.state.queued() == 0 && self.state.begin_search() {
            self.workers[index] = At::Looking;
        } else {
            self.take_or_sleep(index, threads);
        }
    }

    fn take_or_sleep(&mut self, index: usize, threads: bool) {
        if let Some(message) = self.state.take(index) {
            self.begun.push(message);
            self.workers[index] = At::Busy;
            let call = self.state.wake_or_spawn();
            self.perform(call, threads);
        } else {
            self.state.sleep(index);
            self.workers[index] = At::Asleep;
        }
    }

    fn check(&self, size: usize) {
        let count = |at: At| self.workers.iter().filter(|worker| **worker == at).count();
        assert!(self.state.in_flight() <= size, "more in flight than the pool");
        assert_eq!(self.state.workers(), self.workers.len() - count(At::Gone));
        assert_eq!(self.state.busy, count(At::Busy));
        assert!(self.state.workers() <= size);
        let on_their_way = self.state.searching > 0;
        let all_busy = self.state.idle.is_empty() && self.state.workers() >= self.state.limit;
        assert!(self.state.queued() == 0 || on_their_way || all_busy, "a message is left lying: {:?}", self.workers);
    }
}

proptest! {
    #[test]
    fn no_message_is_left_lying_and_none_is_taken_twice(
        size in 1_usize..5,
        steps in prop::collection::vec((0_usize..7, prop::bool::weighted(0.9)), 0..200),
    ) {
        let mut pool = Paper::new(size);
        for (step, threads) in steps {
            match step.checked_sub(2) {
                None => pool.fetch(threads),
                Some(index) if index < pool.workers.len() => pool.step(index, threads),
                Some(_) => {
                    // As if a second had passed.
                    pool.state.refresh_capacity(Instant::now() + Duration::from_secs(1));
                    let call = pool.state.wake_or_spawn();
                    pool.perform(call, threads);
                }
            }
            pool.check(size);
        }
        // Left alone, the workers do all that is left to do.
        for _ in 0..pool.pushed + 3 {
            for index in 0..pool.workers.len() {
                if pool.workers[index] != At::Asleep || pool.state.slots[index].woken {
                    pool.step(index, false);
                }
            }
        }
        prop_assert_eq!(pool.state.in_flight(), 0);
        prop_assert_eq!(pool.finished, pool.pushed);
        let sorted: Vec<u32> = (1..=pool.pushed).collect();
        prop_assert_eq!(pool.begun, sorted, "in the order in which they were fetched");
    }
}

#[test]
fn the_one_that_fell_asleep_last_is_called_first() {
    let mut state = PoolState::<u32, ()>::new(2);
    for index in 0..2 {
        assert!(matches!(state.reserve_slot(), WakeAction::Spawn(made) if made == index));
        state.worker_started(index, thread::current());
        state.sleep(index);
    }
    assert!(matches!(state.push(1, Tracked::first(())), WakeAction::Unpark(_)));
    assert!(state.take_wakeup(1) && !state.take_wakeup(0));
}

#[test]
fn the_last_worker_stays_until_all_is_over() {
    let mut state = PoolState::<u32, ()>::new(2);
    for index in 0..2 {
        let _ = state.reserve_slot();
        state.worker_started(index, thread::current());
        state.sleep(index);
    }
    assert!(state.try_retire(0) && !state.try_retire(1));
    assert!(matches!(state.push(1, Tracked::first(())), WakeAction::Unpark(_)), "the one that stayed");
    state.shut_down();
    assert!(state.try_retire(1));
}
