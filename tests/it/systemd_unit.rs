//! Units of a real systemd: their properties and systemd's messages about them.

use std::sync::{Arc, Mutex, PoisonError};

use look::{Machine, Outcome, Process};

use crate::common::{EVENT_TIMEOUT, needs, needs_root, shared_lab};

/// Messages of systemd about a daemon that violates the settings of its unit.
const COMPLAINTS: [&str; 11] = [
    "Can't open PID file",
    "does not exist or is a zombie",
    "does not belong to service",
    "unsafe symlink chain",
    "Refusing",
    "not our child",
    "left-over process",
    "remains running after unit stopped",
    "Killing process",
    "timed out",
    "reception only permitted",
];

/// Returns the machine of all tests in this program: it boots once, and is shut down when the program ends.
pub(crate) fn machine() -> Arc<Machine> {
    static MACHINE: Mutex<Option<Arc<Machine>>> = Mutex::new(None);
    extern "C" fn take_down() {
        drop(MACHINE.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
    needs(&["systemctl", "nsenter", "pkill"]);
    needs_root();
    let mut machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let booted = machine.get_or_insert_with(|| {
        look::sys::at_exit(take_down);
        Arc::new(Machine::boot(shared_lab()))
    });
    Arc::clone(booted)
}

/// A service of the helper program.
pub(crate) struct Unit {
    pub(crate) machine: Arc<Machine>,
    pub(crate) name: String,
}

impl Unit {
    /// Creates a unit: `lines` are its section `Service`, with `LAB` for the helper program and `LABDIR` for the lab's
    /// directory. The unit is stopped at a shutdown, and notes when it starts and stops.
    pub(crate) fn new(name: &str, lines: &str) -> Self {
        Self::on(machine(), name, lines)
    }

    /// Creates a unit on another machine than the shared one.
    pub(crate) fn on(machine: Arc<Machine>, name: &str, lines: &str) -> Self {
        let unit = Self { machine, name: format!("{name}.service") };
        let lab = unit.machine.lab();
        let directory = lab.directory().display().to_string();
        let program = lab.program().display().to_string();
        let lines = lines.replace("LABDIR", &directory).replace("LAB", &program);
        // With `+`, it runs as root, whatever the user of the service.
        let note = |text: &str| format!("+sh -c 'echo {text} >>{directory}/{name}.events'");
        let text = format!(
            "[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\n\
             RequiresMountsFor={directory}\n[Service]\nEnvironment=LOOK_LAB={directory}\n{lines}\n\
             ExecStartPost={}\nExecStopPost={}\n",
            note("started $MAINPID"),
            note("stopped $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS"),
        );
        unit.machine.unit(&unit.name, &text);
        unit
    }

    /// Starts the unit unless it is active; returns its main process.
    #[track_caller]
    pub(crate) fn start(&self) -> Process {
        let outcome = self.machine.systemctl(&["start", &self.name]);
        assert!(outcome.code() == 0, "{outcome}\n{}", self.machine.journal(&self.name));
        assert_eq!(self.show("ActiveState"), "active");
        self.machine.process(self.main()).expect("a main process")
    }

    /// Stops the unit, which must succeed by every property that systemd reports.
    #[track_caller]
    pub(crate) fn stop(&self) {
        self.machine.systemctl(&["stop", &self.name]).ok();
        let how = (self.show("ActiveState"), self.show("SubState"), self.show("Result"), self.show("ExecMainStatus"));
        let clean = ["inactive", "dead", "success", "0"].map(str::to_owned);
        assert_eq!([how.0, how.1, how.2, how.3], clean, "{}", self.machine.journal(&self.name));
    }

    /// Returns the version of this systemd.
    pub(crate) fn version() -> u32 {
        let outcome = machine().systemctl(&["--version"]).ok();
        u32::try_from(outcome.number("systemd")).expect("a version")
    }

    /// Returns the pid of the main process inside, as reported by systemd.
    pub(crate) fn main(&self) -> i32 {
        self.show("MainPID").parse().expect("a number")
    }

    /// Returns the pid inside of the process that the pidfile names.
    #[track_caller]
    pub(crate) fn named(&self) -> i32 {
        let content = self.machine.read(self.pidfile());
        let first = content.lines().next().and_then(|line| line.parse().ok());
        first.unwrap_or_else(|| panic!("the pidfile of {} names no process: {content:?}", self.name))
    }

    pub(crate) fn pidfile(&self) -> String {
        format!("/run/{}.pid", self.name.trim_end_matches(".service"))
    }

    pub(crate) fn show(&self, property: &str) -> String {
        self.machine.property(&self.name, property)
    }

    /// Runs the helper program with this verb on the same pidfile, not started by systemd.
    pub(crate) fn by_hand(&self, verb: &str, settings: &[&str]) -> Outcome {
        self.machine.helper(&[verb, &format!("pidfile={}", self.pidfile())]).args(settings).run()
    }

    /// Waits until `count` lines of its notes begin with this event.
    #[track_caller]
    pub(crate) fn wait_for(&self, event: &str, count: usize) {
        let events = self.name.replace(".service", ".events");
        let lines = |text: &str| text.lines().filter(|line| line.starts_with(event)).count();
        self.machine.lab().wait_for(&events, EVENT_TIMEOUT, |text| lines(text) >= count);
    }

    /// Asserts that a service that runs under `strace -o LABDIR/%N.trace` neither forked nor created a session.
    #[track_caller]
    pub(crate) fn forked_nothing(&self) {
        let trace = self.machine.lab().read(&self.name.replace(".service", ".trace"));
        let made_a_thread = |line: &str| line.contains("CLONE_THREAD") || line.contains("resumed");
        let wrong: Vec<_> = trace.lines().filter(|line| line.contains('(') && !made_a_thread(line)).collect();
        assert!(wrong.is_empty() && trace.contains("CLONE_THREAD"), "{}: {trace}", self.name);
    }

    /// Asserts that systemd has logged no complaint.
    #[track_caller]
    pub(crate) fn content(&self) {
        let journal = self.machine.journal(&self.name);
        assert!(!journal.is_empty(), "the journal knows nothing of {}", self.name);
        let complaints: Vec<_> =
            journal.lines().filter(|line| COMPLAINTS.iter().any(|complaint| line.contains(complaint))).collect();
        assert!(complaints.is_empty(), "systemd complains: {complaints:?}");
    }
}
