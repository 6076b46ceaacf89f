//! The places in which root makes the directory of an instance, and those in which it does not.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use look::Deadline;
use nix::sys::signal::Signal;

use crate::only::{SOON, lab, needs_root};

/// A user that is not root.
const STRANGER: u32 = 65534;

/// Promise 5.21.
#[test]
fn instance_of_root_makes_no_directory_where_another_user_leads_it() {
    needs_root();
    let lab = lab();
    for (name, mode) in [("target", 0o755), ("theirs", 0o755), ("sticky", 0o1777), ("open", 0o777)] {
        fs::create_dir(lab.path(name)).expect("a directory");
        fs::set_permissions(lab.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    chown(lab.path("theirs"), Some(STRANGER), None).expect("root may");
    for link in ["theirs/link", "sticky/link", "open/link"] {
        symlink(lab.path("target"), lab.path(link)).expect("a link");
        lchown(lab.path(link), Some(STRANGER), None).expect("root may");
    }
    for (directory, why) in [
        ("theirs/link/app", "belongs to user"),
        ("sticky/link/app", "it is a symbolic link that others than root could have made"),
        ("sticky/link", "it is a symbolic link that others than root could have made"),
        ("open/link/a/b", "can write it (mode 0777)"),
        ("theirs/new/app", "belongs to user"),
        ("open/new/app", "can write it (mode 0777)"),
    ] {
        lab.helper(&["hold", directory]).run().exits(2).says(&["Configuration: failed to make directory", why]);
    }
    let is_empty = |name: &str, count| fs::read_dir(lab.path(name)).expect("ours").count() == count;
    assert!(is_empty("target", 0) && is_empty("theirs", 1) && is_empty("sticky", 1) && is_empty("open", 1));
}

/// A link of root's own leads where it says, and what is missing is root's alone.
#[test]
fn instance_of_root_makes_its_directory_behind_a_link_of_its_own() {
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("target")).expect("a directory");
    symlink("target", lab.path("link")).expect("a link");
    let first = lab.helper(&["hold", "link/a/app"]).spawn();
    for directory in ["target/a", "target/a/app"] {
        let path = lab.path(directory);
        look::until(&path, Deadline::after(SOON), || path.exists().then_some(())).expect("a directory");
    }
    lab.wait_for("target/a/app/.pid", SOON, |text| text.lines().count() >= 3);
    for directory in ["target/a", "target/a/app"] {
        let mode = fs::metadata(lab.path(directory)).expect("a directory").permissions().mode();
        assert_eq!(mode & 0o7777, 0o700, "{directory}");
    }
    first.signal(Signal::SIGTERM);
    first.finish();
}
