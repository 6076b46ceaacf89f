//! The locations of the files of a user's monitor, regardless of the environment.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use look::{Lab, USER_WITH_HOME};

use crate::cli_lab::daemonctl;
use crate::common::EVENT_TIMEOUT;

/// Promise 2.16.
#[test]
fn monitor_of_a_user_is_found_by_the_home_of_the_passwd_entry() {
    let mut lab = Lab::new(daemonctl());
    lab.bring_program();
    lab.make_test_users();
    lab.make_directory("home/.config", USER_WITH_HOME, 0o755);
    lab.make_directory("run/user/4711", USER_WITH_HOME, 0o700);
    let text = "[monitor]\nname = \"place\"\nlog = { file = \"~/monitor.log\" }\n\
                [bot.sleeper]\nready = \"at-once\"\ncommand = \"/bin/sh\"\nargs = [\"-c\", \"echo begun; exec sleep 1000\"]\nstdout = { file = \"~/bot.log\" }\n";
    let file = lab.write("home/.config/daemonctl.toml", text);
    chown(file, Some(USER_WITH_HOME), Some(USER_WITH_HOME)).expect("root");
    lab.as_user(USER_WITH_HOME, &["start"]).run().ok().says(&["started it as pid"]);
    let state = lab.path("home/.local/state");
    let entries = fs::read_dir(&state).expect("a directory");
    let names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    assert!(
        names.iter().any(|name| name.starts_with("place@") && Path::new(name).extension() == Some("pid".as_ref())),
        "{names:?}"
    );
    // Another session with another environment finds the same monitor.
    let elsewhere =
        |arguments: &[&str]| lab.as_user(USER_WITH_HOME, arguments).env("HOME", "/").env("XDG_STATE_HOME", "/").run();
    elsewhere(&["status"]).ok().prints(&["sleeper", "running"]);
    lab.wait_for("home/bot.log", EVENT_TIMEOUT, |log| log.contains("begun"));
    assert!(lab.path("home/monitor.log").exists());
    elsewhere(&["shutdown"]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("it was shut down");
    elsewhere(&["status"]).exits(3);
}
