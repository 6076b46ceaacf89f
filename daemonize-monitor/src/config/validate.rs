//! Validates a configuration as a whole, after all files are read.

use super::bot_entry::BotEntry;
use super::diagnostic::{Diagnostic, Diagnostics, Location};
use super::loader::Loader;
use super::{
    check_warnings, dependency_cycles, group_names, listen_warnings, path_warnings, program_warnings, shared_addresses,
    stop_timeouts,
};
use crate::bot::LogTarget;
use std::collections::BTreeMap;

/// Checks everything that needs all bots, and replaces device paths in logs. Returns warnings.
///
/// # Errors
/// All errors, also those that reading the files has collected, in the order of the files.
pub(super) fn validate(loader: &mut Loader<'_>) -> Result<Vec<Diagnostic>, Diagnostics> {
    let mut errors = loader.mistakes.take();
    errors.extend(loader.bots.iter_mut().filter_map(resolve_devices));
    if errors.is_empty() {
        errors.extend(loader.bots.iter().filter_map(check_bot));
    }
    errors.extend(loader.duplicate_names());
    // An unreadable file may define the bot that a dependency names.
    if loader.whole {
        errors.extend(dependency_cycles::check(&loader.bots));
    }
    errors.extend(group_names::check(&loader.bots));
    errors.extend(shared_logs(&loader.bots));
    errors.extend(shared_addresses::check(&loader.bots));
    if !errors.is_empty() {
        let order = |location: &Location| loader.files.iter().position(|file| *file == location.file);
        errors.sort_by(|one, other| order(&one.place).cmp(&order(&other.place)).then_with(|| one.cmp(other)));
        // One in `[defaults]` was found again with each bot.
        errors.dedup();
        return Err(Diagnostics(errors));
    }
    let mut warnings = program_warnings::warnings(&loader.bots);
    warnings.extend(check_warnings::warnings(&loader.bots));
    warnings.extend(listen_warnings::warnings(&loader.bots));
    if loader.checks_paths {
        warnings.extend(path_warnings::warnings(&loader.bots, &loader.settings));
    }
    // With the default timeout of a container, each bot with the default `stop` would be reported.
    if !loader.settings.has_container_stop_timeout() {
        warnings.extend(stop_timeouts::check(&loader.bots, loader.settings.stop_timeout));
    }
    Ok(warnings)
}

/// Returns an error for each log file of two bots, which would rotate each other's file.
fn shared_logs(bots: &[BotEntry]) -> Vec<Diagnostic> {
    let (mut owners, mut mistakes) = (BTreeMap::new(), Vec::new());
    for (described, bot) in bots.iter().flat_map(|entry| entry.bot.as_read().iter().map(move |bot| (entry, bot))) {
        for target in [&bot.stdout, &bot.stderr] {
            let LogTarget::File(log) = target else { continue };
            let name = &bot.name;
            if let Some(other) = owners.insert(&log.path, name).filter(|other| *other != name) {
                let text = format!(
                    "bots `{other}` and `{name}` have the same log `{}`: give each its own",
                    log.path.display()
                );
                mistakes.push(Diagnostic { place: described.place.clone(), text });
            }
        }
    }
    mistakes
}

/// Replaces log paths that are not files, such as `/dev/stdout`, which a program may also set.
fn resolve_devices(described: &mut BotEntry) -> Option<Diagnostic> {
    let bot = &mut described.bot;
    let wrong = [(1, &mut bot.stdout), (2, &mut bot.stderr)]
        .into_iter()
        .find_map(|(number, target)| target.clone().resolved(number).map(|resolved| *target = resolved).err());
    let text = format!("bot `{}`: {}", bot.name, wrong?);
    Some(Diagnostic { place: described.place.clone(), text })
}

/// Returns what is wrong with the values of a bot that a program has set, or that no single key shows.
fn check_bot(described: &BotEntry) -> Option<Diagnostic> {
    let text = described.bot.check().err()?;
    Some(Diagnostic { place: described.place.clone(), text })
}
