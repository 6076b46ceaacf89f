//! Writes a configuration as TOML. No value can break out of its place: `toml_writer` quotes keys and texts, and comments are
//! escaped.

use super::document::{Comment, Document, Section, TomlValue};
use daemonize_sys::escape::escape;
use std::fmt::{self, Write};
use toml_writer::{TomlKeyBuilder, TomlStringBuilder, TomlWrite};

/// The most characters of the source in a comment.
const MAX_SOURCE_IN_COMMENT: usize = 400;

/// The longest line of a table before its values are written on lines of their own.
const MAX_LINE: usize = 110;

/// Returns a configuration as TOML, with these lines of comment at its beginning.
pub(super) fn render(document: &Document, title: &[String]) -> String {
    let mut text = String::new();
    for line in title {
        comment(&mut text, line);
    }
    let mut write = |header: &[&str], section: &Section| {
        if !(section.entries.is_empty() && section.comments.is_empty()) {
            // Writing into a `String` cannot fail.
            let _ = table(&mut text, header, section);
        }
    };
    write(&["monitor"], &document.monitor);
    write(&["defaults"], &document.defaults);
    document.bots.iter().for_each(|bot| write(&["bot", &bot.name], &bot.section));
    if !document.others.is_empty() {
        text.push('\n');
        document.others.iter().for_each(|kept| comment(&mut text, &shown(kept)));
    }
    text
}

fn table(text: &mut String, header: &[&str], section: &Section) -> fmt::Result {
    text.newline()?;
    if section.entries.is_empty() {
        section.comments.iter().for_each(|kept| comment(text, &shown(kept)));
        return Ok(());
    }
    text.open_table_header()?;
    for (index, key) in header.iter().enumerate() {
        if index > 0 {
            text.key_sep()?;
        }
        write_key(text, key)?;
    }
    text.close_table_header()?;
    text.newline()?;
    for (key, value) in &section.entries {
        write_key(text, key)?;
        text.write_str(" = ")?;
        let before = text.len();
        write_value(text, value)?;
        if text.len() - before > MAX_LINE {
            if let TomlValue::List(values) = value {
                text.truncate(before);
                write_long_list(text, values)?;
            }
        }
        text.newline()?;
    }
    section.comments.iter().for_each(|kept| comment(text, &shown(kept)));
    Ok(())
}

fn write_value(text: &mut String, value: &TomlValue) -> fmt::Result {
    match value {
        TomlValue::Text(string) => write_text(text, string),
        TomlValue::Integer(number) => text.value(*number),
        TomlValue::Number(number) => text.write_str(number),
        TomlValue::Truth(truth) => text.value(*truth),
        TomlValue::List(values) => {
            text.open_array()?;
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    text.write_str(", ")?;
                }
                write_value(text, value)?;
            }
            text.close_array()
        }
        TomlValue::Table(entries) if entries.is_empty() => text.write_str("{}"),
        TomlValue::Table(entries) => {
            text.write_str("{ ")?;
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    text.write_str(", ")?;
                }
                write_key(text, key)?;
                text.write_str(" = ")?;
                write_value(text, value)?;
            }
            text.write_str(" }")
        }
    }
}

/// Writes a text in quotes, without characters that a terminal would act on.
fn write_text(text: &mut String, string: &str) -> fmt::Result {
    if escape(string) == string {
        return text.value(TomlStringBuilder::new(string).as_default());
    }
    let mut quoted = String::new();
    quoted.value(TomlStringBuilder::new(string).as_basic())?;
    write_visible(text, &quoted)
}

/// Writes a key, in quotes if it needs them.
fn write_key(text: &mut String, key: &str) -> fmt::Result {
    if escape(key) == key {
        return text.key(key);
    }
    let mut quoted = String::new();
    quoted.key(TomlKeyBuilder::new(key).as_basic())?;
    write_visible(text, &quoted)
}

/// Writes a quoted text, in which characters that are not visible become escapes of TOML.
fn write_visible(text: &mut String, quoted: &str) -> fmt::Result {
    for letter in quoted.chars() {
        let mut buffer = [0; 4];
        let is_visible = letter == '\\' || escape(letter.encode_utf8(&mut buffer)) == *letter.encode_utf8(&mut [0; 4]);
        if is_visible { text.push(letter) } else { write!(text, "\\U{:08X}", u32::from(letter))? }
    }
    Ok(())
}

/// Writes each value of a list on a line of its own.
fn write_long_list(text: &mut String, values: &[TomlValue]) -> fmt::Result {
    text.write_str("[\n")?;
    for value in values {
        text.write_str("    ")?;
        write_value(text, value)?;
        text.write_str(",\n")?;
    }
    text.close_array()
}

/// Writes a comment of one line.
fn comment(text: &mut String, line: &str) {
    text.push_str("# ");
    text.push_str(&escape(line));
    text.push('\n');
}

/// Returns a comment as text: `priority = 10 (line 7): …`.
pub(super) fn shown(kept: &Comment) -> String {
    let mut source: String = kept.source.chars().take(MAX_SOURCE_IN_COMMENT).collect();
    if source.len() < kept.source.len() {
        source.push('…');
    }
    match kept.line {
        0 => format!("{source}: {}", kept.reason),
        line => format!("{source} (line {line}): {}", kept.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::document::BotDraft;

    #[test]
    fn no_text_breaks_out_of_its_place() {
        let evil = "\"\"\"\n[bot.evil]\ncommand = '/bin/sh'\u{1b}[2J\u{9b}\u{202e}\u{2028}\\\0'''";
        let mut section = Section::default();
        section.set("command", TomlValue::expanded(evil));
        section.set(evil, TomlValue::table([(evil, TomlValue::list([evil, "x"]))]));
        section.keep(evil, 3, evil);
        let bots = vec![BotDraft { name: evil.into(), section }];
        let text = render(&Document { bots, ..Document::default() }, &[evil.to_owned()]);
        let (table, errors) = toml::de::DeTable::parse_recoverable(&text);
        assert!(errors.is_empty(), "{errors:?}:\n{text}");
        let table = table.into_inner();
        let bots = table.get("bot").and_then(|bots| bots.get_ref().as_table()).unwrap();
        assert_eq!((table.len(), bots.len()), (1, 1), "{text}");
        let bot = bots.get(evil).and_then(|bot| bot.get_ref().as_table()).unwrap();
        assert_eq!(bot.get("command").and_then(|value| value.get_ref().as_str()), Some(evil));
        for control in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{2028}'] {
            assert!(!text.contains(control), "{control:?} reaches the terminal:\n{text}");
        }
    }
}
