use super::files;
use crate::definition::Definition;
use crate::manager_kind::{Manager, Scope};
use crate::options::{RestartPolicy, Service};
use crate::places::Places;
use daemonize_core::Daemon;
use proptest::prelude::*;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;

/// Arguments that some parser reads as something else, if they are not quoted.
pub(super) const HOSTILE: &[&str] = &[
    "",
    " ",
    "  two  spaces ",
    ";",
    "a;b",
    "'",
    "\"",
    "it's \"x\"",
    "\\",
    "\\n",
    "a\\",
    "$HOME",
    "${HOME}",
    "$$",
    "$(id)",
    "`id`",
    "%",
    "%%",
    "%n",
    "%h/x",
    "-",
    "--",
    "-@+!:x",
    "@x",
    ":x",
    "!x",
    "#x",
    "*",
    "?",
    "[a-z]*",
    "~",
    "~root",
    "a&b",
    "<x>",
    "&amp;",
    "]]>",
    "a|b",
    "{a,b}",
    "a=b",
    "ü",
    "日本語",
    "\u{a0}",
    "!",
    "!!",
    "^x",
    "\\x41",
    "\\x",
    "\"unbalanced",
    "'unbalanced",
    "(",
    ")",
];

/// A definition whose program prints its arguments, each of them ended by a zero.
fn printing(arguments: &[&str]) -> Definition {
    let printed = ["%s\\0"].iter().chain(arguments).map(OsString::from).collect();
    let mut definition = Definition::new(&Daemon::new("myd").settings(), "/usr/bin/printf", printed);
    definition.options = Service::new().restart(RestartPolicy::Always);
    definition
}

fn content(definition: &Definition, manager: Manager) -> String {
    let files = files(definition, manager, Scope::System, &Places::of_machine(), Some(252)).unwrap();
    files[0].content().to_owned()
}

