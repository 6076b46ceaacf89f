//! Capabilities of a daemon that changed its user: all are dropped except those that its settings keep.

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, needs_root, run, start, stop};
use crate::privileges::{
    AS_NOBODY, NET_BIND_SERVICE, NOBODY, RAN, child, has_only, never_ran, open_lab, set, start_below,
};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

/// Promise 3.07.
#[test]
fn dropped_daemon_has_no_capabilities() {
    needs(&["setpriv"]);
    needs_root();
    let all = ["--inh-caps=+net_raw,+chown", "--ambient-caps=+net_raw"];
    let threads = ["ready=manual", "handle=USR1:say:x", "body=ready,idle"];
    for options in [&all[..], &["--no-new-privs"]] {
        for detach in ["detach=auto", "detach=always"] {
            let lab = open_lab();
            start_below(&lab, "setpriv", options, &[&[detach][..], &threads].concat()).ok();
            has_only(lab.daemon(PIDFILE), 0);
        }
    }
}

/// Promise 3.07.
#[test]
fn foreground_daemon_drops_capabilities() {
    needs_root();
    let lab = open_lab();
    let foreground =
        lab.helper(&["start", "pidfile=d.pid", "user=nobody", "detach=never"]).arg("body=note:open/ran,idle");
    let foreground = foreground.spawn();
    lab.wait_for(RAN, EVENT_TIMEOUT, |notes| !notes.is_empty());
    has_only(foreground.process(), 0);
    foreground.signal(nix::sys::signal::Signal::SIGTERM);
    foreground.finish();
}

/// Promise 3.07.
#[test]
fn kept_capability_works_in_executed_programs() {
    needs_root();
    for name in ["NET_BIND_SERVICE", "cap_net_bind_service"] {
        let lab = open_lab();
        let settings = ["user=nobody", &format!("capabilities={name}"), "body=spawn_sleeper_and_idle:open/ran"];
        let daemon = start(&lab, &settings);
        has_only(daemon, NET_BIND_SERVICE);
        has_only(child(&lab, daemon), NET_BIND_SERVICE);
    }
}

/// Promise 3.07.
#[test]
fn set_user_id_program_gains_no_privileges() {
    needs_root();
    for (no_new_privs, user) in [("no_new_privs=true", NOBODY), ("no_new_privs=false", 0)] {
        let lab = open_lab();
        fs::copy("/usr/bin/sleep", lab.path("open/sleep")).unwrap();
        fs::set_permissions(lab.path("open/sleep"), fs::Permissions::from_mode(0o4755)).unwrap();
        let start = lab.helper(&["start", "pidfile=d.pid", "user=nobody", "body=spawn_sleeper_and_idle:open/ran"]);
        start.arg(no_new_privs).env("PATH", lab.path("open")).run().ok();
        let child = child(&lab, lab.daemon(PIDFILE));
        // Without `no_new_privs` the process is root by name but has none of its capabilities: the bounding set limits
        // it.
        assert_eq!(child.ids().expect("a process").users[1], user, "{no_new_privs}");
        assert_eq!((set(child, "CapEff"), set(child, "CapPrm")), (0, 0), "{no_new_privs}");
    }
}

/// Promise 3.07.
#[test]
fn capabilities_without_change_of_user_are_unchanged_by_default() {
    needs(&["strace"]);
    needs_root();
    let lab = lab();
    let strace = ["-f", "-qq", "-e", "signal=none", "-o", "trace", "-e", "trace=prctl,capset,openat"];
    let start_ = ["start", "pidfile=d.pid", "body=pause:10"];
    lab.command("strace", &strace).arg(lab.program()).args(start_).run().ok();
    for call in ["PR_CAP", "NO_NEW_PRIVS", "DUMPABLE", "capset", "thread-self"] {
        assert!(!lab.read("trace").contains(call), "{call} costs time for nothing");
    }
    let own = fs::read_to_string("/proc/self/status").unwrap();
    for (setting, no_new_privs) in [("no_new_privs=false", 0), ("no_new_privs=true", 1)] {
        let daemon = start(&lab, &[setting]);
        assert_eq!(set(daemon, "NoNewPrivs"), no_new_privs);
        for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert!(own.contains(&format!("{name}:\t{}", daemon.status(name).unwrap())), "{name} changed");
        }
        stop(&lab);
    }
}

