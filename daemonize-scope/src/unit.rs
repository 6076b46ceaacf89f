//! The transient scope of a daemon: its name and the slice it is in.

use daemonize_sys::Pid;
use nix::unistd::Uid;
use std::fmt::Write;

/// The longest escaped name of a daemon in a unit's name, in bytes: a unit's name has at most 255 (`systemd.unit(5)`).
const NAME_LIMIT: usize = 200;

/// The scope that a daemon is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Its name: `app-NAME-PID.scope`, as that of an application.
    pub(crate) name: String,
    /// Its description in `systemctl status`.
    pub(crate) description: String,
    pub(crate) slice: &'static str,
    pub(crate) pid: Pid,
}

impl Unit {
    /// Describes the scope of the daemon with this name and pid. Root's is in the slice of services of the machine: the user's manager of
    /// root, if it runs, ends with root's sessions.
    pub(crate) fn of_daemon(name: &str, pid: Pid, user: Uid) -> Unit {
        Unit {
            name: format!("app-{}-{pid}.scope", escaped(name)),
            description: format!("Daemon {}", daemonize_sys::escape::escape(name)),
            slice: if user.is_root() { "system.slice" } else { "app.slice" },
            pid,
        }
    }
}

/// Escapes a name as a part of a unit's name (`systemd-escape(1)`): `-` separates the parts.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in name.bytes().enumerate() {
        let is_plain = byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_') || (byte == b'.' && index > 0);
        if escaped.len() + 4 > NAME_LIMIT {
            break;
        }
        if is_plain {
            escaped.push(byte.into());
        } else {
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn name_is_escaped_as_systemd_escapes_it() {
        let name = |name: &str| Unit::of_daemon(name, Pid::from_raw(7).unwrap(), Uid::from_raw(1)).name;
        assert_eq!(name("agent"), "app-agent-7.scope");
        assert_eq!(name("my-agent.1"), "app-my\\x2dagent.1-7.scope");
        assert_eq!(name(".ä/"), "app-\\x2e\\xc3\\xa4\\x2f-7.scope");
    }

    proptest! {
        #[test]
        fn any_name_yields_a_name_of_a_unit(name in ".{0,300}") {
            let unit = Unit::of_daemon(&name, Pid::from_raw(i32::MAX).unwrap(), Uid::from_raw(0));
            prop_assert!(unit.name.len() <= 255, "{}", unit.name);
            let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\".contains(&byte);
            prop_assert!(unit.name.bytes().all(is_valid), "{}", unit.name);
        }
    }
}
