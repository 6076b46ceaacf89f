//! The example `serviced`, used as a user does.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use look::{Lab, Outcome, Process, Run, USER_WITH_HOME};
use nix::sys::signal::Signal;

/// The time in which a verb has its effect, on a busy machine.
const EFFECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A user's account with the example in it.
struct Account {
    lab: Lab,
}

impl Account {
    fn new() -> Account {
        assert!(nix::unistd::geteuid().is_root(), "this test needs root: run it in a container or a virtual machine");
        let mut lab = Lab::new(programs().join("serviced"));
        lab.bring_program();
        lab.make_test_users();
        Account { lab }
    }

    fn prepare(&self, arguments: &[&str]) -> Run<'_> {
        self.lab.as_user(USER_WITH_HOME, arguments)
    }

    /// Prepares a shell script of the user, with the example in `$D`.
    fn shell(&self, script: &str) -> Run<'_> {
        let enter = "mount --bind passwd /etc/passwd; mount --bind run /run; exec setpriv --reuid $0 --regid $0 --clear-groups \"$@\"";
        let user = USER_WITH_HOME.to_string();
        let run = self.lab.command("unshare", &["--mount", "bash", "-c", enter, &user, "bash", "-c", script]);
        run.env("D", self.lab.program())
    }

    /// Runs `serviced ARGUMENTS…` as the user.
    fn serviced(&self, arguments: &[&str]) -> Outcome {
        self.prepare(arguments).run()
    }

    fn host() -> String {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
        host.trim_end().to_owned()
    }

    /// Returns a file of the daemon, by its ending.
    fn file(&self, ending: &str) -> PathBuf {
        self.lab.path("home/.local/state").join(format!("serviced@{}.{ending}", Account::host()))
    }

    /// Returns the running daemon.
    #[track_caller]
    fn daemon(&self) -> Process {
        self.lab.daemon(&format!("home/.local/state/serviced@{}.pid", Account::host()))
    }

    /// Starts the daemon at a free port, and returns the port.
    #[track_caller]
    fn start(&self) -> String {
        let port = free_port();
        self.serviced(&["start", "--port", &port]).ok();
        port
    }
}

/// Returns the directory of the examples, after building them unless that was done.
pub(crate) fn programs() -> &'static Path {
    let this = std::env::current_exe().expect("this test");
    let helper = this.parent().expect("a directory").with_file_name("helper");
    look::programs(&helper.to_string_lossy(), &["daemonic-cli-examples", "daemonic-tests"])
}

/// Returns a port that is free at this moment.
fn free_port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

/// Returns the reply of the server at this port.
fn greeting(port: &str) -> String {
    let mut client = TcpStream::connect(format!("127.0.0.1:{port}")).expect("a server");
    client.set_read_timeout(Some(EFFECT_TIMEOUT)).expect("a socket");
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    let mut reply = String::new();
    client.read_to_string(&mut reply).expect("it replies");
    reply
}

#[test]
fn console_session_of_a_user() {
    let account = Account::new();
    let port = free_port();
    let started = account.serviced(&["start", "--port", &port]).ok();
    let (daemon, log) = (account.daemon(), account.file("log"));
    let line = format!("serviced: started, pid {}, log {}\n", daemon.id(), log.display());
    assert_eq!(started.stdout, line);
    started.says(&[&format!("serving port {port}")]);
    assert!(greeting(&port).ends_with("hello\n"));

    account.serviced(&["start", "--port", &port]).exits(3).says(&["already running"]);
    let pid = daemon.id().to_string();
    account.serviced(&["status"]).ok().prints(&["running", &pid, &log.display().to_string()]);
    let status: serde_json::Value =
        serde_json::from_str(&account.serviced(&["status", "--json"]).ok().stdout).expect("JSON");
    assert_eq!((&status["state"], &status["pid"]), (&"running".into(), &daemon.id().into()), "{status}");
    account.serviced(&["logs"]).ok().prints(&[&format!("serving port {port}"), "greeted 127.0.0.1"]);
    account.serviced(&["reload"]).ok();
    assert!(daemon.alive());

    account.serviced(&["stop"]).ok();
    assert!(!daemon.alive());
    account.serviced(&["status"]).exits(3);
    account.serviced(&["stop"]).ok();
    assert!(!account.file("pid").exists());
}

