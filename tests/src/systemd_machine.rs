//! A machine of its own for one test program: a real systemd as process 1 of fresh namespaces.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::Lab;
use crate::process::Process;
use crate::run::{Outcome, Run};
use crate::wait::{self, Deadline, TimedOut};

/// What boots it, and cleans up behind it.
const SCRIPT: &str = include_str!("systemd_machine.sh");

/// A boot takes less than a second; this is for a very busy host.
const BOOT: Duration = Duration::from_secs(30);

/// A systemd that runs beside everything else on this host and sees nothing of it but a lab's directory, which has the
/// same path on both sides, and the programs installed here. What it writes elsewhere is gone with it.
///
/// It ends with this value, and with this process, however that ends.
#[derive(Debug)]
pub struct Machine {
    lab: Lab,
    guardian: Child,
    /// The guardian takes the machine down when this end of its standard input is closed.
    leash: Option<ChildStdin>,
    /// Process 1, as the host sees it.
    init: Process,
}

impl Machine {
    /// Boots one, around a lab whose helper program lies in its directory.
    ///
    /// # Panics
    /// When it does not come up; says what it said.
    pub fn boot(lab: Lab) -> Self {
        let script = lab.write("machine.sh", SCRIPT);
        let said = File::create(lab.path("machine.log")).expect("a file of ours");
        let mut guardian = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "bash"])
            .arg(script)
            .arg("guard")
            .arg(lab.directory())
            .stdin(Stdio::piped())
            .stdout(said.try_clone().expect("a descriptor"))
            .stderr(said)
            // A Ctrl-C on the test is not for it.
            .process_group(0)
            .spawn()
            .expect("unshare, of util-linux");
        let leash = guardian.stdin.take();
        let mut machine = Self { lab, guardian, leash, init: Process::new(0) };
        machine.wait_until_booted();
        machine
    }

    fn wait_until_booted(&mut self) {
        let guardian = self.guardian();
        let booted = self.lab.path("booted");
        let answer = wait::settled(&booted, Deadline::after(BOOT), || match init_of(guardian) {
            _ if !Process::new(guardian).alive() => Ok(None),
            Some(init) if booted.exists() => Ok(Some(init)),
            _ => Err(vec![guardian]),
        });
        match answer {
            Ok(Some(init)) => self.init = init,
            _ => panic!("systemd has not booted in its namespaces ({answer:?}): {}", self.lab.read("machine.log")),
        }
    }

    /// The lab: its directory has the same path inside.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Process 1, as the host sees it.
    pub fn init(&self) -> Process {
        self.init
    }

    /// Where the host sees a path of the machine.
    pub fn path(&self, inside: impl AsRef<Path>) -> PathBuf {
        let inside = inside.as_ref();
        let root = Path::new("/proc").join(self.init.id().to_string()).join("root");
        root.join(inside.strip_prefix("/").unwrap_or(inside))
    }

    /// What a file of the machine holds; empty when there is none.
    pub fn read(&self, inside: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    /// A program to be run inside, beside systemd's services.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        let target = self.init.id().to_string();
        self.lab
            .command("nsenter", &["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--target", &target])
            .arg(program)
            .args(arguments)
    }

    /// The lab's helper program, to be run inside.
    pub fn helper(&self, arguments: &[&str]) -> Run<'_> {
        self.command(&self.lab.program().to_string_lossy(), arguments)
    }

    /// Writes a unit and makes it known.
    ///
    /// # Panics
    /// When it cannot be written or read.
    pub fn unit(&self, name: &str, text: &str) {
        fs::write(self.path("/etc/systemd/system").join(name), text).expect("a file system of our own");
        self.systemctl(&["daemon-reload"]).ok();
    }

    /// `systemctl …`, to its end.
    pub fn systemctl(&self, arguments: &[&str]) -> Outcome {
        self.command("systemctl", arguments).run()
    }

    /// A property of a unit, as `systemctl show` has it.
    pub fn property(&self, unit: &str, name: &str) -> String {
        let outcome = self.systemctl(&["show", "--property", name, "--value", unit]).ok();
        outcome.stdout.trim_end().to_owned()
    }

    /// What the journal holds about a unit: what it printed, and what systemd says about it.
    pub fn journal(&self, unit: &str) -> String {
        self.journalctl(&["--unit", unit, "--output", "cat"])
    }

    /// The whole journal, in the form of a system log.
    pub fn log(&self) -> String {
        self.journalctl(&[])
    }

    fn journalctl(&self, arguments: &[&str]) -> String {
        self.command("journalctl", &["--sync"]).run().ok();
        self.command("journalctl", &["--no-pager"]).args(arguments).run().ok().stdout
    }

    /// The process that has this number inside, as the host sees it.
    pub fn process(&self, inside: i32) -> Option<Process> {
        self.processes().into_iter().find(|process| inner_number(*process) == Some(inside))
    }

    /// Everybody in the machine.
    pub fn processes(&self) -> Vec<Process> {
        inhabitants(namespace(self.init).as_ref())
    }

    /// Waits until it has shut down by itself.
    pub fn off(&self, within: Duration) -> Result<(), TimedOut> {
        wait::death(self.guardian(), Deadline::after(within)).map(drop)
    }

    /// What it could leave behind on the host; to be asked for while it runs.
    pub fn traces(&self) -> Traces {
        Traces {
            namespace: namespace(self.init),
            _held: File::open(format!("/proc/{}/ns/pid", self.init.id())).ok().map(Arc::new),
            cgroup: format!("daemonic-test-{}", self.guardian()),
            directory: self.lab.directory().to_owned(),
        }
    }

    fn guardian(&self) -> i32 {
        i32::try_from(self.guardian.id()).expect("a pid fits into an int")
    }
}

