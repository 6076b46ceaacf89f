//! The environment of daemons that became another user: what they have of that user, and not of root.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use look::{Lab, Outcome};
use nix::unistd::{Uid, chown};

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, nothing_left, run, start, stop};

const NOBODY: u32 = 65534;

/// Returns a lab with the directory `theirs`, owned by user `nobody`.
fn their_lab() -> Lab {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("theirs")).unwrap();
    chown(&lab.path("theirs"), Some(Uid::from_raw(NOBODY)), None).unwrap();
    lab
}

/// Starts a daemon of `nobody` below strace, with an injection.
fn start_injected(lab: &Lab, call: &str, injection: &str, settings: &[&str]) -> Outcome {
    needs(&["strace"]);
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{injection}"));
    let beside = ["-c", "exec strace -D -f -qq -e signal=none -o trace \"$@\" >out 2>&1", "bash"];
    let start = ["start", "pidfile=d.pid", "user=nobody"];
    let strace = lab.command("bash", &beside).args(["-e", &trace, "-e", &inject]);
    let outcome = strace.arg(lab.program()).args(start).args(settings).run();
    assert!(lab.read("trace").contains("INJECTED"), "{call} is never called: {outcome}");
    outcome
}

/// Promise 3.13.
#[test]
fn dropped_daemon_does_not_have_the_session_keyring_of_root() {
    needs_root();
    let body = ["first=add_key:root-secret", "ready=manual", "body=find_key_and_idle:root-secret"];
    let lab = lab();
    start(&lab, &body);
    stop(&lab);
    run(&lab, "start", &[&body[..], &["user=nobody"]].concat()).exits(4).says(&["there is no key"]);
    nothing_left(&lab);
    let foreground = lab.helper(&["foreground", "pidfile=d.pid", "user=nobody"]).args(body).run();
    assert!(foreground.code() != 0 && foreground.stderr.contains("there is no key"), "{foreground}");
}

/// Promise 3.13.
#[test]
fn keyring_that_cannot_be_left_ends_the_start_unless_keys_are_forbidden() {
    needs_root();
    for injection in ["error=EPERM", "error=ENOSYS"] {
        let lab = lab();
        start_injected(&lab, "keyctl", injection, &[]).ok();
        stop(&lab);
    }
    for injection in ["error=EDQUOT", "retval=0"] {
        let lab = lab();
        let outcome = start_injected(&lab, "keyctl", injection, &["body=note:ran,idle"]).exits(2);
        assert!(lab.read("out").contains("session keyring"), "{outcome}: {}", lab.read("out"));
        nothing_left(&lab);
        assert!(!lab.path("ran").exists());
    }
}

/// Variables of root in its environment, and in that of a child.
const OF_ROOT: [(&str, &str); 4] =
    [("HOME", "/root"), ("USER", "root"), ("LOGNAME", "root"), ("SHELL", "/bin/of-root")];

/// Promise 3.14.
#[test]
fn dropped_daemon_has_the_variables_of_its_user() {
    let lab = their_lab();
    let passwd = lab.shell("getent passwd nobody").run().ok().stdout;
    let entry: Vec<&str> = passwd.trim().split(':').collect();
    let of_root = OF_ROOT.map(|(name, value)| format!("{name}={value}"));
    let of_nobody = [
        format!("HOME={}", entry[5]),
        format!("SHELL={}", entry[6]),
        "USER=nobody".to_owned(),
        "LOGNAME=nobody".to_owned(),
    ];
    for (settings, expected) in [
        (&[][..], &of_root[..]),
        (&["user=nobody"], &of_nobody),
        (&["user=65534"], &of_nobody),
        (&["user=nobody", "detach=never"], &of_nobody),
        // No passwd entry names the home of this user: the daemon has no `HOME`, instead of root's.
        (&["user=64321", "group=65534"], &[]),
    ] {
        let file = lab.path("theirs/variables");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        let verb = if settings.contains(&"detach=never") { "foreground" } else { "start" };
        let mut daemon =
            lab.helper(&[verb, "pidfile=d.pid", "body=note_child_and_stop:theirs/variables"]).args(settings);
        for (name, value) in OF_ROOT {
            daemon = daemon.env(name, value);
        }
        daemon.run().ok();
        let variables = lab.wait_for("theirs/variables", EVENT_TIMEOUT, |text| text.contains("that is all"));
        let is_one = |line: &&str| OF_ROOT.iter().any(|(name, _)| line.starts_with(&format!("{name}=")));
        let found: BTreeSet<&str> = variables.lines().filter(is_one).collect();
        assert_eq!(found, expected.iter().map(String::as_str).collect(), "{settings:?}");
        lab.quiet(EVENT_TIMEOUT).expect("the daemon ends");
    }
}