#[test]
fn restart_uses_the_arguments_of_the_last_start() {
    let account = Account::new();
    let port = account.start();
    let first = account.daemon();
    account.serviced(&["restart"]).ok().prints(&["--port", &port]);
    let second = account.daemon();
    assert!(!first.alive() && second.alive() && first.id() != second.id());
    assert!(greeting(&port).ends_with("hello\n"));
    let other = free_port();
    account.serviced(&["restart", "--port", &other]).ok();
    assert!(greeting(&other).ends_with("hello\n"));
    // An argument that is wrong is reported while the daemon still runs.
    let third = account.daemon();
    account.serviced(&["restart", "--port", "many"]).exits(2).says(&["--port"]);
    assert!(third.alive());
    // One that only the start can check is not recorded, and the way back is named.
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let taken = taken.local_addr().expect("an address").port().to_string();
    let failed = account.serviced(&["restart", "--port", &taken]);
    assert_ne!(failed.code(), 0, "{failed}");
    failed.says(&["Address already in use", "does not run now; `restart` without arguments"]);
    account.serviced(&["restart"]).ok().prints(&["--port", &other]);
    assert!(greeting(&other).ends_with("hello\n"));
    account.serviced(&["try-restart"]).ok();
    account.serviced(&["stop"]).ok();
    account.serviced(&["try-restart"]).ok();
    account.serviced(&["status"]).exits(3);
}

#[test]
fn failed_start_says_why_and_leaves_nothing() {
    let account = Account::new();
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let failed = account.serviced(&["start", "--port", &port]);
    assert_ne!(failed.code(), 0, "{failed}");
    failed.says(&[&format!("failed to listen on port {port}"), "Address already in use"]);
    account.lab.quiet(EFFECT_TIMEOUT).expect("no process is left");
    assert!(!account.file("pid").exists());
    account.serviced(&["status"]).exits(3);
}

#[test]
fn misspelled_words_get_suggestions_and_start_nothing() {
    let account = Account::new();
    for (arguments, suggestion) in [
        (&["strat"][..], "start"),
        (&["start", "--prot", "1"], "--port"),
        (&["status", "--jsno"], "--json"),
        (&["start", "--port", "70000"], "70000"),
        (&["--prot", "1"], "--port"),
    ] {
        account.serviced(arguments).exits(2).says(&[suggestion]);
    }
    // A script may pass on what another user has written.
    for argument in ["st\u{202e}art", "st\u{9b}31mart", "st\u{1b}]0;title\u{7}art"] {
        let refused = account.serviced(&[argument]).exits(2);
        assert!(!refused.stderr.contains(|letter: char| letter.is_control() && letter != '\n'), "{refused:?}");
        assert!(!refused.stderr.contains('\u{202e}'), "{refused:?}");
    }
    account.lab.quiet(EFFECT_TIMEOUT).expect("no process was started");
}

/// The old file is moved away, as logrotate does.
#[test]
fn logs_follow_the_daemon_across_a_rotation() {
    let account = Account::new();
    let port = account.start();
    let follow = account.shell("exec \"$D\" logs -f -n all > home/followed").spawn();
    let followed = |greetings: usize| {
        account.lab.wait_for("home/followed", EFFECT_TIMEOUT, |text| {
            text.contains("serving port") && text.matches("greeted 127.0.0.1").count() == greetings
        })
    };
    greeting(&port);
    followed(1);
    fs::rename(account.file("log"), account.file("log.old")).expect("a log");
    account.serviced(&["reload"]).ok();
    assert!(account.file("log").exists(), "the log was not reopened");
    greeting(&port);
    followed(2);
    follow.signal(Signal::SIGINT);
    follow.finish();
    account.serviced(&["stop"]).ok();
}