/// What a machine could leave behind.
#[derive(Clone, Debug)]
pub struct Traces {
    namespace: Option<PathBuf>,
    /// While the namespace is open, no other one gets its number.
    _held: Option<Arc<File>>,
    cgroup: String,
    directory: PathBuf,
}

impl Traces {
    /// What of it is there now: processes, the cgroup, mounts.
    ///
    /// # Panics
    /// When the cgroups cannot be looked at.
    pub fn found(&self) -> Vec<String> {
        let processes = inhabitants(self.namespace.as_ref()).into_iter().map(|process| format!("{process:?}"));
        let cgroups = cgroups().into_iter().filter(|name| *name == self.cgroup);
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("our own mounts");
        let ours = self.directory.display().to_string();
        let mounts = mounts.lines().filter(|line| line.contains(&ours)).map(str::to_owned);
        processes.chain(cgroups).chain(mounts).collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.leash.take());
        // It cleans up, which has its own deadlines.
        if self.off(BOOT).is_err() {
            let _ = self.guardian.kill();
            let _ = self.guardian.wait();
        }
    }
}

/// The machine of a guardian: process 1 of a namespace, the child of a child of the guardian's.
fn init_of(guardian: i32) -> Option<Process> {
    let parent = |process: Process| process.stat().map(|stat| stat.parent);
    Process::all().find(|process| {
        inner_number(*process) == Some(1)
            && parent(*process).and_then(|pid| parent(Process::new(pid))) == Some(guardian)
    })
}

/// The number of a process in the innermost pid namespace it is in.
fn inner_number(process: Process) -> Option<i32> {
    process.status("NSpid")?.split_whitespace().last()?.parse().ok()
}

/// Which pid namespace a process is in.
fn namespace(process: Process) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{}/ns/pid", process.id())).ok()
}

/// Every process of a pid namespace.
fn inhabitants(of: Option<&PathBuf>) -> Vec<Process> {
    Process::all().filter(|process| of.is_some() && namespace(*process).as_ref() == of).collect()
}

/// The cgroups of all machines of this host, seen through a mount that nobody else sees.
fn cgroups() -> Vec<String> {
    let look = "mount -t cgroup2 none /mnt && cd /mnt && for group in daemonic-test-*; do echo $group; done";
    let seen = Command::new("unshare").args(["--mount", "sh", "-c", look]).output().expect("unshare, of util-linux");
    assert!(seen.status.success(), "failed to look at the cgroups: {}", String::from_utf8_lossy(&seen.stderr));
    String::from_utf8_lossy(&seen.stdout).lines().map(str::to_owned).collect()
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

    /// A name of ours among them would collide with a directory of the host that has it.
    #[test]
    fn machine_root_holds_the_names_of_the_host_only() {
        let names = |root: &Path| -> BTreeSet<_> {
            fs::read_dir(root).expect("a root").map(|entry| entry.expect("an entry").file_name()).collect()
        };
        let (machine, _) = booted();
        assert_eq!(names(&machine.path("/")), names(Path::new("/")));
        assert!(!machine.path("/run/host").exists());
    }

    #[test]
    fn a_machine_is_gone_with_its_value() {
        let (machine, traces) = booted();
        machine.command("systemctl", &["is-system-running"]).run().ok().prints(&["running"]);
        drop(machine);
        assert_eq!(traces.found(), [""; 0]);
    }

    /// What the guardian notices then is what it notices when the test program is killed.
    #[test]
    fn a_machine_is_gone_when_nobody_holds_its_leash() {
        let (mut machine, traces) = booted();
        drop(machine.leash.take());
        machine.off(Duration::from_secs(10)).expect("it cleans up");
        assert_eq!(traces.found(), [""; 0]);
    }

    #[test]
    fn a_machine_is_gone_when_its_guardian_is_killed_but_for_a_cgroup_the_next_one_removes() {
        let (machine, traces) = booted();
        Process::new(machine.guardian()).signal(Signal::SIGKILL);
        wait::death(machine.init().id(), Deadline::after(Duration::from_secs(10))).expect("killed with it");
        drop(machine);
        assert!(traces.found().iter().all(|left| *left == traces.cgroup), "{:?}", traces.found());
        drop(booted());
        assert_eq!(traces.found(), [""; 0]);
    }
}
