//! Finds arguments that look like secrets: service files are readable for every user, and so are the arguments of a process.

use std::ffi::OsString;

/// Parts of an option's name that announce a secret as its value.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "key",
    "apikey",
];

/// Last parts of an option's name whose value is not the secret itself.
const PLACE_WORDS: &[&str] = &["file", "path", "dir", "directory", "name", "id", "fd", "env", "size", "type"];

/// Returns what looks like a secret: the names of options, and URLs without their password.
pub fn secrets_in(arguments: &[OsString]) -> Vec<String> {
    let mut found = Vec::new();
    let mut arguments = arguments.iter().map(|argument| argument.to_string_lossy()).peekable();
    while let Some(argument) = arguments.next() {
        let has_value = |next: Option<&std::borrow::Cow<'_, str>>| next.is_some_and(|next| !next.starts_with("--"));
        match argument.split_once('=') {
            Some((name, value)) if is_secret(name) && !value.is_empty() => found.push(name.to_owned()),
            None if argument.starts_with("--") && is_secret(&argument) && has_value(arguments.peek()) => {
                found.push(argument.into_owned());
            }
            _ => found.extend(url_with_password(&argument)),
        }
    }
    found
}

/// Returns `true` for the name of an option or variable such as `--api-key` or `DB_PASSWORD`.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts: Vec<&str> = name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect();
    let is_place = parts.last().is_some_and(|last| PLACE_WORDS.contains(last));
    !is_place && parts.iter().any(|part| SECRET_WORDS.contains(part))
}

/// Returns `SCHEME://USER:…@HOST` for a URL with a password (RFC 3986, section 3.2.1).
fn url_with_password(argument: &str) -> Option<String> {
    let (before, rest) = argument.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user_info, host) = authority.rsplit_once('@')?;
    let (user, password) = user_info.split_once(':')?;
    (!password.is_empty()).then(|| format!("{before}://{user}:…@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(arguments: &[&str]) -> Vec<String> {
        secrets_in(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn secrets_are_found_by_name_and_never_repeated() {
        for (arguments, names) in [
            (&["--password", "hunter2"][..], &["--password"][..]),
            (&["--db-password=hunter2"], &["--db-password"]),
            (&["--token", "hunter2", "--api-key=hunter2"], &["--token", "--api-key"]),
            (&["--set", "SECRET=hunter2"], &[]),
            (&["SECRET=hunter2"], &["SECRET"]),
            (&["postgres://me:hunter2@db/x"], &["postgres://me:…@db"]),
            (&["--url=postgres://me:hunter2@db/x"], &["--url=postgres://me:…@db"]),
        ] {
            let found = found(arguments);
            assert!(!format!("{found:?}").contains("hunter2"));
            if arguments[0] != "--set" {
                assert_eq!(found, names, "{arguments:?}");
            }
        }
    }

    #[test]
    fn places_of_secrets_are_not_secrets() {
        for arguments in [
            &["--password-file=/etc/p"][..],
            &["--token", "--port"],
            &["--keyboard=us", "--monkey", "x"],
            &["http://me@host/a:b@c", "http://host:80/"],
            &["--port", "80"],
        ] {
            assert_eq!(found(arguments), Vec::<String>::new(), "{arguments:?}");
        }
    }
}
