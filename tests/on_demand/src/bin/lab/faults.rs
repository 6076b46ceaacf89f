//! Two faults at once, and the next client: `faults pair FIRST SECOND PROGRAM`, where PROGRAM is another build of this one.
//!
//! Root runs each pair in a small file system of its own, with the daemon and its clients as another user. Prints the exit status of
//! the client, its milliseconds, and the daemon that has served it: `same` or `next`; and after the faults were repaired the exit status
//! of another client. What the clients print to stderr is passed on. `faults connect` is one client.

use std::env::current_dir;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use daemon::Daemon;
use daemon::body::Work;
use daemon::on_demand::{OnDemand, clients, connect};
use look::{Deadline, Process};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::unistd::geteuid;

/// The time that a client has.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// The time after which a silent daemon is looked at.
const GREETING_TIMEOUT: Duration = Duration::from_millis(200);

/// The user of the daemon if this process is root's, and a third one.
const USERS: [u32; 2] = [65534, 4711];

/// The size of the file system in bytes, and its files.
const FILE_SYSTEM: &str = "size=128k,nr_inodes=40,mode=755";

pub(crate) fn main(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["connect"] => match ask() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(error.exit_code())
            }
        },
        ["pair", first, second, program] => {
            FaultyDaemon::new().report([first, second], program);
            ExitCode::SUCCESS
        }
        _ => panic!("faults pair FIRST SECOND PROGRAM"),
    }
}

/// Returns the daemon, which answers one line of each client.
fn agent(pidfile: PathBuf) -> Daemon<impl Work> {
    settings(pidfile).attach(on_demand()).run(|| {
        for client in clients() {
            let mut client = client.expect("a daemon on demand");
            let mut line = String::new();
            if BufReader::new(&*client).read_line(&mut line).is_ok() {
                let _ = client.write_all(line.as_bytes());
            }
        }
    })
}

fn settings(pidfile: PathBuf) -> Daemon {
    Daemon::new("agent").pidfile(pidfile)
}

fn on_demand() -> OnDemand {
    OnDemand::new(Duration::from_secs(60)).connect_timeout(CONNECT_TIMEOUT).greeting_timeout(GREETING_TIMEOUT)
}

fn ask() -> daemon::Result<()> {
    let pidfile = current_dir().expect("a directory").join("agent.pid");
    let start = |deadline| daemon::exec::exec!(agent(pidfile.clone()))?.start_until(deadline);
    let mut connection = connect(&settings(pidfile.clone()), &on_demand(), start)?;
    connection.write_all(b"hello\n").expect("a daemon that reads");
    let mut answer = String::new();
    BufReader::new(&connection).read_line(&mut answer).expect("an answer");
    assert_eq!(answer, "hello\n");
    println!("{}", connection.greeting().pid);
    Ok(())
}

/// A daemon with faults.
struct FaultyDaemon {
    directory: PathBuf,
    pid: i32,
    /// The process that has the pid in a pidfile that was written for another one.
    stranger: Option<Child>,
}

impl FaultyDaemon {
    /// Starts the daemon, in a file system of its own if this process is root's.
    fn new() -> FaultyDaemon {
        let directory = current_dir().expect("a directory").join("disk");
        fs::create_dir(&directory).expect("a directory");
        if geteuid().is_root() {
            unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
            let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("private mounts");
            mount(Some("none"), &directory, Some("tmpfs"), MsFlags::empty(), Some(FILE_SYSTEM)).expect("a tmpfs");
            chown(&directory, Some(USERS[0]), Some(USERS[0])).expect("an owner");
        }
        let mut daemon = FaultyDaemon { directory, pid: 0, stranger: None };
        let client = daemon.client(&std::env::current_exe().expect("a path"));
        assert!(client.status.success(), "{}", String::from_utf8_lossy(&client.stderr));
        daemon.pid = printed_pid(&client).expect("a pid");
        daemon
    }

    fn report(mut self, faults: [&str; 2], other: &str) {
        self.cause(faults[0]);
        if faults[1] != faults[0] {
            self.cause(faults[1]);
        }
        let own = std::env::current_exe().expect("a path");
        let began = Instant::now();
        let client = self.client(if faults.contains(&"other-build") { Path::new(other) } else { &own });
        let took = began.elapsed().as_millis();
        let by = if printed_pid(&client) == Some(self.pid) { "same" } else { "next" };
        let lives = self.stranger.as_mut().is_none_or(|stranger| stranger.try_wait().is_ok_and(|end| end.is_none()));
        self.repair();
        let again = self.client(&own);
        println!("status {:?} took {took} by {by}", client.status.code());
        println!("stranger {lives} repaired {:?}", again.status.code());
        let _ = io::stderr().write_all(&[client.stderr, again.stderr].concat());
    }

