//! Units of a real systemd: whose main process is a unit's, and who has called a verb.

use look::{Machine, Outcome, Running};
use nix::sys::signal::Signal;

use super::machine::{EVENT_TIMEOUT, LAB_PROGRAM, UNIT_PROGRAM, boot, machine, main_of, user_unit, wait_for};

/// Runs the helper program of the machine as root.
fn lab(machine: &Machine, arguments: &[&str]) -> Outcome {
    machine.command(LAB_PROGRAM, arguments).run()
}

/// Runs the helper program of the machine as the user `ada`.
fn adas_lab(machine: &Machine, arguments: &[&str]) -> Outcome {
    machine.login(LAB_PROGRAM, arguments).run()
}

/// Returns a unit of the helper program.
fn service(lines: &str) -> String {
    format!("[Service]\nType=notify\nRuntimeDirectory=%N\nExecStart={LAB_PROGRAM} run %N\n{lines}\n")
}

/// Promise 11.04.
#[test]
fn main_process_of_a_unit_is_managed_and_acted_on_through_systemctl() {
    let machine = machine();
    machine.unit("one.service", &service(""));
    machine.systemctl(&["start", "one"]).ok();
    let (pid, first) = main_of(&machine, "one.service");
    for answer in [lab(&machine, &["managing", &pid.to_string()]), adas_lab(&machine, &["managing", &pid.to_string()])]
    {
        assert_eq!(answer.ok().stdout, "systemd system one.service active\nsystemctl stop one.service\n");
    }
    // Nothing that the caller can set leads the answer elsewhere.
    let misled = ["PATH=/nowhere", "SYSTEMD_OFFLINE=1", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere", LAB_PROGRAM];
    let misled = machine.command("env", &misled).args(["managing", &pid.to_string()]);
    assert!(misled.run().ok().stdout.contains("one.service active"));
    let refused = adas_lab(&machine, &["perform", "stop", &pid.to_string()]).exits(1);
    assert!(refused.stderr.contains("failed to run `systemctl stop one.service`"), "{refused}");
    lab(&machine, &["perform", "restart", &pid.to_string()]).ok();
    let (second, process) = main_of(&machine, "one.service");
    assert!(!first.alive() && second != pid);
    lab(&machine, &["perform", "stop", &second.to_string()]).ok();
    assert!(!process.alive());
    assert_eq!(machine.property("one", "Result"), "success");
    assert_eq!(lab(&machine, &["managing", &second.to_string()]).ok().stdout, "none\n");
}

/// Promise 11.04. A unit's shell that starts a daemon does not make it the unit's main process.
#[test]
fn daemon_beside_the_main_process_is_not_managed() {
    let machine = machine();
    let script = format!("{LAB_PROGRAM} start two >/run/two.out; sleep infinity");
    machine.unit("two.service", &format!("[Service]\nType=exec\nExecStart=/bin/sh -c '{script}'\n"));
    machine.systemctl(&["start", "two"]).ok();
    let pid = wait_for(&machine, "/run/two.out", |text| text.ends_with('\n'));
    assert_eq!(lab(&machine, &["managing", pid.trim()]).ok().stdout, "none\n");
    // The main process is the unit's, but what it executes is not this program.
    let main = machine.property("two", "MainPID");
    assert!(lab(&machine, &["managing", &main]).ok().stdout.starts_with("systemd system two.service"));
    let refused = lab(&machine, &["perform", "stop", &main]).exits(1);
    assert!(
        refused.stderr.contains("it executes another program than this one; run `systemctl stop two.service`"),
        "{refused}"
    );
    assert_eq!(machine.property("two", "ActiveState"), "active");
    machine.systemctl(&["stop", "two"]).ok();
}

#[test]
fn unit_of_a_user_is_acted_on_by_that_user_alone() {
    let machine = machine();
    user_unit(&machine, "three.service", &service("").replace("RuntimeDirectory=%N", ""));
    machine.user_systemctl(&["start", "three"]).ok();
    let main = machine.user_systemctl(&["show", "--property=MainPID", "--value", "three"]).ok().stdout;
    let own = adas_lab(&machine, &["managing", main.trim()]).ok();
    assert_eq!(own.stdout, "systemd user three.service active\nsystemctl --user stop three.service\n");
    let roots = lab(&machine, &["managing", main.trim()]).ok();
    let by_root = "systemctl --user --machine=ada@ stop three.service";
    assert_eq!(roots.stdout, format!("systemd user three.service active\n{by_root}\n"));
    let refused = lab(&machine, &["perform", "stop", main.trim()]).exits(1);
    assert!(refused.stderr.contains(&format!("is a unit of user `ada` (uid 4711); run `{by_root}`")), "{refused}");
    machine.command("systemctl", &["--user", "--machine=ada@", "is-active", "three"]).run().ok();
    adas_lab(&machine, &["perform", "stop", main.trim()]).ok();
    assert_eq!(machine.user_systemctl(&["is-active", "three"]).stdout, "inactive\n");
}

/// Promise 11.04. A user can give a cgroup of its own any name; systemd does not know it.
#[test]
fn cgroup_that_a_user_has_named_is_no_unit() {
    let machine = machine();
    let script = "group=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/../sshd.service; mkdir $group; \
                  sleep infinity >/dev/null 2>&1 & echo $! >$group/cgroup.procs; echo $!";
    let run = ["--user", "--quiet", "--wait", "--pipe", "--property=KillMode=process", "sh", "-c", script];
    let faked = machine.login("systemd-run", &run).run();
    let pid = faked.stdout.trim();
    let group = machine.read(format!("/proc/{pid}/cgroup"));
    assert!(group.contains("/sshd.service"), "{group} {faked}");
    for answer in [lab(&machine, &["managing", pid]), adas_lab(&machine, &["managing", pid])] {
        assert_eq!(answer.ok().stdout, "none\n");
    }
    machine.command("kill", &[pid]).run().ok();
}

#[test]
fn service_of_a_name_is_the_one_that_runs_as_the_caller() {
    let machine = machine();
    machine.unit("four.service", &service("User=ada"));
    machine.unit("five.service", &service(""));
    machine.unit("cron.service", "[Service]\nExecStart=/usr/sbin/cron -f\n");
    let of = |name: &str| {
        (lab(&machine, &["service-of", name]).ok().stdout, adas_lab(&machine, &["service-of", name]).ok().stdout)
    };
    let installed = |name: &str| format!("systemd system {name}.service inactive\nsystemctl stop {name}.service\n");
    let none = "none\n".to_owned();
    assert_eq!(of("four"), (installed("four"), installed("four")));
    assert_eq!(of("five"), (installed("five"), none.clone()));
    // Another program's, no unit, patterns and options.
    for name in ["cron", "six", "f*", "-H", "../five"] {
        assert_eq!(of(name), (none.clone(), none.clone()), "{name}");
    }
    // Without D-Bus a user cannot ask, and is not kept from anything but units that may be its own.
    let blind = ["--quiet", "--pipe", "--wait", "--property=User=ada", "--property=InaccessiblePaths=/run/dbus"];
    let blind =
        |name: &str| machine.command("systemd-run", &blind).args([LAB_PROGRAM, "service-of", name]).run().ok().stdout;
    assert_eq!(blind("six"), none);
    assert!(blind("four").starts_with("Failed: failed to run `systemctl show "), "{}", blind("four"));
    lab(&machine, &["perform-on", "start", "five"]).ok();
    assert_eq!(machine.property("five", "ActiveState"), "active");
    lab(&machine, &["perform-on", "stop", "five"]).ok();
    user_unit(&machine, "five.service", &service(""));
    assert_eq!(of("five").1, "systemd user five.service inactive\nsystemctl --user stop five.service\n");
}

/// Promise 11.03.
#[test]
fn commands_of_a_unit_are_called_by_its_manager_and_children_of_the_daemon_are_not() {
    let machine = machine();
    // The second unit cannot ask systemd: its commands are known by the kernel alone.
    let blind = "User=ada\nInaccessiblePaths=/run/dbus /run/systemd/private";
    for (name, lines, child) in [("seven", "User=ada", "false\n"), ("eight", blind, "unknown\n")] {
        let file = format!("/run/{name}/calls");
        let call = format!("{LAB_PROGRAM} caller $MAINPID {file}");
        let calls =
            format!("ExecReload={call}\nExecReload=sh -c '{call}'\nExecStop={call}\nRuntimeDirectoryPreserve=yes");
        let text = service(&format!("{lines}\n{calls}")).replace("run %N", &format!("run %N {file}"));
        machine.unit(&format!("{name}.service"), &text);
        machine.systemctl(&["start", name]).ok();
        let (_, daemon) = main_of(&machine, &format!("{name}.service"));
        daemon.signal(Signal::SIGUSR1);
        wait_for(&machine, &file, |text| text.ends_with('\n'));
        assert_eq!(machine.read(&file), child, "{name}");
        machine.systemctl(&["reload", name]).ok();
        assert_eq!(machine.read(&file), format!("{child}true\ntrue\n"), "{name}");
        machine.systemctl(&["stop", name]).ok();
        assert_eq!(machine.read(&file), format!("{child}true\ntrue\ntrue\n"), "{name}");
    }
}

/// Promise 11.04. `status` answers without the manager, and `stop` does not act behind its back.
#[test]
fn manager_that_hangs_is_given_up_after_two_seconds() {
    let machine = boot();
    machine.unit(
        "unitlab.service",
        &service("").replace(&format!("{LAB_PROGRAM} run %N"), &format!("{UNIT_PROGRAM} run")),
    );
    machine.systemctl(&["start", "unitlab"]).ok();
    let (pid, daemon) = main_of(&machine, "unitlab.service");
    machine.init().signal(Signal::SIGSTOP);
    let verbs = ["status", "stop"].map(|verb| machine.command(UNIT_PROGRAM, &[verb]).spawn());
    let answer = lab(&machine, &["managing", &pid.to_string()]);
    let [status, stop] = verbs.map(Running::finish);
    machine.init().signal(Signal::SIGCONT);
    assert!(answer.stdout.starts_with("NoAnswer: `systemctl show "), "{answer}");
    assert!(answer.stdout.ends_with(" did not answer within 2 s\n"), "{answer}");
    assert!([&answer, &status, &stop].iter().all(|outcome| outcome.took < EVENT_TIMEOUT), "{answer}\n{status}\n{stop}");
    status.ok().prints(&["running", &pid.to_string(), "did not answer within 2 s"]);
    assert!(stop.code() != 0 && daemon.alive(), "{stop}");
    stop.says(&["did not answer within 2 s"]);
}
