//! The verbs of a program whose `main` is its daemon.

mod command_line;
mod dispatch;
mod exit_statuses;
mod following;
mod guide;
mod instances;
mod last_lines;
mod log_level;
mod other_users;
mod start_record;
mod starts;
mod status;

use look::{Lab, Outcome, USER_WITH_HOME};
use std::fs;
use std::time::Duration;

/// The time in which a verb has its effect, on a busy machine.
const VERB_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns a lab with the program `clilab` and users whose homes are in it.
fn lab() -> Lab {
    lab_of(env!("CARGO_BIN_EXE_clilab"))
}

/// Returns a lab with a program and users whose homes are in it.
fn lab_of(program: &str) -> Lab {
    assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
    let mut lab = Lab::new(program);
    lab.bring_program();
    lab.make_test_users();
    lab
}

/// Runs the program as the user.
fn run(lab: &Lab, arguments: &[&str]) -> Outcome {
    lab.as_user(USER_WITH_HOME, arguments).run()
}

/// Runs the program as the user, with a terminal as its standard streams.
fn run_on_terminal(lab: &Lab, arguments: &str) -> Outcome {
    let script = format!("script -qec \"$D {arguments}\" /dev/null");
    lab.shell_as_user(USER_WITH_HOME, &script).env("TERM", "xterm").env("PATH", "/usr/bin:/bin").run()
}

/// Returns the path of a file of the daemon in the lab, such as its `log`.
fn file(name: &str, ending: &str) -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    format!("home/.local/state/{name}@{}.{ending}", host.trim_end())
}
