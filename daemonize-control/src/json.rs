//! JSON as it is answered: in one line, without anything that a terminal would act upon.

use serde_json::ser::Formatter;
use serde_json::{Map, Value};
use std::io::{self, Write};

/// An object.
pub(crate) type Object = Map<String, Value>;

/// `{"success": true}`, to which more is added.
pub(crate) fn success() -> Object {
    object([("success", Value::Bool(true))])
}

/// `{"success": false, "message": …}`
pub(crate) fn failure(message: impl Into<String>) -> Object {
    object([("success", Value::Bool(false)), ("message", Value::String(message.into()))])
}

pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// As text, all control characters escaped: those below the space, as JSON demands, and DEL and those above, which
/// terminals act upon too.
pub(crate) fn print(value: &impl serde::Serialize) -> Vec<u8> {
    let mut text = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Escaping);
    // A value of ours: there is no key that is no text, and a vector takes everything.
    let _ = value.serialize(&mut serializer);
    text
}

struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|letter| matches!(letter, '\x7f'..='\u{9f}')) {
            let (before, from) = rest.split_at(at);
            let letter = from.chars().next().unwrap_or_default();
            write!(writer, "{before}\\u{:04x}", u32::from(letter))?;
            rest = &from[letter.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_16_nothing_in_an_answer_moves_a_terminal() {
        let wild = "a\x1b[31m\u{9b}2J\x7f\r\n\"é\u{85}";
        let text = String::from_utf8(print(&failure(wild))).unwrap();
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["message"], wild);
    }
}
