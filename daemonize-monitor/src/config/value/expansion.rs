//! Expands variables in the strings of a configuration, without a shell.

use super::toml_value::Value;
use crate::config::variables::ConfigVariables;
use daemonize_sys::account::home;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use toml::de::DeValue;

impl<'a> Value<'a> {
    /// Returns a string in which `$VAR`, `${VAR}` and `${VAR:-default}` are replaced by the values of variables, and `$$` by a
    /// dollar sign.
    pub(in crate::config) fn text(&self) -> Option<Cow<'a, str>> {
        self.expand(None)
    }

    /// Returns an expanded string as [`text`](Value::text) does, with an allocation of its own.
    pub(in crate::config) fn expanded(&self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    /// A path: expanded, with `~` too (the home of the passwd entry), and from the directory of its file on.
    pub(in crate::config) fn path(&self) -> Option<PathBuf> {
        let text = self.raw_text()?;
        let begins_at_home = text == "~" || text.starts_with("~/");
        let home = begins_at_home.then(home).flatten();
        if begins_at_home && home.is_none() {
            return self.wrong("this user has no passwd entry, and so no home for `~`: write an absolute path");
        }
        let expanded = self.expand(home.as_deref())?;
        if expanded.is_empty() {
            return self.wrong("the path is empty");
        }
        let mut path = self.source.directory().join(&*expanded);
        // It has room for more, which a thousand bots would keep.
        path.shrink_to_fit();
        Some(path)
    }

    /// A program: a path, or a bare name that is looked for in `PATH`.
    pub(in crate::config) fn program(&self) -> Option<PathBuf> {
        let text = self.raw_text()?;
        if text.contains(['/', '$']) || text.is_empty() { self.path() } else { Some(Path::new(text).to_owned()) }
    }

    /// Returns `true` for a string with a variable in it, which may stand for a number or a boolean.
    pub(in crate::config) fn has_variable(&self) -> bool {
        matches!(self.inner.get_ref(), DeValue::String(text) if text.contains('$'))
    }

    /// A string as it is.
    pub(in crate::config) fn raw_text(&self) -> Option<&'a str> {
        match self.inner.get_ref() {
            DeValue::String(text) if text.contains('\0') => {
                self.wrong("it holds a NUL character, which no program can be given")
            }
            DeValue::String(text) => Some(text),
            DeValue::Integer(number) => self.should_be(&format!("a string, such as \"{number}\"")),
            DeValue::Boolean(truth) => self.should_be(&format!("a string, such as \"{truth}\"")),
            _ => self.should_be("a string"),
        }
    }

    fn expand(&self, home: Option<&Path>) -> Option<Cow<'a, str>> {
        let text = self.raw_text()?;
        if home.is_none() && !text.contains('$') {
            return Some(Cow::Borrowed(text));
        }
        if let Some(open) = text.find("${").filter(|open| !text[*open..].contains('}')) {
            return self.wrong(format!(
                "`{}` has no end: write `}}` after the name, or `$$` for a dollar sign",
                &text[open..]
            ));
        }
        let variables = &self.source.variables;
        let lookup = |name: &str| variables.get(name).map(Some).ok_or(());
        match shellexpand::full_with_context(text, || home.map(|home| home.display().to_string()), lookup) {
            Ok(expanded) if expanded.contains('\0') => {
                self.wrong("it holds a NUL character, which no program can be given")
            }
            Ok(expanded) => Some(expanded),
            Err(unset) => self.wrong(ConfigVariables::unset(&unset.var_name)),
        }
    }
}
