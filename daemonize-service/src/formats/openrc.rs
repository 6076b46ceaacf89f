//! Scripts of OpenRC (`openrc-run(8)`, `supervise-daemon(8)`).
//!
//! The program runs as root first and changes its user itself (`--run-as`), so that the pidfile is root's and `reload` finds it:
//! `command_user` would lose the capabilities, and the user could write the pidfile that root acts on.

use crate::definition::Definition;
use crate::options::RestartPolicy;
use crate::quote::shell;
use crate::service_file::ServiceFile;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::Path;

pub(super) fn file(definition: &Definition, directory: &Path) -> ServiceFile {
    let mut script = String::new();
    let mut set = |key: &str, value: &str| {
        let _ = writeln!(script, "{key}={}", shell::word(value));
    };
    set("description", &definition.one_line_description());
    let mut line = EvaluatedLine::default();
    let command = line.word(&definition.program.to_string_lossy());
    let arguments = definition.run_arguments.iter().map(|argument| line.word(&argument.to_string_lossy()));
    let arguments = arguments.collect::<Vec<_>>().join(" ");
    for (index, value) in line.values.iter().enumerate() {
        set(&format!("word_{index}"), value);
    }
    set("command", &command);
    set("command_args", &arguments);
    set("supervisor", "supervise-daemon");
    set("retry", &format!("TERM/{}/KILL/5", definition.stop_timeout.as_secs().max(1)));
    set("respawn_delay", "2");
    if definition.options.restart == RestartPolicy::Never {
        // Zero would mean no limit: one restart is the least that supervise-daemon knows.
        set("respawn_max", "1");
        set("respawn_period", "86400");
    } else {
        set("respawn_max", "0");
    }
    let log = format!("/var/log/{}.out", definition.name);
    set("output_log", &log);
    set("error_log", &log);
    script.push('\n');
    script.push_str("depend() {\n\tuse net logger dns\n\tafter firewall\n}\n");
    if let Some(file) = &definition.options.environment_file {
        let _ =
            write!(script, "\nstart_pre() {{\n\tset -a\n\t. {}\n\tset +a\n}}\n", shell::word(&file.to_string_lossy()));
    }
    if !definition.reload_arguments.is_empty() {
        let command: Vec<OsString> = definition.command(&definition.reload_arguments);
        let _ = write!(
            script,
            "\nextra_started_commands=\"reload\"\n\nreload() {{\n\tebegin \"Reloading $RC_SVCNAME\"\n\t{}\n\teend $?\n}}\n",
            shell::words(&command)
        );
    }
    ServiceFile::script(directory.join(&definition.name), definition, "/sbin/openrc-run", &script)
}

/// The words of a line that OpenRC's shell first expands without quotes and then evaluates. Spaces and patterns in quotes would not survive the
/// first step, so that each word that needs quotes is the value of a variable.
#[derive(Default)]
struct EvaluatedLine {
    values: Vec<String>,
}

impl EvaluatedLine {
    /// Returns a word of the line.
    fn word(&mut self, text: &str) -> String {
        if shell::word(text) == text {
            return text.to_owned();
        }
        self.values.push(text.to_owned());
        format!("\"$word_{}\"", self.values.len() - 1)
    }
}
