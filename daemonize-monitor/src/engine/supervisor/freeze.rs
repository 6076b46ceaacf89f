//! Freezes bots, and thaws them.

use super::Supervisor;
use crate::engine::bot_state::BotEvent;
use crate::error::{Error, ErrorKind, Result};

/// Names the nearest thing to a freeze that needs no control group.
const ALTERNATIVE: &str = "without a control group, `daemonctl signal STOP` suspends its main process alone";

impl Supervisor {
    /// Freezes all processes of a bot, or thaws them. A bot that does not run has none that could be frozen.
    ///
    /// # Errors
    /// The bot does not run, is being stopped, or has no control group.
    pub(in crate::engine) fn freeze(&mut self, index: usize, is_to_freeze: bool) -> Result<()> {
        // It may have executed its program by now.
        self.take_start(index);
        let unit = &self.units[index];
        let verb = if is_to_freeze { "freeze bot" } else { "thaw bot" };
        let failed = |why: String| Error::failed(ErrorKind::Failed, verb, &unit.bot.name, why);
        let process = match unit.living_process() {
            Some(process) if unit.bot_state.may_be_frozen() => process.pid,
            Some(_) => return Err(failed("it is being stopped".to_owned())),
            None => return Err(failed("it does not run".to_owned())),
        };
        self.cgroups.freeze(index, process, is_to_freeze).map_err(|why| failed(format!("{why}; {ALTERNATIVE}")))?;
        self.on(index, BotEvent::FreezeChanged(is_to_freeze));
        Ok(())
    }
}
