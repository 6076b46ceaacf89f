//! Daemons started as process 1 of a pid namespace, as in a container: the init process that stays, and its duties.

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::thread;
use std::time::Duration;

use look::{Deadline, Lab, Outcome, Process, Running};
use nix::cmsg_space;
use nix::sys::signal::Signal;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt};

use crate::common::{EVENT_TIMEOUT, LOCK, PIDFILE, lab, needs, needs_root, shared_lab};

/// A daemon in a container whose body has begun.
struct Container<'lab> {
    running: Running<'lab>,
    /// Process 1 of the container, and the daemon, by their pids outside.
    init: Process,
    daemon: Process,
}

/// Runs a bash script as process 1 of a new pid namespace, with the helper program in `$D`.
fn script<'lab>(lab: &'lab Lab, script: &str, environment: &[(&str, &str)]) -> Running<'lab> {
    needs(&["unshare", "setpriv", "nsenter"]);
    needs_root();
    let unshare = ["--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", script];
    let run = lab.command("unshare", &unshare).env("D", lab.program());
    environment.iter().fold(run, |run, (name, value)| run.env(name, value)).spawn()
}

/// Starts a daemon there, whose body notes `up` first.
fn start<'lab>(lab: &'lab Lab, settings: &str, body: &str) -> Container<'lab> {
    let command = format!("exec \"$D\" start pidfile={PIDFILE} {settings} body=note:up,{body}");
    Container::of(lab, script(lab, &command, &[]))
}

impl<'lab> Container<'lab> {
    #[track_caller]
    fn of(lab: &'lab Lab, running: Running<'lab>) -> Container<'lab> {
        let up = lab.wait_for("up", EVENT_TIMEOUT, |text| text.ends_with('\n'));
        let [daemon, parent] = up.split_whitespace().skip(2).collect::<Vec<_>>()[..] else { panic!("{up:?}") };
        assert_eq!(parent, "1", "the daemon is not a child of process 1");
        let inside = |number: &str| {
            let is_it = |process: &Process| {
                let numbers = process.status("NSpid").unwrap_or_default();
                numbers.split_whitespace().nth(1) == Some(number)
            };
            lab.processes().into_iter().find(is_it).unwrap_or_else(|| panic!("no process {number} inside"))
        };
        let (init, daemon) = (inside("1"), inside(daemon));
        Container { running, init, daemon }
    }

    /// Runs a program in the container.
    fn enter(&self, lab: &Lab, command: &[&str]) -> Outcome {
        let target = self.init.id().to_string();
        lab.command("nsenter", &["--target", &target, "--pid", "--mount"]).args(command).run()
    }

    /// Stops the container as a container runtime does.
    fn stop(self) -> Outcome {
        self.init.signal(Signal::SIGTERM);
        self.running.finish()
    }
}

/// Returns the children of a process, including zombies.
fn children(parent: Process) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{0}/task/{0}/children", parent.id())).unwrap_or_default();
    list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
}

