//! Last words that were forged by the daemon's user, or by the owner of its directory.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, needs, needs_root, shared_lab, start, stop};
use crate::last_words::{FAILING, NOBODY, WORDS, live, status};

/// Promise 2.32. The daemon's user owns the file, and may write anything into it.
#[test]
fn last_words_of_a_hostile_daemon_are_bounded_and_escaped() {
    needs_root();
    let lab = shared_lab();
    let header = "last words of a daemon\n";
    let huge = || {
        let file = fs::File::options().write(true).open(lab.path(WORDS)).expect("a file");
        file.set_len(1 << 30).expect("a hole");
    };
    let attack = |content: &str, refused: &str| {
        let daemon = start(&lab, &["user=nobody"]);
        fs::write(lab.path(WORDS), content.replace("PID", &daemon.id().to_string())).unwrap();
        if content.is_empty() {
            huge();
        }
        let (running, begun) = (status(&lab).ok(), Instant::now());
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("killed");
        let dead = status(&lab).exits(1);
        assert!(begun.elapsed() < EVENT_TIMEOUT);
        for said in [&running, &dead] {
            assert!(said.stdout.chars().all(|letter| matches!(letter, ' '..='~' | '\n' | '…')), "{said}");
            assert!(said.stdout.lines().count() == 1 && said.stdout.len() < 4096, "{said}");
            assert!(said.stdout.contains(refused), "{said}");
        }
        (running.stdout, dead.stdout)
    };
    let (running, dead) = attack(
        &format!("{header}pid PID\nwarning \x1b[2J\u{202e}w\rx\nended 0 \x07\nended 4 gone\u{9b}\x1b]0;owned"),
        "",
    );
    assert!(running.contains("it says: \\u{1b}[2J\\u{202e}w\\rx"), "{running}");
    assert!(dead.contains("it said: gone\\u{9b}\\u{1b}]0;owned"), "{dead}");
    // A line about another process.
    let (running, dead) = attack(&format!("{header}pid 1\nwarning pay here\nended 4 pay here\n"), "");
    assert!(!running.contains("pay") && dead.ends_with("without a word\n"), "{running}{dead}");
    let not_ours = "its last words are not believed";
    attack(&format!("{header}ended 4 {}", "#".repeat(5000)), not_ours);
    attack("", not_ours);
    attack("root:x:0:0\n", not_ours);
    // Files that the library did not write are not removed either; a start works regardless.
    start(&lab, &[]);
    stop(&lab);
    assert_eq!(lab.read(WORDS), "root:x:0:0\n");
    fs::remove_file(lab.path(WORDS)).unwrap();
    // Other users do not see the text of an error.
    live(&lab, "start", &FAILING);
    let setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let seen = lab.command("setpriv", &setpriv).arg(lab.program()).args(["status", "pidfile=d.pid"]).run().exits(3);
    assert!(seen.stdout.ends_with("d.pid`)\n"), "{seen}");
}

/// Promise 2.32.
#[test]
fn words_that_a_user_has_put_in_place_of_the_file_are_not_followed() {
    needs(&["mkfifo", "setpriv"]);
    needs_root();
    let lab = shared_lab();
    lab.make_directory("theirs", NOBODY, 0o755);
    lab.write("secret", "last words of a daemon\nended 4 secret\n");
    fs::set_permissions(lab.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let of_nobody = |script: &str| {
        let setpriv = ["--reuid=65534", "--regid=65534", "--clear-groups", "bash", "-c", script];
        lab.command("setpriv", &setpriv).in_directory(lab.path("theirs")).env("D", lab.program()).run().ok()
    };
    let status = || lab.helper(&["status", "pidfile=theirs/d.pid"]).run().exits(3);
    // Root sees the words of a user's own daemon.
    of_nobody("$D start pidfile=$PWD/d.pid ready=manual body=ready,err:theirs");
    lab.quiet(EVENT_TIMEOUT).expect("it ends");
    assert!(status().stdout.contains("it said: the body failed: theirs"));
    for (script, why) in [
        ("ln -sf ../secret d.last", "symbolic link"),
        ("rm d.last; mkfifo d.last", "not a regular file"),
        ("rm d.last; mkdir d.last", "it is a directory"),
    ] {
        of_nobody(script);
        let (begun, said) = (Instant::now(), status());
        assert!(said.stdout.contains("not believed") && said.stdout.contains(why), "{said}");
        assert!(!said.stdout.contains("secret") && begun.elapsed() < EVENT_TIMEOUT, "{said}");
        lab.helper(&["stop", "pidfile=theirs/d.pid"]).run().ok();
    }
    of_nobody("rmdir d.last");
    for (owner, why) in [(0, "more than one name"), (4711, "it belongs to uid 4711")] {
        if owner == 0 {
            fs::hard_link(lab.path("secret"), lab.path("theirs/d.last")).unwrap();
        } else {
            fs::remove_file(lab.path("theirs/d.last")).unwrap();
            chown(lab.write("theirs/d.last", lab.read("secret")), Some(owner), None).unwrap();
        }
        let said = status();
        assert!(said.stdout.contains(why) && !said.stdout.contains("secret\n"), "{said}");
        lab.helper(&["stop", "pidfile=theirs/d.pid"]).run().ok();
        assert!(lab.path("theirs/d.last").exists());
    }
    assert_eq!(lab.read("secret"), "last words of a daemon\nended 4 secret\n");
}

/// Promise 2.32. There, any user can create such a file, so root reads none, and a daemon that became another user
/// writes none.
#[test]
fn daemon_that_changed_its_user_leaves_no_words_in_a_directory_of_all_users() {
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("all")).expect("a directory");
    fs::set_permissions(lab.path("all"), fs::Permissions::from_mode(0o1777)).expect("a directory of this test");
    let run = |verb, settings: &[&str]| lab.helper(&[verb, "pidfile=all/d.pid"]).args(settings).run();
    run("start", &["user=nobody", FAILING[0], FAILING[1]]).ok();
    lab.quiet(EVENT_TIMEOUT).expect("the daemon ends");
    let said = run("status", &[]).exits(1);
    assert!(said.stdout.ends_with("it ended without a word\n"), "{said}");
    run("stop", &[]).ok();
    assert_eq!(fs::read_dir(lab.path("all")).expect("a directory").count(), 0);
}
