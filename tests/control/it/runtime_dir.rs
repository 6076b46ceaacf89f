//! The socket in its private directory: access to it, and files that stand in its place.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::time::Instant;

use look::{Deadline, Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{
    EVENT_TIMEOUT, PIDFILE, SOCKET, TOKEN, get, lab, needs_root, nothing_left, post, runs, shared_lab, start, try_start,
};

const NOBODY: u32 = 65534;
/// A user that is neither root nor the user of a daemon.
const OTHER_UID: u32 = 12345;

/// Sends a request over the socket as another user, and returns the output of the helper.
fn ask_as(lab: &Lab, user: u32, group: u32, more: &[&str]) -> Outcome {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
    let run = lab.command("setpriv", &[&user, &group, "--clear-groups"]).arg(lab.program());
    run.args(["ask", &format!("socket={SOCKET}")]).args(more).run()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// Promise 5.06.
#[test]
fn socket_cannot_be_reached_while_it_is_created() {
    needs_root();
    let lab = shared_lab();
    for umask in ["000", "077", "777"] {
        let calls = "fchmod,fchmodat,fchown,fchownat,bind,listen";
        let script = format!(
            "umask {umask}; exec strace -f -qq -o trace -e trace={calls} -e inject={calls}:delay_enter=150000 \
             \"$D\" start user=nobody tcp=127.0.0.1:0"
        );
        let running = lab.shell(&script).spawn();
        let made = look::until(&lab.path("d.control"), Deadline::after(EVENT_TIMEOUT), || {
            lab.path("d.control").exists().then_some(())
        });
        made.expect("a directory");
        let mut refused = 0;
        let finished = || lab.path(SOCKET).exists() && lab.read(PIDFILE).lines().count() >= 3;
        while !finished() {
            let run = ask_as(&lab, OTHER_UID, OTHER_UID, &[]);
            assert_eq!(run.stdout.trim(), "permission denied", "umask {umask}: {run}");
            refused += 1;
        }
        assert!(refused > 2, "no client has tried");
        runs(&lab);
        assert_eq!(
            (mode(&lab.path("d.control")), mode(&lab.path(SOCKET)), mode(&lab.path(TOKEN))),
            (0o700, 0o600, 0o600)
        );
        for name in ["d.control", SOCKET, TOKEN] {
            assert_eq!(fs::symlink_metadata(lab.path(name)).expect("it is there").uid(), NOBODY, "{name}");
        }
        assert_eq!(ask_as(&lab, NOBODY, NOBODY, &[]).stdout.trim(), "200");
        lab.run(&["stop"]).ok();
        // strace continues to trace the daemon.
        running.finish().ok();
        assert!(!lab.path(SOCKET).exists() && !lab.path(TOKEN).exists());
        lab.quiet(EVENT_TIMEOUT).expect("it ends");
        let _ = fs::remove_dir(lab.path("d.control"));
    }
}

/// Promise 5.07.
#[test]
fn other_user_with_access_to_the_file_is_refused() {
    needs_root();
    let lab = shared_lab();
    start(&lab, &["user=nobody", "group=777"]);
    assert_eq!((mode(&lab.path("d.control")), mode(&lab.path(SOCKET))), (0o750, 0o660));
    assert_eq!(ask_as(&lab, OTHER_UID, OTHER_UID, &[]).stdout.trim(), "permission denied");
    assert_eq!(ask_as(&lab, OTHER_UID, 777, &[]).stdout.trim(), "200", "a member of the group");
    fs::set_permissions(lab.path("d.control"), fs::Permissions::from_mode(0o777)).expect("ours");
    fs::set_permissions(lab.path(SOCKET), fs::Permissions::from_mode(0o777)).expect("ours");
    assert_eq!(ask_as(&lab, OTHER_UID, OTHER_UID, &[]).stdout.trim(), "403");
    assert_eq!(ask_as(&lab, NOBODY, NOBODY, &[]).stdout.trim(), "200", "the owner");
    assert_eq!(get(&lab, "/").status(), 200, "root");
    // The credentials at the time of the connection count.
    let was_root = lab.run(&["ask", &format!("socket={SOCKET}"), &format!("become={OTHER_UID}")]).ok();
    assert_eq!(was_root.stdout.trim(), "200");
}

/// Promise 5.07. Unauthorized peers are identified before they send anything. They take no connection slot, whatever their number.
#[test]
fn many_unauthorized_peers_do_not_block_the_owner() {
    needs_root();
    let lab = shared_lab();
    let daemon = start(&lab, &[]);
    get(&lab, "/");
    let before = daemon.descriptors().len();
    fs::set_permissions(lab.path("d.control"), fs::Permissions::from_mode(0o777)).expect("ours");
    fs::set_permissions(lab.path(SOCKET), fs::Permissions::from_mode(0o777)).expect("ours");
    fs::set_permissions(lab.write("told", ""), fs::Permissions::from_mode(0o666)).expect("ours");
    let user = ["--reuid=12345", "--regid=12345", "--clear-groups"];
    let crowd = lab.command("setpriv", &user).arg(lab.program());
    let crowd = crowd.args(["crowd", &format!("socket={SOCKET}"), "told=told"]).spawn();
    lab.wait_for("told", EVENT_TIMEOUT, |told| !told.is_empty());
    for _ in 0..5 {
        let begun = Instant::now();
        assert_eq!(get(&lab, "/status").status(), 200);
        assert!(begun.elapsed() < crate::common::AT_ONCE, "the owner waited for {:?}", begun.elapsed());
    }
    crate::common::descriptors_return_to(daemon, before);
    crowd.signal(Signal::SIGTERM);
    crowd.finish();
}

/// Promise 5.08.
#[test]
fn files_of_a_dead_daemon_are_replaced() {
    let lab = lab();
    for _ in 0..3 {
        let daemon = start(&lab, &["tcp=127.0.0.1:0"]);
        let token = lab.read(TOKEN);
        daemon.signal(Signal::SIGKILL);
        daemon.died(EVENT_TIMEOUT).expect("it dies");
        assert!(lab.path(SOCKET).exists() && lab.path(TOKEN).exists());
        let next = start(&lab, &["tcp=127.0.0.1:0"]);
        assert_eq!(get(&lab, "/").json()["pid"], next.id());
        assert_ne!(lab.read(TOKEN), token);
        post(&lab, "/stop", "{}");
        nothing_left(&lab);
    }
}

/// Promise 5.08. A daemon cannot remove the files from its new root; the next start removes them.
#[test]
fn files_left_after_chroot_are_replaced() {
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("jail")).expect("a directory");
    for _ in 0..2 {
        let daemon = start(&lab, &["tcp=127.0.0.1:0", "chroot=jail", "user=nobody"]);
        assert_eq!(get(&lab, "/").json()["pid"], daemon.id());
        post(&lab, "/stop", "{}");
        daemon.died(EVENT_TIMEOUT).expect("it ends");
        assert!(lab.path(SOCKET).exists() && lab.path(TOKEN).exists());
    }
    let token = lab.read(TOKEN);
    let daemon = start(&lab, &["tcp=127.0.0.1:0", "user=nobody"]);
    assert_eq!(get(&lab, "/").json()["pid"], daemon.id());
    assert_ne!(lab.read(TOKEN), token);
    post(&lab, "/stop", "{}");
    daemon.died(EVENT_TIMEOUT).expect("it ends");
    assert!(!lab.path(SOCKET).exists() && !lab.path(TOKEN).exists());
}

/// Promise 5.08.
#[test]
fn planted_file_fails_the_start_and_stays() {
    let lab = lab();
    let plant = |name: &str, plant: &dyn Fn(&Path), told: &[&str]| {
        let directory = lab.path("d.control");
        let _ = fs::remove_dir_all(&directory).or_else(|_| fs::remove_file(&directory));
        if name != "d.control" {
            fs::create_dir(&directory).expect("a directory");
        }
        let path = lab.path(name);
        plant(&path);
        let before = fs::symlink_metadata(&path).expect("it was planted");
        let path = path.display().to_string();
        try_start(&lab, &["tcp=127.0.0.1:0"]).exits(2).says(told).says(&[&path]);
        let after = fs::symlink_metadata(&path).expect("it was removed");
        assert_eq!((after.ino(), after.len(), after.mtime()), (before.ino(), before.len(), before.mtime()));
        lab.quiet(EVENT_TIMEOUT).expect("nothing runs");
        assert!(!lab.path(PIDFILE).exists());
    };
    let file = |path: &Path| fs::write(path, "precious").expect("a file");
    let link = |path: &Path| symlink("/etc/passwd", path).expect("a link");
    plant(SOCKET, &file, &["failed to replace", "not a socket"]);
    plant(SOCKET, &link, &["failed to replace", "not a socket"]);
    plant(SOCKET, &|path| fs::create_dir(path).expect("a directory"), &["failed to replace", "not a socket"]);
    plant(TOKEN, &link, &["failed to replace", "not a regular file"]);
    plant("d.control", &file, &["failed to use", "not a directory"]);
    plant("d.control", &|path| symlink("/tmp", path).expect("a link"), &["failed to use", "not a directory"]);
    if nix::unistd::geteuid().is_root() {
        let others = |path: &Path| {
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"));
            chown(path, Some(OTHER_UID), None).expect("root may");
        };
        plant(SOCKET, &others, &["failed to replace", "it belongs to uid 12345"]);
        let others = |path: &Path| {
            fs::create_dir(path).expect("a directory");
            chown(path, Some(OTHER_UID), None).expect("root may");
        };
        plant("d.control", &others, &["failed to use", "it belongs to uid 12345"]);
    }
}

/// Promise 5.08. Only root could give the socket to this group. The files that were created before the error are removed.
#[test]
fn failed_start_leaves_no_files() {
    needs_root();
    let lab = shared_lab();
    chown(lab.directory(), Some(NOBODY), Some(NOBODY)).expect("root may");
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let start = lab.command("setpriv", &user).arg(lab.program()).args(["start", "tcp=127.0.0.1:0", "group=777"]);
    start.run().exits(2).says(&["failed to bind", &lab.path(SOCKET).display().to_string(), "not permitted"]);
    nothing_left(&lab);
}

/// `ss -x` and `lsof -U` show the path of the socket.
#[test]
fn socket_has_its_path_in_the_kernel() {
    let lab = lab();
    start(&lab, &[]);
    let table = fs::read_to_string("/proc/net/unix").expect("a table");
    assert!(table.lines().any(|line| line.ends_with(&format!(" {}", lab.path(SOCKET).display()))), "{table}");
}

/// Promise 5.08. The directory was moved, and another one took its name.
#[test]
fn directory_that_replaced_the_own_one_is_kept() {
    for is_link in [false, true] {
        let lab = lab();
        let daemon = start(&lab, &["tcp=127.0.0.1:0"]);
        fs::rename(lab.path("d.control"), lab.path("moved")).expect("ours");
        fs::create_dir(lab.path("other")).expect("a directory");
        lab.write("other/socket", "precious");
        lab.write("other/token", "precious");
        if is_link {
            symlink("other", lab.path("d.control")).expect("a link");
        } else {
            fs::rename(lab.path("other"), lab.path("d.control")).expect("ours");
        }
        lab.run(&["stop"]).ok();
        daemon.died(EVENT_TIMEOUT).expect("it ends");
        assert_eq!((lab.read(SOCKET), lab.read(TOKEN)), ("precious".into(), "precious".into()), "link: {is_link}");
    }
}

/// Promise 5.08.
#[test]
fn socket_path_too_long_fails_before_the_start() {
    let lab = lab();
    let name = format!("{}.pid", "x".repeat(100));
    try_start(&lab, &[&format!("pidfile={name}")]).exits(2).says(&["AF_UNIX path too long", &"x".repeat(100)]);
    assert_eq!(fs::read_dir(lab.directory()).expect("the lab").count(), 0, "something was made");
}

/// Promise 5.08. Pidfiles whose names differ by `.pid` alone belong to different daemons.
#[test]
fn daemons_with_similar_pidfiles_have_different_sockets() {
    let lab = lab();
    let first = start(&lab, &["tcp=127.0.0.1:0"]);
    let token = lab.read(TOKEN);
    try_start(&lab, &["tcp=127.0.0.1:0", "pidfile=d"]).ok();
    let second = lab.daemon("d");
    assert_eq!(get(&lab, "/").json()["pid"], first.id());
    assert_eq!(
        lab.run(&["status", "pidfile=d"]).ok().stdout.lines().next(),
        Some(&*format!("unix://{}", lab.path("d.endpoint/socket").display()))
    );
    lab.run(&["stop", "pidfile=d"]).ok();
    second.died(EVENT_TIMEOUT).expect("it ends");
    assert!(!lab.path("d.endpoint").exists());
    assert_eq!((get(&lab, "/").json()["pid"].as_i64(), lab.read(TOKEN)), (Some(first.id().into()), token));
    post(&lab, "/stop", "{}");
    nothing_left(&lab);
}

/// Promise 5.08.
#[test]
fn concurrent_starts_leave_one_reachable_daemon() {
    let lab = lab();
    for _ in 0..10 {
        let both = [(); 2].map(|()| lab.helper(&["start"]).spawn());
        let codes = both.map(|run| run.finish().code());
        assert!(codes.contains(&0) && codes.contains(&3), "{codes:?}");
        let daemon = lab.daemon(PIDFILE);
        assert_eq!(get(&lab, "/").json()["pid"], daemon.id());
        post(&lab, "/stop", "{}");
        nothing_left(&lab);
    }
}
