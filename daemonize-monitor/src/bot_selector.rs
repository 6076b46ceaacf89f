//! Selects bots by a word of a command: a name, a name without the instance, a glob, a group, `all`, or a program.

use crate::bot::{ALL_BOTS, family};
use glob::Pattern;
use std::path::{Path, PathBuf};

/// The longest word, in bytes: a glob is matched in a time that grows with its length.
const MAX_WORD_LENGTH: usize = 256;

/// The most names that are suggested for a word that selects no bot.
const MAX_SUGGESTIONS: usize = 3;

/// The minimum similarity of a suggested name, from 0 to 1 (normalized Damerau-Levenshtein).
const MIN_LIKENESS: f64 = 0.6;

/// A word that stands for bots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BotSelector {
    /// All bots.
    All,
    /// The bots that run the program of this absolute path.
    Program(PathBuf),
    /// The bots of which the name, or the name without the instance, matches a glob.
    Glob(Pattern),
    /// The bot of this name, all instances of the bot of this name, or the bots of the group of this name.
    Name(String),
}

impl BotSelector {
    /// Parses a word of a command.
    ///
    /// # Errors
    /// The glob is not valid, or the word is longer than 256 bytes.
    pub fn parse(word: &str) -> Result<BotSelector, String> {
        if word.starts_with('/') {
            return Ok(BotSelector::Program(Path::new(word).to_owned()));
        }
        if word.len() > MAX_WORD_LENGTH {
            return Err(format!("it is longer than {MAX_WORD_LENGTH} bytes"));
        }
        if word == ALL_BOTS {
            return Ok(BotSelector::All);
        }
        if !is_glob(word) {
            return Ok(BotSelector::Name(word.to_owned()));
        }
        let invalid =
            |error: glob::PatternError| format!("the pattern is not valid: {} (at {})", error.msg, error.pos + 1);
        Pattern::new(word).map(BotSelector::Glob).map_err(invalid)
    }

    /// Returns `true` if the word selects the bot of this name and group. A program is not looked at.
    pub fn selects(&self, name: &str, group: Option<&str>) -> bool {
        match self {
            BotSelector::All => true,
            BotSelector::Program(_) => false,
            BotSelector::Glob(pattern) => pattern.matches(name) || pattern.matches(family(name)),
            BotSelector::Name(word) => word == name || word == family(name) || Some(&**word) == group,
        }
    }
}

/// Returns `true` for a word that is a glob.
pub(crate) fn is_glob(word: &str) -> bool {
    word.contains(['*', '?', '[']) && !word.starts_with('/')
}

/// Returns ` (did you mean …?)` with the names that are most like a word which selects no bot; empty if none is like it.
///
/// Of a glob, the letters beside `*`, `?`, `[` and `]` are compared.
pub fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let word: String = word.chars().filter(|letter| !"*?[]".contains(*letter)).take(MAX_WORD_LENGTH).collect();
    let like = |name: &'a str| (strsim::normalized_damerau_levenshtein(&word, name), name);
    let mut near: Vec<(f64, &str)> = known.into_iter().map(like).filter(|(alike, _)| *alike > MIN_LIKENESS).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(other.1)));
    near.dedup();
    let names: Vec<String> = near.iter().take(MAX_SUGGESTIONS).map(|(_, name)| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => format!(" (did you mean {only}?)"),
        Some((last, rest)) => format!(" (did you mean {} or {last}?)", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::{Duration, Instant};

    const BOTS: [(&str, Option<&str>); 6] = [
        ("db", Some("infra")),
        ("mail-worker:1", None),
        ("mail-worker:2", None),
        ("sms-worker", Some("shop")),
        ("web:1", Some("shop")),
        ("web:2", Some("shop")),
    ];

    fn selected(word: &str) -> Vec<&'static str> {
        let selector = BotSelector::parse(word).unwrap();
        BOTS.iter().filter(|(name, group)| selector.selects(name, *group)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn word_selects_by_name_family_glob_group_or_all() {
        assert_eq!(selected("db"), ["db"]);
        assert_eq!(selected("web:2"), ["web:2"]);
        assert_eq!(selected("web"), ["web:1", "web:2"]);
        assert_eq!(selected("web:*"), ["web:1", "web:2"]);
        assert_eq!(selected("*-worker"), ["mail-worker:1", "mail-worker:2", "sms-worker"]);
        assert_eq!(selected("[ds]*"), ["db", "sms-worker"]);
        assert_eq!(selected("[!w]?"), ["db"]);
        assert_eq!(selected("shop"), ["sms-worker", "web:1", "web:2"]);
        assert_eq!((selected("all").len(), selected("*").len()), (6, 6));
        assert_eq!(selected("sh*"), [""; 0]);
    }

    #[test]
    fn word_that_is_not_valid_says_why() {
        let why = |word: &str| BotSelector::parse(word).unwrap_err();
        assert!(
            why("web[").starts_with("the pattern is not valid: ") && why("web[").ends_with(" (at 4)"),
            "{}",
            why("web[")
        );
        assert!(why("a**b").contains("recursive"), "{}", why("a**b"));
        assert_eq!(why(&"x".repeat(257)), "it is longer than 256 bytes");
        assert_eq!(BotSelector::parse("/bin/a*"), Ok(BotSelector::Program("/bin/a*".into())));
    }

    #[test]
    fn names_that_are_like_a_word_are_suggested() {
        let known = ["web", "web:1", "web:2", "worker", "db"];
        assert_eq!(suggestion("wbe", known), " (did you mean `web`?)");
        assert_eq!(suggestion("web:3", known), " (did you mean `web:1` or `web:2`?)");
        assert_eq!(suggestion("wroker*", known), " (did you mean `worker`?)");
        assert_eq!(suggestion("something-else", known), "");
    }

    /// A client must not keep the engine busy: every star tries every place, and the longest name has 64 letters.
    #[test]
    fn worst_glob_is_matched_in_a_short_time() {
        let name = "a".repeat(63);
        for pattern in ["*a".repeat(128), "*a*a*a*a*a*a*a*a*a*a*a*a*b".to_owned(), format!("{}b", "*a?".repeat(85))] {
            let selector = BotSelector::parse(&pattern[..pattern.len().min(256)]).unwrap();
            let begin = Instant::now();
            for _ in 0..100 {
                assert!(!selector.selects(&format!("{name}c"), None));
            }
            assert!(begin.elapsed() < Duration::from_secs(2), "{pattern}: {:?}", begin.elapsed());
        }
    }

    proptest! {
        /// No word makes the parser or the matcher panic, and a name always selects itself.
        #[test]
        fn every_word_is_parsed_or_refused(word in "\\PC{0,24}", name in "[a-z][a-z0-9-]{0,9}(:[1-9])?") {
            if let Ok(selector) = BotSelector::parse(&word) {
                let _ = selector.selects(&name, Some("group"));
            }
            prop_assert!(BotSelector::parse(&name).unwrap().selects(&name, None));
        }
    }
}
