//! Trust in the pidfile: which files the verbs refuse, because another user could have written them.

use crate::common::{PIDFILE, each, lab, needs, needs_root, nothing_left, run, start};
use crate::pidfile::{Bystander, stop_signals_nobody};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};

/// Promise 2.01.
#[test]
fn pidfile_stays_roots_after_a_change_of_user() {
    needs(&["setpriv"]);
    needs_root();
    let lab = lab();
    let daemon = start(&lab, &["user=nobody"]);
    let file = fs::metadata(lab.path(PIDFILE)).unwrap();
    assert_eq!((file.uid(), file.mode() & 0o7777), (0, 0o644));
    assert_eq!(daemon.ids().unwrap().users, [65534; 4]);
    let open = daemon.descriptors();
    assert!(open.values().all(|fd| !fd.is(lab.path(PIDFILE)) || !fd.writes()), "{open:?}");
    let overwrite = format!("echo 1 > {}", lab.path(PIDFILE).display());
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", &overwrite];
    assert_ne!(lab.command("setpriv", &nobody).run().code(), 0);
    assert_eq!(lab.daemon(PIDFILE), daemon);
    run(&lab, "stop", &[]).ok();
    nothing_left(&lab);
}

/// Promise 2.02.
#[test]
fn file_of_another_kind_or_owner_is_refused_and_unchanged() {
    let lab = lab();
    lab.write("victim", "precious");
    let places: [(&str, &dyn Fn()); 7] = [
        ("a link to a file", &|| symlink(lab.path("victim"), lab.path(PIDFILE)).unwrap()),
        ("a dangling link", &|| symlink(lab.path("nowhere"), lab.path(PIDFILE)).unwrap()),
        ("a link to a device", &|| symlink("/dev/null", lab.path(PIDFILE)).unwrap()),
        ("a pipe", &|| nix::unistd::mkfifo(&lab.path(PIDFILE), nix::sys::stat::Mode::S_IRUSR).unwrap()),
        ("a directory", &|| fs::create_dir(lab.path(PIDFILE)).unwrap()),
        ("a hard link", &|| fs::hard_link(lab.path("victim"), lab.path(PIDFILE)).unwrap()),
        ("a socket", &|| drop(std::os::unix::net::UnixListener::bind(lab.path(PIDFILE)).unwrap())),
    ];
    for (what, make) in places {
        make();
        let before = fs::symlink_metadata(lab.path(PIDFILE)).unwrap();
        let outcome = run(&lab, "start", &[]);
        assert!([6, 7].contains(&outcome.code()), "{what}: {outcome}");
        outcome.says(&[PIDFILE]);
        let after = fs::symlink_metadata(lab.path(PIDFILE)).unwrap_or_else(|_| panic!("{what} was removed"));
        assert_eq!((after.ino(), after.mode(), after.uid()), (before.ino(), before.mode(), before.uid()), "{what}");
        assert_eq!(lab.read("victim"), "precious", "{what}");
        assert!(!lab.path("nowhere").exists(), "{what}");
        assert!(!after.file_type().is_char_device());
        let remove = if after.is_dir() { fs::remove_dir } else { fs::remove_file };
        remove(lab.path(PIDFILE)).unwrap();
    }
}

/// Promise 2.02.
#[test]
fn link_in_the_path_is_accepted() {
    let lab = lab();
    fs::create_dir(lab.path("real")).unwrap();
    symlink("real", lab.path("linked")).unwrap();
    run(&lab, "start", &["pidfile=linked/d.pid"]).ok();
    assert!(lab.path("real/d.pid").exists());
    run(&lab, "stop", &["pidfile=real/d.pid"]).ok();
    assert!(!lab.path("real/d.pid").exists());
}

/// Promise 2.03.
#[test]
fn stop_of_untrusted_pidfile_signals_no_process() {
    needs(&["strace"]);
    let bystander = Bystander::new();
    let pid = bystander.process().id();
    let this = std::process::id();
    let contents: Vec<Vec<u8>> = vec![
        b"1".to_vec(),
        b"1\n".to_vec(),
        b"0\n".to_vec(),
        b"-1\n".to_vec(),
        format!("-{this}\n").into_bytes(),
        b"4194305\n".to_vec(),
        b"12 34\n".to_vec(),
        b"0x10\n".to_vec(),
        b" 7\n".to_vec(),
        b"12345678901234567890\n".to_vec(),
        b"12".to_vec(),
        b"\0\0\0\0".to_vec(),
        vec![b'1'; 1 << 20],
        format!("{pid}").into_bytes(),
        format!("{pid}\n").into_bytes(),
        format!("{pid}\n\n\n").into_bytes(),
        format!("+{pid}\n").into_bytes(),
        format!("0{pid}\n").into_bytes(),
        format!("{pid}\r\n").into_bytes(),
        Vec::new(),
    ];
    each(contents, |content| {
        let lab = lab();
        lab.write(PIDFILE, &content);
        let start = String::from_utf8_lossy(&content[..content.len().min(30)]).into_owned();
        let status = run(&lab, "status", &[]);
        assert!([1, 4].contains(&status.code()), "{start:?}: {status}");
        stop_signals_nobody(&lab, &[0, 5, 7]);
        assert!(bystander.process().alive(), "{start:?}");
    });
}
