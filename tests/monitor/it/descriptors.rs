//! Bots that need more descriptors than there are.

use std::os::unix::net::UnixStream;

use crate::common::SOON;
use crate::site::Site;
use look::Deadline;

const BOTS: &str = "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\ninstances = 40\n";

/// What cannot be had is said before anything starts, the rest waits for it, and whoever asks is answered all the same.
#[test]
fn p6_11_bots_leave_descriptors_to_those_who_ask() {
    let site = Site::new(BOTS);
    // Without `CAP_SYS_RESOURCE` nobody raises the hard limit.
    let script = "ulimit -n 100 && exec setpriv --bounding-set -sys_resource $D -c m.toml start";
    site.lab.shell(script).run().ok();
    let log = site.lab.read("m.log");
    let told = "the 40 bots need 132 descriptors, and the monitor may have 100 (RLIMIT_NOFILE)";
    assert!(log.find(told) < log.find("runs as process") && log.contains(told), "{log}");
    let in_state = |state: &str| {
        let (status, _) = site.json(&["status"]);
        let bots = status["bots"].as_array().expect("bots").clone();
        let those = bots.into_iter().filter(|bot| bot["state"] == state);
        those.map(|bot| (bot["name"].as_str().expect("a name").to_owned(), bot)).collect::<Vec<_>>()
    };
    let waits = in_state("backing-off");
    let why = waits[0].1["reason"].as_str().expect("a reason");
    assert_eq!(why, "failed to open its pipes: too many open files");
    let running = in_state("running");
    assert!(running.len() > 10 && running.len() + waits.len() == 40, "{running:?}");
    // Somebody else asks, too, and says nothing.
    let silent: Vec<_> = (0..6).map(|_| UnixStream::connect(site.lab.path("m.control/socket"))).collect();
    assert_eq!(in_state("running").len(), running.len());
    drop(silent);
    // Where there is room again, one that waits is started.
    site.ok(&["stop", &running[0].0, "--wait"]);
    let next = || (in_state("running").len() == running.len()).then_some(());
    look::until(&site.lab.path("m.log"), Deadline::after(SOON), next).expect("one that waited runs");
    site.shutdown();
}
