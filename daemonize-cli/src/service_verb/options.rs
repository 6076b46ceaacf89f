//! The options of the verbs below `service`.

use crate::options::{InstanceName, flag, implement_args, value};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, ValueHint, value_parser};
use daemonize_service::{Hardening, Manager, Scope};
use std::ffi::OsString;
use std::path::PathBuf;

/// The options that say which service is meant: `--system`, `--user`, `--manager`, `--root` and `--name`.
#[derive(Clone, Debug, Default)]
pub struct ServicePlace {
    pub(super) scope: Option<Scope>,
    pub(super) manager: Option<Manager>,
    pub(super) root: Option<PathBuf>,
    pub(super) instance: Option<InstanceName>,
}

/// The options of `service show`: those of [`ServicePlace`], `--run-as`, `--hardening`, `--environment-file`, and the arguments of the daemon.
#[derive(Clone, Debug, Default)]
pub struct ServiceShowOptions {
    pub(super) place: ServicePlace,
    pub(super) user: Option<String>,
    pub(super) hardening: Option<Hardening>,
    pub(super) environment_file: Option<PathBuf>,
    pub(super) arguments: Vec<OsString>,
}

/// The options of `service install`: those of [`ServiceShowOptions`], `--now` and `--linger`.
#[derive(Clone, Debug, Default)]
pub struct ServiceInstallOptions {
    pub(super) shown: ServiceShowOptions,
    pub(super) now: bool,
    pub(super) linger: bool,
}

/// The options of `service status`: those of [`ServicePlace`], and `--json`.
#[derive(Clone, Debug, Default)]
pub struct ServiceStatusOptions {
    pub(super) place: ServicePlace,
    pub(super) json: bool,
}

const SYSTEM: &str = "daemon:system";
const USER_SCOPE: &str = "daemon:user";
const MANAGER: &str = "daemon:manager";
const ROOT: &str = "daemon:root";
const NAME: &str = "daemon:name";
const RUN_AS: &str = "daemon:run-as";
const HARDENING: &str = "daemon:hardening";
const ENVIRONMENT_FILE: &str = "daemon:environment-file";
const ARGUMENTS: &str = "daemon:arguments";
const NOW: &str = "daemon:now";
const LINGER: &str = "daemon:linger";
const JSON: &str = "daemon:json";

/// The names of how far a unit restricts the program.
const HARDENINGS: [(&str, Hardening); 3] =
    [("off", Hardening::Off), ("standard", Hardening::Standard), ("strict", Hardening::Strict)];

/// Returns an option whose long name is the end of its id.
fn option(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id).long(id.trim_start_matches(crate::options::PREFIX)).help(help)
}

fn switch(id: &'static str, help: &'static str) -> Arg {
    option(id, help).action(ArgAction::SetTrue)
}

impl ServicePlace {
    fn arguments() -> Vec<Arg> {
        let managers = PossibleValuesParser::new(Manager::all().map(Manager::name));
        vec![
            switch(SYSTEM, "Service of the machine, started at boot (default for root)").conflicts_with(USER_SCOPE),
            switch(USER_SCOPE, "Service of this user (default for other users)"),
            option(MANAGER, "Service manager; found out unless given")
                .value_name("MANAGER")
                .value_parser(managers.try_map(|name| name.parse::<Manager>())),
            option(ROOT, "Root directory of an image of a machine, which is changed instead of this machine")
                .value_name("DIRECTORY")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath),
            option(NAME, "Name of an instance: `blue` makes the service `NAME@blue`")
                .value_name("INSTANCE")
                .value_parser(InstanceName::parse),
        ]
    }

    fn read(matches: &ArgMatches) -> ServicePlace {
        let scope = match (flag(matches, SYSTEM), flag(matches, USER_SCOPE)) {
            (true, _) => Some(Scope::System),
            (_, true) => Some(Scope::User),
            _ => None,
        };
        ServicePlace {
            scope,
            manager: value(matches, MANAGER),
            root: value(matches, ROOT),
            instance: value(matches, NAME),
        }
    }
}

