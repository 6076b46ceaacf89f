//! Translates a circus.ini.

pub(super) mod keys;
mod streams;
mod variables;
mod watcher;

use super::document::{BotDraft, Comment, Document, Section, TomlValue};
use super::ini::{self, IniSection};
use super::keys::{Entries, Translation};
use super::paths::Paths;
use super::source::{SourceError, SourceFile};
use super::units;
use watcher::{Sockets, Surroundings};

/// Translates a file.
///
/// # Errors
/// The file is not one of circus.
pub(super) fn translate(file: &SourceFile, paths: &Paths) -> Result<Document, SourceError> {
    let mut document = Document::default();
    let mut sections = ini::read(file, true)?;
    if let Some(circus) = sections.iter().find(|section| section.name == "circus") {
        sections.extend(included(file, circus, &mut document)?);
    }
    document.defaults.set("stop", TomlValue::table([("timeout", TomlValue::expanded("30s"))]));
    let sockets = Sockets(sections.iter().filter_map(|section| socket(section, &mut document)).collect());
    let global: Vec<(String, String)> = sections
        .iter()
        .filter(|section| section.name == "env")
        .flat_map(|section| variables::environment(&section.entries, &[]))
        .collect();
    for (name, value) in &global {
        document.defaults.set_variable(name, TomlValue::expanded(value.clone()));
    }
    let surroundings = Surroundings { sockets: &sockets, sections: &sections, global: &global, paths };
    for section in &sections {
        if let Some(name) = section.suffix("watcher:") {
            document.bots.push(watcher::translate(name, &section.entries, &surroundings));
        }
    }
    for section in &sections {
        if section.name == "circus" {
            circus(&section.entries, &mut document, paths);
        } else if section.suffix("watcher:").is_none() {
            other(section, &mut document);
        }
    }
    keep_unused_sockets(&sections, &sockets, &mut document);
    share_sockets(&mut document);
    Ok(document)
}

/// Returns the sections of included files.
fn included(file: &SourceFile, circus: &IniSection, document: &mut Document) -> Result<Vec<IniSection>, SourceError> {
    let mut sections = Vec::new();
    for (key, ending) in [("include", ""), ("include_dir", "/*.ini")] {
        let Some(entry) = circus.entries.take(key) else { continue };
        for pattern in entry.value.split_whitespace() {
            match file.included(&format!("{pattern}{ending}")) {
                Ok(files) => {
                    for file in &files {
                        sections.extend(ini::read(file, true)?);
                    }
                }
                Err(reason) => document.monitor.keep(format!("{key} = {pattern}"), entry.line, reason),
            }
        }
    }
    Ok(sections)
}