/// Returns the words that a shell prints, each of them ended by a zero.
fn printed_by_shell(script: &str) -> Vec<String> {
    let output = Command::new("sh").arg("-c").arg(script).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

/// The line with which OpenRC 0.45 starts `supervise-daemon` (`/lib/rc/sh/supervise-daemon.sh`), with another program in its place.
const OPENRC_LINE: &str = "eval $command -- $command_args $command_args_foreground";

fn assert_shells_read_back(arguments: &[&str]) {
    let definition = printing(arguments);
    for manager in [Manager::S6, Manager::Runit] {
        assert_eq!(printed_by_shell(&content(&definition, manager)), arguments, "{manager}");
    }
    let script = format!("{}\n{OPENRC_LINE}", content(&definition, Manager::OpenRc));
    assert_eq!(printed_by_shell(&script), arguments);
}

/// Returns the arguments of the program in a property list.
fn arguments_of_plist(text: &str) -> Vec<String> {
    let list = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
    let words = list.as_dictionary().unwrap()["ProgramArguments"].as_array().unwrap();
    words.iter().map(|word| word.as_string().unwrap().to_owned()).collect()
}

#[test]
fn shells_read_hostile_arguments_back() {
    assert_shells_read_back(HOSTILE);
}

#[test]
fn property_list_reads_hostile_arguments_back() {
    let list = content(&printing(HOSTILE), Manager::Launchd);
    assert_eq!(arguments_of_plist(&list)[2..], *HOSTILE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn shells_read_any_arguments_back(arguments in proptest::collection::vec("[ -~ü€]{0,12}", 1..12)) {
        assert_shells_read_back(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn property_list_reads_any_arguments_back(arguments in proptest::collection::vec("[^\\p{Cc}\u{fffe}\u{ffff}]{0,12}", 0..12)) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let list = content(&printing(&arguments), Manager::Launchd);
        prop_assert_eq!(&arguments_of_plist(&list)[2..], &arguments);
    }
}

/// Launchd's keys and their types, from `launchd.plist(5)`.
#[test]
fn property_list_has_the_keys_and_types_of_launchd() {
    let mut definition = printing(&["x"]);
    definition.user = Some("www-data".into());
    for policy in [RestartPolicy::Never, RestartPolicy::OnFailure, RestartPolicy::Always] {
        definition.options = Service::new().restart(policy);
        let text = content(&definition, Manager::Launchd);
        let list = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
        for (key, value) in list.as_dictionary().unwrap() {
            let is_right = match key.as_str() {
                "Label" | "UserName" | "GroupName" | "StandardOutPath" | "StandardErrorPath" => {
                    value.as_string().is_some()
                }
                "ProgramArguments" => value.as_array().is_some(),
                "RunAtLoad" => value.as_boolean().is_some(),
                "KeepAlive" => value.as_boolean().is_some() || value.as_dictionary().is_some(),
                "ExitTimeOut" => value.as_unsigned_integer().is_some_and(|seconds| seconds > 0),
                _ => false,
            };
            assert!(is_right, "{key}: {value:?}");
        }
        assert_eq!(list.as_dictionary().unwrap()["UserName"].as_string(), Some("www-data"));
    }
}

#[test]
fn control_characters_and_other_encodings_are_refused() {
    let not_utf8 = OsString::from_vec(b"a\xff".to_vec());
    for bad in [OsStr::new("a\nb"), OsStr::new("a\rb"), OsStr::new("a\0b"), OsStr::new("\u{1b}[2J"), &not_utf8] {
        for manager in Manager::all() {
            let mut definition = printing(&[]);
            definition.run_arguments.push(bad.to_owned());
            let error = files(&definition, manager, Scope::System, &Places::of_machine(), None).unwrap_err();
            assert!(
                error.to_string().starts_with("the argument `a") || error.to_string().contains("control"),
                "{error}"
            );
            assert!(!error.to_string().contains('\u{1b}') && !error.to_string().contains('\n'), "{error}");
        }
    }
}

#[test]
fn names_that_are_not_of_units_are_refused() {
    for name in ["", ".", "..", "a/b", "a b", "-a", "a\nb", "a%b", "ü", "a\\b", "@a", &"a".repeat(201)] {
        let mut definition = printing(&[]);
        definition.name = name.to_owned();
        assert!(definition.validate().is_err(), "{name:?}");
    }
    for name in ["myd", "myd@blue", "_x", "a.b-c:d", "7"] {
        let mut definition = printing(&[]);
        definition.name = name.to_owned();
        definition.validate().unwrap();
    }
}

#[test]
fn paths_and_accounts_that_break_a_file_are_refused() {
    let change: [fn(&mut Definition); 7] = [
        |definition| definition.program = "myd".into(),
        |definition| definition.program = "/usr/bin/$x".into(),
        |definition| definition.program = "/usr/../bin/x".into(),
        |definition| definition.pidfile = Some("/run/a\nb".into()),
        |definition| definition.user = Some("a b".into()),
        |definition| definition.user = Some("%u".into()),
        |definition| definition.options = Service::new().environment_file("etc/myd.env"),
    ];
    for change in change {
        let mut definition = printing(&[]);
        change(&mut definition);
        assert!(definition.validate().is_err(), "{definition:?}");
    }
}

/// Each file as it is written, so that a change of a format is seen in review. `UPDATE_SNAPSHOTS=1` rewrites them.
#[test]
fn files_of_an_ordinary_service_are_those_of_the_snapshot() {
    let daemon =
        Daemon::new("myd").user("www-data").capabilities([daemonize_core::settings::Capability::NET_BIND_SERVICE]);
    let arguments = ["run", "--port", "80"].map(OsString::from).to_vec();
    let mut definition = Definition::new(&daemon.settings(), "/usr/local/bin/myd", arguments);
    definition.reload_arguments = vec!["reload".into()];
    definition.description = "Serves things, 100 % of them".into();
    definition.version = "1.2.3".into();
    let command = ["myd", "service", "install", "--system", "--", "--port", "80"];
    definition.install_command = command.map(OsString::from).to_vec();
    definition.options =
        Service::new().watchdog(std::time::Duration::from_secs(30)).socket("http=80").environment_file("/etc/myd.env");
    let mut text = String::new();
    for manager in Manager::all() {
        for file in files(&definition, manager, Scope::System, &Places::of_machine(), Some(252)).unwrap() {
            let _ = write!(text, "=== {manager}: {} {:04o}\n{}\n", file.path().display(), file.mode(), file.content());
        }
    }
    for file in files(&definition, Manager::Systemd, Scope::User, &Places::of_home("/home/me"), Some(253)).unwrap() {
        let _ = write!(text, "=== systemd --user, 253: {}\n{}\n", file.path().display(), file.content());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/formats/tests/service.snapshot");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text);
}
