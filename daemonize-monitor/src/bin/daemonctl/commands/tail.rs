//! `tail`.

use super::Site;
use crate::args::Stream;
use crate::exit_status::{Exit, Failure};
use crate::monitor_client;
use serde_json::{Value, json};

pub(crate) fn tail(site: &Site, bot: &str, lines: u32, stream: Stream, follow: bool) -> Result<Exit, Failure> {
    let (screen, connection) = (site.screen, site.connection());
    let names = site.names(&[bot.to_owned()])?;
    let bot = match &names[..] {
        [bot] => &bot[..],
        // The instances of one bot.
        names => names.first().and_then(|name| name.split(':').next()).unwrap_or(bot),
    };
    // A stream cannot refuse: what is wrong is told by the other form.
    let (last, is_kept) = connection.lines(bot, if follow { 0 } else { lines }, stream.name())?;
    if !is_kept {
        screen.note(format!("(the output of `{bot}` is not kept: its `stdout` is \"inherit\" or \"null\")"));
    }
    if !follow {
        if screen.json {
            screen.document(&json!({ "success": true, "lines": last, "kept": is_kept }))?;
        } else {
            last.iter().try_for_each(|line| screen.output(line))?;
        }
        return Ok(Exit::Done);
    }
    for event in connection.follow(bot, lines, stream.name())? {
        let event = event.map_err(|error| monitor_client::failure(&error))?;
        match (&*event.name, event.data) {
            ("line", line) if screen.json => screen.document(&json!({ "line": line }))?,
            ("line", Value::String(line)) => screen.output(&line)?,
            ("lagged", data) => screen.note(format!("({} lines were not shown)", data["missed"])),
            _ => {}
        }
    }
    screen.note("the monitor has ended, or the bot is gone");
    Ok(Exit::Down)
}
