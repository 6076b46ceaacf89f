//! Selects the bots that a command shows: by words and by states.

use crate::exit_status::{CliError, ExitStatus};
use crate::human_format::escape;
use daemonize_monitor::__daemonctl::{BotSelector, suggestion};
use daemonize_monitor::json::{BotReport, State};

/// The bots that a command shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct BotFilter {
    /// The words with what they select; without any, all bots.
    words: Vec<(String, BotSelector)>,
    /// The states; without any, all states.
    states: Vec<State>,
}

impl BotFilter {
    /// Parses words that select bots.
    ///
    /// # Errors
    /// A word is not valid.
    pub(crate) fn new(words: &[String], states: &[State]) -> Result<BotFilter, CliError> {
        let parsed = |word: &String| Ok((word.clone(), selector(word)?));
        Ok(BotFilter { words: words.iter().map(parsed).collect::<Result<_, CliError>>()?, states: states.to_vec() })
    }

    /// Returns `true` if the command names bots, or asks for states.
    pub(crate) fn is_selective(&self) -> bool {
        !self.words.is_empty() || !self.states.is_empty()
    }

    /// Returns `true` for a bot that a word selects and that is in one of the states.
    pub(crate) fn shows(&self, bot: &BotReport) -> bool {
        let is_selected = self.words.is_empty() || self.words.iter().any(|(_, selector)| selects(selector, bot));
        is_selected && (self.states.is_empty() || bot.state.is_some_and(|state| self.states.contains(&state)))
    }

    /// Returns the bots that the command shows.
    ///
    /// # Errors
    /// A word selects no bot.
    pub(crate) fn shown(&self, bots: Vec<BotReport>) -> Result<Vec<BotReport>, CliError> {
        let selects_none = |(word, selector): &&(String, BotSelector)| {
            *selector != BotSelector::All && !bots.iter().any(|bot| selects(selector, bot)) && !word.is_empty()
        };
        if let Some((word, selector)) = self.words.iter().find(selects_none) {
            return Err(CliError::new(ExitStatus::NoSuchBot, unknown(word, selector, &bots)));
        }
        Ok(bots.into_iter().filter(|bot| self.shows(bot)).collect())
    }
}

/// Parses a word that selects bots.
///
/// # Errors
/// It is not valid.
pub(crate) fn selector(word: &str) -> Result<BotSelector, CliError> {
    let invalid = |why| CliError::new(ExitStatus::Usage, format!("failed to find bot `{}`: {why}", escape(word)));
    BotSelector::parse(word).map_err(invalid)
}

fn selects(selector: &BotSelector, bot: &BotReport) -> bool {
    selector.selects(&bot.name, bot.group.as_deref())
}

fn unknown(word: &str, selector: &BotSelector, bots: &[BotReport]) -> String {
    let why = match selector {
        BotSelector::Program(_) => return format!("failed to find bot `{}`: no bot runs this program", escape(word)),
        BotSelector::Glob(_) => "no bot matches it",
        _ => "no bot or group has this name",
    };
    let names = bots.iter().flat_map(|bot| [&*bot.name, &*bot.family].into_iter().chain(bot.group.as_deref()));
    format!("failed to find bot `{}`: {why}{}", escape(word), suggestion(word, names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bots() -> Vec<BotReport> {
        let bot = |(name, state, group): (&str, &str, Option<&str>)| {
            let family = name.split(':').next();
            serde_json::from_value(json!({"name": name, "family": family, "state": state, "group": group})).unwrap()
        };
        let bots = [("web:1", "running", Some("shop")), ("web:2", "failed", Some("shop")), ("db", "running", None)];
        bots.map(bot).into()
    }

    fn shown(words: &[&str], states: &[State]) -> Result<Vec<String>, CliError> {
        let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
        Ok(BotFilter::new(&words, states)?.shown(bots())?.into_iter().map(|bot| bot.name).collect())
    }

    #[test]
    fn words_and_states_select_bots() {
        assert_eq!(shown(&["web"], &[]).unwrap(), ["web:1", "web:2"]);
        assert_eq!(shown(&["db", "web:2", "*b"], &[]).unwrap(), ["web:1", "web:2", "db"]);
        assert_eq!(shown(&["shop"], &[State::Failed]).unwrap(), ["web:2"]);
        assert_eq!(shown(&["all"], &[State::Running]).unwrap(), ["web:1", "db"]);
        assert_eq!((shown(&[], &[]).unwrap().len(), shown(&["db"], &[State::Stopped]).unwrap().len()), (3, 0));
    }

    #[test]
    fn word_that_selects_no_bot_is_an_error_with_near_names() {
        let failure =
            |word: &str| shown(&["db", word], &[]).map_err(|failure| (failure.exit, failure.text)).unwrap_err();
        let text = "failed to find bot `wbe`: no bot or group has this name (did you mean `web`?)";
        assert_eq!(failure("wbe"), (ExitStatus::NoSuchBot, text.to_owned()));
        let text = "failed to find bot `shopp*`: no bot matches it (did you mean `shop`?)";
        assert_eq!(failure("shopp*"), (ExitStatus::NoSuchBot, text.to_owned()));
        assert_eq!(failure("web[").0, ExitStatus::Usage);
    }
}
