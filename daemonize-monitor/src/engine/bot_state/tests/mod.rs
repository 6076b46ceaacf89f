//! Invariants of a bot's state, over random histories.

mod world;

use super::{Action, BotEvent, NextState};
use crate::bot::{Bot, Ready, Restart};
use crate::restart_policy::Exit;
use crate::status::State;
use daemonize_core::Signal;
use proptest::prelude::*;
use std::time::Duration;
use world::{Launch, Process, Step, World};

fn bots() -> impl Strategy<Value = Bot> {
    let second = Duration::from_secs(1);
    let ready = prop_oneof![
        Just(Ready::AtOnce),
        Just(Ready::After(second)),
        Just(Ready::Exit),
        Just(Ready::Notify),
        Just(Ready::File("/run/up".into())),
    ];
    let restart = prop_oneof![Just(Restart::Always), Just(Restart::OnFailure), Just(Restart::Never)];
    let signal = prop_oneof![Just(Signal::SIGTERM), Just(Signal::SIGUSR1), Just(Signal::SIGKILL)];
    let stop = proptest::collection::vec((signal, (1_u64..4).prop_map(Duration::from_secs)), 0..3);
    (ready, restart, stop, 0_u32..4).prop_map(move |(ready, restart, stop, limit)| {
        Bot::new("bot", "/bin/bot").ready(ready).restart(restart).stop(stop).limit(limit, 60 * second)
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let next = prop_oneof![Just(NextState::Stopped), Just(NextState::Started)];
    let mark = prop_oneof![Just(NextState::Stopped), Just(NextState::Started), Just(NextState::Unchanged)];
    let launch = || {
        prop_oneof![
            4 => Just(Launch::Works),
            1 => Just(Launch::Fails),
            1 => Just(Launch::LacksResources),
            2 => Just(Launch::Pends),
        ]
    };
    let exit = prop_oneof![
        Just(Exit::Status(0)),
        Just(Exit::Status(1)),
        Just(Exit::Signal(Signal::SIGTERM)),
        Just(Exit::Signal(Signal::SIGKILL)),
    ];
    let step = prop_oneof![
        4 => Just(Step::Start),
        1 => next.prop_map(Step::Stop),
        1 => mark.prop_map(Step::Mark),
        1 => Just(Step::MarkedStopDue),
        1 => Just(Step::Kill),
        6 => launch().prop_map(Step::Launch),
        2 => launch().prop_map(Step::PendingOver),
        3 => (exit, any::<bool>()).prop_map(|(exit, has_group)| Step::End(exit, has_group)),
        4 => prop::bool::weighted(0.2).prop_map(Step::Look),
        4 => Just(Step::NextTimer),
        2 => Just(Step::Ready),
        1 => any::<bool>().prop_map(Step::Suspend),
        2 => any::<bool>().prop_map(Step::Freeze),
        1 => (0_u64..9000).prop_map(Step::RequestTime),
        1 => Just(Step::Reload),
    ];
    proptest::collection::vec(step, 0..60)
}

fn after(bot: Bot, is_withdrawable: bool, steps: &[Step]) -> World {
    let mut world = World::new(bot, is_withdrawable);
    for step in steps {
        world.step(step);
        world.check();
    }
    world
}

proptest! {
    /// At most one process, nothing is waited for without end, and no event is answered with many actions.
    #[test]
    fn bot_has_one_process_and_always_something_to_wait_for(
        bot in bots(), is_withdrawable in any::<bool>(), steps in steps(),
    ) {
        after(bot, is_withdrawable, &steps);
    }

    /// Only a command starts a bot again that is down: no timer, and nothing else that may still come.
    #[test]
    fn bot_that_is_down_stays_down_until_asked(
        bot in bots(), steps in steps(), late in 0_u64..9000,
    ) {
        let mut world = after(bot, true, &steps);
        prop_assume!(world.state.state().is_down());
        let (state, reason) = (world.state.state(), world.state.reason().map(str::to_owned));
        while let Some(actions) = world.next_timer() {
            prop_assert_eq!(actions, []);
        }
        let now = world.now;
        for event in [
            BotEvent::TimerFired(now),
            BotEvent::Ready,
            BotEvent::SuspensionChanged(true),
            BotEvent::FreezeChanged(true),
            BotEvent::TimeRequested(Duration::from_secs(late)),
            BotEvent::ReadinessChanged,
            BotEvent::Ended { exit: Exit::Status(1), has_group: true },
            BotEvent::SurvivesKill("late".into()),
        ] {
            prop_assert_eq!(world.on(event.clone()), [], "{:?}", event);
        }
        prop_assert_eq!((world.state.state(), world.state.reason().map(str::to_owned)), (state, reason));
    }

    /// A stop ends, though the program ignores all signals but SIGKILL: after its steps, however often it asks for time.
    #[test]
    fn every_stop_ends_after_its_steps(
        bot in bots(), is_withdrawable in any::<bool>(), steps in steps(), is_kill in any::<bool>(),
    ) {
        let mut world = after(bot, is_withdrawable, &steps);
        world.last_signal = None;
        world.on(if is_kill { BotEvent::KillRequested(NextState::Stopped) } else { BotEvent::StopRequested(NextState::Stopped) });
        prop_assert!(!is_kill || world.process != Process::Alive || world.last_signal == Some(Signal::SIGKILL));
        let mut rounds = 0;
        while world.state.state() != State::Stopped {
            world.check();
            prop_assert_eq!(world.state.state(), State::Stopping);
            match world.process {
                Process::Pending => world.launch(Launch::Works),
                Process::Alive if world.last_signal == Some(Signal::SIGKILL) => {
                    world.end(Exit::Signal(Signal::SIGKILL), false);
                }
                Process::Alive => drop(world.next_timer()),
                Process::None | Process::Ended => drop(world.on(BotEvent::Gone)),
            }
            rounds += 1;
            // Each step has one timer of its own, and perhaps one for the time that was asked for; others are old.
            prop_assert!(rounds < 100, "it does not end: {:?}", world.state);
        }
        prop_assert_eq!((world.process, world.forgotten), (Process::None, 0));
        let is_started = (0..100).any(|_| world.next_timer().is_some_and(|actions| !actions.is_empty()));
        prop_assert!(!is_started, "a stopped bot goes on: {:?}", world.state);
    }
}

#[test]
fn failed_bot_stays_failed_until_an_operator_starts_it() {
    let mut world = World::new(Bot::new("bot", "/bin/bot").restart(Restart::Never).ready(Ready::AtOnce), true);
    for step in [Step::Start, Step::Launch(Launch::Works), Step::End(Exit::Status(3), false), Step::Look(false)] {
        world.step(&step);
    }
    assert_eq!((world.state.state(), world.state.reason()), (State::Failed, Some("ended by status 3")));
    assert_eq!(world.on(BotEvent::Ready), []);
    world.step(&Step::Start);
    assert_eq!((world.state.state(), world.is_queued), (State::Waiting, true));
}

#[test]
fn stop_of_removed_bot_forgets_it_when_nothing_is_left() {
    let mut world = World::new(Bot::new("bot", "/bin/bot").ready(Ready::AtOnce), true);
    for step in [Step::Start, Step::Launch(Launch::Works), Step::Mark(NextState::Forgotten), Step::MarkedStopDue] {
        world.step(&step);
    }
    // It is not marked again while it is about to be forgotten.
    world.step(&Step::Mark(NextState::Stopped));
    assert!(world.forgotten == 0 && world.state.is_to_be_forgotten());
    world.step(&Step::End(Exit::Signal(Signal::SIGTERM), false));
    world.step(&Step::Look(false));
    assert_eq!(world.forgotten, 1);
}

#[test]
fn time_that_a_bot_asks_for_puts_its_stop_off_once() {
    let second = Duration::from_secs(1);
    let bot = Bot::new("bot", "/bin/bot").ready(Ready::AtOnce).stop([(Signal::SIGTERM, second)]);
    let mut world = World::new(bot, true);
    for step in [Step::Start, Step::Launch(Launch::Works), Step::Stop(NextState::Stopped), Step::RequestTime(5)] {
        world.step(&step);
    }
    let deadline = world.state.deadline().unwrap();
    assert_eq!(world.next_timer(), Some(vec![Action::SetTimer(deadline + 4 * second)]));
    assert_eq!(world.last_signal, Some(Signal::SIGTERM));
    world.next_timer();
    assert_eq!(world.last_signal, Some(Signal::SIGKILL));
}

#[test]
fn frozen_bot_has_as_long_to_become_ready_as_if_it_had_not_been_frozen() {
    let second = Duration::from_secs(1);
    let bot = Bot::new("bot", "/bin/bot").ready(Ready::Notify).ready_timeout(10 * second);
    let mut world = World::new(bot, true);
    for step in [Step::Start, Step::Launch(Launch::Works)] {
        world.step(&step);
    }
    let began = world.now;
    world.now += 4 * second;
    world.step(&Step::Freeze(true));
    assert_eq!((world.state.state(), world.state.reason()), (State::Starting, Some("frozen by a command")));
    world.now += 100 * second;
    // The old timer, and a reload meanwhile.
    world.next_timer();
    world.step(&Step::Reload);
    assert_eq!(world.state.deadline(), None);
    world.step(&Step::Freeze(false));
    assert_eq!(world.state.deadline(), Some(began + 110 * second));
    world.step(&Step::Freeze(true));
    world.now += second;
    // It was said before it was frozen.
    world.step(&Step::Ready);
    assert_eq!((world.state.state(), world.state.reason()), (State::Suspended, Some("frozen by a command")));
    world.step(&Step::Suspend(true));
    world.step(&Step::Freeze(false));
    assert_eq!(world.state.reason(), Some("suspended by a signal"));
}