/// Promise 3.07.
#[test]
fn capabilities_that_cannot_be_kept_or_dropped_are_refused() {
    needs(&["setpriv"]);
    needs_root();
    let lab = open_lab();
    run(&lab, "start", &["capabilities=NET_RAW", "body=note:open/ran,idle"]).exits(2).says(&["`capabilities` without"]);
    never_ran(&lab);
    for (options, settings, reason) in [
        (&["--bounding-set=-net_raw"][..], &["capabilities=NET_RAW"][..], "no CAP_NET_RAW to keep"),
        (&["--bounding-set=-setpcap"], &["no_new_privs=false"], "needs CAP_SETPCAP"),
        (&["--no-new-privs"], &["capabilities=NET_RAW,SETUID"], "with CAP_SETUID the daemon could become root again"),
        (&["--no-new-privs"], &["capabilities=CAP_SETGID"], "with CAP_SETGID the daemon could become root again"),
    ] {
        start_below(&lab, "setpriv", options, settings).exits(2).says(&[reason]);
        never_ran(&lab);
    }
}

/// Promise 3.07. In a container without `CAP_SETPCAP`, the bounding set stays, and `no_new_privs` makes it ineffective.
#[test]
fn start_without_cap_setpcap_relies_on_no_new_privs() {
    needs(&["setpriv"]);
    needs_root();
    let lab = open_lab();
    start_below(&lab, "setpriv", &["--bounding-set=-setpcap"], &[]).ok();
    let daemon = lab.daemon(PIDFILE);
    assert_eq!(set(daemon, "NoNewPrivs"), 1);
    for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(set(daemon, name), 0, "{name}");
    }
}

/// A unit with `User=` and `AmbientCapabilities=` starts a program whose settings name that user.
#[test]
fn daemon_of_the_user_that_it_already_runs_as_keeps_ambient_capabilities() {
    needs(&["setpriv"]);
    needs_root();
    let ambient = [&AS_NOBODY[..], &["--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service"]].concat();
    for verb in ["start", "foreground"] {
        let mut lab = open_lab();
        lab.bring_program();
        fs::create_dir(lab.path("own")).unwrap();
        chown(lab.path("own"), Some(NOBODY), None).unwrap();
        let settings = ["pidfile=own/d.pid", "user=nobody", "group=nogroup", "body=note:open/ran,idle"];
        let begin = |options: &[&str], capability: &str| {
            lab.command("setpriv", options).arg(lab.program()).arg(verb).args(settings).arg(capability).spawn()
        };
        begin(&AS_NOBODY, "capabilities=NET_BIND_SERVICE").finish().exits(2).says(&["no CAP_NET_BIND_SERVICE to keep"]);
        begin(&ambient, "capabilities=NET_RAW").finish().exits(2).says(&["no CAP_NET_RAW to keep"]);
        never_ran(&lab);
        let running = begin(&ambient, "capabilities=NET_BIND_SERVICE");
        lab.wait_for("open/ran", EVENT_TIMEOUT, |notes| !notes.is_empty());
        let daemon = lab.daemon("own/d.pid");
        for name in ["CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(set(daemon, name), NET_BIND_SERVICE, "{verb}: {name}");
        }
        daemon.signal(Signal::SIGTERM);
        let outcome = running.finish().ok();
        assert!(outcome.stderr.is_empty(), "{verb}: {outcome}");
        daemon.died(EVENT_TIMEOUT).expect("it stops");
    }
}
