//! Warns of bots that inherit the monitor's stdout or stderr while that is `/dev/null`.

use crate::bot::{Bot, LogTarget};
use nix::sys::stat::{SFlag, fstat, makedev};
use std::io::{stderr, stdout};
use std::os::fd::AsFd;
use std::sync::Arc;

/// The most bots that are named.
const MAX_NAMED: usize = 5;

/// Warns of bots whose output is lost because it is the monitor's own and the monitor, a daemon, has none.
pub(super) fn warn_of_lost_output(bots: &[Arc<Bot>]) {
    let lost = [("stdout", leads_nowhere(&stdout())), ("stderr", leads_nowhere(&stderr()))];
    for (stream, _) in lost.into_iter().filter(|(_, is_lost)| *is_lost) {
        let inherits = |bot: &&Bot| *(if stream == "stdout" { &bot.stdout } else { &bot.stderr }) == LogTarget::Inherit;
        let names = bots.iter().map(AsRef::as_ref).filter(inherits).map(|bot| format!("`{}`", bot.name));
        let mut names: Vec<String> = names.collect();
        if names.is_empty() {
            continue;
        }
        let more = names.len().saturating_sub(MAX_NAMED);
        names.truncate(MAX_NAMED);
        if more > 0 {
            names.push(format!("{more} more"));
        }
        log::warn!(
            "the {stream} of {} is that of the monitor, which is `/dev/null`: what is written there is lost: write a file, or \
             run the monitor in the foreground",
            names.join(", ")
        );
    }
}

/// Returns `true` if a stream is `/dev/null`.
fn leads_nowhere(stream: &impl AsFd) -> bool {
    fstat(stream).is_ok_and(|status| {
        SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFCHR
            && status.st_rdev == makedev(1, 3)
    })
}
