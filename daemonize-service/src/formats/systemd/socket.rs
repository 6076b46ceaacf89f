//! The units of a service's sockets (`systemd.socket(5)`).

use super::unit_text::UnitText;
use crate::definition::Definition;
use crate::quote::systemd as quote;

/// Returns name and content of each unit. A socket `http=80` is called `http` in the program (`FileDescriptorName=`), and sockets of one
/// name share a unit.
pub(super) fn units(definition: &Definition) -> Vec<(String, String)> {
    let mut groups: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    for socket in &definition.options.sockets {
        let (name, address) = split(socket);
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, addresses)) => addresses.push(address),
            None => groups.push((name, vec![address])),
        }
    }
    let service = &definition.name;
    let is_alone = groups.len() == 1;
    let unit = |(name, addresses): (Option<&str>, Vec<&str>)| match name {
        Some(name) if !is_alone => (format!("{service}-{name}.socket"), content(definition, Some(name), &addresses)),
        name => (format!("{service}.socket"), content(definition, name, &addresses)),
    };
    groups.into_iter().map(unit).collect()
}

/// Splits `NAME=ADDRESS`. A path may hold a `=`, a name has letters, digits, `-` and `_`.
fn split(socket: &str) -> (Option<&str>, &str) {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    match socket.split_once('=') {
        Some((name, address)) if !name.is_empty() && name.chars().all(is_plain) => (Some(name), address),
        _ => (None, socket),
    }
}

fn content(definition: &Definition, name: Option<&str>, addresses: &[&str]) -> String {
    let mut unit = UnitText::default();
    unit.section("Unit");
    unit.set("Description", quote::value(&format!("{} (socket)", definition.one_line_description())));
    unit.section("Socket");
    for address in addresses {
        unit.set("ListenStream", quote::value(address));
    }
    if addresses.iter().any(|address| address.starts_with('/')) {
        // Otherwise the file stays when the unit is removed.
        unit.set("RemoveOnStop", "yes");
    }
    if let Some(name) = name {
        unit.set("FileDescriptorName", name);
    }
    unit.set("Service", format_args!("{}.service", definition.name));
    unit.section("Install");
    unit.set("WantedBy", "sockets.target");
    unit.0
}
