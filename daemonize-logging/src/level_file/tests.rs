use super::*;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{PermissionsExt, symlink};

/// A directory of this test alone, removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("daemonize-logging-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Directory(path)
    }

    fn receiver(&self) -> Receiver {
        Receiver::new(&self.0.join("web.pid"), SystemTime::now() - Duration::from_secs(60))
    }
}

impl Receiver {
    fn read_text(&self) -> std::result::Result<Option<String>, String> {
        self.read().map(|found| found.map(|(text, _)| text))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn request_is_read_while_it_lasts_and_leaves_no_file() {
    let directory = Directory::new("request");
    let (pidfile, receiver) = (directory.0.join("web.pid"), directory.receiver());
    assert_eq!(receiver.read_text(), Ok(None));
    let first = request_level(&pidfile, " debug ,hyper=warn").unwrap();
    assert_eq!(receiver.read_text(), Ok(Some("debug,hyper=warn".to_owned())));
    let second = request_level(&pidfile, "trace").unwrap();
    let obeyed = Flock::lock(receiver.read().unwrap().unwrap().1, FlockArg::LockSharedNonblock).unwrap();
    assert!(second.confirm().is_ok() && !first.is_obeyed());
    assert!(first.confirm().unwrap_err().to_string().contains("another call has handed over a level"));
    drop(obeyed);
    assert!(!second.is_obeyed());
    drop(first);
    assert_eq!(receiver.read_text(), Ok(Some("trace".to_owned())), "the later request stays");
    drop(second);
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
    let error = request_level(&pidfile, "loud").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Level);
    assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 0);
}

#[test]
fn request_replaces_what_a_killed_call_has_left_and_follows_no_link() {
    let directory = Directory::new("leftover");
    let (target, link) =
        (directory.0.join("target"), directory.0.join(format!("web.pid.level.{}", std::process::id())));
    fs::write(&target, "kept").unwrap();
    symlink(&target, &link).unwrap();
    let request = request_level(&directory.0.join("web.pid"), "debug").unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
    assert_eq!(directory.receiver().read_text(), Ok(Some("debug".to_owned())));
    drop(request);
}

#[test]
fn file_that_another_user_could_have_written_is_refused() {
    let directory = Directory::new("planted");
    let receiver = directory.receiver();
    let path = receiver.path.clone();
    fs::write(&path, "trace").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(receiver.read_text().unwrap_err().contains("write"), "{:?}", receiver.read_text());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    if geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(4711), None).unwrap();
        assert!(receiver.read_text().unwrap_err().contains("4711"), "{:?}", receiver.read_text());
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    fs::hard_link(&path, directory.0.join("second")).unwrap();
    assert!(receiver.read_text().unwrap_err().contains("name"), "{:?}", receiver.read_text());
    fs::remove_file(&path).unwrap();
    symlink(directory.0.join("second"), &path).unwrap();
    assert!(receiver.read_text().is_err());
    fs::remove_file(&path).unwrap();
    nix::unistd::mkfifo(&path, Mode::from_bits_truncate(0o644)).unwrap();
    assert!(receiver.read_text().is_err());
}

#[test]
fn file_of_an_earlier_daemon_is_ignored_and_a_long_one_is_bounded() {
    let directory = Directory::new("stale");
    let mut receiver = directory.receiver();
    let long = "x".repeat(100_000);
    fs::write(&receiver.path, &long).unwrap();
    assert_eq!(receiver.read_text().unwrap().unwrap().len(), MAX_LENGTH + 1);
    let file = OpenOptions::new().write(true).open(&receiver.path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(3600)).unwrap();
    assert_eq!(receiver.read_text(), Ok(None));
    receiver.since = SystemTime::now() - Duration::from_secs(7200);
    let error = receiver.apply().unwrap_err().to_string();
    assert!(error.contains("`daemon::logging::init`") && error.contains("web.pid.level"), "{error}");
}

/// The kernel's clock for files lags behind: a file that is made right after a start must count.
#[test]
fn file_made_in_the_moment_of_the_start_is_read() {
    let directory = Directory::new("moment");
    for _ in 0..200 {
        let receiver = Receiver::new(&directory.0.join("web.pid"), SystemTime::now());
        let request = request_level(&directory.0.join("web.pid"), "debug").unwrap();
        assert_eq!(receiver.read_text(), Ok(Some("debug".to_owned())));
        drop(request);
    }
}
