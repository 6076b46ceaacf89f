//! Privileges of a daemon that became another user, and the checks of the launch.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use look::{Lab, Outcome, Process};
use nix::unistd::{Uid, chown};

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, nothing_left, run, shared_lab, start, stop};

pub(crate) const NOBODY: u32 = 65534;
pub(crate) const NET_BIND_SERVICE: u64 = 1 << 10;

/// Options of setpriv that run a program as `nobody`.
pub(crate) const AS_NOBODY: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];

/// A file that any user may create, which shows that a body ran, whatever its user.
pub(crate) const RAN: &str = "open/ran";

/// Returns a lab with a directory for that file.
pub(crate) fn open_lab() -> Lab {
    let lab = lab();
    fs::create_dir(lab.path("open")).unwrap();
    fs::set_permissions(lab.path("open"), fs::Permissions::from_mode(0o777)).unwrap();
    lab
}

/// Starts `user=nobody` below another program, with a body that creates the file.
pub(crate) fn start_below(lab: &Lab, program: &str, options: &[&str], settings: &[&str]) -> Outcome {
    let own = ["start", "pidfile=d.pid", "user=nobody", "body=note:open/ran,idle"];
    lab.command(program, options).arg(lab.program()).args(own).args(settings).run()
}

/// Arguments of a shell for an `strace` that runs beside the daemon instead of waiting for its end, with its output in
/// a file.
pub(crate) const BESIDE: [&str; 3] = ["-c", "exec strace -D -f -qq -e signal=none -o trace \"$@\" >out 2>&1", "bash"];

/// Asserts that there is no daemon and never was one.
#[track_caller]
pub(crate) fn never_ran(lab: &Lab) {
    nothing_left(lab);
    assert!(!lab.path(RAN).exists(), "the body ran");
}

pub(crate) fn set(process: Process, name: &str) -> u64 {
    let text = process.status(name).expect("a line of the status file");
    u64::from_str_radix(&text, 16).expect("a hexadecimal number")
}

/// Asserts that every thread is `nobody`, has exactly these capabilities in every set, and `no_new_privs`.
#[track_caller]
pub(crate) fn has_only(daemon: Process, kept: u64) {
    for thread in daemon.threads() {
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(set(thread, name), kept, "{name}");
        }
        assert_eq!(set(thread, "NoNewPrivs"), 1);
        assert_eq!(thread.ids().expect("a thread").users, vec![NOBODY; 4]);
    }
}

/// Returns the only child of a daemon that has executed a program.
pub(crate) fn child(lab: &Lab, daemon: Process) -> Process {
    lab.wait_for("open/ran", EVENT_TIMEOUT, |notes| !notes.is_empty());
    let children = lab.processes();
    let child = children.iter().find(|process| process.stat().is_some_and(|stat| stat.parent == daemon.id()));
    *child.unwrap_or_else(|| panic!("no child among {children:?}"))
}

/// Promise 3.03.
#[test]
fn securebits_that_leave_capabilities_end_the_start() {
    needs(&["setpriv"]);
    needs_root();
    for settings in [&[][..], &["capabilities=NET_BIND_SERVICE"], &["detach=never"]] {
        let lab = open_lab();
        start_below(&lab, "setpriv", &["--securebits=+no_setuid_fixup"], settings).exits(2).says(&["root", "regained"]);
        never_ran(&lab);
    }
}

/// Promise 3.03.
#[test]
fn regaining_root_is_tried_and_fails() {
    needs(&["strace"]);
    needs_root();
    for settings in [&[][..], &["capabilities=NET_BIND_SERVICE"]] {
        let lab = open_lab();
        let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", "trace=setresuid,setresgid,setgroups"];
        start_below(&lab, "strace", &strace, &[&["body=pause:10"], settings].concat()).ok();
        let trace = lab.read("trace");
        let (_, after) = trace.split_once("setresuid(65534, 65534, 65534)").expect("the change of user");
        for attempt in [
            "setresuid(-1, 0, -1)",
            "setresuid(0, -1, -1)",
            "setresuid(-1, -1, 0)",
            "setresgid(-1, 0, -1)",
            "setgroups(1, [0])",
        ] {
            let line =
                after.lines().find(|line| line.contains(attempt)).unwrap_or_else(|| panic!("{attempt}: {trace}"));
            assert!(line.contains("EPERM"), "{line}");
        }
    }
}

