//! Loads a configuration file and the files that it includes.

use super::bot_entry::{self, BotEntry};
use super::diagnostic::{Diagnostic, Location};
use super::include::included_files;
use super::migration_hints;
use super::source_text::{Mistakes, SourceText};
use super::trusted_file;
use super::value::{Value, entries, known_only};
use super::variables::{ConfigVariables, Variables};
use super::{legacy, monitor_keys};
use crate::settings::{Settings, default_name};
use crate::sys::trust::FileId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use toml::de::DeTable;

/// The maximum depth of nested includes.
const MAX_INCLUDE_DEPTH: usize = 16;

/// The keys of a file.
pub(super) const FILE_KEYS: &[&str] = &["include", "monitor", "defaults", "bot"];

/// The state of a load: settings, bots and errors so far.
pub(super) struct Loader<'a> {
    variables: Rc<ConfigVariables<'a>>,
    pub(super) mistakes: Mistakes,
    pub(super) settings: Settings,
    pub(super) bots: Vec<BotEntry>,
    /// In the order in which they were read.
    pub(super) files: Vec<PathBuf>,
    /// `true` if every file was parsed, so that an unknown name is an error.
    pub(super) whole: bool,
    /// `true` to check directories and logs, which may be on a file system that hangs.
    pub(super) checks_paths: bool,
    /// The files that include the one being read, the outermost first.
    within: Vec<(PathBuf, FileId)>,
    /// All files that were read.
    seen: Vec<FileId>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(variables: Variables<'a>) -> Loader<'a> {
        Loader {
            variables: Rc::new(ConfigVariables::new(variables)),
            mistakes: Mistakes::default(),
            settings: Settings::default(),
            bots: Vec::new(),
            files: Vec::new(),
            whole: true,
            checks_paths: false,
            within: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Loads a file, and those that it includes. `named` is the location of the `include` that names it, and `defaults` the table
    /// of the first file.
    pub(super) fn file(&mut self, path: &Path, named: Option<&Location>, defaults: Option<Value<'_>>) {
        let (bytes, identity) = match trusted_file::read(path) {
            Ok(read) => read,
            Err(wrong) => return self.unread(path, named, &wrong),
        };
        if let Some(start) = self.within.iter().position(|(_, other)| *other == identity) {
            let way = self.within[start..].iter().map(|(path, _)| path.as_path()).chain([path]);
            let way: Vec<String> = way.map(|path| format!("`{}`", path.display())).collect();
            let after = way[1..].join(", which includes ");
            let text = format!("`include`: it goes in a circle: {} includes {after}", way[0]);
            return self.mistake(named.cloned().unwrap_or(Location::whole(path)), text);
        }
        if self.seen.contains(&identity) {
            return; // Two patterns match it.
        }
        self.files.push(path.to_owned());
        self.seen.push(identity);
        self.within.push((path.to_owned(), identity));
        match std::str::from_utf8(&bytes) {
            Ok(text) => self.text(path, text, defaults),
            Err(error) => self.not_utf8(path, &bytes[..error.valid_up_to()]),
        }
        self.within.pop();
    }

    fn unread(&mut self, path: &Path, named: Option<&Location>, wrong: &str) {
        self.whole = false;
        match named {
            Some(place) => self.mistake(place.clone(), format!("failed to read `{}`: {wrong}", path.display())),
            None => self.mistake(Location::whole(path), unread_whole(wrong)),
        }
    }

    /// Reports the first byte of a file that is not UTF-8.
    fn not_utf8(&mut self, path: &Path, before: &[u8]) {
        self.whole = false;
        let before = String::from_utf8_lossy(before);
        let place = SourceText::new(path, &before, &self.variables, &self.mistakes).place(before.len());
        self.mistake(place, "this is not UTF-8: write the file in UTF-8".into());
    }

    /// Reads the settings in a file, and ignores errors elsewhere in it.
    pub(super) fn settings_of(mut self, path: &Path) -> Result<Settings, Diagnostic> {
        let wrong = |text: String| Diagnostic { place: Location::whole(path), text: unread_whole(&text) };
        let (bytes, _) = trusted_file::read(path).map_err(wrong)?;
        let text = String::from_utf8_lossy(&bytes);
        let source = SourceText::new(path, &text, &self.variables, &self.mistakes);
        if let Some((at, instead)) = migration_hints::foreign(&text) {
            return Err(Diagnostic { place: source.place(at), text: instead.into() });
        }
        if legacy::is_legacy(&source) {
            return Ok(legacy::read(&source).0);
        }
        let (table, _) = DeTable::parse_recoverable(source.text());
        let keys = known_only(entries(&source, table.get_ref()), FILE_KEYS, &[]);
        let nameless = || Settings { name: String::new(), ..Settings::default() };
        self.settings = keys.get("monitor").and_then(monitor_keys::read).unwrap_or_else(nameless);
        self.name(path);
        Ok(self.settings)
    }

    /// Loads the text of a file, and the files that it includes.
    pub(super) fn text(&mut self, path: &Path, text: &str, defaults: Option<Value<'_>>) {
        if text.trim().is_empty() {
            // An empty file is probably truncated, and is not a request to stop every bot.
            self.whole = false;
            return self
                .mistake(Location::whole(path), "it is empty: write `[bot.NAME]` or at least `[monitor]`".into());
        }
        let source = SourceText::new(path, text, &self.variables, &self.mistakes);
        let outermost = self.within.len() <= 1;
        if let Some((at, instead)) = migration_hints::foreign(text) {
            self.whole = false;
            source.mistake(source.place(at), instead);
        } else if outermost && legacy::is_legacy(&source) {
            let (settings, bots) = legacy::read(&source);
            self.settings = settings;
            self.bots.extend(bots);
        } else {
            self.toml(&source, outermost, defaults);
        }
    }

    /// Loads a TOML file, and the files that it includes.
    fn toml(&mut self, source: &SourceText<'_>, outermost: bool, defaults: Option<Value<'_>>) {
        let (table, errors) = DeTable::parse_recoverable(source.text());
        for error in &errors {
            let place = source.place(error.span().map_or(0, |span| span.start));
            source.mistake(place, syntax(error.message()));
        }
        if !errors.is_empty() {
            self.whole = false;
            return;
        }
        let keys = known_only(
            entries(source, table.get_ref()),
            FILE_KEYS,
            &[("bots", "write a table `[bot.NAME]` for each bot"), ("program", "write `[bot.NAME]`")],
        );
        if outermost {
            self.settings.name.clear();
            if let Some(settings) = keys.get("monitor").and_then(monitor_keys::read) {
                self.settings = settings;
            }
            self.name(source.file());
            keys.get("defaults").into_iter().for_each(bot_entry::check_defaults);
        } else {
            for value in ["monitor", "defaults"].into_iter().filter_map(|key| keys.get(key)) {
                let text = format!("`{}`: an included file cannot say this: write it in the first file", value.key);
                source.mistake(value.key_place(), text);
            }
        }
        let defaults = if outermost { keys.get("defaults") } else { defaults };
        let bots =
            keys.get("bot").and_then(|value| value.table("a table `[bot.NAME]` for each bot")).unwrap_or_default();
        for value in bots {
            let described = bot_entry::read(value, defaults);
            self.whole &= described.is_some();
            self.bots.extend(described);
        }
        for (path, place) in keys.get("include").map(included_files).unwrap_or_default() {
            if self.within.len() >= MAX_INCLUDE_DEPTH {
                let text = format!("`include`: files are included {MAX_INCLUDE_DEPTH} deep: include them further out");
                self.mistake(place, text);
            } else {
                self.file(&path, Some(&place), defaults);
            }
        }
    }

    /// Names the monitor after its file, unless the file sets a name.
    fn name(&mut self, file: &Path) {
        if self.settings.name.is_empty() {
            self.settings.name = default_name::by_default(file);
        }
    }

    /// Returns an error for each bot whose name is already used.
    pub(super) fn duplicate_names(&self) -> Vec<Diagnostic> {
        let (mut first, mut mistakes) = (BTreeMap::new(), Vec::new());
        for described in &self.bots {
            if let Some(place) = first.insert(&*described.bot.name, &described.place) {
                let (name, place) = (&described.bot.name, place.elsewhere());
                let text = format!("bot `{name}` is there already{place}: give this one another name");
                mistakes.push(Diagnostic { place: described.place.clone(), text });
            }
        }
        mistakes
    }

    fn mistake(&self, place: Location, text: String) {
        self.mistakes.borrow_mut().push(Diagnostic { place, text });
    }
}

/// Returns the message of the parser in one line, with a fix where one is known.
fn syntax(message: &str) -> String {
    match message.trim() {
        "duplicate key" => "this key is there already: leave one of them".into(),
        other => other.replace('\n', ", "),
    }
}

/// Returns why a file that is not included by another one cannot be read.
fn unread_whole(wrong: &str) -> String {
    // As `cause` of this error says it.
    let hint = if wrong.ends_with("no such file or directory") { ": `daemonctl init` writes a new one" } else { "" };
    format!("failed to read it: {wrong}{hint}")
}
