//! The user and the groups with which a program runs, looked up by name before the fork.

use super::start_error::StartError;
use crate::bot::Bot;
use crate::sys::account::{self, Account};
use crate::sys::spawn;
use nix::unistd::{Gid, Uid, getegid, geteuid};

/// The user and the groups that a bot gets.
pub(super) struct Credentials {
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) groups: Option<Vec<u32>>,
}

/// The names by which the user and the group of a bot are looked up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountNames {
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
}

impl AccountNames {
    /// Returns `None` for a bot that stays who the monitor is.
    pub(crate) fn of(bot: &Bot) -> Option<AccountNames> {
        let (user, group) = (bot.user.clone(), bot.group.clone());
        (user.is_some() || group.is_some()).then_some(AccountNames { user, group })
    }
}

/// The answer of the name service about the user and the group of a bot.
#[derive(Default)]
pub(crate) struct RunAs {
    pub(super) user: Option<Account>,
    pub(super) credentials: Option<Credentials>,
}

impl RunAs {
    /// Asks the name service, which may take long.
    ///
    /// # Errors
    /// There is no such user or group, or the name service does not say which groups the user has.
    pub(crate) fn look_up(names: &AccountNames) -> Result<RunAs, StartError> {
        let user = names.user.as_deref().map(find_user).transpose()?;
        let credentials = Credentials::resolve(names.group.as_deref(), user.as_ref())?;
        Ok(RunAs { user, credentials })
    }
}

impl RunAs {
    /// Returns the user and the group that own what is made for the bot; `None` for those of the monitor.
    pub(crate) fn owner(&self) -> (Option<Uid>, Option<Gid>) {
        let credentials = self.credentials.as_ref();
        let user = credentials.and_then(|credentials| credentials.user).map(Uid::from_raw);
        (user, credentials.and_then(|credentials| credentials.group).map(Gid::from_raw))
    }
}

impl Credentials {
    /// Returns `None` if nothing changes.
    fn resolve(group: Option<&str>, user: Option<&Account>) -> Result<Option<Credentials>, StartError> {
        let group = group.map(find_group).transpose()?;
        let stays = user.is_none_or(|user| user.uid == geteuid()) && group.is_none_or(|group| group == getegid());
        if (user.is_none() && group.is_none()) || (stays && !geteuid().is_root()) {
            return Ok(None);
        }
        let group = group.or(user.and_then(|user| user.group));
        let groups = match (user, group) {
            (Some(Account { entry: Some(entry), .. }), Some(group)) => {
                let name = entry.name().to_string_lossy();
                let failed = |why| StartError::invalid(format!("failed to find the groups of `{name}`: {why}"));
                entry.groups(group).map_err(failed)?
            }
            (_, Some(group)) => vec![group],
            (_, None) => {
                return Err(StartError::invalid(format!(
                    "failed to become user {}: it has no passwd entry, set `group`",
                    user.map_or(0, |user| user.uid.as_raw())
                )));
            }
        };
        let mut groups: Vec<u32> = groups.into_iter().map(Gid::as_raw).collect();
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(Credentials {
            user: user.map(|user| user.uid.as_raw()),
            group: group.map(Gid::as_raw),
            groups: Some(groups),
        }))
    }

    pub(super) fn identity(&self) -> spawn::Identity<'_> {
        spawn::Identity { user: self.user, group: self.group, groups: self.groups.as_deref() }
    }
}

fn find_user(text: &str) -> Result<Account, StartError> {
    Account::find(text).map_err(|why| StartError::invalid(format!("failed to become user `{text}`: {why}")))
}

fn find_group(text: &str) -> Result<Gid, StartError> {
    account::find_group(text).map_err(|why| StartError::invalid(format!("failed to become group `{text}`: {why}")))
}