/// Promise 3.02. Capabilities belong to each thread, so a second thread would keep those of root.
#[test]
fn thread_created_by_a_hook_ends_the_start() {
    needs_root();
    let lab = open_lab();
    let settings = ["user=nobody", "before=Identity:start_thread:helper", "body=note:open/ran,idle"];
    run(&lab, "start", &settings).exits(2).says(&["2 threads", "`helper`"]);
    never_ran(&lab);
}

/// Promise 3.04.
#[test]
fn failed_or_faked_capability_calls_end_the_start() {
    needs(&["setpriv", "strace"]);
    needs_root();
    let kept = ["capabilities=NET_BIND_SERVICE"];
    for (call, way, settings) in [
        ("prctl", "retval=0", &[][..]),
        ("prctl", "retval=0", &kept),
        ("prctl", "error=EPERM", &[]),
        ("prctl", "error=EINVAL", &[]),
        ("capset", "retval=0", &[]),
        ("capset", "retval=0", &kept),
        ("capset", "error=EPERM", &[]),
    ] {
        let lab = open_lab();
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{way}"));
        // With an inheritable capability that only a successful capset removes.
        let below = ["--inh-caps=+net_raw", "strace", "-f", "-qq", "-o", "trace", "-e", &trace, "-e", &inject];
        let outcome = start_below(&lab, "setpriv", &below, settings).exits(2);
        assert!(lab.read("trace").contains("INJECTED"), "{call}: this call is never made: {outcome}");
        never_ran(&lab);
    }
}

/// Promise 3.04. One faked result among true ones: the launcher's report is true regardless.
#[test]
fn single_faked_call_is_found_or_harmless() {
    needs(&["strace"]);
    needs_root();
    for (settings, kept) in [(&[][..], 0), (&["capabilities=NET_BIND_SERVICE"], NET_BIND_SERVICE)] {
        let calls = prctls(settings);
        for option in ["PR_CAPBSET_DROP", "PR_CAP_AMBIENT", "PR_SET_NO_NEW_PRIVS", "PR_SET_KEEPCAPS", "PR_SET_DUMPABLE"]
        {
            let first = calls.iter().position(|call| call == option);
            let last = calls.iter().rposition(|call| call == option);
            assert!(first.is_some(), "{option} is missing in {calls:?}");
            for index in first.into_iter().chain(last) {
                lie_once(settings, kept, index + 1);
            }
        }
    }
}

/// Returns the options of the daemon's `prctl` calls, in their order.
fn prctls(settings: &[&str]) -> Vec<String> {
    let lab = open_lab();
    let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", "trace=prctl"];
    start_below(&lab, "strace", &strace, &[&["body=pause:10"], settings].concat()).ok();
    let trace = lab.read("trace");
    let forgoes = trace.lines().find(|line| line.contains("PR_SET_NO_NEW_PRIVS")).expect("a call of the daemon");
    let pid = forgoes.split_whitespace().next().expect("a pid");
    let calls = trace.lines().filter(|line| line.starts_with(&format!("{pid} ")));
    let option = |line: &str| Some(line.split_once("prctl(")?.1.split([',', ')']).next()?.to_owned());
    calls.filter_map(option).collect()
}

#[track_caller]
fn lie_once(settings: &[&str], kept: u64, when: usize) {
    let lab = open_lab();
    let inject = format!("inject=prctl:retval=0:when={when}");
    let outcome = start_below(&lab, "bash", &[&BESIDE[..], &["-e", "trace=prctl", "-e", &inject]].concat(), settings);
    assert!(lab.read("trace").contains("INJECTED"), "{when}: {outcome}");
    if outcome.code() == 0 {
        has_only(lab.daemon(PIDFILE), kept);
        assert!(!may_look_inside(&lab, lab.daemon(PIDFILE)));
        stop(&lab);
    } else {
        outcome.exits(2);
        never_ran(&lab);
    }
}

/// Returns `true` if another process of the same user, without capabilities, may read the daemon's environment.
fn may_look_inside(lab: &Lab, daemon: Process) -> bool {
    let environment = format!("/proc/{}/environ", daemon.id());
    let outcome = lab.command("setpriv", &AS_NOBODY).args(["cat", &environment]).run();
    assert!(outcome.code() == 0 || outcome.stderr.contains("Permission denied"), "{outcome}");
    outcome.code() == 0
}

