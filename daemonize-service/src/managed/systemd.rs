//! Units of systemd, of the machine and of users (`systemctl(1)`).

use super::action::Action;
use super::cgroup;
use super::command_line::CommandLine;
use super::managed_error::ManagedError;
use super::process::{is_own_program, own_ancestors, runs_own_program};
use super::tool;
use daemonize_sys::account::{Account, describe};
use daemonize_sys::pid::Pid;
use nix::unistd::{Gid, Uid, geteuid};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directory that exists if systemd is process 1 (`sd_booted(3)`).
const BOOTED: &str = "/run/systemd/system";

/// The properties that are asked for. `MainPID` and `ControlPID` are 0 without such a process.
const PROPERTIES: &str = "Id,LoadState,ActiveState,MainPID,ControlPID,User,ExecStart,UnitFileState";

/// The directories of units of the machine.
const UNIT_DIRECTORIES: [&str; 6] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The longest name of a unit (`UNIT_NAME_MAX` of systemd).
const MAX_UNIT_NAME: usize = 255;

/// A unit that systemd knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// The name, such as `web.service`.
    pub(super) name: String,
    /// The user whose service manager has the unit; `None` for that of the machine.
    pub(super) user: Option<u32>,
    /// The value of `ActiveState`, such as `active`.
    pub(super) state: String,
    /// The user that the unit's processes run as, by name or number, if the unit sets it.
    pub(super) runs_as: Option<String>,
    /// `true` if the unit executes this very program.
    pub(super) is_own_program: bool,
    /// The main process, if it runs.
    pub(super) main: Option<Pid>,
    control: Option<Pid>,
}

/// Returns `true` if systemd is process 1.
pub(super) fn is_running() -> bool {
    Path::new(BOOTED).symlink_metadata().is_ok_and(|status| status.is_dir())
}

/// Returns the unit of which a process is the main one.
///
/// # Errors
/// Returns an error if the cgroup names a unit and its manager does not answer.
pub(super) fn unit_of(pid: Pid) -> Result<Option<Unit>, ManagedError> {
    let Some(candidate) = cgroup::unit_of(pid).filter(|_| is_running()) else { return Ok(None) };
    if !may_ask(candidate.user) {
        return Ok(None);
    }
    match show(&candidate.unit, candidate.user) {
        Ok(unit) => Ok(unit.filter(|unit| unit.main == Some(pid)).map(|mut unit| {
            unit.is_own_program |= runs_own_program(pid);
            unit
        })),
        // A restricted unit may not reach the bus; the kernel says enough about who has called.
        Err(_) if is_control_process(pid, &candidate) => Ok(Some(Unit {
            name: candidate.unit,
            user: candidate.user,
            state: "active".to_owned(),
            runs_as: None,
            is_own_program: runs_own_program(pid),
            main: Some(pid),
            control: Some(Pid::this()),
        })),
        Err(error) => Err(error),
    }
}

/// Returns the unit `NAME.service` of a manager, if it is loaded.
///
/// # Errors
/// Returns an error if the manager does not answer.
pub(super) fn installed(name: &str, user: Option<u32>) -> Result<Option<Unit>, ManagedError> {
    let unit = format!("{name}.service");
    if !is_running() || !is_unit_name(&unit) || !may_ask(user) || !user.is_none_or(has_manager) {
        return Ok(None);
    }
    match show(&unit, user) {
        // A user of a machine without D-Bus cannot ask.
        Err(_) if user.is_none() && !has_unit_file(&unit) => Ok(None),
        answer => answer,
    }
}

impl Unit {
    /// Returns the command line of an action.
    pub(super) fn command_line(&self, action: Action) -> CommandLine {
        CommandLine::new(
            "systemctl",
            self.scope_options().iter().map(String::as_str).chain([action.name(), &self.name]),
        )
    }

    /// Returns the command line that prints the last lines of the journal.
    pub(super) fn journal(&self, lines: Option<usize>, follow: bool) -> CommandLine {
        let lines = lines.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let mut arguments = self.scope_options();
        arguments.extend(["--no-pager".to_owned(), format!("--unit={}", self.name), format!("--lines={lines}")]);
        if follow {
            arguments.push("--follow".to_owned());
        }
        CommandLine::new("journalctl", arguments)
    }

