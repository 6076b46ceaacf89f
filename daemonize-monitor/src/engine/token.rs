//! Encodes the purpose of an event of `epoll(7)` in the word that the kernel keeps with it.

/// The purpose of an event of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Commands,
    Child,
    Stopping,
    Threads,
    StraySignals,
    Notify(usize, u32),
    Unit(usize, u32),
    Stream(usize, u32),
    Probe(usize, u32),
}

/// Generations of a slot, after which the first one comes again.
pub(super) const GENERATIONS: u32 = 1 << 24;

impl Token {
    pub(super) fn encode(self) -> u64 {
        let join = |kind: u64, (index, generation): (usize, u32)| {
            kind << 56 | u64::from(generation % GENERATIONS) << 32 | index as u64
        };
        match self {
            Token::Commands => 0,
            Token::Child => join(1, (0, 0)),
            Token::Stopping => join(2, (0, 0)),
            Token::Notify(index, generation) => join(3, (index, generation)),
            Token::Unit(index, generation) => join(4, (index, generation)),
            Token::Stream(index, generation) => join(5, (index, generation)),
            Token::Probe(index, generation) => join(6, (index, generation)),
            Token::Threads => join(7, (0, 0)),
            Token::StraySignals => join(8, (0, 0)),
        }
    }

    #[allow(clippy::cast_possible_truncation)] // Taken apart as it was put together.
    pub(super) fn decode(word: u64) -> Token {
        let (index, generation) = (word as u32 as usize, (word >> 32) as u32 % GENERATIONS);
        match word >> 56 {
            1 => Token::Child,
            2 => Token::Stopping,
            3 => Token::Notify(index, generation),
            4 => Token::Unit(index, generation),
            5 => Token::Stream(index, generation),
            6 => Token::Probe(index, generation),
            7 => Token::Threads,
            8 => Token::StraySignals,
            _ => Token::Commands,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_it_was() {
        let last = GENERATIONS - 1;
        let numbered = [(0, 0), (7, 3), (u32::MAX as usize, last)];
        let kinds: [fn(usize, u32) -> Token; 4] = [Token::Notify, Token::Unit, Token::Stream, Token::Probe];
        let numbered = numbered.iter().flat_map(|(index, generation)| kinds.map(|kind| kind(*index, *generation)));
        for token in [Token::Commands, Token::Child, Token::Stopping, Token::Threads, Token::StraySignals]
            .into_iter()
            .chain(numbered)
        {
            assert_eq!(Token::decode(token.encode()), token);
        }
    }
}
