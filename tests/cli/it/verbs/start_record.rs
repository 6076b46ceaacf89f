//! The record of the last start: what `restart` and the other verbs know from it, and which record is not believed.

use super::{VERB_TIMEOUT, file, lab, run};
use look::{Lab, USER_WITH_HOME};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

/// Promise 11.02.
#[test]
fn restart_uses_the_arguments_of_the_last_start_and_says_so() {
    let lab = lab();
    run(&lab, &["start", "--port", "9000"]).ok();
    let first = lab.daemon(&file("clilab", "pid"));
    let restarted = run(&lab, &["restart"]).ok();
    assert!(restarted.stdout.starts_with("clilab: with the arguments of its last start: --port 9000\n"), "{restarted}");
    let second = lab.daemon(&file("clilab", "pid"));
    assert!(!first.alive() && second.alive() && first.id() != second.id());
    lab.wait_for(&file("clilab", "log"), VERB_TIMEOUT, |log| log == "port 9000\nport 9000\n");
    run(&lab, &["restart", "--port", "7"]).ok();
    run(&lab, &["try-restart"]).ok().prints(&["--port 7\n"]);
    run(&lab, &["stop"]).ok();
    // After a stop, the arguments are still those of the last start.
    run(&lab, &["restart"]).ok().prints(&["--port 7\n"]);
    run(&lab, &["stop"]).ok();
    run(&lab, &["try-restart"]).ok().prints(&["clilab: not running"]);
}

#[test]
fn verbs_find_a_pidfile_that_depended_on_arguments() {
    let lab = lab();
    let [place, other] = ["home/a.pid", "home/b.pid"].map(|name| lab.path(name).display().to_string());
    run(&lab, &["start", "--place", &place]).ok();
    let daemon = lab.daemon("home/a.pid");
    run(&lab, &["status"]).ok().prints(&[&place]);
    run(&lab, &["reload"]).ok();
    run(&lab, &["send", "WINCH"]).ok();
    lab.wait_for(&file("clilab", "log"), VERB_TIMEOUT, |log| log.ends_with("port 8080\n"));
    run(&lab, &["logs"]).ok().prints(&["port 8080\n"]);
    run(&lab, &["restart", "--place", &other]).ok();
    assert!(!daemon.alive() && !lab.path("home/a.pid").exists());
    let daemon = lab.daemon("home/b.pid");
    run(&lab, &["stop"]).ok();
    assert!(!daemon.alive());
}

#[test]
fn daemon_that_restarts_itself_keeps_the_arguments_of_every_way_to_start_it() {
    let lab = lab();
    run(&lab, &["start", "--port", "1"]).ok();
    for _ in 0..2 {
        let before = lab.daemon(&file("clilab", "pid"));
        run(&lab, &["send", "USR2"]).ok();
        before.died(VERB_TIMEOUT).expect("it restarts");
        let is_another = |text: &str| text.lines().next().is_some_and(|pid| pid != before.id().to_string());
        lab.wait_for(&file("clilab", "pid"), VERB_TIMEOUT, is_another);
        // Once more, with the command line of a restart.
        run(&lab, &["restart"]).ok().prints(&["--port 1\n"]);
    }
    run(&lab, &["stop"]).ok();
    let log = lab.read(&file("clilab", "log"));
    assert!(log.lines().filter(|line| *line == "port 1").count() == 5 && !log.contains("8080"), "{log}");
}

#[test]
fn restart_enters_the_directory_of_the_last_start() {
    let lab = lab();
    lab.make_directory("home/work", USER_WITH_HOME, 0o755);
    let started = lab.as_user(USER_WITH_HOME, &["start", "--note", "note"]).in_directory(lab.path("home/work"));
    started.run().ok();
    fs::remove_file(lab.path("home/work/note")).expect("the body has written it");
    run(&lab, &["restart"]).ok();
    lab.wait_for("home/work/note", VERB_TIMEOUT, |note| note == "8080");
    fs::remove_dir_all(lab.path("home/work")).expect("a directory");
    let daemon = lab.daemon(&file("clilab", "pid"));
    run(&lab, &["restart"]).exits(2).says(&["home/work` cannot be entered", "`--note note`"]);
    assert!(daemon.alive());
    run(&lab, &["stop"]).ok();
}

/// Promise 11.01.
#[test]
fn arguments_that_the_program_no_longer_accepts_are_refused_before_the_stop() {
    let lab = lab();
    run(&lab, &["start", "--port", "9000"]).ok();
    let daemon = lab.daemon(&file("clilab", "pid"));
    let record = lab.read(&file("clilab", "start")).replace("--port", "--old-port");
    overwrite(&lab, &record);
    run(&lab, &["restart"]).exits(2).says(&["`--old-port 9000`, any more", "give its new arguments to `restart`"]);
    assert!(daemon.alive());
    run(&lab, &["status"]).ok();
    run(&lab, &["restart", "--port", "1"]).ok();
    assert!(!daemon.alive());
    run(&lab, &["stop"]).ok();
}

/// Promise 11.01.
#[test]
fn mistake_in_the_settings_is_found_before_the_stop() {
    let lab = lab();
    run(&lab, &["start"]).ok();
    let daemon = lab.daemon(&file("clilab", "pid"));
    run(&lab, &["restart", "--working-directory", "/nonexistent"]).exits(2).says(&["/nonexistent"]);
    run(&lab, &["restart", "--log", "/nonexistent/log"]).exits(2).says(&["/nonexistent"]);
    assert!(daemon.alive());
    // A body that fails is no mistake that could be found before.
    let failed = run(&lab, &["restart", "--fail", "no table"]).exits(4);
    assert!(failed.stderr.contains("clilab: it was stopped for the restart, and does not run now"), "{failed}");
    assert!(!daemon.alive());
    run(&lab, &["restart", "--fail", "no table"]).exits(4);
}

/// Promise 11.02.
#[test]
fn record_is_private_and_a_foreign_one_is_not_believed() {
    let lab = lab();
    let path = lab.path(&file("clilab", "start"));
    run(&lab, &["start", "--port", "9000"]).ok();
    let status = path.metadata().expect("a record");
    assert_eq!((status.mode() & 0o7777, status.uid()), (0o600, USER_WITH_HOME));
    for (why, spoil) in [
        (
            "it belongs to user `root`",
            Box::new(|| {
                chown(&path, Some(0), None).expect("root");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("root");
            }) as Box<dyn Fn()>,
        ),
        ("mode 0644", Box::new(|| fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("root"))),
        ("hard links", Box::new(|| fs::hard_link(&path, lab.path("home/second")).expect("a link"))),
        ("it is not a record of a start", Box::new(|| overwrite(&lab, "{\"format\": 1}"))),
        ("too long", Box::new(|| overwrite(&lab, &" ".repeat(300_000)))),
        (
            "it is a symbolic link",
            Box::new(|| {
                fs::rename(&path, lab.path("home/target")).expect("a file");
                symlink(lab.path("home/target"), &path).expect("a link");
            }),
        ),
    ] {
        let daemon = lab.daemon(&file("clilab", "pid"));
        spoil();
        run(&lab, &["restart"]).exits(2).says(&["the record of the last start is not believed", why]);
        assert!(daemon.alive(), "{why}");
        run(&lab, &["status"]).ok().prints(&["warning:", why]);
        let _ = fs::remove_file(lab.path("home/second"));
        run(&lab, &["restart", "--port", "9000"]).ok();
    }
    run(&lab, &["stop"]).ok();
}

/// Replaces the content of the record.
fn overwrite(lab: &Lab, text: &str) {
    lab.write(&file("clilab", "start"), text);
}
