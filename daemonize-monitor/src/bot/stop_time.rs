//! How long a stop of a bot may take.

use super::{Bot, StopStep};
use daemonize_core::Signal;
use std::time::Duration;

/// The signals that a daemon takes for a stop. A second one of them cuts short its work after the first.
const STOPS: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGABRT];

impl Bot {
    /// Returns how long all steps of a stop take together, after which the bot is killed.
    pub(crate) fn longest_stop(&self) -> Duration {
        sum(&self.stop)
    }

    /// Returns `true` if the signal of a step comes after another that asked the bot to end: it is hurried then.
    pub(crate) fn hurries(&self, step: usize) -> bool {
        self.stop.iter().take(step).any(|earlier| STOPS.contains(&earlier.signal))
    }

    /// Returns how long the bot has to end after the first signal that asks it to, until it is sent another one or is killed.
    /// Signals before that one may mean anything to it, so their time is not its own.
    pub(crate) fn time_to_end(&self) -> Duration {
        let is_stop = |step: &StopStep| STOPS.contains(&step.signal);
        let Some(first) = self.stop.iter().position(is_stop) else { return self.longest_stop() };
        let next = self.stop.iter().skip(first + 1).position(|step| is_stop(step) || step.signal == Signal::SIGKILL);
        let end = next.map_or(self.stop.len(), |next| first + 1 + next);
        sum(&self.stop[first..end])
    }
}

fn sum(steps: &[StopStep]) -> Duration {
    steps.iter().fold(Duration::ZERO, |sum, step| sum.saturating_add(step.timeout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_to_end_lasts_from_the_first_stop_signal_to_the_next() {
        use Signal as S;
        let second = Duration::from_secs(1);
        let times = |steps: &[(Signal, u32)]| {
            let bot = Bot::new("a", "/bin/true").stop(steps.iter().map(|(signal, time)| (*signal, *time * second)));
            (bot.time_to_end().as_secs(), bot.longest_stop().as_secs())
        };
        assert_eq!(times(&[(S::SIGTERM, 10)]), (10, 10));
        assert_eq!(times(&[(S::SIGINT, 30), (S::SIGQUIT, 5)]), (30, 35));
        assert_eq!(times(&[(S::SIGUSR1, 20), (S::SIGTERM, 7)]), (7, 27));
        assert_eq!(times(&[(S::SIGTERM, 7), (S::SIGUSR2, 2), (S::SIGKILL, 3)]), (9, 12));
        assert_eq!(times(&[(S::SIGHUP, 3), (S::SIGUSR1, 2)]), (5, 5));
    }

    #[test]
    fn only_a_step_after_a_stop_signal_hurries() {
        let steps = [Signal::SIGUSR1, Signal::SIGTERM, Signal::SIGQUIT].map(|signal| (signal, Duration::from_secs(1)));
        let bot = Bot::new("a", "/bin/true").stop(steps);
        assert_eq!([0, 1, 2].map(|step| bot.hurries(step)), [false, false, true]);
    }
}
