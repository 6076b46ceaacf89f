//! A minimal supervisor: `spawn_loop BOT STARTS COUNT` starts COUNT bots with two pipes each, restarts bots that end, and kills all on
//! SIGTERM. It neither reads the pipes nor limits restarts.

use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::libc::{SIGCHLD, SIGTERM};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use signal_hook::iterator::Signals;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, bot, starts, count] = &arguments[..] else { panic!("spawn_loop BOT STARTS COUNT") };
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("descriptors");
    let spawn = |number: usize| -> Child {
        let mut command = Command::new(bot);
        command.arg(starts).arg(number.to_string()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("a bot")
    };
    let pid = |child: &Child| Pid::from_raw(child.id().try_into().expect("a pid fits into an int"));
    let mut signals = Signals::new([SIGCHLD, SIGTERM]).expect("handlers of two signals");
    let mut children = HashMap::new();
    for number in 0..count.parse().expect("a count") {
        let child = spawn(number);
        children.insert(pid(&child), (number, child));
    }
    for signal in signals.forever() {
        if signal == SIGTERM {
            break;
        }
        while let Some(dead) = waitpid(None, Some(WaitPidFlag::WNOHANG)).ok().and_then(|status| status.pid()) {
            if let Some((number, _)) = children.remove(&dead) {
                let child = spawn(number);
                children.insert(pid(&child), (number, child));
            }
        }
    }
    for group in children.keys() {
        let _ = killpg(*group, Signal::SIGTERM);
    }
    while waitpid(None, None).is_ok() {}
}
