//! The parsers of what comes from outside, and what must hold of them whatever they are given.

use crate::config::Config;
use crate::counts::Counts;
use crate::settings::Format;
use std::collections::BTreeSet;
use std::time::Instant;

/// A configuration: whatever is accepted can be run, and whatever is refused is reported with its location.
pub fn config(bytes: &[u8]) {
    events(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX);
    match Config::parse("/etc/bots.toml", text, &|name| (name.len() < 4).then(|| name.repeat(2))) {
        Ok(config) => accepted(&config),
        Err(mistakes) => {
            assert!(mistakes.iter().len() > 0);
            assert!(mistakes.iter().all(|mistake| mistake.place.line <= lines && !mistake.text.contains('\n')));
        }
    }
    if let Ok(format) = text.parse::<Format>() {
        assert_eq!(format.to_string().parse::<Format>().map(|again| again.to_string()), Ok(format.to_string()));
    }
}

fn accepted(config: &Config) {
    let names: BTreeSet<&str> = config.bots.iter().map(|bot| &*bot.name).collect();
    assert_eq!(names.len(), config.bots.len());
    for bot in &config.bots {
        assert!(
            !bot.name.contains(|letter: char| letter == '/'
                || letter == ':'
                || letter.is_whitespace()
                || letter.is_control())
        );
        assert!(bot.depends_on.iter().all(|name| names.contains(&**name) && *name != bot.name));
        assert!(!bot.command.as_os_str().is_empty() && !bot.stop.is_empty() && !bot.limit.window.is_zero());
        assert!(bot.arguments.iter().chain(bot.environment.values()).all(|text| !text.as_encoded_bytes().contains(&0)));
    }
}

/// Counts the events of a program: few names, all printable.
fn events(bytes: &[u8]) {
    let now = Instant::now();
    let mut counts = Counts::new(now);
    for name in bytes.split(|byte| *byte == b'\n') {
        counts.report(name, 1, now);
    }
    assert!(counts.iter(now).len() <= 65);
    assert!(counts.iter(now).all(|count| count.name.len() <= 64 && !count.name.contains(char::is_control)));
}