#[test]
fn verb_in_the_foreground_is_the_default_without_a_terminal() {
    let account = Account::new();
    let port = free_port();
    account.lab.make_directory("home/.local/state", USER_WITH_HOME, 0o700);
    let running = account.prepare(&["--port", &port]).spawn();
    let pidfile = format!("home/.local/state/serviced@{}.pid", Account::host());
    account.lab.wait_for(&pidfile, EFFECT_TIMEOUT, |text| text.contains('\n'));
    let daemon = account.daemon();
    account.serviced(&["status"]).ok().prints(&[&daemon.id().to_string()]);
    assert!(greeting(&port).ends_with("hello\n"));
    daemon.signal(Signal::SIGTERM);
    running.finish().ok().says(&[&format!("serving port {port}")]);
}

#[test]
fn completions_and_manual_are_accepted_by_their_readers() {
    let account = Account::new();
    let completions = account.serviced(&["completions", "bash"]).ok();
    account.lab.command("bash", &["-n"]).input(completions.stdout).run().ok();
    for shell in ["zsh", "fish"] {
        account.serviced(&["completions", shell]).ok().prints(&["serviced", "restart"]);
    }
    account.serviced(&["completions", "cmd"]).exits(2).says(&["bash"]);
    account.serviced(&["man"]).ok().prints(&[".TH", "serviced", "\\-\\-port", "restart"]);
}

#[test]
fn help_lists_the_verbs_and_the_options_of_the_program() {
    let account = Account::new();
    let help = account.serviced(&["--help"]).ok();
    let verbs = ["start", "run", "stop", "restart", "try-restart", "reload", "status", "send", "logs", "service"];
    help.prints(&verbs).prints(&["Greets", "--port", "completions", "man"]);
    account.serviced(&["start", "--help"]).ok().prints(&["Port to listen on", "--pidfile", "--log", "--name"]);
    account.serviced(&["--version"]).ok().prints(&["serviced 0."]);
}

#[test]
fn instance_has_its_own_files() {
    let account = Account::new();
    let [red, blue] = [free_port(), free_port()];
    account.serviced(&["start", "--name", "red", "--port", &red]).ok();
    account.serviced(&["start", "--name", "blue", "--port", &blue]).ok().prints(&["serviced@blue: started"]);
    account.serviced(&["stop", "--name", "red"]).ok();
    account.serviced(&["status", "--name", "red"]).exits(3);
    account.serviced(&["status"]).exits(3);
    account.serviced(&["status", "--name", "blue"]).ok();
    assert!(greeting(&blue).ends_with("hello\n"));
    for name in ["../blue", "", ".blue", "-blue", "bl ue"] {
        account.serviced(&["stop", &format!("--name={name}")]).exits(2);
    }
    account.serviced(&["stop", "--name", "blue"]).ok();
}

/// `show` writes nothing, and needs neither the manager nor a place for the program.
#[test]
fn service_definition_describes_the_program_and_keeps_the_capability_for_its_port() {
    let account = Account::new();
    let show = |arguments: &[&str]| {
        let arguments = [&["service", "show", "--system", "--manager", "systemd", "--run-as", "ada", "--"], arguments];
        account.lab.as_user(0, &arguments.concat()).run().ok()
    };
    let unit = show(&["--port", "80"]);
    unit.prints(&["Description=Greets every HTTP client\n", "run --run-as ada --port 80\n", "User=ada\n"]).prints(&[
        "AmbientCapabilities=CAP_NET_BIND_SERVICE\n",
        "WatchdogSec=30s\n",
        "ProtectSystem=strict\n",
    ]);
    assert!(!show(&["--port", "8080"]).stdout.contains("AmbientCapabilities"));
}
