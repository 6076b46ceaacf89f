//! Reads the keys of hooks: `on_exit`, `on_gave_up`, `on_unhealthy` and `hook_timeout`.

use crate::bot::{Bot, Hooks};
use crate::config::value::{Keys, Value};
use std::ffi::OsString;

/// Reads the commands that report what happens to a bot.
pub(super) fn read(bot: &mut Bot, keys: &Keys<'_>) {
    let mut hooks = Hooks::default();
    keys.set("on_exit", &mut hooks.on_exit, command);
    keys.set("on_gave_up", &mut hooks.on_gave_up, command);
    keys.set("on_unhealthy", &mut hooks.on_unhealthy, command);
    keys.set("hook_timeout", &mut hooks.timeout, |value| value.timeout());
    if hooks != Hooks::default() {
        bot.hooks = Some(Box::new(hooks));
    }
}

/// Reads a program, as `command`, and its arguments.
fn command(value: Value<'_>) -> Option<Vec<OsString>> {
    let words = value.list("a list of a program and its arguments, such as [\"/usr/bin/mail\", \"ops\"]")?;
    let Some((program, arguments)) = words.split_first() else {
        return value.wrong("it has no program: write [\"/usr/bin/mail\", \"ops\"]");
    };
    let program = program.program()?.into_os_string();
    let arguments = arguments.iter().map(|argument| argument.expanded().map(OsString::from));
    std::iter::once(Some(program)).chain(arguments).collect()
}