    /// Returns the reason why another user has to perform actions; `None` if this process may try.
    pub(super) fn refusal(&self) -> Option<String> {
        let owner = Uid::from_raw(self.user?);
        (owner != geteuid()).then(|| format!("`{}` is a unit of {}", self.name, describe(owner)))
    }

    /// Returns `true` if systemd has started this process for the unit, as its main process, or as `ExecReload=`, `ExecStop=` and
    /// the like.
    pub(super) fn is_caller(&self) -> bool {
        let chain = own_ancestors();
        if self.control.is_some_and(|control| chain.contains(&control)) {
            return true;
        }
        match self.main.filter(|main| chain.contains(main)) {
            // A daemon that runs a verb itself, in a child, has not been called by systemd; a script of the unit has.
            Some(main) => main == Pid::this() || self.state == "activating" || !runs_own_program(main),
            None => false,
        }
    }

    /// Returns the options that select the manager.
    fn scope_options(&self) -> Vec<String> {
        match self.user {
            None => Vec::new(),
            Some(user) if user == geteuid().as_raw() => vec!["--user".to_owned()],
            Some(user) => vec!["--user".to_owned(), format!("--machine={}@", user_name(user))],
        }
    }
}

/// Returns `true` if this process may ask the manager: that of the machine, its own, and for root that of each user.
fn may_ask(user: Option<u32>) -> bool {
    user.is_none_or(|user| geteuid().is_root() || geteuid().as_raw() == user)
}

/// Returns `true` if there is a file of this unit of the machine, or of its template (`systemd.unit(5)`).
fn has_unit_file(unit: &str) -> bool {
    let template = unit.split_once('@').map(|(prefix, _)| format!("{prefix}@.service"));
    let names: Vec<&str> = std::iter::once(unit).chain(template.as_deref()).collect();
    let exists = |directory: &&str| names.iter().any(|name| Path::new(directory).join(name).symlink_metadata().is_ok());
    UNIT_DIRECTORIES.iter().any(exists)
}

/// Returns `true` if the manager of a user runs.
fn has_manager(user: u32) -> bool {
    PathBuf::from(format!("/run/user/{user}/systemd/private")).symlink_metadata().is_ok()
}

/// Asks a manager for a unit; `None` if it is not loaded.
fn show(unit: &str, user: Option<u32>) -> Result<Option<Unit>, ManagedError> {
    let properties = format!("--property={PROPERTIES}");
    let mut line = CommandLine::new("systemctl", user.map(|_| "--user"));
    line.arguments.extend(["show", &properties, "--", unit].map(Into::into));
    // The manager of a user answers that user alone.
    line.user = user.filter(|user| *user != geteuid().as_raw()).map(|user| (user, group_of(user)));
    Ok(parse(&tool::ask(&line)?, user))
}

/// Reads the answer of `systemctl show`.
fn parse(answer: &str, user: Option<u32>) -> Option<Unit> {
    let values: BTreeMap<&str, &str> = answer.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |name: &str| values.get(name).copied().unwrap_or_default();
    let pid = |name: &str| value(name).parse().ok().and_then(Pid::from_raw);
    if value("LoadState") != "loaded" || !is_unit_name(value("Id")) {
        return None;
    }
    Some(Unit {
        name: value("Id").to_owned(),
        user,
        state: plain_word(value("ActiveState")),
        runs_as: Some(value("User")).filter(|name| !name.is_empty()).map(str::to_owned),
        is_own_program: executed(value("ExecStart")).is_some_and(is_own_program),
        main: pid("MainPID"),
        control: pid("ControlPID"),
    })
}

/// Returns a word of systemd's. The manager of another user could answer anything.
fn plain_word(word: &str) -> String {
    let is_plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if is_plain { word.to_owned() } else { "unknown".to_owned() }
}

/// Returns the path of the program in the value of `ExecStart`, `{ path=/a/b ; argv[]=… }`.
fn executed(value: &str) -> Option<&Path> {
    let (path, _) = value.split_once("path=")?.1.split_once(" ; argv[]=")?;
    Some(Path::new(path)).filter(|path| path.is_absolute())
}

