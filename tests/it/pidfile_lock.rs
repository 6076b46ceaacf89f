//! The lock in a separate file, the pidfile written by the launcher, and the processes that are believed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use look::Lab;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, lab, needs, needs_root, nothing_left, run, start, stop};
use crate::faults::held_system_call::look_until;
use crate::pidfile::Bystander;

/// The uid and gid of an unprivileged user.
const NOBODY: &str = "65534";

/// Creates a directory that every user may write.
fn open_directory(lab: &Lab) {
    fs::create_dir(lab.path("open")).unwrap();
    fs::set_permissions(lab.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Promises 2.19, 2.10. Any user can open and lock a pidfile that others may read.
#[test]
fn lock_of_another_user_on_the_pidfile_blocks_neither_start_nor_stop() {
    needs(&["setpriv", "python3"]);
    needs_root();
    let lab = lab();
    fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = start(&lab, &["user=65534", "group=65534"]);
    let lock = "import fcntl, time; file = open('d.pid'); fcntl.flock(file, fcntl.LOCK_SH); time.sleep(600)";
    let stranger = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "python3", "-c", lock];
    let locker = lab.command("setpriv", &stranger).spawn();
    let locks = || fs::read_to_string("/proc/locks").unwrap_or_default();
    let inode = format!(":{} ", fs::metadata(lab.path(PIDFILE)).unwrap().ino());
    crate::faults::held_system_call::look_until("the stranger has no lock", || locks().contains(&inode));
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    start(&lab, &["user=65534", "group=65534"]);
    stop(&lab);
    assert!(!lab.path(PIDFILE).exists() && !lab.path(LOCK).exists());
    locker.process().signal(Signal::SIGKILL);
    locker.finish();
    nothing_left(&lab);
}

/// Promise 2.19. The lock file is created with its mode regardless of the umask, and one that others could open is
/// refused.
#[test]
fn lock_file_that_others_could_open_is_refused() {
    for umask in ["000", "022", "777"] {
        let lab = lab();
        lab.shell(&format!("umask {umask} && $D start pidfile=d.pid")).run().ok();
        assert_eq!(fs::metadata(lab.path(LOCK)).unwrap().mode() & 0o7777, 0o600, "umask {umask}");
        assert_eq!(fs::metadata(lab.path(PIDFILE)).unwrap().mode() & 0o7777, 0o644, "umask {umask}");
        stop(&lab);
        nothing_left(&lab);
    }
    let lab = lab();
    let planted = lab.write(LOCK, "");
    fs::set_permissions(planted, fs::Permissions::from_mode(0o644)).unwrap();
    run(&lab, "start", &[]).exits(7).says(&[LOCK, "can open it"]);
    assert!(lab.path(LOCK).exists() && !lab.path(PIDFILE).exists());
}

/// Promise 2.19. A lock file that is a link, or has a second name, is refused, and its target is left alone.
#[test]
fn lock_file_that_leads_elsewhere_is_refused() {
    for (script, words) in [
        ("ln -s victim d.pid.lock", "symbolic link"),
        ("ln victim d.pid.lock", "more than one name"),
        ("mkfifo -m 600 d.pid.lock", "not a regular file"),
        ("mkdir -m 700 d.pid.lock", "directory"),
    ] {
        let lab = lab();
        let victim = lab.write("victim", "precious");
        fs::set_permissions(victim, fs::Permissions::from_mode(0o600)).unwrap();
        lab.shell(script).run().ok();
        run(&lab, "start", &[]).exits(7).says(&[LOCK, words]);
        assert_eq!(lab.read("victim"), "precious");
        assert!(!lab.path(PIDFILE).exists());
    }
}

/// Promise 2.20. From its first moment as another user, the daemon has no descriptor that could change root's pidfile,
/// and no other process of that user can take one from it, even with `core_dumps`.
#[test]
fn daemon_that_has_changed_its_user_holds_nothing_of_the_pidfile_but_the_lock() {
    needs_root();
    let lab = lab();
    open_directory(&lab);
    let hook = "after=Identity:note:open/there,await:go";
    let settings = ["user=65534", "group=65534", "core_dumps=true", hook];
    let launch = lab.helper(&["start", "pidfile=d.pid"]).args(settings).spawn();
    let there = lab.wait_for("open/there", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    let daemon = look::Process::new(there.split(' ').nth(2).and_then(|pid| pid.parse().ok()).expect("its number"));
    let open = daemon.descriptors();
    let leads_there = |fd: &&look::Descriptor| fd.target.starts_with(lab.directory());
    let (lock, others): (Vec<_>, Vec<_>) = open.values().filter(leads_there).partition(|fd| fd.is(lab.path(LOCK)));
    assert!(lock.len() == 1 && !lock[0].writes(), "{open:?}");
    // The file of last words belongs to the daemon.
    assert!(others.len() == 1 && others[0].is(lab.path("d.last.new")), "{open:?}");
    assert_eq!(fs::metadata(lab.path("d.last.new")).expect("a file").uid(), 65534);
    let owner = || fs::metadata(format!("/proc/{}/stat", daemon.id())).expect("alive").uid();
    assert_eq!(owner(), 0, "another process of its user could look into it before it is ready");
    lab.write("go", "");
    launch.finish().ok();
    // The launcher does not wait for the daemon's work after GO.
    look_until("`core_dumps` has no effect", || owner() == 65534);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.20. Without a fork, the file is written before the user changes, and no descriptor of it stays open.
#[test]
fn foreground_daemon_writes_its_pidfile_before_it_changes_its_user() {
    needs_root();
    let lab = lab();
    open_directory(&lab);
    let settings = ["user=65534", "group=65534", "body=note:open/ran,idle"];
    let daemon = lab.helper(&["foreground", "pidfile=d.pid"]).args(settings).spawn();
    lab.wait_for("open/ran", EVENT_TIMEOUT, |note| note.ends_with('\n'));
    assert_eq!(lab.daemon(PIDFILE), daemon.process());
    assert_eq!(fs::metadata(lab.path(PIDFILE)).unwrap().uid(), 0);
    let open = daemon.process().descriptors();
    assert!(!open.values().any(|fd| fd.is(lab.path(PIDFILE)) || fd.is(lab.directory())), "{open:?}");
    stop(&lab);
    daemon.finish();
}

/// Promise 2.21. Other programs may rely on what they wrote: nothing of it is changed while the process lives.
#[test]
fn pidfile_of_another_program_is_left_alone_while_its_process_lives() {
    let lab = lab();
    let bystander = Bystander::new();
    let content = format!("{}\n", bystander.process().id());
    let path = lab.write(PIDFILE, &content);
    for verb in ["start", "stop"] {
        let outcome = run(&lab, verb, &[]).exits(7).says(&["another program", content.trim()]);
        assert_eq!(lab.read(PIDFILE), content, "{outcome}");
        assert!(!lab.path(LOCK).exists(), "{outcome}");
    }
    assert!(bystander.process().alive());
    // Written before this boot: the pid belongs to another process by now.
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000))
        .unwrap();
    start(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
    assert!(bystander.process().alive());
}

/// Promise 2.04. For `kill $(cat x.pid)`, the commonest idiom, no word but the first may be a number.
#[test]
fn pidfile_holds_no_plain_number_but_the_pid() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let text = lab.read(PIDFILE);
    let numbers: Vec<&str> = text.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect();
    assert_eq!(numbers, [daemon.id().to_string()], "{text:?}");
    stop(&lab);
}

/// Promise 2.07. Only the pidfile is removed: the lock excludes a second daemon, and the error names the process.
#[test]
fn start_beside_a_daemon_whose_pidfile_was_removed_names_the_holder_of_the_lock() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    fs::rename(lab.path(PIDFILE), lab.path("moved")).unwrap();
    let holder = format!("process {} (`lab`)", daemon.id());
    for verb in ["start", "stop"] {
        run(&lab, verb, &[]).exits(7).says(&[&holder, LOCK, "there is no pidfile"]);
    }
    run(&lab, "status", &[]).exits(3);
    assert!(daemon.alive());
    fs::rename(lab.path("moved"), lab.path(PIDFILE)).unwrap();
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.07. Only the lock file is removed: the pidfile still names a live daemon.
#[test]
fn start_beside_a_daemon_whose_lock_file_was_removed_is_refused() {
    let lab = lab();
    let daemon = start(&lab, &[]);
    let text = lab.read(PIDFILE);
    fs::remove_file(lab.path(LOCK)).unwrap();
    run(&lab, "start", &[]).exits(3).says(&[&daemon.id().to_string()]);
    assert_eq!(lab.read(PIDFILE), text);
    assert!(!lab.path(LOCK).exists());
    stop(&lab);
    assert!(!daemon.alive());
    nothing_left(&lab);
}

/// Promise 2.12. A start killed right after it created the lock file leaves it; the next start uses it, and a stop removes it.
#[test]
fn lock_file_without_a_pidfile_is_taken_by_a_start_and_removed_by_a_stop() {
    let lab = lab();
    let left = || fs::set_permissions(lab.write(LOCK, ""), fs::Permissions::from_mode(0o600)).unwrap();
    left();
    run(&lab, "status", &[]).exits(3);
    run(&lab, "stop", &[]).ok();
    nothing_left(&lab);
    left();
    lab.write("d.pid.new", "12");
    start(&lab, &[]);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 1.22. The error names the actual cause.
#[test]
fn launch_without_pidfd_or_boot_id_names_the_missing_thing() {
    needs(&["strace"]);
    let boot_id = "/proc/sys/kernel/random/boot_id";
    for (inject, path, words) in [
        ("pidfd_open:error=EPERM", None, ["pidfd_open", "operation not permitted"]),
        ("openat:error=ENOENT", Some(boot_id), [boot_id, "no such file"]),
    ] {
        let lab = lab();
        let inject = format!("inject={inject}");
        let mut strace = vec!["-f", "-qq", "-o", "trace", "-e", &inject];
        strace.extend(path.iter().flat_map(|path| ["-P", path]));
        let start = ["start", "pidfile=d.pid", "body=note:ran,idle"];
        let outcome = lab.command("strace", &strace).arg(lab.program()).args(start).run().exits(2).says(&words);
        assert!(!outcome.stderr.contains("SIGKILL") && !outcome.stderr.contains("is gone"), "{outcome}");
        nothing_left(&lab);
        assert!(!lab.path("ran").exists());
    }
}

/// Promises 2.17, 2.22. A daemon that cannot be seen is not reported as dead.
#[test]
fn daemon_that_cannot_be_seen_is_unknown() {
    needs(&["unshare", "mount", "setpriv"]);
    needs_root();
    let lab = lab();
    fs::set_permissions(lab.directory(), fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = start(&lab, &[]);
    let uid = NOBODY;
    let unprivileged = format!("setpriv --reuid {uid} --regid {uid} --clear-groups");
    let hidden = format!("mount -t proc -o hidepid=2 none /proc && {unprivileged} $D status pidfile=$PWD/d.pid");
    let unseen = |lab: &Lab, arguments: &[&str], words: &str| {
        lab.command("unshare", arguments).env("D", lab.program()).run().exits(4).prints(&["unknown", words]);
    };
    unseen(&lab, &["--mount", "bash", "-c", &hidden], "hidepid");
    unseen(&lab, &["--time", "--boottime", "100000", "bash", "-c", "$D status pidfile=$PWD/d.pid"], "time namespace");
    run(&lab, "status", &[]).ok();
    assert!(daemon.alive());
    stop(&lab);
    nothing_left(&lab);
}
