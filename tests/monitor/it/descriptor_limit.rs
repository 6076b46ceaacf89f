//! Bots that need more descriptors than are available.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;

use crate::cli_lab::{CliLab, names};
use crate::common::EVENT_TIMEOUT;
use look::Deadline;

const BOTS: &str = "[bot.web]\ncommand = \"BOT\"\nargs = [\"idle\"]\ninstances = 40\n";

/// Promise 6.11. Descriptors that exceed the limit are reported before any start, other bots wait for free ones, and
/// requests are answered regardless.
#[test]
fn bots_leave_descriptors_for_requests() {
    let cli = CliLab::new(BOTS);
    // Without `CAP_SYS_RESOURCE`, the hard limit cannot be raised.
    let script = "ulimit -n 100 && exec setpriv --bounding-set -sys_resource $D -c m.toml start";
    cli.lab.shell(script).run().ok();
    let log = cli.lab.read("m.log");
    let short = "the 40 bots need 132 descriptors, and the monitor may have 100 (RLIMIT_NOFILE)";
    assert!(log.find(short) < log.find("runs as process") && log.contains(short), "{log}");
    // The running bots, and why the others do not run: one of them may be retried at this moment.
    let told = || {
        let (status, _) = cli.json(&["status"]);
        let bots = status["bots"].as_array().expect("bots").clone();
        let (running, others): (Vec<_>, Vec<_>) = bots.into_iter().partition(|bot| bot["state"] == "running");
        let why: BTreeSet<String> = others.iter().filter_map(|bot| Some(bot["reason"].as_str()?.to_owned())).collect();
        let names = names(&running.into()).into_iter().map(str::to_owned).collect::<Vec<_>>();
        (names, why)
    };
    let (running, why) = told();
    assert_eq!(why.into_iter().collect::<Vec<_>>(), ["failed to open its pipes: too many open files"]);
    assert!((10..30).contains(&running.len()), "{running:?}");
    // Other clients connect as well, and send nothing.
    let silent: Vec<_> = (0..6).map(|_| UnixStream::connect(cli.lab.path("m.control/socket"))).collect();
    let (running, _) = told();
    drop(silent);
    // Once there is room again, a waiting bot is started.
    cli.ok(&["stop", &running[0], "--wait"]);
    let another = || told().0.iter().any(|name| !running.contains(name)).then_some(());
    look::until(&cli.lab.path("m.log"), Deadline::after(EVENT_TIMEOUT), another).expect("one that waited runs");
    cli.shutdown();
}
