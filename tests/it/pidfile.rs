//! The pidfile: its identity, its lock, and the rights of a start that loses.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use look::{Lab, Process};
use nix::sys::signal::Signal;

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, each, lab, needs, nothing_left, run, start, stop};

/// A process that has nothing to do with any daemon.
pub(crate) struct Bystander(Child);

impl Bystander {
    pub(crate) fn new() -> Self {
        let quiet = Command::new("sleep").arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(quiet.expect("sleep"))
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(i32::try_from(self.0.id()).expect("a pid fits into an int"))
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Stops under strace, and asserts that no process was signalled.
#[track_caller]
pub(crate) fn stop_signals_nobody(lab: &Lab, codes: &[i32]) -> look::Outcome {
    let calls = "trace=kill,tkill,tgkill,rt_sigqueueinfo,rt_tgsigqueueinfo,pidfd_send_signal";
    let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", calls];
    let stop = lab.command("strace", &strace).arg(lab.program()).args([
        "stop",
        "pidfile=d.pid",
        "grace=200",
        "stop_timeout=900",
    ]);
    let outcome = stop.run();
    let sent: Vec<String> = lab.read("trace").lines().filter(|line| line.contains('(')).map(str::to_owned).collect();
    assert!(sent.is_empty(), "a process was signalled: {sent:?}");
    assert!(codes.contains(&outcome.code()), "{outcome}");
    outcome
}

/// Promise 2.04.
#[test]
fn pid_without_identity_is_not_believed() {
    needs(&["strace"]);
    let lab = lab();
    start(&lab, &[]);
    let real = lab.read(PIDFILE);
    stop(&lab);
    let words: Vec<&str> = real.lines().nth(1).expect("a second line").split(' ').collect();
    let [_, boot, namespace, time] = words[..] else { panic!("not four words: {words:?}") };
    let old = |word: &str| word.split('=').nth(1).expect("a value").to_owned();
    let (old_boot, old_namespace) = (old(boot), old(namespace));
    let bystander = Bystander::new();
    let pid = bystander.process().id();
    let start = bystander.process().stat().unwrap().start;
    let no_boot = "00000000-0000-0000-0000-000000000000";
    let wrong = [
        format!("{pid}\nstart={} {boot} {namespace} {time}\n", start + 1),
        format!("{pid}\nstart={} {boot} {namespace} {time}\n", start - 1),
        format!("{pid}\nstart={start} boot={no_boot} {namespace} {time}\n"),
        format!("{pid}\nstart={start} {boot} {namespace}1 {time}\n"),
        format!("{pid}\nstart={start} {boot} {namespace} {time}1\n"),
        format!("{pid}\n{} {old_boot} {old_namespace}\n", start + 1),
        format!("{pid}\n{start} {no_boot} {old_namespace}\n"),
    ];
    // Without an identity, the pid may be that of a process that another program wrote down.
    let unproven = [
        format!("{pid}\n"),
        format!("{pid}\nstart={start} {boot}\n"),
        format!("{pid}\nstart={start} {boot} {namespace} {time}"),
        format!("{pid}\n{start} {old_boot}\n"),
    ];
    for content in unproven {
        lab.write(PIDFILE, &content);
        run(&lab, "status", &[]).exits(4);
        stop_signals_nobody(&lab, &[7]);
        assert_eq!(lab.read(PIDFILE), content);
        assert!(bystander.process().alive(), "{content:?}");
    }
    for content in wrong {
        lab.write(PIDFILE, &content);
        assert_ne!(run(&lab, "status", &[]).code(), 0, "{content:?}");
        stop_signals_nobody(&lab, &[0]);
        assert!(bystander.process().alive(), "{content:?}");
    }
    // Counter-proof: the same content with the right value is accepted.
    for right in [
        format!("{pid}\nstart={start} {boot} {namespace} {time}\n"),
        format!("{pid}\n{start} {old_boot} {old_namespace}\n"),
    ] {
        lab.write(PIDFILE, right);
        run(&lab, "status", &[]).ok().prints(&[&pid.to_string()]);
    }
}

/// Promise 2.04.
#[test]
fn start_replaces_the_pidfile_of_a_dead_daemon() {
    let lab = lab();
    let bystander = Bystander::new();
    for stale in [String::new(), format!("{}\n", bystander.process().id()), "4194303\n1 2 3\n".to_owned()] {
        let path = lab.write(PIDFILE, &stale);
        // Older than the process that has the pid now, as after the death of the writer.
        let hour = std::time::SystemTime::now() - Duration::from_secs(3600);
        fs::File::options().write(true).open(path).unwrap().set_modified(hour).unwrap();
        start(&lab, &[]);
        stop(&lab);
        nothing_left(&lab);
    }
}

/// Promise 2.04. The path may be mistyped: a file that is not a pidfile is neither emptied nor removed.
#[test]
fn file_that_is_not_a_pidfile_is_neither_emptied_nor_removed() {
    let lab = lab();
    for precious in ["root:x:0:0::/root:/bin/sh\n", "[settings]\nlevel = 3\n", "12 34\n"] {
        lab.write(PIDFILE, precious);
        run(&lab, "start", &[]).exits(7).says(&[&lab.path(PIDFILE).display().to_string()]);
        run(&lab, "stop", &[]).exits(7).says(&[&lab.path(PIDFILE).display().to_string()]);
        assert_eq!(lab.read(PIDFILE), precious);
    }
    lab.quiet(EVENT_TIMEOUT).expect("no process left");
}

/// Promise 2.06.
#[test]
fn second_start_changes_nothing_of_the_first() {
    let lab = lab();
    let daemon = start(&lab, &["handle=USR1:note:alive"]);
    let look = || {
        let file = fs::metadata(lab.path(PIDFILE)).unwrap();
        (lab.read(PIDFILE), file.ino(), file.mtime_nsec(), file.mode(), file.uid())
    };
    let before = look();
    let pid = daemon.id().to_string();
    each(0..20, |_| {
        run(&lab, "start", &["body=note:second,idle", "pidfile_mode=600"]).exits(3).says(&[&pid]);
    });
    assert_eq!(look(), before);
    assert!(!lab.path("second").exists());
    daemon.signal(Signal::SIGUSR1);
    lab.wait_for("alive", EVENT_TIMEOUT, |notes| !notes.is_empty());
}

/// Promise 2.06.
#[test]
fn exactly_one_of_many_concurrent_starts_wins() {
    let lab = lab();
    let codes = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| codes.lock().unwrap().push(run(&lab, "start", &["body=note:ran,idle"]).code()));
        }
    });
    let mut codes = codes.into_inner().unwrap();
    codes.sort_unstable();
    assert_eq!(codes, [&[0][..], &[3; 11]].concat());
    stop(&lab);
    assert_eq!(lab.read("ran").lines().count(), 1);
    nothing_left(&lab);
}

