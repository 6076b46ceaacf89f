//! A private directory for one test, and everything the test started in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, Once};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::process::Process;
use crate::run::{Outcome, Run};
use crate::wait::{self, Deadline, TimedOut};

/// The variable that marks every process a lab started: its value is the lab's directory, which no other lab ever had.
const MARK: &str = "LOOK_LAB";

/// A private temporary directory in which one test runs programs. Dropped, it ends exactly those that still live.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
    program: PathBuf,
    /// Daemons that were asked for: this process is left with them when they are dead.
    daemons: Mutex<Vec<Process>>,
}

impl Lab {
    /// A new lab, whose helper program is `program`. This process becomes the reaper of the daemons started in it, so
    /// that a dead one does not stay a zombie of an init that reaps lazily.
    ///
    /// # Panics
    /// When the directory cannot be made.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        static REAPER: Once = Once::new();
        REAPER.call_once(|| {
            prctl::set_child_subreaper(true).expect("a subreaper");
            // Under `nohup` or in the background of a script, what is started here would ignore them, too.
            crate::sys::hear_interrupts().expect("the default action");
        });
        Self { directory: new_directory(), program: program.into(), daemons: Mutex::default() }
    }

    /// The directory (absolute, owned by us, mode 0755, so that another user may look into it).
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The helper program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Copies the helper program into the directory, where every user can execute it, and uses that one from now on.
    ///
    /// By a program of its own: a file that this process has open for writing is inherited by whatever another test
    /// starts at that moment, and cannot be executed while it is (`ETXTBSY`).
    pub fn bring_program(&mut self) {
        let copy = self.path("helper");
        let install = Command::new("install").args(["-m", "755"]).arg(&self.program).arg(&copy).status();
        assert!(install.is_ok_and(|status| status.success()), "failed to copy the helper program");
        self.program = copy;
    }

    /// Writes a file in the directory, and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("failed to write `{}`: {error}", path.display()));
        path
    }

    /// What a file in the directory holds; empty when there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read(self.path(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The helper program with these arguments, to be run in the directory.
    pub fn helper(&self, arguments: &[&str]) -> Run<'_> {
        Run::new(self, &self.program).args(arguments)
    }

    /// Runs the helper program with these arguments to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.helper(arguments).run()
    }

    /// Another program with these arguments, to be run in the directory.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        Run::new(self, Path::new(program)).args(arguments)
    }

    /// A script of bash, to be run in the directory; it finds the helper program in `$D`.
    pub fn shell(&self, script: &str) -> Run<'_> {
        self.command("bash", &["-c", script]).env("D", &self.program)
    }

    /// Everything alive that was started from this lab, however far down.
    pub fn processes(&self) -> Vec<Process> {
        Process::all().filter(|process| process.alive() && self.started(*process)).collect()
    }

    /// The daemon a pidfile of the directory names, alive or not.
    ///
    /// # Panics
    /// When the file names none.
    #[track_caller]
    pub fn daemon(&self, pidfile: &str) -> Process {
        let content = self.read(pidfile);
        let first = content.lines().next().and_then(|line| line.parse().ok());
        let daemon = Process::new(first.unwrap_or_else(|| panic!("the pidfile `{pidfile}` names nobody: {content:?}")));
        self.daemons.lock().expect("nobody panics with it").push(daemon);
        daemon
    }

    /// Waits until nothing that was started from this lab lives any more.
    pub fn quiet(&self, within: Duration) -> Result<(), TimedOut> {
        let deadline = Deadline::after(within);
        loop {
            let living: Vec<i32> = self.processes().into_iter().map(Process::id).collect();
            if living.is_empty() {
                return Ok(());
            }
            // Nobody's status is taken: one of them may be a child that somebody waits for.
            wait::first_death(&living, deadline)?;
        }
    }

    /// Waits until a file of the directory satisfies `holds`, and returns what it holds.
    ///
    /// # Panics
    /// When it does not come to that in time; says what it held last.
    #[track_caller]
    pub fn wait_for(&self, name: &str, within: Duration, holds: impl Fn(&str) -> bool) -> String {
        let answer = wait::until(&self.path(name), Deadline::after(within), || {
            fs::read_to_string(self.path(name)).ok().filter(|content| holds(content))
        });
        answer.unwrap_or_else(|_| panic!("`{name}` did not come to that in {within:?}; it holds {:?}", self.read(name)))
    }

    /// The environment of every program of this lab: a short `PATH`, and the mark.
    pub(crate) fn environment(&self) -> BTreeMap<&'static str, PathBuf> {
        BTreeMap::from([
            ("PATH", PathBuf::from("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")),
            ("HOME", self.directory.clone()),
            (MARK, self.directory.clone()),
        ])
    }

    /// Whether a process (alive) was started from this lab, however far down.
    pub fn started(&self, process: Process) -> bool {
        let mark = format!("{MARK}={}", self.directory.display());
        process.environment().contains(&mark)
    }

    /// Kills what is left, through a pidfd that was opened before the mark was looked at: never a stranger.
    fn end(&self, process: Process) {
        if let Ok(pidfd) = crate::sys::pidfd_open(process.id()) {
            if self.started(process) {
                let _ = crate::sys::pidfd_send_signal(pidfd.as_fd(), Signal::SIGKILL as i32);
                let _ = process.died(Duration::from_secs(10));
            }
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A process that is being made while we look is found by the next look; one that cannot be killed is left.
        for _ in 0..100 {
            match self.processes().into_iter().next() {
                Some(process) => self.end(process),
                None => break,
            }
        }
        // Zombies by the thousand make every look at `/proc` slow. The number of the session is the middle process's,
        // and stays its own until the daemon is buried.
        for daemon in self.daemons.get_mut().expect("nobody panics with it").drain(..) {
            if let Some(stat) = daemon.stat().filter(|stat| stat.state == 'Z') {
                wait::bury(stat.session);
                wait::bury(daemon.id());
            }
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The path of a file in the directory of the lab this process was started from; the name itself outside any lab.
pub fn in_lab(name: &str) -> PathBuf {
    std::env::var_os(MARK).map_or_else(|| PathBuf::from(name), |directory| Path::new(&directory).join(name))
}

/// A directory that nobody has had before.
fn new_directory() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let name = format!("lab-{}-{}-{now}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).unwrap_or_else(|error| panic!("failed to make `{}`: {error}", directory.display()));
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("a directory of ours");
    directory
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_prints_is_collected_with_its_status() {
        let outcome = Lab::new("/bin/true").shell("cat; echo error >&2; exit 3").input("text").run().exits(3);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("text", "error\n"));
    }

    #[test]
    #[should_panic(expected = "it still runs")]
    fn a_program_that_hangs_is_given_up_at_the_deadline() {
        Lab::new("/bin/true").shell("echo begun; exec sleep 1000").within(Duration::from_millis(300)).run();
    }

    #[test]
    #[should_panic(expected = "somebody holds its output open")]
    fn an_output_that_is_never_closed_is_given_up_too() {
        Lab::new("/bin/true").shell("sleep 1000 & exit 0").within(Duration::from_millis(300)).run();
    }

    #[test]
    fn what_a_lab_started_ends_with_it_and_nobody_else_does() {
        let (one, other) = (Lab::new("/bin/true"), Lab::new("/bin/true"));
        for lab in [&one, &other] {
            lab.shell("setsid sleep 1000 >/dev/null 2>&1 &").run().ok();
        }
        let (ends, stays) = (one.processes()[0], other.processes()[0]);
        let directory = one.directory().to_owned();
        drop(one);
        assert!(!ends.alive() && stays.alive() && !directory.exists());
        assert!(other.quiet(Duration::from_millis(100)).is_err());
    }

    #[test]
    fn a_file_is_waited_for() {
        let lab = Lab::new("/bin/true");
        lab.shell("(sleep 0.2; echo late > file) >/dev/null 2>&1 &").run().ok();
        assert_eq!(lab.wait_for("file", Duration::from_secs(10), |text| text.ends_with('\n')), "late\n");
        assert_eq!(lab.shell("(sleep 0.2; rm file) & wait").run().code(), 0);
    }
}
