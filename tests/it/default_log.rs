//! The log at its default path: its place, its directory and the user that owns it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use look::{Lab, UNKNOWN_USER, USER_WITH_HOME};

use crate::common::{EVENT_TIMEOUT, needs};
use crate::default_locations::household;

/// A name that no daemon of the machine has.
const NAME: &str = "name=place";

/// Runs a script as root with `/var/log` and `/run` of its own, which are `varlog` and `run` in the lab.
fn as_root(lab: &Lab, script: &str) -> look::Outcome {
    needs(&["unshare", "mount"]);
    let script = format!(
        "mount --bind varlog /var/log && mount --bind run /run && mount --bind passwd /etc/passwd && {{ {script}; }}"
    );
    lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program()).run()
}

/// Returns a lab with users and a `/var/log` of its own.
fn household_with_logs() -> Lab {
    let lab = household();
    fs::create_dir(lab.path("varlog")).expect("a directory");
    lab
}

#[test]
fn default_log_of_root_is_in_a_directory_that_its_daemon_s_user_can_rotate() {
    let lab = household_with_logs();
    // For what the body notes.
    fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o1777)).expect("ours");
    let script = "$D start name=place default_log= max_size=4096 user=nobody pidfile=/run/place.pid body=print_bytes:9000:90 \
         && until [ -e /var/log/place/place.log.1 ]; do sleep 0.01; done \
         && $D status name=place pidfile=/run/place.pid && $D stop name=place pidfile=/run/place.pid";
    let status = as_root(&lab, script).ok().stdout;
    assert!(!status.contains("says"), "{status}");
    let directory = fs::metadata(lab.path("varlog/place")).expect("a directory");
    assert_eq!((directory.uid(), directory.mode() & 0o7777), (65534, 0o750));
    for name in ["place.log", "place.log.1"] {
        let file = fs::metadata(lab.path("varlog/place").join(name)).expect("a log");
        assert_eq!((file.uid(), file.mode() & 0o7777), (65534, 0o640), "{name}");
    }
}

#[test]
fn default_log_of_a_user_is_in_the_home_of_the_passwd_entry() {
    let lab = household();
    let start = ["start", NAME, "default_log=", "body=complain:hello,idle"];
    lab.as_user(USER_WITH_HOME, &start).run().ok();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let log = format!("home/.local/state/place@{}.log", host.trim_end());
    lab.wait_for(&log, EVENT_TIMEOUT, |log| log == "hello");
    lab.as_user(USER_WITH_HOME, &["stop", NAME]).run().ok();
}

/// A log that was set is the only one; a stream that was set has no part in the default one.
#[test]
fn default_log_is_not_made_where_a_log_is_set() {
    let lab = household();
    for settings in [&["log=x.log"][..], &["stdout=x.log", "stderr=null"]] {
        let start = ["start", NAME, "default_log="];
        lab.make_directory("work", USER_WITH_HOME, 0o700);
        let run = lab.as_user(USER_WITH_HOME, &start).args(settings).in_directory(lab.path("work"));
        run.arg("body=say:hello\n,idle").run().ok();
        lab.wait_for("work/x.log", EVENT_TIMEOUT, |log| log.ends_with("hello\n"));
        lab.as_user(USER_WITH_HOME, &["stop", NAME]).run().ok();
        let state = fs::read_dir(lab.path("home/.local/state")).expect("a directory");
        let logs = state.filter(|entry| entry.as_ref().expect("an entry").path().extension() == Some("log".as_ref()));
        assert_eq!(logs.count(), 0);
    }
}

#[test]
fn default_log_without_a_place_is_refused_with_what_to_set() {
    let lab = household();
    lab.make_directory("work", UNKNOWN_USER, 0o700);
    let start = ["start", NAME, "default_log=", "pidfile=d.pid"];
    let error = lab.as_user(UNKNOWN_USER, &start).in_directory(lab.path("work")).run().exits(2);
    error.says(&["`log`: no home directory is known for uid 4712: write an absolute path"]);
    assert_eq!(fs::read_dir(lab.path("work")).expect("a directory").count(), 0, "something is left");
}

/// A directory of another user, and a link to one.
#[test]
fn default_log_is_refused_where_another_user_owns_the_directory() {
    let lab = household_with_logs();
    lab.make_directory("foreign", USER_WITH_HOME, 0o755);
    for plant in ["directory", "link"] {
        let place = lab.path("varlog/place");
        if plant == "directory" {
            fs::create_dir(&place).expect("a directory");
            chown(&place, Some(USER_WITH_HOME), None).expect("root");
        } else {
            fs::remove_dir(&place).expect("a directory");
            symlink(lab.path("foreign"), &place).expect("a link");
        }
        let start = "$D start name=place default_log= user=nobody pidfile=/run/place.pid";
        let error = as_root(&lab, start).exits(2);
        error.says(&["`log` `/var/log/place/place.log`", "it belongs to"]);
        assert_eq!(fs::metadata(lab.path("foreign")).expect("a directory").uid(), USER_WITH_HOME);
        assert_eq!(fs::read_dir(lab.path("foreign")).expect("a directory").count(), 0, "a log in {plant}");
    }
}
