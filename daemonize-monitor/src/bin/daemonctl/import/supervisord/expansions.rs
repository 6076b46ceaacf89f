//! The expansions of supervisord: `%(ENV_X)s`, `%(program_name)s`, `%(process_num)02d` and the like.

use super::super::document::literal;
use std::path::Path;

/// The number of a process among those of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProcessNumber {
    Fixed(u32),
    /// The number that an instance has here, from 1 on.
    Instance,
}

/// The widest number.
const MAX_WIDTH: usize = 20;

/// The values of expansions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansions<'a> {
    pub(super) program: &'a str,
    pub(super) group: &'a str,
    pub(super) number: ProcessNumber,
    pub(super) count: u32,
    pub(super) here: &'a Path,
}

impl Expansions<'_> {
    /// Returns a text with its expansions, as a text in which `${X}` is a variable.
    ///
    /// # Errors
    /// The expansion that has no translation.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let (mut expanded, mut rest) = (String::new(), text);
        while let Some(at) = rest.find('%') {
            expanded.push_str(&literal(&rest[..at]));
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                expanded.push('%');
                rest = after;
            } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                let end = after.find(['s', 'd', 'i', 'r']).ok_or_else(|| format!("`%({name})` has no format"))?;
                expanded.push_str(&self.value(name, &after[..end])?);
                rest = &after[end + 1..];
            } else {
                expanded.push('%');
            }
        }
        expanded.push_str(&literal(rest));
        Ok(expanded)
    }

    fn value(&self, name: &str, format: &str) -> Result<String, String> {
        if let Some(variable) = name.strip_prefix("ENV_") {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            let is_plain = variable.chars().all(plain) && !variable.is_empty();
            return if is_plain {
                Ok(format!("${{{variable}}}"))
            } else {
                Err(format!("`%({name})s` is not a variable"))
            };
        }
        match name {
            "program_name" => Ok(literal(self.program)),
            "group_name" => Ok(literal(self.group)),
            "here" => Ok(literal(&self.here.display().to_string())),
            "host_node_name" => Ok("${HOSTNAME}".into()),
            "numprocs" => numbered(self.count, format),
            "process_num" => match self.number {
                ProcessNumber::Fixed(number) => numbered(number, format),
                ProcessNumber::Instance => Ok("${INSTANCE}".into()),
            },
            _ => Err(format!("`%({name})s` has no translation")),
        }
    }
}

/// Returns a number as `02` or an empty format says.
fn numbered(number: u32, format: &str) -> Result<String, String> {
    let width = format.trim_start_matches('0');
    let width = if width.is_empty() { Ok(0) } else { width.parse::<usize>() };
    match width {
        Ok(width) if width <= MAX_WIDTH && format.starts_with('0') => Ok(format!("{number:0width$}")),
        Ok(width) if width <= MAX_WIDTH => Ok(format!("{number:width$}")),
        _ => Err(format!("`{format}` is not a format of a number")),
    }
}

/// Returns `true` if a text depends on the number of its process.
pub(super) fn uses_number(text: &str) -> bool {
    text.contains("%(process_num)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_become_values_or_variables() {
        let here = Path::new("/etc/x$");
        let number = ProcessNumber::Fixed(7);
        let values = Expansions { program: "web", group: "g", number, count: 3, here };
        for (text, expected) in [
            ("%(ENV_HOME)s/bin", "${HOME}/bin"),
            ("80%(process_num)02d %(process_num)s %(numprocs)d", "8007 7 3"),
            ("$A %%d 50% %(here)s", "$$A %d 50% /etc/x$$"),
            ("%(program_name)s:%(group_name)s", "web:g"),
        ] {
            assert_eq!(values.expand(text).as_deref(), Ok(expected), "{text}");
        }
        for wrong in ["%(x)s", "%(ENV_A}B)s", "%(ENV_)s", "%(here)", "%(process_num)099999d"] {
            assert!(values.expand(wrong).is_err(), "{wrong}");
        }
        let instance = Expansions { number: ProcessNumber::Instance, ..values };
        assert_eq!(instance.expand("80%(process_num)d").as_deref(), Ok("80${INSTANCE}"));
    }
}