/// Promise 3.08.
#[test]
fn dropped_daemon_is_not_dumpable_by_default() {
    needs(&["setpriv"]);
    needs_root();
    for (setting, may) in [("core_dumps=false", false), ("core_dumps=true", true)] {
        let lab = open_lab();
        let daemon = start(&lab, &["user=nobody", setting, "ready=entered", "body=note:open/began,idle"]);
        // The daemon becomes dumpable after GO and before its body, which may both come after the launcher's exit.
        lab.wait_for("open/began", EVENT_TIMEOUT, |_| true);
        assert_eq!(may_look_inside(&lab, daemon), may, "{setting}");
    }
}

/// Promise 3.10.
#[test]
fn chroot_comes_first_and_leaves_nothing_outside_open() {
    needs(&["strace"]);
    needs_root();
    let lab = lab();
    fs::create_dir(lab.path("jail")).unwrap();
    let calls = "trace=openat,chroot,chdir,setgroups,setresgid,setresuid";
    // The new root has no `/dev/null`, which the streams refer to regardless.
    let settings = ["chroot=jail", "body=idle"];
    start_below(&lab, "bash", &[&BESIDE[..], &["-e", calls]].concat(), &settings).ok();
    let trace = lab.read("trace");
    let order = ["\"/etc/passwd\"", "chroot(", "chdir(\"/\")", "setgroups(", "setresgid(", "setresuid("];
    let places = order.map(|call| trace.find(call).unwrap_or_else(|| panic!("{call} is missing: {trace}")));
    assert!(places.is_sorted(), "{trace}");
    assert!(trace.rfind("\"/etc/passwd\"") < trace.find("chroot("), "a user is looked up too late: {trace}");
    let daemon = lab.daemon(PIDFILE);
    let jail = fs::canonicalize(lab.path("jail")).unwrap();
    assert_eq!((daemon.root(), daemon.directory()), (Some(jail.clone()), Some(jail)));
    for (number, fd) in daemon.descriptors() {
        let entry = fs::metadata(format!("/proc/{}/fd/{number}", daemon.id()));
        assert!(!entry.is_ok_and(|file| file.is_dir()), "a directory stays open: {fd:?}");
    }
    has_only(daemon, 0);
}

/// Promise 3.10.
#[test]
fn root_that_could_be_left_is_refused() {
    needs_root();
    let lab = open_lab();
    fs::create_dir(lab.path("jail")).unwrap();
    run(&lab, "start", &["chroot=jail", "body=note:open/ran,idle"]).exits(2).says(&["`chroot` without `user`"]);
    never_ran(&lab);
}

/// Promise 3.11.
#[test]
fn unprivileged_start_cannot_change_its_user() {
    needs(&["setpriv"]);
    needs_root();
    let lab = shared_lab();
    fs::create_dir(lab.path("own")).unwrap();
    chown(&lab.path("own"), Some(Uid::from_raw(NOBODY)), None).unwrap();
    let as_nobody = |verb: &str, settings: &[&str]| {
        let verb = [verb, "pidfile=own/d.pid", "body=note:own/ran,idle"];
        lab.command("setpriv", &AS_NOBODY).arg(lab.program()).args(verb).args(settings).run()
    };
    for settings in [
        &["user=daemon"][..],
        &["user=0"],
        &["group=0"],
        &["user=nobody", "group=0"],
        &["user=nobody", "chroot=own"],
        &["user=nobody", "capabilities=NET_BIND_SERVICE"],
    ] {
        as_nobody("start", settings).exits(2).says(&[settings.last().unwrap().split('=').next().unwrap()]);
        assert!(!lab.path("own/ran").exists() && !lab.path("own/d.pid").exists() && lab.processes().is_empty());
    }
    for settings in [&["user=nobody"][..], &["user=65534", "group=65534"], &["user=nobody", "no_new_privs=true"]] {
        as_nobody("start", settings).ok();
        let daemon = lab.daemon("own/d.pid");
        assert_eq!(daemon.ids().expect("a process").users, vec![NOBODY; 4]);
        assert_eq!(set(daemon, "NoNewPrivs"), u64::from(settings.contains(&"no_new_privs=true")));
        as_nobody("stop", settings).ok();
        fs::remove_file(lab.path("own/ran")).unwrap();
    }
}
