//! A systemd as process 1 of fresh namespaces, for one test program.

mod multi_user;
mod traces;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use crate::Lab;
use crate::process::Process;
use crate::run::{Outcome, Run};
use crate::wait::{self, Deadline, TimedOut};
pub use traces::Traces;
use traces::{namespace, processes_in};

/// Boots the machine, and cleans up after it.
const SCRIPT: &str = include_str!("systemd_machine.sh");

/// A boot takes less than a second; this is for a very busy host.
const BOOT_TIMEOUT: Duration = Duration::from_secs(30);

/// A systemd that runs beside all other processes of this host and shares with it only a lab's directory, which has the
/// same path on both sides, and the installed programs. Everything it writes elsewhere is discarded.
///
/// It is shut down when this value is dropped, or when this process ends in any way.
#[derive(Debug)]
pub struct Machine {
    lab: Lab,
    guardian: Child,
    /// The guardian shuts the machine down when this end of its standard input is closed.
    guardian_stdin: Option<ChildStdin>,
    /// Process 1 of the machine, with its pid on the host.
    init: Process,
}

impl Machine {
    /// Boots a machine around a lab whose helper program is in its directory.
    ///
    /// # Panics
    /// If it does not boot; the message shows its output.
    pub fn boot(lab: Lab) -> Self {
        Self::boot_to(lab, "lab.target")
    }

    /// Boots a machine to a target of the script.
    fn boot_to(lab: Lab, target: &str) -> Self {
        let script = lab.write("machine.sh", SCRIPT);
        let said = File::create(lab.path("machine.log")).expect("a file of ours");
        let mut guardian = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "bash"])
            .arg(script)
            .arg("guard")
            .arg(lab.directory())
            .arg(target)
            .stdin(Stdio::piped())
            .stdout(said.try_clone().expect("a descriptor"))
            .stderr(said)
            // Ctrl-C on the test must not reach the guardian.
            .process_group(0)
            .spawn()
            .expect("unshare, of util-linux");
        let guardian_stdin = guardian.stdin.take();
        let mut machine = Self { lab, guardian, guardian_stdin, init: Process::new(0) };
        machine.wait_until_booted();
        machine
    }

    fn wait_until_booted(&mut self) {
        let guardian = self.guardian();
        let booted = self.lab.path("booted");
        let answer = wait::until_with_deaths(&booted, Deadline::after(BOOT_TIMEOUT), || match init_of(guardian) {
            _ if !Process::new(guardian).alive() => Ok(None),
            Some(init) if booted.exists() => Ok(Some(init)),
            _ => Err(vec![guardian]),
        });
        match answer {
            Ok(Some(init)) => self.init = init,
            _ => panic!("systemd has not booted in its namespaces ({answer:?}): {}", self.lab.read("machine.log")),
        }
    }

    /// Returns the lab, whose directory has the same path inside.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Returns process 1 of the machine, with its pid on the host.
    pub fn init(&self) -> Process {
        self.init
    }

    /// Returns the host's path of a file of the machine.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        let root = Path::new("/proc").join(self.init.id().to_string()).join("root");
        root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// Returns the content of a file of the machine, empty if it does not exist.
    pub fn read(&self, inside: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// Prepares a run of a program inside the machine, beside systemd's services.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        let target = self.init.id().to_string();
        self.lab
            .command("nsenter", &["--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--target", &target])
            .arg(program)
            .args(arguments)
    }

    /// Prepares a run of the lab's helper program inside the machine.
    pub fn helper(&self, arguments: &[&str]) -> Run<'_> {
        self.command(&self.lab.program().to_string_lossy(), arguments)
    }

    /// Writes a unit and reloads systemd.
    ///
    /// # Panics
    /// If it cannot be written or loaded.
    pub fn unit(&self, name: &str, text: &str) {
        fs::write(self.path("/etc/systemd/system").join(name), text).expect("a file system of our own");
        self.systemctl(&["daemon-reload"]).ok();
    }

    /// Runs `systemctl …` until it exits.
    pub fn systemctl(&self, arguments: &[&str]) -> Outcome {
        self.command("systemctl", arguments).run()
    }

    /// Returns a property of a unit, as shown by `systemctl show`.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let outcome = self.systemctl(&["show", "--property", name, "--value", unit]).ok();
        outcome.stdout.trim_end().to_owned()
    }

    /// Returns the journal of a unit: its output, and the messages of systemd about it.
    pub fn journal(&self, unit: &str) -> String {
        self.journalctl(&["--unit", unit, "--output", "cat"])
    }

    /// Returns the whole journal, in the format of a system log.
    pub fn log(&self) -> String {
        self.journalctl(&[])
    }

    fn journalctl(&self, arguments: &[&str]) -> String {
        self.command("journalctl", &["--sync"]).run().ok();
        self.command("journalctl", &["--no-pager"]).args(arguments).run().ok().stdout
    }

    /// Returns the process that has this pid inside, with its pid on the host.
    pub fn process(&self, inside: i32) -> Option<Process> {
        self.processes().into_iter().find(|process| inner_pid(*process) == Some(inside))
    }

    /// Returns every process of the machine.
    pub fn processes(&self) -> Vec<Process> {
        processes_in(namespace(self.init).as_ref())
    }

    /// Waits until the machine has shut down by itself.
    pub fn off(&self, within: Duration) -> Result<(), TimedOut> {
        wait::death(self.guardian(), Deadline::after(within)).map(drop)
    }

    /// Returns what it could leave behind on the host; to be called while it runs.
    pub fn traces(&self) -> Traces {
        Traces::of(self.init, self.guardian(), self.lab.directory())
    }

    fn guardian(&self) -> i32 {
        i32::try_from(self.guardian.id()).expect("a pid fits into an int")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.guardian_stdin.take());
        // The guardian cleans up, with deadlines of its own.
        if self.off(BOOT_TIMEOUT).is_err() {
            let _ = self.guardian.kill();
            let _ = self.guardian.wait();
        }
    }
}

