//! Removes standard options from arguments.

use std::ffi::OsString;

/// An option to remove.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removed {
    /// Its name, such as `--name`.
    pub(super) name: &'static str,
    pub(super) has_value: bool,
}

/// Returns the arguments without these options. Arguments after `--` are left.
pub(super) fn without(arguments: &[OsString], removed: &[Removed]) -> Vec<OsString> {
    let mut rest = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            rest.push(argument.clone());
            rest.extend(arguments.by_ref().cloned());
            break;
        }
        let text = argument.to_str().unwrap_or_default();
        let is_joined = |name: &str| text.strip_prefix(name).is_some_and(|value| value.starts_with('='));
        match removed.iter().find(|option| text == option.name || option.has_value && is_joined(option.name)) {
            Some(option) if option.has_value && text == option.name => drop(arguments.next()),
            Some(_) => {}
            None => rest.push(argument.clone()),
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_removed_with_their_values_up_to_the_end_of_options() {
        let removed = [Removed { name: "--name", has_value: true }, Removed { name: "--lsb", has_value: false }];
        let arguments = ["--port", "1", "--name", "blue", "--lsb", "--name=red", "--names", "x", "--", "--lsb"];
        let rest = without(&arguments.map(OsString::from), &removed);
        assert_eq!(rest, ["--port", "1", "--names", "x", "--", "--lsb"]);
    }
}