/// Returns `true` for the name of a service that systemd takes as it is: no pattern, no option (`systemd.unit(5)`).
fn is_unit_name(name: &str) -> bool {
    let is_valid = |letter: u8| letter.is_ascii_alphanumeric() || b":-_.\\@".contains(&letter);
    let is_plain = name.len() <= MAX_UNIT_NAME && !name.starts_with(['-', '.']) && name.bytes().all(is_valid);
    is_plain && name.strip_suffix(".service").is_some_and(|stem| !stem.is_empty())
}

/// Returns `true` if this process is in the unit of a main process, and is not a descendant of it but of the manager: systemd has
/// started it beside the main process.
fn is_control_process(main: Pid, candidate: &cgroup::UnitCandidate) -> bool {
    let chain = own_ancestors();
    cgroup::unit_of(Pid::this()).as_ref() == Some(candidate)
        && !chain.contains(&main)
        && Pid::from_raw(1) == chain.last().copied()
}

fn group_of(user: u32) -> u32 {
    // A user without a passwd entry has no group that is known to be safe but the one of its number.
    Account::find(&user.to_string()).ok().and_then(|account| account.group).map_or(user, Gid::as_raw)
}

fn user_name(user: u32) -> String {
    let entry = Account::find(&user.to_string()).ok().and_then(|account| account.entry);
    entry.map_or_else(|| user.to_string(), |entry| entry.name().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Id=web.service\nLoadState=loaded\nActiveState=active\nMainPID=4711\nControlPID=0\nUser=ada\n\
                          ExecStart={ path=/bin/a ; b ; argv[]=/bin/a ; b run x=y ; ignore_errors=no }\nUnitFileState=enabled\n";

    #[test]
    fn answer_of_systemctl_becomes_a_unit() {
        let unit = parse(ANSWER, None).unwrap();
        assert_eq!((unit.main, unit.control), (Pid::from_raw(4711), None));
        assert_eq!((unit.name.as_str(), unit.runs_as.as_deref()), ("web.service", Some("ada")));
        assert!(!unit.is_own_program && !unit.is_caller() && unit.refusal().is_none());
        assert_eq!(parse(&ANSWER.replace("loaded", "not-found"), None), None);
        assert_eq!(parse(&ANSWER.replace("web.", "*."), None), None);
        assert_eq!(parse("", None), None);
        let lies = parse(&ANSWER.replace("active", "\x1b[2J").replace("4711", "-1"), Some(7)).unwrap();
        assert_eq!((lies.state.as_str(), lies.main), ("unknown", None));
    }

    #[test]
    fn program_of_a_unit_is_compared_by_file() {
        let own = std::env::current_exe().unwrap();
        let answer = ANSWER.replace("path=/bin/a ; b ;", &format!("path={} ;", own.display()));
        assert!(parse(&answer, None).unwrap().is_own_program);
        assert_eq!(executed("{ path=/bin/a ; b ; argv[]=x }"), Some(Path::new("/bin/a ; b")));
        assert_eq!(executed("{ path=a ; argv[]=x }"), None);
    }

    #[test]
    fn unit_names_are_no_patterns_and_no_options() {
        for name in ["web.service", "web@blue.service", "a\\x2db.service"] {
            assert!(is_unit_name(name), "{name}");
        }
        for name in [
            "w*.service",
            "[w].service",
            "-H.service",
            ".service",
            "a b.service",
            "a/b.service",
            "web",
            "\u{e4}.service",
        ] {
            assert!(!is_unit_name(name), "{name}");
        }
    }

    #[test]
    fn command_lines_select_the_manager() {
        let unit = |user| Unit { user, ..parse(ANSWER, None).unwrap() };
        let words = |line: CommandLine| super::super::command_line::shown(&line.words());
        let own = geteuid().as_raw();
        assert_eq!(words(unit(None).command_line(Action::Stop)), "systemctl stop web.service");
        assert_eq!(words(unit(Some(own)).command_line(Action::Reload)), "systemctl --user reload web.service");
        let other = unit(Some(4_294_967_290));
        assert_eq!(
            words(other.command_line(Action::Start)),
            "systemctl --user --machine=4294967290@ start web.service"
        );
        assert_eq!(other.refusal().unwrap(), "`web.service` is a unit of uid 4294967290");
        let journal = words(unit(None).journal(Some(3), true));
        assert_eq!(journal, "journalctl --no-pager --unit=web.service --lines=3 --follow");
    }
}
