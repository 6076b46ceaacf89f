//! Files that the user of a daemon leaves in the directory of its endpoint, and the next start by root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::time::Duration;

use look::{Lab, Outcome, Running};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, SOCKET, TOKEN, get, needs_root, post, shared_lab, start, try_start};

const SETTINGS: [&str; 2] = ["user=nobody", "tcp=127.0.0.1:0"];
const NOBODY: [&str; 4] = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
/// A user that is neither root nor the user of a daemon.
const SOMEBODY: u32 = 12345;

/// A lab in which a daemon that has become another user was killed; then that user has run this in its directory.
fn left_by_the_user(script: &str) -> Lab {
    needs_root();
    let lab = shared_lab();
    let daemon = start(&lab, &SETTINGS);
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("it dies");
    as_the_user(&lab, script).run().ok();
    lab
}

fn as_the_user<'lab>(lab: &'lab Lab, script: &str) -> look::Run<'lab> {
    lab.command("setpriv", &NOBODY).args(["bash", "-c", &format!("set -e; cd d.control; {script}")])
}

/// Asserts that the daemon starts and responds, and that the directory holds its own files only.
#[track_caller]
fn starts(lab: &Lab) {
    let daemon = start(lab, &SETTINGS);
    assert_eq!(get(lab, "/").json()["pid"], daemon.id());
    let mut names: Vec<_> =
        fs::read_dir(lab.path("d.control")).expect("ours").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    assert_eq!(names, ["socket", "token"]);
    post(lab, "/stop", "{}");
    daemon.died(EVENT_TIMEOUT).expect("it ends");
}

/// Promise 5.20.
#[test]
fn start_after_user_left_any_files_empties_the_directory() {
    let lab = left_by_the_user("rm -f socket token");
    fs::create_dir(lab.path("precious")).expect("a directory");
    lab.write("precious/file", "precious");
    // The user may own files outside of the directory, too: no link there is followed to them.
    for path in ["precious", "precious/file"] {
        chown(lab.path(path), Some(65534), Some(65534)).expect("root may");
    }
    let script = "mkdir -p socket/{1,2,3}/{a,b}/{x,y} token/.leftover-{1,2,3}/z other; mkfifo socket/fifo; \
                  ln -s $PWD/../precious socket/link; ln -s ../precious token/1; ln -s ../precious .leftover-4; \
                  echo x > socket/1/a/file; touch token/.leftover-9 .leftover-5 ' \x1b'; chmod 000 socket/2; \
                  cd other; for ((i = 0; i < 300; i++)); do mkdir d; cd d; done; touch deep";
    as_the_user(&lab, script).run().ok();
    starts(&lab);
    assert_eq!(lab.read("precious/file"), "precious");
}

/// Promise 5.20. A process whose working directory is the directory can add no entry after the start has claimed it.
#[test]
fn start_while_user_adds_files_empties_the_directory() {
    let lab = left_by_the_user("rm -f socket; mkdir -p socket/a/b");
    let script = "echo going > ../going; cd socket/a; while mkdir -p c/d/e f/g && echo x > c/d/e/file; do rm -rf f; done; exit 0";
    lab.write("going", "");
    chown(lab.path("going"), Some(65534), Some(65534)).expect("root may");
    let filling: Running<'_> = as_the_user(&lab, script).spawn();
    lab.wait_for("going", EVENT_TIMEOUT, |text| text.contains("going"));
    starts(&lab);
    filling.signal(Signal::SIGKILL);
    filling.finish();
}

/// Promise 5.20.
#[test]
fn start_with_mount_in_place_of_the_socket_fails() {
    for mount in MOUNTS {
        let lab = left_by_the_user("rm -f socket; mkdir socket");
        for _ in 0..2 {
            let run = with_a_mount(&lab, "d.control/socket", mount).run();
            assert_eq!(run.stdout, "status 2\nprecious\nstarted\n", "{mount}: {run}");
            run.says(&["failed to empty", "d.control`: its entry `socket` is or contains a mount point: unmount it"]);
            as_the_user(&lab, "mkdir socket").run().ok();
        }
    }
}

