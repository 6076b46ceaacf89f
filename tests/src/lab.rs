//! A private directory for one test, and every process that the test started in it.

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

use crate::mark::Mark;
use crate::process::Process;
use crate::run::{Outcome, Run};
use crate::wait::{self, Deadline, TimedOut};

/// A private temporary directory in which one test runs programs. When dropped, it kills exactly the processes that
/// were started in it.
#[derive(Debug)]
pub struct Lab {
    mark: Mark,
    program: PathBuf,
    /// Daemons whose pidfile was read: this process adopts them when they are dead.
    daemons: Mutex<Vec<Process>>,
}

impl Lab {
    /// Creates a lab whose helper program is `program`. This process becomes the subreaper of the daemons started in
    /// it, so that a dead daemon does not stay a zombie of an init that reaps late.
    ///
    /// # Panics
    /// If the directory cannot be created.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        static REAPER: Once = Once::new();
        REAPER.call_once(|| {
            prctl::set_child_subreaper(true).expect("a subreaper");
            // Under `nohup`, or in the background of a script, children would inherit ignored signals.
            crate::sys::reset_interrupts().expect("the default action");
        });
        Self { mark: Mark::new(new_directory()), program: program.into(), daemons: Mutex::default() }
    }

    /// Returns the directory: absolute, owned by this user, mode 0755, so that another user may read it.
    pub fn directory(&self) -> &Path {
        self.mark.directory()
    }

    /// Returns a path in the directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.mark.directory().join(name)
    }

    /// Returns the path of the helper program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Copies the helper program into the directory, where every user can execute it, and uses the copy from then on.
    ///
    /// The copy is made by `install`: a file that this process has open for writing is inherited by any program that
    /// another test starts at that moment, and cannot be executed while it is open (`ETXTBSY`).
    pub fn bring_program(&mut self) {
        let copy = self.path("helper");
        let install = Command::new("install").args(["-m", "755"]).arg(&self.program).arg(&copy).status();
        assert!(install.is_ok_and(|status| status.success()), "failed to copy the helper program");
        self.program = copy;
    }

    /// Writes a file in the directory, and returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("failed to write `{}`: {error}", path.display()));
        path
    }

    /// Returns the content of a file in the directory, empty if it does not exist.
    pub fn read(&self, name: &str) -> String {
        fs::read(self.path(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Prepares a run of the helper program in the directory.
    pub fn helper(&self, arguments: &[&str]) -> Run<'_> {
        Run::new(&self.mark, &self.program).args(arguments)
    }

    /// Runs the helper program with these arguments until it exits.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.helper(arguments).run()
    }

    /// Prepares a run of another program in the directory.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Run<'_> {
        Run::new(&self.mark, Path::new(program)).args(arguments)
    }

    /// Prepares a run of a bash script in the directory, with the helper program in `$D`.
    pub fn shell(&self, script: &str) -> Run<'_> {
        self.command("bash", &["-c", script]).env("D", &self.program)
    }

    /// Returns every live process that was started from this lab, at any depth.
    pub fn processes(&self) -> Vec<Process> {
        self.mark.processes()
    }

    /// Returns `true` if a live process was started from this lab, at any depth.
    pub fn started(&self, process: Process) -> bool {
        self.mark.started(process)
    }

    /// Returns the daemon named by a pidfile in the directory, alive or not.
    ///
    /// # Panics
    /// If the file names none.
    #[track_caller]
    pub fn daemon(&self, pidfile: &str) -> Process {
        let content = self.read(pidfile);
        let first = content.lines().next().and_then(|line| line.parse().ok());
        let daemon =
            Process::new(first.unwrap_or_else(|| panic!("the pidfile `{pidfile}` names no process: {content:?}")));
        self.daemons.lock().expect("no thread panics with the lock").push(daemon);
        daemon
    }

    /// Waits until no process that was started from this lab is alive.
    pub fn quiet(&self, within: Duration) -> Result<(), TimedOut> {
        let deadline = Deadline::after(within);
        loop {
            let living: Vec<i32> = self.processes().into_iter().map(Process::id).collect();
            if living.is_empty() {
                return Ok(());
            }
            // No status is taken here: the caller may wait for one of these children.
            wait::first_death(&living, deadline)?;
        }
    }

    /// Waits until a file in the directory satisfies `holds`, and returns its content.
    ///
    /// # Panics
    /// If it does not in time; the message shows the last content.
    #[track_caller]
    pub fn wait_for(&self, name: &str, within: Duration, holds: impl Fn(&str) -> bool) -> String {
        let answer = wait::until(&self.path(name), Deadline::after(within), || {
            fs::read_to_string(self.path(name)).ok().filter(|content| holds(content))
        });
        answer.unwrap_or_else(|_| panic!("`{name}` did not come to that in {within:?}; it holds {:?}", self.read(name)))
    }

    /// Kills a process through a pidfd opened before the mark was checked, so that a reused pid is never killed.
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
        // A process created during one scan is found by the next; one that cannot be killed is left.
        for _ in 0..100 {
            match self.processes().into_iter().next() {
                Some(process) => self.end(process),
                None => break,
            }
        }
        // Thousands of zombies slow down every scan of `/proc`. The session id is the pid of the session leader, and
        // stays reserved until the daemon is reaped.
        for daemon in self.daemons.get_mut().expect("no thread panics with the lock").drain(..) {
            if let Some(stat) = daemon.stat().filter(|stat| stat.state == 'Z') {
                wait::reap_if_dead(stat.session);
                wait::reap_if_dead(daemon.id());
            }
        }
        let _ = fs::remove_dir_all(self.mark.directory());
    }
}

/// Creates a directory with a unique name.
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
    fn output_and_status_of_a_program_are_collected() {
        let outcome = Lab::new("/bin/true").shell("cat; echo error >&2; exit 3").input("text").run().exits(3);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("text", "error\n"));
    }

    #[test]
    #[should_panic(expected = "it still runs")]
    fn hanging_program_is_given_up_at_the_deadline() {
        Lab::new("/bin/true").shell("echo begun; exec sleep 1000").within(Duration::from_millis(300)).run();
    }

    #[test]
    #[should_panic(expected = "another process holds its output open")]
    fn output_that_is_never_closed_is_given_up() {
        Lab::new("/bin/true").shell("sleep 1000 & exit 0").within(Duration::from_millis(300)).run();
    }

    #[test]
    fn processes_of_a_lab_end_with_it() {
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
    fn wait_for_file_returns_its_content() {
        let lab = Lab::new("/bin/true");
        lab.shell("(sleep 0.2; echo late > file) >/dev/null 2>&1 &").run().ok();
        assert_eq!(lab.wait_for("file", Duration::from_secs(10), |text| text.ends_with('\n')), "late\n");
        assert_eq!(lab.shell("(sleep 0.2; rm file) & wait").run().code(), 0);
    }
}
