//! Translates a supervisord.conf.

mod environment;
mod expansions;
pub(super) mod keys;
mod logs;
mod program;

use super::document::{Document, Section, TomlValue};
use super::ini::{self, IniSection};
use super::keys::Entries;
use super::limits;
use super::paths::Paths;
use super::source::{SourceError, SourceFile};
use expansions::{Expansions, ProcessNumber};
use std::collections::HashMap;

/// Translates a file.
///
/// # Errors
/// The file is not one of supervisord.
pub(super) fn translate(file: &SourceFile, paths: &Paths) -> Result<Document, SourceError> {
    let mut document = Document::default();
    let mut sections = ini::read(file, false)?;
    // Only the first file includes others.
    if let Some(include) = sections.iter().find(|section| section.name == "include") {
        sections.extend(included(file, include, &mut document)?);
    }
    let groups = groups(&sections, &mut document);
    defaults(&mut document);
    for section in &sections {
        let name = section.suffix("program:").or_else(|| section.suffix("fcgi-program:"));
        if let Some(name) = name {
            let group = groups.get(name).map(String::as_str);
            document.bots.extend(program::translate(name, group, section, paths));
        } else {
            other(section, &mut document, paths);
        }
    }
    Ok(document)
}

/// Sets the defaults of supervisord that differ from those here.
fn defaults(document: &mut Document) {
    document.defaults.set("restart", TomlValue::expanded("on-failure"));
    document.defaults.set("limit", limits::within_retries(limits::RETRIES_OF_SUPERVISORD, 1));
}

/// Returns the sections of included files.
fn included(file: &SourceFile, include: &IniSection, document: &mut Document) -> Result<Vec<IniSection>, SourceError> {
    let mut sections = Vec::new();
    for entry in include.entries.0.iter().filter(|entry| entry.key == "files") {
        for pattern in entry.value.split_whitespace() {
            let pattern = pattern.replace("%(here)s", &file.directory.display().to_string());
            match file.included(&pattern) {
                Ok(files) => {
                    for file in &files {
                        sections.extend(ini::read(file, false)?);
                    }
                }
                Err(reason) => document.monitor.keep(format!("[include] files = {pattern}"), entry.line, reason),
            }
        }
        include.entries.take("files");
    }
    include.entries.keep_rest(&[], &mut document.monitor);
    Ok(sections)
}

/// Returns the group of each program.
fn groups(sections: &[IniSection], document: &mut Document) -> HashMap<String, String> {
    let mut groups = HashMap::new();
    for section in sections {
        let Some(group) = section.suffix("group:") else { continue };
        let programs = section.entries.take("programs").map_or("", |entry| &entry.value);
        for program in programs.split(',').map(str::trim).filter(|program| !program.is_empty()) {
            groups.insert(program.to_owned(), group.to_owned());
        }
        let known = keys::OF_PROGRAMS;
        let mut kept = Section::default();
        section.entries.keep_rest(known, &mut kept);
        for mut comment in kept.comments {
            comment.source = format!("[{}] {}", section.name, comment.source);
            document.others.push(comment);
        }
    }
    groups
}

/// Translates a section that is not a program.
fn other(section: &IniSection, document: &mut Document, paths: &Paths) {
    let entries = &section.entries;
    match section.name.as_str() {
        "include" => return,
        "supervisord" => return supervisord(entries, document, paths),
        "inet_http_server" => return inet(entries, document),
        name if name.starts_with("group:") => return,
        _ => {}
    }
    let known = keys::OF_SECTIONS.iter().find(|(name, _)| {
        let header = format!("[{}]", section.name);
        name.strip_suffix('*').map_or(header == *name, |start| header.starts_with(start))
    });
    let reason = match known {
        Some((_, super::keys::Translation::Kept(reason))) => *reason,
        _ => "not a known section",
    };
    let mut kept = Section::default();
    for entry in &entries.0 {
        entry.keep(&mut kept, "see its section");
    }
    document.others.push(super::document::Comment {
        source: format!("[{}]", section.name),
        line: section.line,
        reason: reason.to_owned(),
    });
    document.others.extend(kept.comments);
}

/// Translates `[supervisord]`.
fn supervisord(entries: &Entries<String>, document: &mut Document, paths: &Paths) {
    let values = Expansions {
        program: "supervisord",
        group: "supervisord",
        number: ProcessNumber::Fixed(0),
        count: 1,
        here: &paths.directory,
    };
    let monitor = &mut document.monitor;
    if let Some(name) = program::text(monitor, entries, "identifier", &values) {
        monitor.set("name", TomlValue::Text(super::bot_names::allowed(&name)));
    }
    let size = logs::size(monitor, entries, "logfile_maxbytes");
    let keep = logs::number(monitor, entries, "logfile_backups");
    for key in ["pidfile", "logfile"] {
        let Some(entry) = entries.take(key) else { continue };
        let path = match values.expand(&entry.value) {
            Ok(path) => paths.join(&path),
            Err(reason) => {
                entry.keep(monitor, reason);
                continue;
            }
        };
        match (key, path.as_str()) {
            ("logfile", "/dev/null") => monitor.set("log", TomlValue::expanded("null")),
            ("logfile", path) if path.starts_with("/dev/") => monitor.set("log", TomlValue::expanded("stdout")),
            (_, path) if path.starts_with("/tmp/") || path.starts_with("/var/tmp/") => {
                entry.keep(monitor, "every user can write there: the default is safe");
            }
            ("logfile", path) => monitor.set("log", logs::file(path, size.clone(), keep)),
            (_, path) => monitor.set("pidfile", TomlValue::expanded(path)),
        }
    }
    if let Some(entry) = entries.take("loglevel") {
        match level(&entry.value) {
            Some(level) => monitor.set("log_level", TomlValue::expanded(level)),
            None => entry.keep(monitor, "not a known level"),
        }
    }
    if let Some(umask) = program::text(monitor, entries, "umask", &values) {
        document.defaults.set("umask", TomlValue::expanded(umask));
    }
    if let Some(directory) = program::text(monitor, entries, "directory", &values) {
        document.defaults.set("cwd", TomlValue::expanded(paths.join(&directory)));
    }
    if let Some(entry) = entries.take("environment") {
        program::variables(&mut document.defaults, entry, &values);
    }
    entries.keep_rest(keys::OF_SUPERVISORD, &mut document.monitor);
}

fn level(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "critical" | "crit" | "error" | "erro" => Some("error"),
        "warn" | "warning" => Some("warn"),
        "info" => Some("info"),
        "debug" | "debg" => Some("debug"),
        "trace" | "trac" | "blather" | "blat" => Some("trace"),
        _ => None,
    }
}

/// Translates `[inet_http_server]`.
fn inet(entries: &Entries<String>, document: &mut Document) {
    let monitor = &mut document.monitor;
    if let Some(entry) = entries.take("port") {
        let (host, port) = entry.value.rsplit_once(':').unwrap_or(("", &entry.value));
        match port.parse::<u16>() {
            Ok(port) => {
                let address = TomlValue::expanded(format!("127.0.0.1:{port}"));
                monitor.set("control", TomlValue::table([("tcp", address)]));
                if !["127.0.0.1", "localhost"].contains(&host) {
                    entry.keep(monitor, "other machines cannot reach the monitor: use a tunnel");
                }
            }
            Err(_) => entry.keep(monitor, "not a port"),
        }
    }
    entries.keep_rest(keys::OF_INET, monitor);
}