/// Promise 2.08.
#[test]
fn reading_the_pidfile_keeps_the_lock() {
    let lab = lab();
    let daemon = start(&lab, &["ready=manual", "body=read_pidfile_and_idle"]);
    lab.wait_for("read", EVENT_TIMEOUT, |notes| !notes.is_empty());
    run(&lab, "start", &[]).exits(3).says(&[&daemon.id().to_string()]);
    // Not `/proc/locks`: in a container it lacks every lock whose first owner, here the launcher, has exited.
    let descriptors = fs::read_dir(format!("/proc/{}/fdinfo", daemon.id())).expect("the daemon's descriptors");
    let locks: String =
        descriptors.map(|entry| fs::read_to_string(entry.expect("a descriptor").path()).unwrap_or_default()).collect();
    let inode = format!(":{} ", fs::metadata(lab.path(LOCK)).unwrap().ino());
    let ours: Vec<&str> = locks.lines().filter(|line| line.starts_with("lock:") && line.contains(&inode)).collect();
    assert!(ours.iter().any(|line| line.contains("FLOCK")), "{ours:?}");
    assert!(!ours.iter().any(|line| line.contains("POSIX")), "{ours:?}");
}

/// Promise 2.09.
#[test]
fn child_of_a_dead_daemon_does_not_hold_the_lock() {
    let lab = lab();
    let daemon = start(&lab, &["body=spawn_sleeper_and_idle:spawned"]);
    lab.wait_for("spawned", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    run(&lab, "status", &[]).exits(1);
    let next = start(&lab, &[]);
    assert_ne!(next, daemon);
}

/// Promise 2.09. R17: a worker that forks without exec must close the lock's descriptor itself; one that does not is
/// reported, and lives.
#[test]
fn forked_child_that_holds_the_lock_is_reported_and_not_signalled() {
    needs(&["strace"]);
    let lab = lab();
    let daemon = start(&lab, &["body=fork_sleeper_and_idle"]);
    lab.wait_for("forked", EVENT_TIMEOUT, |notes| !notes.is_empty());
    daemon.signal(Signal::SIGKILL);
    daemon.died(EVENT_TIMEOUT).expect("killed");
    let child = lab.processes()[0];
    let outcome = run(&lab, "start", &["lock_timeout=300"]);
    assert!(![0, 3].contains(&outcome.code()), "{outcome}");
    assert!(outcome.took < Duration::from_secs(5), "{outcome}");
    outcome.says(&["lock", PIDFILE]);
    run(&lab, "status", &[]).exits(1);
    stop_signals_nobody(&lab, &[7]);
    assert!(child.alive());
    child.signal(Signal::SIGKILL);
    child.died(EVENT_TIMEOUT).expect("killed");
    start(&lab, &[]);
}

/// Promise 2.07. On a file system whose locks exclude no process, the identity still shows that a daemon lives.
#[test]
fn lock_that_excludes_no_process_makes_no_second_daemon() {
    needs(&["strace"]);
    let lab = lab();
    let daemon = start(&lab, &[]);
    let strace = ["-f", "-qq", "-o", "trace", "-e", "trace=flock", "-e", "inject=flock:retval=0"];
    let second = lab.command("strace", &strace).arg(lab.program()).args(["start", "pidfile=d.pid"]).run().exits(3);
    assert!(lab.read("trace").contains("INJECTED"), "{second}");
    assert_eq!(lab.daemon(PIDFILE), daemon);
    assert!(daemon.alive());
}

/// Promise 2.12. A program that has replaced itself keeps its pid and its start time, and has lost its lock.
#[test]
fn program_that_replaced_itself_by_exec_can_start() {
    let lab = lab();
    let script = "start=$(cut -d ' ' -f 22 /proc/$$/stat); boot=$(cat /proc/sys/kernel/random/boot_id); \
                  echo \"$$\n$start $boot $(stat -Lc %i /proc/$$/ns/pid)\" > d.pid; \
                  exec $D foreground pidfile=d.pid body=note:ran,idle";
    let daemon = lab.command("sh", &["-c", script]).env("D", lab.program()).spawn();
    lab.wait_for("ran", EVENT_TIMEOUT, |note| !note.is_empty());
    daemon.signal(Signal::SIGTERM);
    daemon.finish().ok();
    nothing_left(&lab);
}
