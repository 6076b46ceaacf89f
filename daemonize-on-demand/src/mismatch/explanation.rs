//! The error of a client that the daemon's build does not serve: both builds, and the fix.

use crate::greeting::Greeting;
use crate::settings::OnDemand;
use daemonize_sys::escape::escape;
use std::fmt::Write;

/// The reason why the daemon was not replaced, and so the fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// It is a daemon of another program with the same name.
    OtherPackage,
    /// This program is older than the daemon.
    NewerProgram,
    /// This program has started it, and connects with other settings.
    OneSetting,
    /// The setting `on_mismatch` forbids it.
    OtherReaction,
    /// The daemon has other clients until the deadline.
    StillBusy { clients: u64 },
    /// The daemon cannot be asked, for this reason.
    DoesNotRetire(String),
}

/// Returns the text of the error.
pub(super) fn explain(name: &str, ours: &OnDemand, build: &str, theirs: &Greeting, fix: &Fix) -> String {
    let text = Build {
        package: theirs.package.as_deref(),
        protocol: theirs.protocol,
        version: theirs.version.as_deref(),
        id: theirs.build.as_deref(),
    };
    let own = Build {
        package: ours.package.as_deref(),
        protocol: ours.protocol,
        version: ours.version.as_deref(),
        id: Some(build),
    };
    let mut text =
        format!("failed to connect to `{name}`: pid {} is {}, this program {}", theirs.pid, text.text(), own.text());
    if ours.constraint != theirs.constraint {
        let [theirs, ours] =
            [&theirs.constraint, &ours.constraint].map(|constraint| constraint_text(constraint.as_deref()));
        let _ = write!(text, "; its constraint is {theirs}, this program's {ours}");
    }
    text.push_str(": ");
    text.push_str(&fix_text(name, fix));
    text
}

fn fix_text(name: &str, fix: &Fix) -> String {
    match fix {
        Fix::OtherPackage => {
            "another program has a daemon of this name: give this one a `name` that no other program has".to_owned()
        }
        Fix::NewerProgram => format!("use the newer program, or stop `{name}` first"),
        Fix::OneSetting => "this program has started it: attach the `OnDemand` that `connect` is given".to_owned(),
        Fix::OtherReaction => format!("stop `{name}`, or allow another `on_mismatch`"),
        Fix::StillBusy { clients } => {
            let who = match clients {
                0 => "it has work".to_owned(),
                1 => "it has another client".to_owned(),
                many => format!("it has {many} other clients"),
            };
            format!("{who}, and exits when that has ended: try again later, or stop `{name}`")
        }
        Fix::DoesNotRetire(why) => format!("it cannot be asked to exit ({}): stop `{name}`", escape(why)),
    }
}

/// A build in an error.
struct Build<'a> {
    package: Option<&'a str>,
    protocol: u32,
    version: Option<&'a str>,
    id: Option<&'a str>,
}

impl Build<'_> {
    fn text(&self) -> String {
        let mut text = self.package.map_or_else(String::new, |package| format!("`{}` ", escape(package)));
        let _ = write!(text, "protocol {}", self.protocol);
        if let Some(version) = self.version {
            let _ = write!(text, " version {}", escape(version));
        }
        if let Some(id) = self.id {
            let id: String = id.chars().take(12).collect();
            let _ = write!(text, " build {}", escape(&id));
        }
        text
    }
}

fn constraint_text(constraint: Option<&str>) -> String {
    constraint.map_or_else(|| "not set".to_owned(), |constraint| format!("`{}`", escape(constraint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use daemonize_core::Pid;
    use std::time::Duration;

    #[test]
    fn error_names_both_builds_and_the_fix_and_escapes_what_the_daemon_says() {
        let ours = OnDemand::new(Duration::from_secs(1)).protocol(3).version("2.0.0").constraint("x".into());
        let mut theirs = Greeting::new("agent", Pid::from_raw(4711).unwrap());
        theirs.protocol = 2;
        theirs.version = Some("1.0.0\n\u{1b}[2J".into());
        theirs.build = Some("9f86d081884c7d659a2f".into());
        let text = explain("agent", &ours, "0123456789abcdef", &theirs, &Fix::StillBusy { clients: 2 });
        let expected = "failed to connect to `agent`: pid 4711 is protocol 2 version 1.0.0\\n\\u{1b}[2J build 9f86d081884c, this program \
                        protocol 3 version 2.0.0 build 0123456789ab; its constraint is not set, this program's `x`: it has 2 other \
                        clients, and exits when that has ended: try again later, or stop `agent`";
        assert_eq!(text, expected);
    }
}
