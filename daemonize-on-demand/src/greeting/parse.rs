//! Reads a greeting of a process that is not trusted.

use super::escaped_value::unescape_value;
use super::{GREETING_FORMAT, Greeting, GreetingState, MAX_GREETING_BYTES};
use daemonize_sys::Pid;
use std::fmt;
use std::str::FromStr;

/// The reason why a line is not a [`Greeting`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidGreeting(String);

impl fmt::Display for InvalidGreeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidGreeting {}

impl Greeting {
    /// Reads a greeting of at most 512 bytes. The line end may be missing. Keys that this version does not know are ignored.
    ///
    /// # Errors
    /// The line is not a greeting, or is one of a format that this version does not know.
    pub fn parse(line: &[u8]) -> Result<Greeting, InvalidGreeting> {
        let invalid = |why: &str| InvalidGreeting(format!("the greeting is not valid: {why}"));
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if line.len() >= MAX_GREETING_BYTES {
            return Err(invalid(&format!("it has more than {MAX_GREETING_BYTES} bytes")));
        }
        let line = std::str::from_utf8(line).map_err(|_| invalid("it is not ASCII"))?;
        let mut words = line.split(' ');
        let format = words.next().unwrap_or_default();
        if format != GREETING_FORMAT {
            let format =
                format.strip_prefix("daemonic/").filter(|format| format.bytes().all(|byte| byte.is_ascii_digit()));
            return Err(match format {
                Some(format) => {
                    InvalidGreeting(format!("the greeting has the format {format}, which this version does not know"))
                }
                None => invalid(&format!("it does not begin with `{GREETING_FORMAT}`")),
            });
        }
        let mut values = Values::default();
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| invalid("a word is not `key=value`"))?;
            let value = unescape_value(value).ok_or_else(|| invalid("a value is not escaped"))?;
            values.set(key, value).map_err(|Repeated| invalid("a key is repeated"))?;
        }
        values.into_greeting().map_err(|key| invalid(&format!("`{key}` is missing or not valid")))
    }
}

/// A key stands twice in a line.
struct Repeated;

/// The values of the known keys.
#[derive(Default)]
struct Values([Option<String>; KEYS.len()]);

const KEYS: [&str; 10] =
    ["name", "pid", "build", "protocol", "package", "version", "constraint", "state", "clients", "error"];

impl Values {
    fn set(&mut self, key: &str, value: String) -> Result<(), Repeated> {
        let Some(index) = KEYS.iter().position(|known| *known == key) else { return Ok(()) };
        match self.0[index].replace(value) {
            Some(_) => Err(Repeated),
            None => Ok(()),
        }
    }

    /// Returns the greeting, or the key that is missing or not valid.
    fn into_greeting(self) -> Result<Greeting, &'static str> {
        let [name, pid, build, protocol, package, version, constraint, state, clients, error] = self.0;
        Ok(Greeting {
            name: name.filter(|name| !name.is_empty()).ok_or("name")?,
            pid: number(pid.as_deref()).and_then(Pid::from_raw).ok_or("pid")?,
            build,
            protocol: number(protocol.as_deref()).ok_or("protocol")?,
            package,
            version,
            constraint,
            state: state.and_then(|state| word_of_state(&state)).ok_or("state")?,
            clients: match clients {
                Some(clients) => number(Some(&clients)).ok_or("clients")?,
                None => 0,
            },
            error,
        })
    }
}

/// Reads a decimal number without a sign.
fn number<T: FromStr>(digits: Option<&str>) -> Option<T> {
    digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn word_of_state(word: &str) -> Option<GreetingState> {
    GreetingState::WORDS.iter().find(|(known, _)| *known == word).map(|(_, state)| *state)
}