    /// Runs a client.
    fn client(&self, program: &Path) -> Output {
        let mut command = Command::new(program);
        command.args(["faults", "connect"]).current_dir(&self.directory).stdin(Stdio::null());
        if geteuid().is_root() {
            command.uid(USERS[0]).gid(USERS[0]);
        }
        command.output().expect("a client")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Causes a fault. One whose object is gone already has no effect.
    fn cause(&mut self, fault: &str) {
        match fault {
            "killed" => self.kill(),
            "stopped" => self.suspend(),
            "socket-removed" => drop(fs::remove_file(self.path("agent.agent/socket"))),
            "directory-removed" => drop(fs::remove_dir_all(self.path("agent.agent"))),
            "pidfile-removed" => drop(fs::remove_file(self.path("agent.pid"))),
            "pid-reused" => self.reuse_pid(),
            "other-build" => {}
            "disk-full" => self.fill(),
            "open-to-others" => drop(fs::set_permissions(self.path("agent.agent"), PermissionsExt::from_mode(0o777))),
            "foreign-owner" => drop(chown(self.path("agent.agent"), Some(USERS[1]), None)),
            "no-rights" => fs::set_permissions(&self.directory, PermissionsExt::from_mode(0o500)).expect("a mode"),
            _ => panic!("unknown fault {fault}"),
        }
    }

    fn kill(&self) {
        Process::new(self.pid).signal(Signal::SIGKILL);
        look::death(self.pid, Deadline::after(CONNECT_TIMEOUT)).expect("it ends");
    }

    /// Stops the daemon by SIGSTOP, and waits until each of its threads has noticed.
    fn suspend(&self) {
        Process::new(self.pid).signal(Signal::SIGSTOP);
        let deadline = Deadline::after(CONNECT_TIMEOUT);
        let is_running = |thread: Process| thread.stat().is_some_and(|stat| !['T', 'Z'].contains(&stat.state));
        while Process::new(self.pid).threads().into_iter().any(is_running) {
            assert!(!deadline.passed(), "it does not stop");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the daemon, and has its pidfile name another process that lives, and that has begun in a later tick of the clock.
    fn reuse_pid(&mut self) {
        let began = |pid| Process::new(pid).stat().map(|stat| stat.start);
        let own = began(self.pid);
        self.kill();
        let stranger = loop {
            let mut child = Command::new("sleep").arg("100").spawn().expect("a process");
            if began(i32::try_from(child.id()).expect("a pid")) != own {
                break child;
            }
            child.kill().and_then(|()| child.wait()).expect("a child");
        };
        if let Ok(text) = fs::read_to_string(self.path("agent.pid")) {
            let text = text.replacen(&self.pid.to_string(), &stranger.id().to_string(), 1);
            fs::write(self.path("agent.pid"), text).expect("a file");
        }
        self.stranger = Some(stranger);
    }

    /// Takes all blocks and all files of the file system.
    fn fill(&self) {
        let _ = fs::write(self.path("filled"), vec![1; 1 << 17]);
        let full = (0..64).any(|number| fs::write(self.path(&format!("filled.{number}")), "").is_err());
        assert!(full, "the file system has no limit");
    }

    /// Undoes what no client can.
    fn repair(&mut self) {
        let _ = fs::set_permissions(&self.directory, PermissionsExt::from_mode(0o755));
        let place = self.path("agent.agent");
        let _ = fs::set_permissions(&place, PermissionsExt::from_mode(0o700));
        if geteuid().is_root() {
            let _ = chown(place, Some(USERS[0]), None);
        }
        for entry in fs::read_dir(&self.directory).expect("a directory") {
            let entry = entry.expect("an entry");
            if entry.file_name().to_string_lossy().starts_with("filled") {
                fs::remove_file(entry.path()).expect("a file");
            }
        }
        // No pidfile names a daemon that runs: the error has asked for this.
        if !self.path("agent.pid").exists() {
            self.kill();
        }
        if let Some(mut stranger) = self.stranger.take() {
            stranger.kill().and_then(|()| stranger.wait()).expect("a child");
        }
    }
}

fn printed_pid(client: &Output) -> Option<i32> {
    String::from_utf8_lossy(&client.stdout).trim().parse().ok()
}