impl ServiceShowOptions {
    fn arguments() -> Vec<Arg> {
        let hardening = PossibleValuesParser::new(HARDENINGS.map(|(name, _)| name));
        let hardening =
            hardening.map(|name| HARDENINGS.iter().find(|(other, _)| *other == name).map(|(_, value)| *value));
        let mut arguments = ServicePlace::arguments();
        arguments.extend([
            option(RUN_AS, "User that the daemon runs as, by name or number")
                .value_name("USER")
                .value_hint(ValueHint::Username),
            option(HARDENING, "Restrictions of a systemd unit").value_name("LEVEL").value_parser(hardening),
            option(ENVIRONMENT_FILE, "File of mode 0600 with secrets, as lines `NAME=value`")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath),
            Arg::new(ARGUMENTS)
                .value_name("ARGUMENTS")
                .last(true)
                .num_args(0..)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))
                .help("Arguments of the daemon, as for `run`"),
        ]);
        arguments
    }

    fn read(matches: &ArgMatches) -> ServiceShowOptions {
        let arguments = matches.try_get_many::<OsString>(ARGUMENTS).ok().flatten();
        ServiceShowOptions {
            place: ServicePlace::read(matches),
            user: value(matches, RUN_AS),
            hardening: value::<Option<Hardening>>(matches, HARDENING).flatten(),
            environment_file: value(matches, ENVIRONMENT_FILE),
            arguments: arguments.into_iter().flatten().cloned().collect(),
        }
    }

    /// Parses the words after `service install`, or after `service show`.
    pub(super) fn parse(words: &[OsString]) -> Option<ServiceShowOptions> {
        let command = clap::Command::new("install").no_binary_name(true).args(ServiceInstallOptions::arguments());
        command.try_get_matches_from(words).ok().map(|matches| ServiceShowOptions::read(&matches))
    }

    /// Returns the words of these options after `service install`, for this scope.
    pub(super) fn words(&self, scope: Scope) -> Vec<OsString> {
        let mut words = vec![OsString::from(format!("--{scope}"))];
        let hardening = HARDENINGS.iter().find(|(_, value)| Some(*value) == self.hardening).map(|(name, _)| name);
        let values = [
            ("--manager", self.place.manager.map(|manager| manager.name().into())),
            ("--name", self.place.instance.as_ref().map(|name| name.to_string().into())),
            ("--run-as", self.user.as_ref().map(OsString::from)),
            ("--hardening", hardening.map(OsString::from)),
            ("--environment-file", self.environment_file.as_ref().map(|path| path.clone().into_os_string())),
        ];
        for (option, value) in values {
            words.extend(value.into_iter().flat_map(|value: OsString| [option.into(), value]));
        }
        if !self.arguments.is_empty() {
            words.push("--".into());
            words.extend_from_slice(&self.arguments);
        }
        words
    }
}

impl ServiceInstallOptions {
    fn arguments() -> Vec<Arg> {
        let mut arguments = ServiceShowOptions::arguments();
        arguments.extend([
            switch(NOW, "Start the service now, too"),
            switch(LINGER, "Let the services of this user run without a session (`loginctl enable-linger`)"),
        ]);
        arguments
    }

    fn read(matches: &ArgMatches) -> ServiceInstallOptions {
        ServiceInstallOptions {
            shown: ServiceShowOptions::read(matches),
            now: flag(matches, NOW),
            linger: flag(matches, LINGER),
        }
    }
}

impl ServiceStatusOptions {
    fn arguments() -> Vec<Arg> {
        let mut arguments = ServicePlace::arguments();
        arguments.push(switch(JSON, "Print JSON"));
        arguments
    }

    fn read(matches: &ArgMatches) -> ServiceStatusOptions {
        ServiceStatusOptions { place: ServicePlace::read(matches), json: flag(matches, JSON) }
    }
}

implement_args!(ServicePlace);
implement_args!(ServiceShowOptions);
implement_args!(ServiceInstallOptions);
implement_args!(ServiceStatusOptions);

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn options_are_read_back_from_their_words() {
        for line in [
            &["--system"][..],
            &["--user", "--", "--port", "80"],
            &["--system", "--manager", "runit", "--name", "blue", "--run-as", "www-data", "--hardening", "strict"],
            &["--system", "--environment-file", "/etc/myd env", "--", "--", "-x", "", "--now"],
        ] {
            let options = ServiceShowOptions::parse(&words(line)).unwrap();
            let scope = options.place.scope.unwrap();
            assert_eq!(options.words(scope), words(line));
        }
    }

    #[test]
    fn wrong_options_are_refused() {
        for line in
            [&["--system", "--user"][..], &["--manager", "sysv"], &["--hardening", "high"], &["--name", "a/b"], &["x"]]
        {
            assert!(ServiceShowOptions::parse(&words(line)).is_none(), "{line:?}");
        }
    }
}
