//! Encodes the purpose of a watched descriptor in the 64 bits that `epoll(7)` keeps with it.

use super::slab::{GENERATIONS, Key};

/// The purpose of a watched descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// The command queue.
    Commands,
    /// The socket that SIGCHLD writes to.
    Children,
    /// The daemon was told to stop.
    Stopping,
    /// The threads that look up users and look at files.
    Answers,
    SignalCounters,
    /// The timers of schedules.
    Schedules,
    /// The thread that makes the checks.
    ProbeAnswers,
    /// The notify socket of a bot.
    Notify(Key),
    /// The process of a bot, or the pipe by which that reports whether it executes its program.
    Process(Key),
    /// A pipe from a bot.
    Stream(Key),
    /// The connection by which a bot is asked whether it is ready.
    Probe(Key),
    /// The process of an auxiliary command, or one of its pipes.
    Auxiliary(Key),
}

impl Token {
    pub(super) fn encode(self) -> u64 {
        let keyed = |kind: u64, Key { index, generation }: Key| kind << 56 | u64::from(generation) << 32 | index as u64;
        match self {
            Token::Commands => 0,
            Token::Children => 1 << 56,
            Token::Stopping => 2 << 56,
            Token::Notify(key) => keyed(3, key),
            Token::Process(key) => keyed(4, key),
            Token::Stream(key) => keyed(5, key),
            Token::Probe(key) => keyed(6, key),
            Token::Answers => 7 << 56,
            Token::SignalCounters => 8 << 56,
            Token::ProbeAnswers => 10 << 56,
            Token::Schedules => 12 << 56,
            Token::Auxiliary(key) => keyed(9, key),
        }
    }

    #[allow(clippy::cast_possible_truncation)] // Taken apart as it was put together.
    pub(super) fn decode(word: u64) -> Token {
        let key = Key { index: word as u32 as usize, generation: (word >> 32) as u32 % GENERATIONS };
        match word >> 56 {
            1 => Token::Children,
            2 => Token::Stopping,
            3 => Token::Notify(key),
            4 => Token::Process(key),
            5 => Token::Stream(key),
            6 => Token::Probe(key),
            7 => Token::Answers,
            8 => Token::SignalCounters,
            9 => Token::Auxiliary(key),
            10 => Token::ProbeAnswers,
            12 => Token::Schedules,
            _ => Token::Commands,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_decoded_as_it_was_encoded() {
        let keys =
            [(0, 0), (7, 3), (u32::MAX as usize, GENERATIONS - 1)].map(|(index, generation)| Key { index, generation });
        let kinds: [fn(Key) -> Token; 5] =
            [Token::Notify, Token::Process, Token::Stream, Token::Probe, Token::Auxiliary];
        let keyed = keys.iter().flat_map(|key| kinds.map(|kind| kind(*key)));
        for token in [
            Token::Commands,
            Token::Children,
            Token::Stopping,
            Token::Answers,
            Token::SignalCounters,
            Token::ProbeAnswers,
        ]
        .into_iter()
        .chain(keyed)
        {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}
