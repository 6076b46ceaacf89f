//! The file descriptor limit (`RLIMIT_NOFILE`): raised at the start, with a reserve for connections and logs.

use crate::bot::{Bot, LogTarget, Ready};
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// Descriptors that are reserved for connections and logs; of a small limit an eighth.
const RESERVED_DESCRIPTORS: rlim_t = 64;

/// Raises `RLIMIT_NOFILE` as far as it goes: with `CAP_SYS_RESOURCE` to what the kernel allows any process, else to the
/// hard limit. Returns what it was, if it was raised.
pub(super) fn raise() -> Option<(rlim_t, rlim_t)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let most = std::fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim().parse().ok());
    let most: rlim_t = most.unwrap_or(hard).max(hard);
    setrlimit(Resource::RLIMIT_NOFILE, most, most).or_else(|_| setrlimit(Resource::RLIMIT_NOFILE, hard, hard)).ok()?;
    Some((soft, hard))
}

/// Refuses pipes for a bot where they take what is reserved. The kernel gives the lowest number that is free, so a high one
/// says that there are few others.
pub(super) fn leaves_room<'a>(mut pipes: impl Iterator<Item = &'a OwnedFd>) -> nix::Result<()> {
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let is_kept = |fd: &OwnedFd| rlim_t::try_from(fd.as_raw_fd()).is_ok_and(|number| number >= limit - reserved(limit));
    if pipes.any(is_kept) { Err(Errno::EMFILE) } else { Ok(()) }
}

fn reserved(limit: rlim_t) -> rlim_t {
    RESERVED_DESCRIPTORS.min(limit / 8)
}

/// Returns how many descriptors of the monitor a bot takes while it runs: for its process, its events, its pipes and its logs.
fn needed(bot: &Bot) -> rlim_t {
    let is_watched = matches!(bot.ready, Ready::Output(_));
    let of = |target: &LogTarget| match target {
        LogTarget::File(_) => 2,
        LogTarget::Memory => 1,
        LogTarget::Null | LogTarget::Inherit => rlim_t::from(is_watched),
        LogTarget::Stdout => 0,
    };
    2 + of(&bot.stdout) + of(&bot.stderr) + rlim_t::from(bot.ready.has_socket())
}

/// Warns if the machine does not let the monitor have as many descriptors as its bots need.
pub(super) fn warn_of_shortage(bots: &[Arc<Bot>]) {
    let Ok((limit, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let total: rlim_t = bots.iter().map(|bot| needed(bot)).sum();
    if total > limit - reserved(limit) {
        log::warn!(
            "the {} bots need {} descriptors, and the monitor may have {limit} (RLIMIT_NOFILE): not all of them can run at \
             once",
            bots.len(),
            total + reserved(limit),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::Log;

    #[test]
    fn what_a_bot_needs_is_what_it_opens() {
        let bot = Bot::new("web", "/usr/bin/web");
        assert_eq!(needed(&bot), 4);
        let bot = bot.ready(Ready::AtOnce);
        assert_eq!(needed(&bot), 3);
        assert_eq!(needed(&bot.clone().stdout(Log::new("/x")).stderr(Log::new("/y"))), 6);
        let silent = bot.stdout(LogTarget::Null);
        assert_eq!(needed(&silent), 2);
        assert_eq!(needed(&silent.clone().ready(Ready::Notify)), 3);
        assert_eq!(needed(&silent.ready(Ready::Output("up".into()))), 3);
    }
}