/// Returns process 1 of a guardian's machine, a grandchild of the guardian.
fn init_of(guardian: i32) -> Option<Process> {
    let parent = |process: Process| process.stat().map(|stat| stat.parent);
    Process::all().find(|process| {
        inner_pid(*process) == Some(1) && parent(*process).and_then(|pid| parent(Process::new(pid))) == Some(guardian)
    })
}

/// Returns the pid of a process in its innermost pid namespace.
fn inner_pid(process: Process) -> Option<i32> {
    process.status("NSpid")?.split_whitespace().last()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nix::sys::signal::Signal;

    use super::*;

    fn booted() -> (Machine, Traces) {
        let machine = Machine::boot(Lab::new("/bin/true"));
        let traces = machine.traces();
        assert!(traces.found().len() > 1, "a machine that leaves no traces while it runs: {traces:?}");
        (machine, traces)
    }

    /// Another name would collide with a directory of the host that has the same name.
    #[test]
    fn machine_root_has_the_names_of_the_host_only() {
        let names = |root: &Path| -> BTreeSet<_> {
            fs::read_dir(root).expect("a root").map(|entry| entry.expect("an entry").file_name()).collect()
        };
        let (machine, _) = booted();
        assert_eq!(names(&machine.path("/")), names(Path::new("/")));
        assert!(!machine.path("/run/host").exists());
    }

    #[test]
    fn machine_is_shut_down_when_dropped() {
        let (machine, traces) = booted();
        machine.command("systemctl", &["is-system-running"]).run().ok().prints(&["running"]);
        drop(machine);
        assert_eq!(traces.found(), [""; 0]);
    }

    /// The guardian notices the same as when the test program is killed.
    #[test]
    fn machine_is_shut_down_when_its_guardians_input_closes() {
        let (mut machine, traces) = booted();
        drop(machine.guardian_stdin.take());
        machine.off(Duration::from_secs(10)).expect("it cleans up");
        assert_eq!(traces.found(), [""; 0]);
    }

    #[test]
    fn machine_of_a_killed_guardian_leaves_at_most_a_cgroup() {
        let (machine, traces) = booted();
        Process::new(machine.guardian()).signal(Signal::SIGKILL);
        wait::death(machine.init().id(), Deadline::after(Duration::from_secs(10))).expect("killed with it");
        drop(machine);
        assert!(traces.found().iter().all(|left| *left == traces.cgroup), "{:?}", traces.found());
        drop(booted());
        assert_eq!(traces.found(), [""; 0]);
    }
}
