//! The verbs of a program whose daemon a service manager has: they go through the manager.

use look::{Lab, Machine, Outcome};
use std::path::Path;
use std::sync::{Arc, Once};

use super::machine::{machine, main_of, user_unit};

/// The path of the program in the machine, where every directory above is root's alone.
const PROGRAM: &str = "/usr/local/bin/clilab";

/// Returns the machine with the program, which is written once: a file that is executed cannot be.
fn machine_with_program() -> Arc<Machine> {
    static INSTALLED: Once = Once::new();
    let machine = machine();
    INSTALLED.call_once(|| machine.install(Path::new(env!("CARGO_BIN_EXE_clilab")), PROGRAM));
    machine
}

/// Runs the program as root.
fn clilab(machine: &Machine, arguments: &[&str]) -> Outcome {
    machine.command(PROGRAM, arguments).run()
}

/// Promise 11.03.
#[test]
fn verbs_go_through_systemd_when_it_has_the_daemon() {
    let machine = machine_with_program();
    let reload = format!("ExecReload={PROGRAM} reload\nExecStop={PROGRAM} stop");
    let unit = format!("[Service]\nType=notify\nExecStart={PROGRAM} run --port 80\n{reload}\n");
    machine.unit("clilab.service", &unit);
    // Installed and not running: the unit is started, not a second copy.
    let started = clilab(&machine, &["start"]).ok();
    assert!(started.stdout.starts_with("clilab: through systemd: systemctl start clilab.service\n"), "{started}");
    let (pid, first) = main_of(&machine, "clilab.service");
    assert!(started.stdout.ends_with(&format!("clilab: started, pid {pid}\n")), "{started}");
    clilab(&machine, &["status"]).ok().prints(&["unit     clilab.service (systemd, system, active)"]);
    clilab(&machine, &["start"]).exits(3).says(&["already running"]);
    clilab(&machine, &["restart", "--port", "9"]).exits(2).says(&["has its own", "`systemctl restart clilab.service`"]);
    clilab(&machine, &["reload"]).ok().prints(&["systemctl reload clilab.service\nclilab: reloaded\n"]);
    clilab(&machine, &["send", "TERM"]).exits(5).says(&["run `systemctl stop clilab.service`"]);
    assert!(first.alive());
    clilab(&machine, &["restart"]).ok().prints(&["systemctl restart clilab.service"]);
    let (second, process) = main_of(&machine, "clilab.service");
    assert!(!first.alive() && second != pid);
    clilab(&machine, &["try-restart"]).ok().prints(&["systemctl try-restart clilab.service"]);
    assert!(!process.alive());
    clilab(&machine, &["logs", "-n", "all"]).ok().prints(&["port 80"]);
    // A user finds root's daemon, and may not stop it.
    let status = machine.login(PROGRAM, &["status"]).run().exits(3);
    assert!(status.stdout.contains("a daemon of user `root` (uid 0) is running"), "{status}");
    machine.login(PROGRAM, &["stop"]).run().ok().says(&["user `root`"]);
    let (_, third) = main_of(&machine, "clilab.service");
    assert!(third.alive());
    clilab(&machine, &["stop"]).ok().prints(&["systemctl stop clilab.service", "clilab: stopped"]);
    assert!(!third.alive());
    assert_eq!(machine.property("clilab", "Result"), "success");
    clilab(&machine, &["start", "--port", "9"]).exits(2).says(&["`systemctl start clilab.service`", "--name INSTANCE"]);
    // An instance is another daemon.
    clilab(&machine, &["start", "--name", "blue", "--port", "9"]).ok().prints(&["clilab@blue: started"]);
    clilab(&machine, &["restart", "--name", "blue"]).ok().prints(&["--port 9"]);
    clilab(&machine, &["stop", "--name", "blue"]).ok();
}

/// Promise 11.03. A daemon that was started by hand runs when its service is installed.
#[test]
fn restart_of_a_daemon_started_by_hand_hands_it_over_to_its_service() {
    let machine = machine_with_program();
    let red = |verb: &str| clilab(&machine, &[verb, "--name", "red"]);
    red("start").ok().prints(&["clilab@red: started"]);
    let unit = format!("[Service]\nType=notify\nExecStart={PROGRAM} run --name red\n");
    machine.unit("clilab@red.service", &unit);
    red("start").exits(3).says(&["already running"]);
    red("reload").ok().prints(&["clilab@red: reloaded, pid "]);
    red("restart").ok().prints(&["systemctl start", "clilab@red: started, pid "]);
    let (_, process) = main_of(&machine, "clilab@red.service");
    red("stop").ok().prints(&["systemctl stop", "clilab@red: stopped, pid "]);
    assert!(!process.alive());
    red("stop").ok().prints(&["clilab@red: not running"]);
}

/// Promise 11.03.
#[test]
fn verbs_of_a_user_go_through_the_user_s_systemd() {
    let machine = machine_with_program();
    let unit = format!("[Service]\nType=notify\nExecStart={PROGRAM} run --name own\n");
    user_unit(&machine, "clilab@own.service", &unit);
    let own = |arguments: &[&str]| machine.login(PROGRAM, arguments).args(["--name", "own"]).run();
    own(&["start"]).ok().prints(&["clilab@own: through systemd: systemctl --user start", "clilab@own: started, pid "]);
    own(&["status"]).ok().prints(&["unit     clilab@own.service (systemd, user, active)"]);
    own(&["start", "--port", "1"]).exits(3).says(&["already running"]);
    own(&["restart"]).ok().prints(&["systemctl --user restart"]);
    // Root's verbs are about root's daemon.
    clilab(&machine, &["stop", "--name", "own"]).ok().prints(&["clilab@own: not running"]);
    own(&["stop"]).ok().prints(&["systemctl --user stop", "clilab@own: stopped, pid "]);
    own(&["status"]).exits(3);
}

/// Runs a script as process 1 of a pid namespace, with the program in `$D`.
fn run_script(script: &str) -> Outcome {
    let lab = Lab::new(env!("CARGO_BIN_EXE_clilab"));
    let script = lab.write("script.sh", include_str!("scripts/common.sh").to_owned() + script);
    let enter = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash"];
    lab.command("unshare", &enter).arg(script).env("D", lab.program()).run()
}

/// Promise 11.03. A supervisor does not wait until the daemon has its pidfile.
#[test]
fn verbs_through_s6_name_the_process_that_it_has_started() {
    let outcome = run_script(include_str!("scripts/verbs_s6.sh")).ok();
    let (own, rest) = outcome.stdout.split_once("down\n").expect("the service was stopped");
    assert_eq!(own.matches("clilab: started, pid ").count(), 3, "{outcome}");
    // Neither for a service that is down.
    assert!(rest.ends_with("s6-svc -r /run/service/clilab\nclilab: not running\n"), "{outcome}");
    assert!(outcome.took.as_secs() < 30, "{outcome}");
}

/// Promise 11.03.
#[test]
fn verbs_go_through_runit_when_it_has_the_daemon() {
    let outcome = run_script(include_str!("scripts/verbs.sh")).ok();
    let scanned = std::fs::canonicalize("/etc/service").expect("made by the package of runit").display().to_string();
    let printed = outcome.stdout.replace(&scanned, "/etc/service");
    for line in [
        "clilab: through runit: sv -w 60 stop /etc/service/clilab && sv -w 60 start /etc/service/clilab\n",
        "clilab: through runit: sv -w 60 stop /etc/service/clilab\n",
        "clilab: through runit: sv -w 60 start /etc/service/clilab\n",
    ] {
        assert!(printed.contains(line), "{line:?} is missing: {outcome}");
    }
}
