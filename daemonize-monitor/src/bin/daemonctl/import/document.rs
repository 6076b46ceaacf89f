//! The configuration that an import makes: values and comments, in the order in which they are written.

/// A value of TOML.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TomlValue {
    Text(String),
    Integer(i64),
    /// A number that is not whole.
    Number(&'static str),
    Truth(bool),
    List(Vec<TomlValue>),
    Table(Vec<(String, TomlValue)>),
}

impl TomlValue {
    /// Returns a text in which variables are expanded, as `${PORT}`.
    pub(super) fn expanded(text: impl Into<String>) -> TomlValue {
        TomlValue::Text(text.into())
    }

    /// Returns a text that means itself.
    pub(super) fn literal(text: &str) -> TomlValue {
        TomlValue::Text(literal(text))
    }

    /// Returns a list of texts in which variables are expanded.
    pub(super) fn list<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> TomlValue {
        TomlValue::List(texts.into_iter().map(TomlValue::expanded).collect())
    }

    pub(super) fn table<const N: usize>(entries: [(&str, TomlValue); N]) -> TomlValue {
        TomlValue::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }
}

/// Returns a text in which no variable is expanded when the configuration is read.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

/// A part of the source that is kept as a comment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comment {
    /// The source, as `priority = 10`; not escaped.
    pub(super) source: String,
    /// The line of the source, from 1 on; 0 if it has none.
    pub(super) line: usize,
    /// The reason for which it has no translation, or the difference that is left.
    pub(super) reason: String,
}

/// The keys of one table, and what could not be translated.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    pub(super) entries: Vec<(String, TomlValue)>,
    pub(super) comments: Vec<Comment>,
}

impl Section {
    /// Sets a key, also one that is set already.
    pub(super) fn set(&mut self, key: &str, value: TomlValue) {
        match self.entries.iter_mut().find(|(other, _)| other == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    /// Sets a variable of `env`.
    pub(super) fn set_variable(&mut self, name: &str, value: TomlValue) {
        if let Some((_, TomlValue::Table(variables))) = self.entries.iter_mut().find(|(key, _)| key == "env") {
            variables.retain(|(other, _)| other != name);
            variables.push((name.to_owned(), value));
        } else {
            self.set("env", TomlValue::Table(vec![(name.to_owned(), value)]));
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&TomlValue> {
        self.entries.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Returns the value of a variable of `env`.
    pub(super) fn variable(&self, name: &str) -> Option<&TomlValue> {
        let Some(TomlValue::Table(variables)) = self.get("env") else { return None };
        variables.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Keeps a part of the source as a comment.
    pub(super) fn keep(&mut self, source: impl Into<String>, line: usize, reason: impl Into<String>) {
        self.comments.push(Comment { source: source.into(), line, reason: reason.into() });
    }
}

/// A bot. Its name may be any text until the names of all bots are known.
#[derive(Clone, Debug)]
pub(super) struct BotDraft {
    pub(super) name: String,
    pub(super) section: Section,
}

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub(super) monitor: Section,
    pub(super) defaults: Section,
    pub(super) bots: Vec<BotDraft>,
    /// Parts of the source that belong to no bot.
    pub(super) others: Vec<Comment>,
    /// Changes that the user should know of: names, missing variables.
    pub(super) notes: Vec<String>,
}

impl Document {
    /// Returns all comments with the name of their bot, if they belong to one.
    pub(super) fn comments(&self) -> impl Iterator<Item = (Option<&str>, &Comment)> {
        let bots = self.bots.iter().flat_map(|bot| bot.section.comments.iter().map(|kept| (Some(&*bot.name), kept)));
        let first = self.monitor.comments.iter().chain(&self.defaults.comments).map(|kept| (None, kept));
        first.chain(bots).chain(self.others.iter().map(|kept| (None, kept)))
    }
}
