//! A booted systemd with users who log in, for the tests of scopes.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use look::{Deadline, Machine, Process};

use crate::common::{EVENT_TIMEOUT, lab};

/// The helper program in the machine.
const PROGRAM: &str = "/usr/local/bin/on-demand-lab";

/// A user of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) uid: u32,
}

/// Lingers; logind kills the processes of her sessions.
pub(crate) const LINGERING: User = User { name: "ada", uid: 4711 };
/// Does not linger; logind kills the processes of her sessions.
pub(crate) const KILLED: User = User { name: "eve", uid: 4712 };
/// Does not linger; logind leaves the processes of his sessions alone.
pub(crate) const SPARED: User = User { name: "bob", uid: 4713 };
/// As [`KILLED`]: his bus is damaged by tests.
pub(crate) const WITHOUT_BUS: User = User { name: "tom", uid: 4714 };
/// As [`WITHOUT_BUS`].
pub(crate) const WITHOUT_ANSWER: User = User { name: "ann", uid: 4715 };
/// Administers the machine.
pub(crate) const ROOT: User = User { name: "root", uid: 0 };

/// Removes a user's processes with their session, at once.
const LOGIND: &str = "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=root bob\nUserStopDelaySec=0\n";

/// The session that `login(1)` and `sshd(8)` open, without passwords.
const PAM: &str = "account required pam_permit.so\nsession required pam_systemd.so class=user type=tty\n";

/// The units of Debian's `dbus-user-session`.
const BUS_SOCKET: &str = "[Socket]\nListenStream=%t/bus\n";
const BUS_SERVICE: &str = "[Unit]\nRequires=dbus.socket\n[Service]\n\
    ExecStart=dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n";

/// Variables that name other buses: no attempt may use them.
const HOSTILE_ENVIRONMENT: &str = "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere \
    XDG_RUNTIME_DIR=/nowhere INVOCATION_ID=0123456789abcdef0123456789abcdef";

/// Returns the machine of all tests in this program: it boots once, and is shut down when the program ends.
pub(crate) fn machine() -> Arc<Machine> {
    static MACHINE: Mutex<Option<Arc<Machine>>> = Mutex::new(None);
    extern "C" fn take_down() {
        drop(MACHINE.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
    let mut machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    let booted = machine.get_or_insert_with(|| {
        look::sys::at_exit(take_down);
        Arc::new(boot())
    });
    Arc::clone(booted)
}

fn boot() -> Machine {
    let machine = Machine::boot_multi_user(lab());
    machine.install(Path::new(env!("CARGO_BIN_EXE_on-demand-lab")), PROGRAM);
    let write = |inside: &str, text: &str| {
        let path = machine.path(inside);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a file system of our own");
        fs::write(path, text).expect("a file system of our own");
    };
    write("/etc/pam.d/lab", PAM);
    write("/etc/systemd/logind.conf.d/lab.conf", LOGIND);
    write("/etc/systemd/user/dbus.socket", BUS_SOCKET);
    write("/etc/systemd/user/dbus.service", BUS_SERVICE);
    write("/etc/systemd/user/sockets.target.d/lab.conf", "[Unit]\nWants=dbus.socket\n");
    for User { name, uid } in [KILLED, SPARED, WITHOUT_BUS, WITHOUT_ANSWER] {
        for (file, line) in [
            ("passwd", format!("{name}:x:{uid}:{uid}::/tmp:/bin/sh")),
            ("group", format!("{name}:x:{uid}:")),
            ("shadow", format!("{name}:*:19000::::::")),
        ] {
            let file = OpenOptions::new().append(true).open(machine.path("/etc").join(file));
            writeln!(file.expect("a file of Debian"), "{line}").expect("a file system of our own");
        }
    }
    machine.systemctl(&["restart", "systemd-logind", "user@4711"]).ok();
    machine
}

/// A login session. Its first process lives until [`Session::end`].
pub(crate) struct Session<'machine> {
    machine: &'machine Machine,
    /// The unit that opened it, as `ssh.service` would.
    unit: String,
    /// The output of the script.
    pub(crate) output: String,
}

impl<'machine> Session<'machine> {
    /// Logs a user in, runs a script of the shell with the helper program as `$LAB`, and waits until it is done.
    pub(crate) fn open(machine: &'machine Machine, user: User, script: &str) -> Self {
        Self::open_with(machine, user, &[], script)
    }

    /// As [`Session::open`], with properties of the unit.
    pub(crate) fn open_with(machine: &'machine Machine, user: User, properties: &[&str], script: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let unit = format!("login{}", COUNT.fetch_add(1, Relaxed));
        let output = format!("/tmp/{unit}");
        let script = format!(
            "export {HOSTILE_ENVIRONMENT} LAB={PROGRAM}; cd /tmp; {{ {script}; }} >{output} 2>&1; \
            echo '(done)' >>{output}; exec sleep infinity"
        );
        let uid = format!("--uid={}", user.uid);
        let arguments = ["--quiet", "--collect", &uid, "--property=PAMName=lab", "--unit", &unit];
        machine.command("systemd-run", &arguments).args(properties).args(["sh", "-c", &script]).run().ok();
        let is_done = |bytes: &[u8]| bytes.ends_with(b"(done)\n");
        let output = look::file(&machine.path(output), Deadline::after(EVENT_TIMEOUT), is_done);
        let output = output.unwrap_or_else(|_| panic!("{user:?}'s script hangs: {}", machine.log()));
        Self { machine, unit, output: String::from_utf8(output).expect("text") }
    }

    /// Logs the user out.
    pub(crate) fn end(self) {
        self.machine.systemctl(&["stop", &self.unit]).ok();
    }

    /// Returns the process that the n-th start in the script has printed.
    #[track_caller]
    pub(crate) fn daemon(&self, index: usize) -> Process {
        let started: Vec<&str> = self.output.lines().filter_map(|line| line.strip_prefix("started ")).collect();
        let pid = started.get(index).and_then(|pid| pid.parse().ok());
        let process = pid.and_then(|pid| self.machine.process(pid));
        process.unwrap_or_else(|| panic!("no daemon {index}: {}", self.output))
    }

    /// Returns the ID of the session that this process is in.
    #[track_caller]
    pub(crate) fn id_of(process: Process) -> String {
        let (scope, path) = cgroup(process);
        let id = scope.strip_prefix("session-").and_then(|rest| rest.strip_suffix(".scope"));
        id.unwrap_or_else(|| panic!("in no session: {path}")).to_owned()
    }

    /// Returns the warnings of all starts, without the lines on stderr.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.output.lines().filter_map(|line| line.strip_prefix("the start warns: ")).collect()
    }
}

/// Returns the last name in the path of a process's cgroup, and the path.
pub(crate) fn cgroup(process: Process) -> (String, String) {
    let text = fs::read_to_string(format!("/proc/{}/cgroup", process.id())).unwrap_or_default();
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or_default().to_owned();
    (path.rsplit('/').next().unwrap_or_default().to_owned(), path)
}

/// Waits until the process has ended.
#[track_caller]
pub(crate) fn ends(process: Process) {
    look::death(process.id(), Deadline::after(EVENT_TIMEOUT)).expect("it ends");
}
