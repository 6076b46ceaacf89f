//! Full disks, files that were moved, namespaces that share a directory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::fcntl::AtFlags;
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, move_away, needs, needs_root, nothing_left, run, start, stop};

/// Promise 2.11. A file system with one page, which is in use.
#[test]
fn full_disk_fails_the_start_and_leaves_no_file() {
    needs(&["unshare", "mount", "dd"]);
    needs_root();
    let lab = lab();
    let script = "mkdir m && mount -t tmpfs -o size=4k,mode=755 none m && dd if=/dev/zero of=m/full bs=4k count=1 2>/dev/null; \
                  $D start pidfile=m/d.pid body=note:ran,idle; code=$?; ls m; exit $code";
    let unshare = ["--mount", "bash", "-c", script];
    let outcome =
        lab.command("unshare", &unshare).env("D", lab.program()).run().says(&["no space left on device", "d.pid"]);
    assert!([2, 6, 7].contains(&outcome.code()), "{outcome}");
    assert_eq!(outcome.stdout, "full\n", "a file was left behind: {outcome}");
    nothing_left(&lab);
    assert!(!lab.path("ran").exists());
}

/// Promise 2.11.
#[test]
fn read_only_file_system_does_not_prevent_a_stop() {
    needs(&["unshare", "mount"]);
    needs_root();
    let lab = lab();
    let script = "mkdir m && mount -t tmpfs -o size=64k,mode=755 none m && $D start pidfile=m/d.pid && read -r P < m/d.pid \
                  && mount -o remount,ro m || exit 10; \
                  $D stop pidfile=m/d.pid; echo stop $?; [ -e /proc/$P ] || echo dead; \
                  mount -o remount,rw m && $D start pidfile=m/d.pid && $D stop pidfile=m/d.pid && ls m";
    let unshare = ["--mount", "bash", "-c", script];
    let outcome = lab.command("unshare", &unshare).env("D", lab.program()).run().ok();
    assert!(!outcome.stdout.contains("d.pid"), "{outcome}");
    nothing_left(&lab);
}

/// Promise 2.13. R10: A ends when B has the pidfile's name.
#[test]
fn daemon_that_ends_late_leaves_the_next_pidfile() {
    let lab = lab();
    let elder = start(&lab, &[]);
    move_away(&lab);
    let younger = start(&lab, &[]);
    let inode = fs::metadata(lab.path(PIDFILE)).unwrap().ino();
    elder.signal(Signal::SIGTERM);
    elder.died(EVENT_TIMEOUT).expect("it stops");
    assert_eq!(lab.daemon(PIDFILE), younger);
    assert_eq!(fs::metadata(lab.path(PIDFILE)).unwrap().ino(), inode);
    stop(&lab);
    nothing_left(&lab);
}

/// Promise 2.14.
#[test]
fn truncated_pidfile_is_an_error() {
    needs(&["strace"]);
    for (call, fault) in
        [("write", "retval=1"), ("write", "error=EIO"), ("fchmod", "error=EIO"), ("renameat", "error=EIO")]
    {
        let lab = lab();
        let (injection, file) = (format!("{call}:{fault}"), lab.path("d.pid.new").display().to_string());
        let (trace, inject) = (format!("trace={call}"), format!("inject={injection}"));
        // strace matches a file that does not exist yet by both of its paths.
        let strace = ["-f", "-qq", "-o", "trace", "-P", &file, "-P", "d.pid.new", "-e", &trace, "-e", &inject];
        let start =
            lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid", "body=note:ran,idle"]);
        let outcome = start.run().says(&[PIDFILE]);
        assert!([2, 6, 7].contains(&outcome.code()), "{injection}: {outcome}");
        assert!(lab.read("trace").contains("INJECTED"), "{injection}: this call is never made");
        nothing_left(&lab);
        assert!(!lab.path("ran").exists());
    }
}

/// Promise 2.15. The owner of a directory in the path can redirect any part of it.
#[test]
fn root_creates_no_log_behind_a_link_of_another_user() {
    needs_root();
    let lab = lab();
    let nobody = Some(nix::unistd::Uid::from_raw(65534));
    fs::create_dir_all(lab.path("theirs")).unwrap();
    fs::create_dir(lab.path("precious")).unwrap();
    std::os::unix::fs::symlink(lab.path("precious"), lab.path("theirs/sub")).unwrap();
    nix::unistd::chown(&lab.path("theirs"), nobody, None).unwrap();
    nix::unistd::fchownat(nix::fcntl::AT_FDCWD, &lab.path("theirs/sub"), nobody, None, AtFlags::AT_SYMLINK_NOFOLLOW)
        .unwrap();
    for settings in [&["stdout=theirs/sub/log"][..], &["stdout=theirs/sub/log", "user=nobody"]] {
        run(&lab, "start", settings).exits(2).says(&["theirs"]);
        nothing_left(&lab);
        assert_eq!(fs::read_dir(lab.path("precious")).unwrap().count(), 0);
    }
}

/// Promise 2.15. A log that was replaced by a link is not followed when it is reopened, either.
#[test]
fn log_replaced_by_a_link_is_not_followed() {
    let lab = lab();
    lab.write("victim", "precious");
    let daemon = start(&lab, &["stdout=log", "stderr=log", "handle=HUP:say:handled,note:handled"]);
    fs::rename(lab.path("log"), lab.path("log.1")).unwrap();
    std::os::unix::fs::symlink("victim", lab.path("log")).unwrap();
    daemon.signal(Signal::SIGHUP);
    lab.wait_for("handled", EVENT_TIMEOUT, |notes| !notes.is_empty());
    assert!(daemon.descriptors()[&1].is(lab.path("log.1")), "{:?}", daemon.descriptors());
    stop(&lab);
    assert_eq!(lab.read("victim"), "precious");
    assert!(lab.read("log.1").contains("handled"));
}

/// Promise 2.17. The pid of a daemon in its own pid namespace belongs to another process outside.
#[test]
fn pid_of_another_namespace_names_no_process() {
    needs(&["unshare", "strace"]);
    needs_root();
    let lab = lab();
    let script = "$D start pidfile=d.pid && touch up && sleep 1000";
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script];
    let inner = lab.command("unshare", &unshare).env("D", lab.program()).spawn();
    lab.wait_for("up", EVENT_TIMEOUT, |_| true);
    let before = lab.processes();
    let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", "trace=kill,tkill,tgkill,pidfd_send_signal"];
    let stop = lab.command("strace", &strace).arg(lab.program()).args([
        "stop",
        "pidfile=d.pid",
        "grace=200",
        "stop_timeout=700",
    ]);
    let outcome = stop.run().exits(7).says(&["namespace"]);
    assert!(!lab.read("trace").contains('('), "a process was signalled: {outcome}");
    assert_ne!(run(&lab, "status", &[]).code(), 0);
    assert_ne!(run(&lab, "start", &["lock_timeout=300"]).code(), 0);
    assert_eq!(lab.processes(), before, "the daemon inside is not what it was");
    inner.signal(Signal::SIGKILL);
    inner.finish();
}
