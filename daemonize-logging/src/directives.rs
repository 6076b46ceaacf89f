//! Levels by target, as text: `info,hyper=warn`.

use log::LevelFilter;
use std::fmt;

/// The longest accepted text, in bytes: it may come from the environment, a file or a client.
pub(crate) const MAX_LENGTH: usize = 4096;

/// The largest number of directives in one text.
const MAX_DIRECTIVES: usize = 64;

/// The words for levels, for error texts.
const LEVELS: &str = "`off`, `error`, `warn`, `info`, `debug` or `trace`";

/// The level of all targets, and those of some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directives {
    default: LevelFilter,
    /// Sorted by target; each target once.
    targets: Vec<(String, LevelFilter)>,
}

impl Default for Directives {
    fn default() -> Directives {
        Directives { default: LevelFilter::Info, targets: Vec::new() }
    }
}

impl Directives {
    /// Parses directives that are separated by commas. An error names the wrong word and the fix.
    pub(crate) fn parse(text: &str) -> Result<Directives, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("it has {} bytes, at most {MAX_LENGTH} are allowed", text.len()));
        }
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        let (mut directives, mut count) = (Directives::default(), 0);
        for word in words {
            count += 1;
            match word.split_once('=') {
                Some((target, level)) => directives.add(target.trim(), level.trim(), word)?,
                None => directives.default = parse_level(word).ok_or_else(|| not_a_level(word))?,
            }
        }
        match count {
            0 => Err(format!("it is empty: use {LEVELS}")),
            1..=MAX_DIRECTIVES => Ok(directives),
            _ => Err(format!("it has {count} directives, at most {MAX_DIRECTIVES} are allowed")),
        }
    }

    fn add(&mut self, target: &str, level: &str, word: &str) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"[]{}/\"`".contains(&byte);
        if target.is_empty() || !target.bytes().all(is_plain) {
            return Err(format!(
                "`{target}` in `{word}` is not a target: use a crate or module, such as `hyper` or `web::pool`"
            ));
        }
        let level = parse_level(level).ok_or_else(|| format!("`{level}` in `{word}` is not a level: use {LEVELS}"))?;
        match self.targets.binary_search_by(|(known, _)| known.as_str().cmp(target)) {
            Ok(index) => self.targets[index].1 = level,
            Err(index) => self.targets.insert(index, (target.to_owned(), level)),
        }
        Ok(())
    }

    /// Returns the level of targets without one of their own.
    #[cfg(feature = "tracing")]
    pub(crate) fn default_level(&self) -> LevelFilter {
        self.default
    }

    /// Returns the targets that have levels of their own.
    #[cfg(feature = "tracing")]
    pub(crate) fn targets(&self) -> impl Iterator<Item = (&str, LevelFilter)> {
        self.targets.iter().map(|(target, level)| (target.as_str(), *level))
    }

    /// Returns the level of a target: that of the longest known target with which it begins.
    #[cfg(any(test, not(feature = "tracing")))]
    pub(crate) fn level_of(&self, target: &str) -> LevelFilter {
        let known = self.targets.iter().filter(|(known, _)| target.starts_with(known.as_str()));
        known.max_by_key(|(known, _)| known.len()).map_or(self.default, |(_, level)| *level)
    }

    /// Returns the most verbose level of any target.
    pub(crate) fn max_level(&self) -> LevelFilter {
        self.targets.iter().map(|(_, level)| *level).fold(self.default, Ord::max)
    }
}

impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(word_of(self.default))?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={}", word_of(*level)))
    }
}

fn parse_level(word: &str) -> Option<LevelFilter> {
    word.parse().ok()
}

fn word_of(level: LevelFilter) -> &'static str {
    match level {
        LevelFilter::Off => "off",
        LevelFilter::Error => "error",
        LevelFilter::Warn => "warn",
        LevelFilter::Info => "info",
        LevelFilter::Debug => "debug",
        LevelFilter::Trace => "trace",
    }
}

fn not_a_level(word: &str) -> String {
    format!("`{word}` is not a level: use {LEVELS}, or `{word}=LEVEL` for one target")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn directives_give_each_target_the_level_of_its_longest_prefix() {
        let directives = Directives::parse(" Info, hyper=warn ,hyper::client=trace,web=off,web=debug,").unwrap();
        for (target, level) in [
            ("tokio", LevelFilter::Info),
            ("hyper", LevelFilter::Warn),
            ("hyper::client::pool", LevelFilter::Trace),
            ("web", LevelFilter::Debug),
        ] {
            assert_eq!(directives.level_of(target), level, "{target}");
        }
        assert_eq!(directives.max_level(), LevelFilter::Trace);
        assert_eq!(directives.to_string(), "info,hyper=warn,hyper::client=trace,web=debug");
    }

    #[test]
    fn directives_without_a_default_keep_info() {
        assert_eq!(Directives::parse("hyper=off").unwrap().to_string(), "info,hyper=off");
    }

    #[test]
    fn wrong_directives_are_refused_and_the_word_is_named() {
        for (text, part) in [
            ("inof", "`inof` is not a level"),
            ("inof", "`inof=LEVEL` for one target"),
            ("info,hyper=wran", "`wran` in `hyper=wran`"),
            ("info,[span]=debug", "`[span]` in `[span]=debug` is not a target"),
            ("=debug", "`` in `=debug` is not a target"),
            ("a b=debug", "`a b` in"),
            ("info/regex", "`info/regex` is not a level"),
            (" , ", "it is empty"),
            ("a=b=info", "`b=info` in `a=b=info` is not a level"),
        ] {
            let error = Directives::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Directives::parse(&"x".repeat(MAX_LENGTH + 1)).unwrap_err().contains("4097 bytes"));
        assert!(Directives::parse(&"info,".repeat(65)).unwrap_err().contains("65 directives"));
    }

    proptest! {
        #[test]
        fn directives_survive_their_own_text(text in "([a-z:_]{0,5}=)?(off|info|trace|x)(,[a-z]{0,3}(=(warn|debug))?){0,4}") {
            if let Ok(directives) = Directives::parse(&text) {
                prop_assert_eq!(Directives::parse(&directives.to_string()).unwrap(), directives);
            }
        }
    }
}
