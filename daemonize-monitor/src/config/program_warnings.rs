//! Warns of programs that do not exist, or that run as root although another user could replace them.

use super::bot_entry::BotEntry;
use super::diagnostic::Diagnostic;
use super::trusted_file;
use crate::bot::Bot;
use crate::error::cause;
use nix::unistd::geteuid;
use std::collections::HashMap;
use std::path::PathBuf;

/// Returns what does not look right about the bots' programs, although it is not a mistake.
pub(super) fn warnings(bots: &[BotEntry]) -> Vec<Diagnostic> {
    // Many bots may have one program, and each look at it takes a walk from the root of the file system.
    let mut looked = HashMap::new();
    let mut warnings = Vec::new();
    for described in bots {
        for bot in described.bot.as_read() {
            let of_command = warning(bot, "command", &mut looked);
            warnings.extend(of_command.map(|text| Diagnostic { place: described.command.clone(), text }));
            for (key, argv) in bot.probe_programs() {
                let probe = Bot { command: argv.first().map(PathBuf::from).unwrap_or_default(), ..bot.clone() };
                let of_probe = warning(&probe, key, &mut looked);
                warnings.extend(of_probe.map(|text| Diagnostic { place: described.place.clone(), text }));
            }
        }
    }
    warnings.dedup();
    warnings
}

fn warning(bot: &Bot, key: &str, looked: &mut HashMap<PathBuf, Option<String>>) -> Option<String> {
    let command = bot.command.display();
    match bot.find_program() {
        Err(error) => {
            let hint = words_hint(bot).filter(|_| key == "command").unwrap_or_default();
            Some(format!("`{key}`: `{command}` cannot be started now: {}{hint}", cause(&error)))
        }
        Ok(program) if runs_as_root(bot) => {
            let program = std::path::absolute(&program).unwrap_or(program);
            let why =
                looked.entry(program).or_insert_with_key(|program| trusted_file::replaceable(program)).as_ref()?;
            Some(format!("`{key}`: `{command}` runs as root, but is not protected from other users: {why}"))
        }
        Ok(_) => None,
    }
}

/// Returns what to write instead of a whole command line, as other supervisors have it.
fn words_hint(bot: &Bot) -> Option<String> {
    let (program, _) = bot.command.to_str()?.split_once(char::is_whitespace)?;
    Some(format!(": no shell splits it: write `command = \"{program}\"`, and its arguments as a list in `args`"))
}

/// Returns `true` if a monitor of the user who asks would start the bot as root. Names are not looked up.
fn runs_as_root(bot: &Bot) -> bool {
    geteuid().is_root() && bot.user.as_deref().is_none_or(|user| matches!(user, "root" | "0"))
}