/// Promise 5.20.
#[test]
fn start_with_other_mount_keeps_it() {
    for mount in MOUNTS {
        for place in ["token/a", "other", "other/a"] {
            let lab = left_by_the_user(&format!("rm -f socket token; mkdir -p {place}; touch {place}/../file"));
            let run = with_a_mount(&lab, &format!("d.control/{place}"), mount).run();
            let expected = "stopped\nstatus 0\nprecious\nstarted\n";
            assert_eq!(
                run.stdout.lines().skip(1).collect::<Vec<_>>().join("\n") + "\n",
                expected,
                "{mount} {place}: {run}"
            );
        }
    }
}

const MOUNTS: [&str; 2] = ["mount -t tmpfs none $M", "mount --bind precious $M"];

/// Starts the daemon with a file system of its user mounted there, and again without it.
fn with_a_mount<'lab>(lab: &'lab Lab, place: &str, mount: &str) -> look::Run<'lab> {
    let script = format!(
        "mkdir -p precious; M={place}; {mount} && echo precious > $M/file; chown -R 65534 $M; \
         timeout 20 $D start user=nobody tcp=127.0.0.1:0; S=$?; [ $S = 0 ] && $D stop > /dev/null && echo stopped; \
         echo status $S; M=$(awk -v lab=$LOOK_LAB 'index($5, lab \"/d.control/\") == 1 {{ print $5 }}' /proc/self/mountinfo); \
         cat $M/file && umount $M; \
         $D start user=nobody tcp=127.0.0.1:0 > /dev/null && $D stop > /dev/null && echo started"
    );
    lab.command("unshare", &["--mount", "bash", "-c", &script]).env("D", lab.program())
}

/// Promise 5.20.
#[test]
fn start_with_directory_of_another_user_renames_it() {
    for place in ["socket", "token/theirs", "other"] {
        let lab = left_by_the_user(&format!("rm -f socket token; mkdir -p {place}"));
        lab.write(&format!("d.control/{place}/file"), "precious");
        chown(lab.path(&format!("d.control/{place}")), Some(SOMEBODY), None).expect("root may");
        for _ in 0..3 {
            let daemon = start(&lab, &SETTINGS);
            assert_eq!(get(&lab, "/").json()["pid"], daemon.id());
            let left = fs::read_dir(lab.path("d.control")).expect("ours").map(|entry| entry.expect("an entry").path());
            let left: Vec<_> = left.filter(|path| path.is_dir()).map(|path| path.join("file")).collect();
            assert_eq!(left.len(), 1, "{left:?}");
            assert_eq!(fs::read_to_string(&left[0]).expect("it is gone"), "precious");
            daemon.signal(Signal::SIGKILL);
            daemon.died(EVENT_TIMEOUT).expect("it dies");
        }
    }
}

/// Promise 5.20. The number of entries that one start removes is limited; the next start continues.
#[test]
fn start_with_too_many_entries_removes_some() {
    let lab = left_by_the_user("rm -f socket; mkdir socket; cd socket; seq 4500 | xargs touch");
    refused(&lab).says(&["it holds more than 4000 entries: start again"]);
    let rest = fs::read_dir(lab.path(SOCKET)).expect("a directory").count();
    assert!((500..1000).contains(&rest), "{rest} are left");
    starts(&lab);
}

/// In a directory of root, files of users other than that of the daemon are kept.
#[test]
fn start_in_directory_of_root_keeps_files_of_others() {
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("d.control")).expect("a directory");
    lab.write("d.control/other", "precious");
    lab.write(TOKEN, "precious");
    chown(lab.path(TOKEN), Some(SOMEBODY), None).expect("root may");
    refused(&lab).says(&["failed to replace", "it belongs to uid 12345"]);
    assert_eq!((lab.read("d.control/other"), lab.read(TOKEN)), ("precious".into(), "precious".into()));
    // Its own user's, and not the rest.
    chown(lab.path(TOKEN), Some(65534), None).expect("root may");
    let daemon = start(&lab, &SETTINGS);
    assert_eq!(lab.read("d.control/other"), "precious");
    assert_ne!(fs::metadata(lab.path(TOKEN)).expect("a token").size(), 8);
    daemon.signal(Signal::SIGTERM);
    daemon.died(Duration::from_secs(20)).expect("it ends");
}

fn refused(lab: &Lab) -> Outcome {
    try_start(lab, &SETTINGS).exits(2)
}
