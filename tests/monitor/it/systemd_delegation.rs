//! The monitor as units of a booted systemd: one whose control group is delegated to it, and one whose group is not.

use std::fs;

use look::{Deadline, Lab, Machine, Outcome};

use crate::cli_lab::daemonctl;
use crate::common::EVENT_TIMEOUT;

/// The program in the machine, where every directory above is root's alone.
const PROGRAM: &str = "/usr/local/bin/daemonctl";

/// The group of the unit `delegated`.
const GROUP: &str = "/sys/fs/cgroup/system.slice/delegated.service";

/// A bot that handles SIGTERM, one with a child that has hidden, and one that uses 0.2 s of processor time.
const BOTS: &str = r#"
[bot.web]
command = "/bin/sh"
args = ["-c", "trap 'echo x >> LAB/NAME.ended; trap : TERM; kill 0; exit 0' TERM; echo x > LAB/NAME.up; while :; do sleep 1000 & wait; done"]
stop = { signal = "TERM", timeout = "1h" }
ready = { file = "LAB/NAME.up" }
[bot.away]
command = "/bin/sh"
args = ["-c", "setsid env -i sh -c 'echo $$$$ > LAB/NAME.away; exec sleep 1000' & while [ ! -s LAB/NAME.away ]; do :; done; touch LAB/NAME.gone; exec sleep 1000"]
ready = { file = "LAB/NAME.gone" }
[bot.busy]
command = "/usr/bin/python3"
args = ["-c", "import time; [0 for _ in iter(lambda: time.process_time() < 0.2, False)]; open('LAB/NAME.busy', 'w'); time.sleep(1000)"]
ready = { file = "LAB/NAME.busy" }
"#;

/// A unit with a monitor.
struct Unit<'machine> {
    machine: &'machine Machine,
    name: &'static str,
}

impl<'machine> Unit<'machine> {
    /// Writes a unit and its configuration, and starts it.
    fn start(machine: &'machine Machine, name: &'static str, more: &str) -> Unit<'machine> {
        let directory = machine.lab().directory().display().to_string();
        let settings = format!(
            "[monitor]\nname = \"{name}\"\npidfile = \"LAB/{name}.pid\"\nlog = {{ file = \"LAB/{name}.log\" }}\n"
        );
        let text = format!("{settings}{BOTS}").replace("LAB", &directory).replace("NAME", name);
        machine.lab().write(&format!("{name}.toml"), text);
        machine.unit(
            &format!("{name}.service"),
            &format!(
                "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\n[Service]\nType=notify\n\
                 ExecStart={PROGRAM} -c {directory}/{name}.toml run\nKillMode=mixed\n{more}\n"
            ),
        );
        let unit = Unit { machine, name };
        let started = machine.systemctl(&["start", name]);
        assert_eq!(started.code(), 0, "{started}\n{}", machine.journal(name));
        unit.ctl(&["start", "--wait", "all"]).ok();
        unit
    }

    /// Runs `daemonctl` for this monitor.
    fn ctl(&self, arguments: &[&str]) -> Outcome {
        let config = self.machine.lab().path(&format!("{}.toml", self.name));
        self.machine.command(PROGRAM, &["-c", config.to_str().expect("a path")]).args(arguments).run()
    }

    /// Stops the unit, which must end without a failure.
    fn stop(&self) {
        self.machine.systemctl(&["stop", self.name]).ok();
        assert_eq!(self.machine.property(self.name, "Result"), "success", "{}", self.machine.journal(self.name));
    }

    /// Returns how often its bot has handled SIGTERM.
    fn handled(&self) -> usize {
        fs::read_to_string(self.machine.lab().path(&format!("{}.ended", self.name)))
            .map_or(0, |text| text.lines().count())
    }

    /// Waits until the group of a bot has this line in its `cgroup.events`.
    #[track_caller]
    fn until_event(&self, bot: &str, event: &str) {
        let file = format!("{GROUP}/bots-{}/bot-{bot}/cgroup.events", self.name);
        let deadline = Deadline::after(EVENT_TIMEOUT);
        while !self.machine.read(&file).lines().any(|line| line == event) {
            assert!(!deadline.passed(), "not `{event}`: {}", self.machine.read(&file));
            std::thread::yield_now();
        }
    }
}

/// Promise 6.80. One test, since the machine boots once.
#[test]
fn delegated_unit_has_a_group_for_each_bot_and_another_unit_says_why_not() {
    let machine = Machine::boot(Lab::new(daemonctl()));
    machine.install(daemonctl(), PROGRAM);
    let unit = Unit::start(&machine, "delegated", "Delegate=yes");
    let shown = unit.ctl(&["show", "web"]).ok().stdout;
    assert!(shown.contains("/system.slice/delegated.service/bots-delegated/bot-web"), "{shown}");
    let main: i32 = machine.property("delegated", "MainPID").parse().expect("a pid");
    let own = machine.read(format!("/proc/{main}/cgroup"));
    assert!(own.trim().ends_with("/system.slice/delegated.service/monitor-delegated"), "{own}");

    // Processor time.
    let shown = unit.ctl(&["show", "busy"]).ok().stdout;
    let (before, _) = shown.split_once("s of processor time").unwrap_or_else(|| panic!("no time: {shown}"));
    let time: f64 = before.rsplit(' ').next().expect("a number").parse().expect("a number");
    assert!((0.2..5.0).contains(&time), "{shown}");

    // Kill.
    let hidden: i32 = machine.lab().read("delegated.away").trim().parse().expect("a pid");
    assert!(machine.process(hidden).is_some(), "its child");
    unit.ctl(&["stop", "--wait", "away"]).ok();
    assert!(machine.process(hidden).is_none(), "its child lives on");

    // Freeze and thaw.
    unit.ctl(&["freeze", "web"]).ok().prints(&["web: suspended", "frozen by a command"]);
    unit.until_event("web", "frozen 1");
    unit.ctl(&["thaw", "web"]).ok().prints(&["web: running"]);
    unit.until_event("web", "frozen 0");
    unit.ctl(&["freeze", "web"]).ok();
    unit.until_event("web", "frozen 1");

    // A stop of the unit, while its bot is frozen.
    unit.stop();
    assert_eq!(unit.handled(), 1);
    assert!(!machine.path(GROUP).exists(), "a group is left");

    let unit = Unit::start(&machine, "plain", "");
    let why = "the control group `/system.slice/plain.service` is not delegated: a systemd unit needs `Delegate=yes`";
    unit.ctl(&["show", "web"]).ok().prints(&[why]);
    let refused = unit.ctl(&["freeze", "web"]);
    assert!(refused.code() != 0 && refused.stderr.contains(why), "{refused}");
    let own = machine.read(format!("/proc/{}/cgroup", machine.property("plain", "MainPID")));
    assert!(own.trim().ends_with("/system.slice/plain.service"), "{own}");
    unit.stop();
}
