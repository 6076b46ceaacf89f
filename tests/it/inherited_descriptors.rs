//! Descriptors of the process that launched the daemon: which of them the daemon closes and which it keeps.

use crate::common::{EVENT_TIMEOUT, PIDFILE, lab, needs, start, stop};

/// Promise 1.01.
#[test]
fn descriptors_inherited_through_exec_are_closed() {
    let lab = lab();
    lab.shell("exec 9</etc/passwd 50>leak; $D start pidfile=d.pid").run().ok();
    let open = lab.daemon(PIDFILE).descriptors();
    let leaked = open.values().any(|fd| fd.is("/etc/passwd") || fd.is(lab.path("leak")));
    assert!(!leaked && !open.contains_key(&9) && !open.contains_key(&50), "still open: {open:?}");
}

/// Promise 1.01.
#[test]
fn descriptors_to_inherit_keep_number_and_flags() {
    let lab = lab();
    for close in ["inherited", "all"] {
        let script = format!("exec 9</etc/passwd 50>leak; $D start pidfile=d.pid inherit=9 close={close}");
        lab.shell(&script).run().ok();
        let open = lab.daemon(PIDFILE).descriptors();
        assert!(open[&9].is("/etc/passwd"), "not the same any more: {open:?}");
        assert!(!open.contains_key(&50), "still open: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.01.
#[test]
fn files_opened_by_the_program_are_closed_only_by_all() {
    let lab = lab();
    lab.write("mine", "");
    for (close, stays) in [("inherited", true), ("none", true), ("all", false)] {
        let daemon = start(&lab, &["first=open_file:mine", &format!("close={close}")]);
        let open = daemon.descriptors();
        assert_eq!(open.values().any(|fd| fd.is(lab.path("mine"))), stays, "close = {close}: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.01.
#[test]
fn many_inherited_descriptors_are_closed_except_those_to_inherit() {
    let lab = lab();
    // More than are checked at once, with gaps; the program's own file has a number among them.
    let leak = "for i in {10..299} {301..339} 400; do eval \"exec $i</etc/passwd\"; done; exec 300</etc/group";
    lab.write("mine", "");
    lab.shell(&format!("{leak}; exec $D start pidfile=d.pid inherit=300 first=open_file:mine")).run().ok();
    let open = lab.daemon(PIDFILE).descriptors();
    assert!(open[&300].is("/etc/group") && open.values().any(|fd| fd.is(lab.path("mine"))), "{open:?}");
    assert!(!open.values().any(|fd| fd.is("/etc/passwd")), "still open: {open:?}");
}

/// Promise 1.01. A seccomp filter may not know `close_range`.
#[test]
fn inherited_descriptors_are_closed_one_by_one_without_close_range() {
    needs(&["strace"]);
    for error in ["ENOSYS", "EPERM"] {
        let lab = lab();
        let trace = format!("exec strace -D -f -qq -o trace -e trace=close_range -e inject=close_range:error={error}");
        let script = format!(
            "exec 50</etc/passwd 51</etc/passwd 52</etc/group; {trace} $D start pidfile=d.pid inherit=52 >out 2>&1"
        );
        lab.shell(&script).run().ok();
        assert!(lab.read("trace").contains("INJECTED"), "close_range is never called");
        let open = lab.daemon(PIDFILE).descriptors();
        assert!(open[&52].is("/etc/group") && !open.values().any(|fd| fd.is("/etc/passwd")), "{error}: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.01. Only inherited descriptors are closed.
#[test]
fn file_that_reuses_an_inherited_number_stays_open() {
    for hook in ["before=Detach", "after=Detach", "after=Umask"] {
        let lab = lab();
        lab.write("mine", "");
        let script = "exec 3</etc/passwd 4</etc/passwd; exec $D start pidfile=d.pid";
        lab.shell(&format!("{script} {hook}:open_file_in_place_of_three:mine")).run().ok();
        let open = lab.daemon(PIDFILE).descriptors();
        assert!(open.values().any(|fd| fd.is(lab.path("mine"))), "{hook}: closed: {open:?}");
        assert!(!open.values().any(|fd| fd.is("/etc/passwd")), "{hook}: still open: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.01.
#[test]
fn sockets_handed_over_by_a_service_manager_stay_open() {
    let lab = lab();
    let script = "exec 3</etc/passwd 4</etc/group; export LISTEN_FDS=1 LISTEN_PID=PID; exec $D start pidfile=d.pid";
    for (pid, stays) in [("$$", true), ("1", false)] {
        lab.shell(&script.replace("PID=PID", &format!("PID={pid}"))).run().ok();
        let open = lab.daemon(PIDFILE).descriptors();
        assert_eq!(open.values().any(|fd| fd.is("/etc/passwd")), stays, "LISTEN_PID={pid}: {open:?}");
        assert!(!open.values().any(|fd| fd.is("/etc/group")), "LISTEN_PID={pid}: {open:?}");
        stop(&lab);
    }
}

/// Promise 1.01.
#[test]
fn daemon_does_not_hold_the_launchers_output_open() {
    let lab = lab();
    lab.shell("$D start pidfile=d.pid | cat").within(EVENT_TIMEOUT).run().ok().prints(&["started"]);
    stop(&lab);
    lab.shell("out=$($D start pidfile=d.pid 2>&1) && echo got \"$out\"")
        .within(EVENT_TIMEOUT)
        .run()
        .ok()
        .prints(&["got started"]);
}
