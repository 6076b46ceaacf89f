//! Translates a Procfile, as foreman and its relatives read it.

use super::document::{BotDraft, Document, Section, TomlValue, literal};
#[cfg(test)]
use super::keys::KnownKeys;
#[cfg(test)]
use super::keys::Translation::To;
use super::paths::Paths;
use super::source::{SourceError, SourceFile};
use super::words;

/// The first port that foreman gives out, and the distance between two lines.
const FIRST_PORT: usize = 5000;
const PORTS_PER_LINE: usize = 100;

/// The most lines.
const MAX_LINES: usize = 500;

/// The parts of a Procfile, for the documentation.
#[cfg(test)]
pub(super) const KEYS: KnownKeys = &[
    (
        "NAME: COMMAND",
        To(
            "`[bot.NAME]`; `command` and `args` if the words are plain, else `sh -c`, with `exec` where a single program follows",
        ),
    ),
    ("release: COMMAND", To("a job: `autostart = false`, `ready = \"exit\"`; run it with `daemonctl start release`")),
    ("PORT", To("`env = { PORT = \"5000\" }`, 5100 for the second line and so on, as foreman counts")),
    (".env", To("`env_file = [\".env\"]`, if it is beside the Procfile")),
    (
        "the end of all when one ends",
        To("`restart = \"always\"`: each is started again; `exit_when` in `[monitor]` ends all"),
    ),
];

/// Translates a Procfile.
///
/// # Errors
/// A line that is neither `NAME: COMMAND` nor a comment.
pub(super) fn translate(file: &SourceFile, paths: &Paths) -> Result<Document, SourceError> {
    let mut document = Document::default();
    if let Some(directory) = paths.working_directory() {
        document.defaults.set("cwd", TomlValue::expanded(directory));
    }
    if file.directory.join(".env").is_file() {
        document.defaults.set("env_file", TomlValue::list([paths.join(".env")]));
    }
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if document.bots.len() >= MAX_LINES {
            return Err(file.error(index + 1, format!("it has more than {MAX_LINES} commands: split it")));
        }
        let plain = |name: &str| {
            !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter))
        };
        let Some((name, command)) = line.split_once(':').filter(|(name, _)| plain(name.trim())) else {
            return Err(file.error(index + 1, "this is not `NAME: COMMAND`"));
        };
        let port = FIRST_PORT + document.bots.len() * PORTS_PER_LINE;
        let section = bot(name.trim(), command.trim(), index + 1, port);
        document.bots.push(BotDraft { name: name.trim().to_owned(), section });
    }
    Ok(document)
}

fn bot(name: &str, command: &str, line: usize, port: usize) -> Section {
    let mut bot = Section::default();
    if command.is_empty() {
        bot.keep(format!("{name}:"), line, "it has no command");
        return bot;
    }
    set_command(&mut bot, command);
    if name == "release" {
        bot.set("autostart", TomlValue::Truth(false));
        bot.set("ready", TomlValue::expanded("exit"));
    } else {
        bot.set_variable("PORT", TomlValue::expanded(port.to_string()));
    }
    bot
}

/// Sets a command that a shell would read: its words if that changes nothing, else the shell.
pub(super) fn set_command(bot: &mut Section, command: &str) {
    let words = match words::split(command) {
        Ok(found) if !found.needs_shell && !found.words.is_empty() => found.words,
        _ => ["/bin/sh", "-c", &words::with_exec(command)].map(str::to_owned).to_vec(),
    };
    let (program, arguments) = words.split_first().map_or(("", &[][..]), |(program, rest)| (program.as_str(), rest));
    bot.set("command", TomlValue::literal(program));
    if !arguments.is_empty() {
        bot.set("args", TomlValue::list(arguments.iter().map(|argument| literal(argument))));
    }
}