/// Promises 1.10, 1.35; L16: process 1 reaps the entrypoint's background processes and orphans of the daemon; the status of
/// a child goes to the body.
#[test]
fn orphans_of_a_container_are_reaped_by_process_1_and_children_by_the_daemon() {
    let lab = lab();
    let entrypoint = format!(
        "(sleep 0.1 &) ; sleep 0.1 & exec \"$D\" start pidfile={PIDFILE} body=note_child_and_leave_zombie:child"
    );
    let container = Container::of(&lab, script(&lab, &entrypoint, &[]));
    let deadline = Deadline::after(EVENT_TIMEOUT);
    while children(container.init) != [container.daemon.id()] {
        assert!(!deadline.passed(), "process 1 has children left: {:?}", children(container.init));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(lab.read("child").ends_with("that is all\n"));
    // The body does not reap its second child: it stays a zombie of the daemon, and process 1 does not reap it.
    assert_eq!(children(container.daemon).len(), 1);
    let named = lab.read(PIDFILE);
    let number = container.daemon.status("NSpid").unwrap_or_default();
    assert_eq!(number.split_whitespace().nth(1), named.lines().next(), "the pidfile names another process");
    container.stop().ok();
    assert!(!lab.path(PIDFILE).exists() && !lab.path(LOCK).exists());
}

/// Promise 1.35. Process 1 holds neither the lock nor a pipe or socket of the daemon.
#[test]
fn process_1_holds_no_descriptor_of_the_daemon() {
    let lab = lab();
    lab.write("file", "");
    let container = start(&lab, "first=open_file:file first=open_epoll", "idle");
    let open = container.init.descriptors();
    let kept: Vec<_> = open.values().filter(|fd| !fd.is("/dev/null")).collect();
    assert!(kept.len() == 1 && kept[0].target.ends_with("anon_inode:[signalfd]"), "{open:?}");
    container.stop().ok();
}

/// Promise 1.35.
#[test]
fn container_ends_with_the_status_of_its_daemon() {
    for (verb, body, status) in [
        ("start", "exit:7", 7),
        ("start", "await:go", 0),
        ("start", "err:no-such-luck", 4),
        ("foreground", "kill:KILL", 137),
        ("foreground", "abort", 134),
        // The code after `activate` is the body.
        ("activate", "note_at_exit", 0),
        ("activate", "exit:9", 9),
    ] {
        let lab = lab();
        lab.write("go", "");
        let command = format!("exec \"$D\" {verb} pidfile={PIDFILE} body={body}");
        let ended = script(&lab, &command, &[]).finish().exits(status);
        assert_eq!(ended.stderr.contains("no-such-luck"), status == 4, "{ended}");
        // Only the daemon runs the exit function.
        assert_eq!(lab.read("atexit").lines().count(), usize::from(body == "note_at_exit"), "{body}");
    }
}

/// Promises 1.35, 2.12.
#[test]
fn killed_daemon_ends_its_container_and_the_next_one_starts() {
    let lab = lab();
    let container = start(&lab, "", "idle");
    container.daemon.signal(Signal::SIGKILL);
    container.running.finish().exits(137);
    assert!(lab.path(PIDFILE).exists());
    fs::remove_file(lab.path("up")).expect("the first one was up");
    start(&lab, "", "idle").stop().ok();
}

/// Promise 1.35. Signals from outside, and from inside, where the kernel delivers to process 1 only signals that it
/// handles.
#[test]
fn signals_to_process_1_reach_the_daemon() {
    let lab = lab();
    let signals = ["HUP", "USR1", "USR2", "ALRM", "WINCH", "PIPE", "35"];
    let handlers: Vec<String> = signals.iter().map(|name| format!("handle={name}:note:{name}")).collect();
    let container = start(&lab, &handlers.join(" "), "idle");
    for (round, name) in signals.iter().enumerate() {
        if round % 2 == 0 {
            container.enter(&lab, &["bash", "-c", &format!("kill -{name} 1")]).ok();
        } else {
            lab.command("bash", &["-c", &format!("kill -{name} {}", container.init.id())]).run().ok();
        }
        lab.wait_for(name, EVENT_TIMEOUT, |text| text.ends_with('\n'));
    }
    container.stop().ok();
}

/// Promises 1.35, 1.27. A `stop` from a shell in the container ends the daemon, and with it the container.
#[test]
fn stop_in_a_container_finds_the_daemon_and_ends_the_container() {
    let lab = lab();
    let container = start(&lab, "", "idle");
    let (program, pidfile) = (lab.program().display(), lab.path(PIDFILE));
    let (program, pidfile) = (program.to_string(), format!("pidfile={}", pidfile.display()));
    container.enter(&lab, &[&program, "status", &pidfile]).ok();
    // The kernel kills this command with process 1, possibly before it has printed its result.
    container.enter(&lab, &[&program, "stop", &pidfile]);
    container.running.finish().ok();
    assert!(!lab.path(PIDFILE).exists(), "the daemon did not end in order");
}

/// Promise 1.35. Root without `CAP_KILL` may not signal the user that the daemon has become.
#[test]
fn container_without_cap_kill_can_be_stopped() {
    let lab = shared_lab();
    fs::write(lab.path("up"), "").expect("a file of ours");
    std::os::unix::fs::chown(lab.path("up"), Some(65534), None).expect("root");
    let command =
        format!("exec setpriv --bounding-set=-kill \"$D\" start pidfile={PIDFILE} user=65534 body=note:up,idle");
    let container = Container::of(&lab, script(&lab, &command, &[]));
    assert_eq!(container.daemon.ids().expect("it is alive").users, [65534; 4]);
    container.stop().ok();
}

/// Promise 1.36. A default grace of 10 s would be refused beside this `stop_timeout`.
#[test]
fn default_grace_in_a_container_is_8_seconds() {
    let lab = lab();
    lab.run(&["start", "detach=never", "pidfile=d.pid", "stop_timeout=9000"]).exits(2).says(&["`grace` (10s)"]);
    start(&lab, "stop_timeout=9000", "idle").stop().ok();
    let command = format!("exec \"$D\" start pidfile={PIDFILE} stop_timeout=7900 grace=8000");
    script(&lab, &command, &[]).finish().exits(2).says(&["`grace` (8s)"]);
}

/// Promise 1.37.
#[test]
fn detaching_from_process_1_is_refused() {
    let lab = lab();
    let command = format!("exec \"$D\" activate detach=always pidfile={PIDFILE}");
    let refused = script(&lab, &command, &[]).finish().exits(2);
    refused.says(&["`detach = always` in process 1: the container ends when this process does"]);
    assert!(!lab.path(PIDFILE).exists() && !lab.path(LOCK).exists());
    // A program that stays is an init itself.
    let command = format!("\"$D\" start detach=always pidfile={PIDFILE} && \"$D\" stop pidfile={PIDFILE}");
    script(&lab, &command, &[]).finish().ok();
}

/// Promise 1.37. The restarted program would be a child of the daemon, whose end is the end of the container.
#[test]
fn daemon_in_a_container_does_not_restart_itself() {
    let lab = lab();
    let container = start(&lab, "handle=USR1:restart stderr=errors", "idle");
    container.init.signal(Signal::SIGUSR1);
    lab.wait_for("errors", EVENT_TIMEOUT, |text| text.contains("let the container's runtime restart that"));
    assert!(container.daemon.alive());
    container.stop().ok();
}

/// Promises 1.35, 1.12. Sockets that a manager handed over to process 1 belong to the daemon.
#[test]
fn sockets_handed_over_to_process_1_reach_the_daemon() {
    let lab = lab();
    let command = format!(
        "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$D\" start pidfile={PIDFILE} body=note_listen_fds_and_idle:handed 3<\"$D\""
    );
    let container = Container::of(&lab, script(&lab, &command, &[]));
    let program = lab.program().display();
    assert_eq!(lab.read("handed"), format!("unknown 3 {program}\nthat is all\n"));
    container.stop().ok();
}

/// Promises 1.35, 1.11, 1.13. A manager that accepts messages of process 1 only still receives those of the daemon, and
/// its sockets.
#[test]
fn process_1_forwards_notifications_of_the_daemon() {
    let lab = lab();
    let name = format!("daemonic-container-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a short name");
    let manager = UnixDatagram::bind_addr(&address).expect("a name of ours");
    manager.set_read_timeout(Some(EVENT_TIMEOUT)).expect("a socket");
    setsockopt(&manager, PassCred, &true).expect("a Unix socket");
    let command = format!("exec \"$D\" start pidfile={PIDFILE} ready=manual body=store_socket_and_idle:kept");
    let running = script(&lab, &command, &[("NOTIFY_SOCKET", &format!("@{name}"))]);
    let kept = hear(&manager);
    let container = Container::of(&lab, running);
    let init = container.init.id();
    assert_eq!(kept, ("FDSTORE=1\nFDNAME=kept\n".to_owned(), init, 1));
    assert_eq!(hear(&manager), ("READY=1\n".to_owned(), init, 0));
    container.stop().ok();
    assert_eq!(hear(&manager), ("STOPPING=1\n".to_owned(), init, 0));
}

/// Returns the next message, its sender, and the number of descriptors sent with it.
#[track_caller]
fn hear(manager: &UnixDatagram) -> (String, i32, usize) {
    let mut text = [0; 1024];
    let mut room = cmsg_space!([i32; 4], UnixCredentials);
    let mut into = [IoSliceMut::new(&mut text)];
    let message = recvmsg::<()>(manager.as_raw_fd(), &mut into, Some(&mut room), MsgFlags::empty());
    let message = message.expect("a message in time");
    let (mut sender, mut descriptors) = (0, 0);
    for control in message.cmsgs().expect("room for all of it") {
        match control {
            ControlMessageOwned::ScmCredentials(credentials) => sender = credentials.pid(),
            ControlMessageOwned::ScmRights(fds) => {
                descriptors += fds.len();
                for fd in fds {
                    nix::unistd::close(fd).expect("a descriptor of ours");
                }
            }
            _ => {}
        }
    }
    let length = message.bytes;
    (String::from_utf8_lossy(&text[..length]).into_owned(), sender, descriptors)
}

/// Promise 1.35. `exec` in the shell of the entrypoint gives the working directory to the daemon, and process 1 pins
/// none.
#[test]
fn process_1_pins_no_working_directory() {
    let lab = lab();
    let container = start(&lab, "", "idle");
    assert_eq!(container.init.directory().as_deref(), Some(Path::new("/")));
    assert_eq!(container.daemon.directory().as_deref(), Some(lab.directory()));
    assert_eq!(container.init.stat().expect("it is alive").name, "daemon-init");
    container.stop().ok();
}
