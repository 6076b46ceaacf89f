//! The rules of `systemd-logind` for a user's processes (`logind.conf(5)`).

use super::bus::{describe, proxy};
use zbus::blocking::Connection;
use zbus::zvariant::OwnedObjectPath;

const SERVICE: &str = "org.freedesktop.login1";

/// The fate of the processes of a user when a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LoginRules {
    /// `true` if processes in the scope of a session are killed at its end.
    pub(super) kills: bool,
    /// `true` if the user's manager, and the scopes below it, outlive the last session (`loginctl enable-linger`).
    pub(super) lingers: bool,
}

impl LoginRules {
    /// Asks logind for the rules of this user, who has a session or lingers.
    pub(super) fn of_user(bus: &Connection, uid: u32) -> Result<LoginRules, String> {
        read(bus, uid).map_err(|error| format!("failed to ask logind for uid {uid}: {}", describe(&error)))
    }
}

fn read(bus: &Connection, uid: u32) -> zbus::Result<LoginRules> {
    let manager = proxy(bus, SERVICE, "/org/freedesktop/login1", "org.freedesktop.login1.Manager")?;
    let path: OwnedObjectPath = manager.call("GetUser", &uid)?;
    let user = proxy(bus, SERVICE, &path, "org.freedesktop.login1.User")?;
    let name: String = user.get_property("Name")?;
    let only: Vec<String> = manager.get_property("KillOnlyUsers")?;
    let excluded: Vec<String> = manager.get_property("KillExcludeUsers")?;
    let kills = manager.get_property("KillUserProcesses")?;
    Ok(LoginRules { kills: is_killed(&name, kills, &only, &excluded), lingers: user.get_property("Linger")? })
}

/// Applies `KillUserProcesses=`, `KillOnlyUsers=` and `KillExcludeUsers=` to a user.
fn is_killed(name: &str, kills: bool, only: &[String], excluded: &[String]) -> bool {
    let lists = |names: &[String]| names.iter().any(|listed| listed == name);
    if lists(excluded) {
        return false;
    }
    if only.is_empty() { kills } else { lists(only) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusion_wins_over_the_list_and_the_list_over_the_switch() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (kills, only, excluded, expected) in [
            (true, names(&[]), names(&["root"]), true),
            (false, names(&[]), names(&[]), false),
            (true, names(&[]), names(&["ada"]), false),
            (true, names(&["bob"]), names(&[]), false),
            (false, names(&["ada"]), names(&[]), true),
            (false, names(&["ada"]), names(&["ada"]), false),
        ] {
            assert_eq!(is_killed("ada", kills, &only, &excluded), expected, "{kills} {only:?} {excluded:?}");
        }
    }
}
