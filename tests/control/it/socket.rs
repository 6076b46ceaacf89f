//! The socket in its directory: who reaches it, and what may stand in its place.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

use look::{Deadline, Lab, Outcome};
use nix::sys::signal::Signal;

use crate::common::{
    PIDFILE, SOCKET, SOON, TOKEN, get, lab, needs_root, nothing_left, post, shared_lab, start, try_start,
};

const NOBODY: u32 = 65534;
/// A user that no daemon here is, and who is not root.
const SOMEBODY: u32 = 12345;

/// Asks over the socket as another user; what the helper says of it.
fn ask_as(lab: &Lab, user: u32, group: u32, more: &[&str]) -> Outcome {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={group}"));
    let run = lab.command("setpriv", &[&user, &group, "--clear-groups"]).arg(lab.program());
    run.args(["ask", &format!("socket={SOCKET}")]).args(more).run()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

#[test]
fn p5_06_nobody_reaches_the_socket_while_it_is_made() {
    needs_root();
    let lab = shared_lab();
    for umask in ["000", "077", "777"] {
        let calls = "fchmod,fchmodat,fchown,fchownat,bind,listen,rename,renameat,renameat2";
        let script = format!(
            "umask {umask}; exec strace -f -qq -o trace -e trace={calls} -e inject={calls}:delay_enter=150000 \
             \"$D\" start user=nobody tcp=127.0.0.1:0"
        );
        let running = lab.shell(&script).spawn();
        let made =
            look::until(&lab.path("d.control"), Deadline::after(SOON), || lab.path("d.control").exists().then_some(()));
        made.expect("a directory");
        let mut refused = 0;
        let new = lab.path("d.control/socket.new");
        let finished = || lab.path(SOCKET).exists() && !new.exists() && lab.read(PIDFILE).lines().count() >= 3;
        while !finished() {
            for name in ["socket.new", "socket"] {
                let path = format!("socket=d.control/{name}");
                let user = ["--reuid=12345", "--regid=12345", "--clear-groups"];
                let run = lab.command("setpriv", &user).arg(lab.program()).args(["ask", &path]).run();
                assert_eq!(run.stdout.trim(), "permission denied", "umask {umask}: {run}");
                refused += 1;
            }
        }
        assert!(refused > 2, "nobody has looked");
        assert_eq!(
            (mode(&lab.path("d.control")), mode(&lab.path(SOCKET)), mode(&lab.path(TOKEN))),
            (0o700, 0o600, 0o600)
        );
        for name in ["d.control", SOCKET, TOKEN] {
            assert_eq!(fs::symlink_metadata(lab.path(name)).expect("it is there").uid(), NOBODY, "{name}");
        }
        assert_eq!(ask_as(&lab, NOBODY, NOBODY, &[]).stdout.trim(), "200");
        lab.run(&["stop"]).ok();
        // strace stays with the daemon.
        running.finish().ok();
        assert!(!lab.path(SOCKET).exists() && !lab.path(TOKEN).exists());
        lab.quiet(SOON).expect("it ends");
        let _ = fs::remove_dir(lab.path("d.control"));
    }
}

#[test]
fn p5_07_only_root_and_the_owner_are_served_whatever_the_mode_is() {
    needs_root();
    let lab = shared_lab();
    start(&lab, &["user=nobody", "group=777"]);
    assert_eq!((mode(&lab.path("d.control")), mode(&lab.path(SOCKET))), (0o750, 0o660));
    assert_eq!(ask_as(&lab, SOMEBODY, SOMEBODY, &[]).stdout.trim(), "permission denied");
    assert_eq!(ask_as(&lab, SOMEBODY, 777, &[]).stdout.trim(), "200", "a member of the group");
    fs::set_permissions(lab.path("d.control"), fs::Permissions::from_mode(0o777)).expect("ours");
    fs::set_permissions(lab.path(SOCKET), fs::Permissions::from_mode(0o777)).expect("ours");
    assert_eq!(ask_as(&lab, SOMEBODY, SOMEBODY, &[]).stdout.trim(), "403");
    assert_eq!(ask_as(&lab, NOBODY, NOBODY, &[]).stdout.trim(), "200", "the owner");
    assert_eq!(get(&lab, "/").status(), 200, "root");
    // Who it was when it connected counts.
    let was_root = lab.run(&["ask", &format!("socket={SOCKET}"), &format!("become={SOMEBODY}")]).ok();
    assert_eq!(was_root.stdout.trim(), "200");
}

#[test]
fn p5_08_what_a_dead_daemon_left_is_replaced() {
    let lab = lab();
    for _ in 0..3 {
        let daemon = start(&lab, &["tcp=127.0.0.1:0"]);
        let token = lab.read(TOKEN);
        daemon.signal(Signal::SIGKILL);
        daemon.died(SOON).expect("it dies");
        assert!(lab.path(SOCKET).exists() && lab.path(TOKEN).exists());
        let next = start(&lab, &["tcp=127.0.0.1:0"]);
        assert_eq!(get(&lab, "/").json()["pid"], next.id());
        assert_ne!(lab.read(TOKEN), token);
        post(&lab, "/stop", "{}");
        nothing_left(&lab);
    }
}

#[test]
fn p5_08_what_somebody_put_there_stays_and_is_told_of() {
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
        lab.quiet(SOON).expect("nothing runs");
        assert!(!lab.path(PIDFILE).exists());
    };
    let file = |path: &Path| fs::write(path, "precious").expect("a file");
    let link = |path: &Path| symlink("/etc/passwd", path).expect("a link");
    plant(SOCKET, &file, &["failed to replace", "it is no socket"]);
    plant(SOCKET, &link, &["failed to replace", "it is no socket"]);
    plant(SOCKET, &|path| fs::create_dir(path).expect("a directory"), &["failed to replace", "it is no socket"]);
    plant(TOKEN, &link, &["failed to replace", "it is no regular file"]);
    plant("d.control", &file, &["failed to use", "it is no directory"]);
    plant("d.control", &|path| symlink("/tmp", path).expect("a link"), &["failed to use", "it is no directory"]);
    if nix::unistd::geteuid().is_root() {
        let others = |path: &Path| {
            drop(std::os::unix::net::UnixListener::bind(path).expect("a socket"));
            chown(path, Some(SOMEBODY), None).expect("root may");
        };
        plant(SOCKET, &others, &["failed to replace", "it belongs to uid 12345"]);
        let others = |path: &Path| {
            fs::create_dir(path).expect("a directory");
            chown(path, Some(SOMEBODY), None).expect("root may");
        };
        plant("d.control", &others, &["failed to use", "it belongs to uid 12345"]);
    }
}

#[test]
fn p5_08_a_path_that_no_socket_can_have_is_told_before_anything_happens() {
    let lab = lab();
    let name = format!("{}.pid", "x".repeat(100));
    try_start(&lab, &[&format!("pidfile={name}")]).exits(2).says(&["AF_UNIX path too long", &"x".repeat(100)]);
    assert_eq!(fs::read_dir(lab.directory()).expect("the lab").count(), 0, "something was made");
}

#[test]
fn p5_08_of_two_starts_at_once_one_is_reached() {
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