/// Promise 3.15.
#[test]
fn dropped_daemon_opens_its_streams_while_it_starts() {
    needs_root();
    let lab = lab();
    let body = "body=note:/dev/stdout,note:/dev/stderr,ready,idle";
    let outcome = run(&lab, "start", &["user=nobody", "ready=manual", body]).ok();
    assert!(outcome.stdout.contains("was here") && outcome.stderr.contains("was here"), "{outcome}");
    stop(&lab);
}

/// Promise 2.15.
#[test]
fn log_in_a_directory_of_the_user_belongs_to_the_user() {
    let lab = their_lab();
    let settings = ["user=nobody", "stdout=theirs/log", "ready=manual", "body=say:said,ready,idle"];
    let owner = || fs::metadata(lab.path("theirs/log")).expect("a log").uid();
    start(&lab, &settings);
    stop(&lab);
    assert_eq!((lab.read("theirs/log"), owner()), ("said".into(), NOBODY));
    // The user may append to it.
    start(&lab, &settings);
    stop(&lab);
    assert_eq!(lab.read("theirs/log"), "saidsaid");
    // A user could have created this name for a file of root, since the directory belongs to that user.
    chown(&lab.path("theirs/log"), Some(Uid::from_raw(0)), None).unwrap();
    run(&lab, "start", &settings).exits(2).says(&["it belongs to user `root`", "whose directory that is: `chown` it"]);
    nothing_left(&lab);
    assert_eq!((lab.read("theirs/log"), owner()), ("saidsaid".into(), 0));
}

/// As in `/var/log`.
#[test]
fn log_of_root_in_a_directory_of_a_group_is_appended_to() {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("logs")).unwrap();
    chown(&lab.path("logs"), None, Some(nix::unistd::Gid::from_raw(NOBODY))).unwrap();
    fs::set_permissions(lab.path("logs"), fs::Permissions::from_mode(0o775)).unwrap();
    for (is_protected, user) in [(true, ""), (true, "user=nobody"), (false, "user=nobody"), (false, "")] {
        lab.write("logs/log", "before\n");
        let start =
            format!("exec \"$D\" start pidfile={PIDFILE} stdout=logs/log ready=manual body=say:said,ready,idle {user}");
        // Hard links appear unprotected there.
        let mount = "mount --bind zero /proc/sys/fs/protected_hardlinks";
        let script =
            if is_protected { start } else { format!("echo 0 > zero; exec unshare -m bash -c '{mount}; {start}'") };
        lab.shell(&script).run().ok();
        stop(&lab);
        assert_eq!(lab.read("logs/log"), "before\nsaid", "{is_protected} {user}");
    }
}

/// Promise 1.01. Before Linux 5.9, or where an old container engine forbids `close_range`.
#[test]
fn descriptors_are_closed_without_close_range() {
    needs_root();
    for injection in ["error=ENOSYS", "error=EPERM"] {
        let lab = lab();
        lab.write("opened", "by this program");
        let is_open = || lab.daemon(PIDFILE).descriptors().values().any(|fd| fd.is(lab.path("opened")));
        start(&lab, &["first=open_file:opened"]);
        assert!(is_open(), "only who asks for it has this one closed");
        stop(&lab);
        let outcome = start_injected(&lab, "close_range", injection, &["first=open_file:opened", "close=all"]);
        assert_eq!(outcome.code(), 0, "{outcome}: {}", lab.read("out"));
        assert!(!is_open(), "{injection}: {:?}", lab.daemon(PIDFILE).descriptors());
        stop(&lab);
    }
}