/// Returns the name of a socket and its address, as `listen` has it.
fn socket(section: &IniSection, document: &mut Document) -> Option<(String, String)> {
    let name = section.suffix("socket:")?.to_ascii_lowercase();
    let entries = &section.entries;
    let value = |key: &str| entries.take(key).map(|entry| variables::command_word(&entry.value, &|_| None));
    let host = value("host").unwrap_or_else(|| "127.0.0.1".into());
    let host = if host == "localhost" { "127.0.0.1".into() } else { host };
    let address = match (value("path"), value("port")) {
        (Some(path), _) => path,
        (None, Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
        (None, port) => format!("{host}:{}", port.unwrap_or_else(|| "8080".into())),
    };
    let mut kept = Section::default();
    entries.keep_rest(keys::OF_SOCKETS, &mut kept);
    keep_of(section, kept, document);
    Some((name, address))
}

/// Keeps comments of a section that becomes no table.
fn keep_of(section: &IniSection, kept: Section, document: &mut Document) {
    for mut comment in kept.comments {
        comment.source = format!("[{}] {}", section.name, comment.source);
        document.others.push(comment);
    }
}

/// Translates `[circus]`.
fn circus(entries: &Entries<String>, document: &mut Document, paths: &Paths) {
    let monitor = &mut document.monitor;
    let port = entries.take("httpd_port").map_or("8080", |entry| &entry.value);
    let host = entries.take("httpd_host").map_or("localhost", |entry| &entry.value);
    if let Some(entry) = entries.take("httpd").filter(|entry| units::truth(&entry.value) == Some(true)) {
        match port.parse::<u16>() {
            Ok(port) => {
                let address = TomlValue::expanded(format!("127.0.0.1:{port}"));
                monitor.set("control", TomlValue::table([("tcp", address)]));
                if !["localhost", "127.0.0.1"].contains(&host) {
                    monitor.keep(
                        format!("httpd_host = {host}"),
                        entry.line,
                        "other machines cannot reach the monitor: use a tunnel",
                    );
                }
            }
            Err(_) => entry.keep(monitor, "`httpd_port` is not a port"),
        }
    }
    for key in ["pidfile", "logoutput"] {
        let Some(entry) = entries.take(key) else { continue };
        match (key, entry.value.as_str()) {
            ("logoutput", "-") => monitor.set("log", TomlValue::expanded("stdout")),
            (_, path) if path.starts_with("/tmp/") || path.starts_with("/var/tmp/") => {
                entry.keep(monitor, "every user can write there: the default is safe");
            }
            ("logoutput", path) if path.starts_with("syslog:") => monitor.set("log", TomlValue::expanded("syslog")),
            (_, path) => {
                let ours = if key == "logoutput" { "log" } else { key };
                let path = paths.join(&variables::command_word(path, &|_| None));
                monitor.set(ours, TomlValue::expanded(path));
            }
        }
    }
    if let Some(entry) = entries.take("proc_name") {
        monitor.set("name", TomlValue::Text(super::bot_names::allowed(&entry.value)));
    }
    if let Some(entry) = entries.take("loglevel") {
        match entry.value.to_ascii_lowercase().as_str() {
            level @ ("debug" | "info" | "error") => monitor.set("log_level", TomlValue::expanded(level)),
            "warning" | "warn" => monitor.set("log_level", TomlValue::expanded("warn")),
            "critical" => monitor.set("log_level", TomlValue::expanded("error")),
            _ => entry.keep(monitor, "not a known level"),
        }
    }
    if let Some(entry) = entries.take("umask") {
        document.defaults.set("umask", TomlValue::literal(&entry.value));
    }
    entries.keep_rest(keys::OF_CIRCUS, &mut document.monitor);
}

/// Keeps a section that has no translation.
fn other(section: &IniSection, document: &mut Document) {
    if section.name == "env" || section.suffix("env:").is_some() || section.suffix("socket:").is_some() {
        let mut kept = Section::default();
        section.entries.keep_rest(&[], &mut kept);
        return keep_of(section, kept, document);
    }
    let header = format!("[{}]", section.name);
    let known = keys::OF_SECTIONS
        .iter()
        .find(|(name, _)| name.strip_suffix('*').is_some_and(|start| header.starts_with(start)));
    let reason = match known {
        Some((_, Translation::Kept(reason))) => *reason,
        _ => "not a known section",
    };
    document.others.push(Comment { source: header, line: section.line, reason: reason.to_owned() });
    let mut kept = Section::default();
    for entry in &section.entries.0 {
        entry.keep(&mut kept, "see its section");
    }
    keep_of(section, kept, document);
}

/// Keeps a comment for each socket that no watcher uses.
fn keep_unused_sockets(sections: &[IniSection], sockets: &Sockets, document: &mut Document) {
    for section in sections {
        let Some(name) = section.suffix("socket:").map(str::to_ascii_lowercase) else { continue };
        let address = sockets.0.iter().find(|(other, _)| *other == name).map(|(_, address)| address);
        let is_listened_on = |bot: &BotDraft| match (bot.section.get("listen"), address) {
            (Some(TomlValue::List(addresses)), Some(address)) => {
                addresses.contains(&TomlValue::expanded(address.clone()))
            }
            _ => false,
        };
        if !document.bots.iter().any(is_listened_on) {
            let source = format!("[{}] {}", section.name, address.map_or("", String::as_str));
            document.others.push(Comment { source, line: section.line, reason: "no watcher uses it".into() });
        }
    }
}

/// Leaves each address to the first bot that listens there: the socket of a bot is its own.
fn share_sockets(document: &mut Document) {
    let mut owners: Vec<(TomlValue, String)> = Vec::new();
    for bot in &mut document.bots {
        let Some(TomlValue::List(addresses)) = bot.section.get("listen").cloned() else { continue };
        let mut taken = Vec::new();
        for address in &addresses {
            match owners.iter().find(|(other, _)| other == address) {
                Some((_, owner)) => taken.push((address.clone(), owner.clone())),
                None => owners.push((address.clone(), bot.name.clone())),
            }
        }
        if let Some((_, owner)) = taken.first() {
            let reason = format!("bot `{owner}` listens there: give each bot an address of its own");
            bot.section.entries.retain(|(key, _)| key != "listen");
            bot.section.keep("use_sockets = true", 0, reason);
        }
    }
}
