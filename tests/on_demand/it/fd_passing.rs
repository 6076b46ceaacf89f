//! Open files that clients lend to a daemon on demand.

use look::{Lab, Process};
use nix::sys::signal::Signal;
use std::time::Duration;

/// Promise 12.11. The pipe that a client lends is printed on by the daemon, which closes it: otherwise the run would not end.
#[test]
fn lent_stdout_is_printed_on_by_the_daemon_and_closed() {
    let lab = Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"));
    let pidfile = lab.path("p.pid").display().to_string();
    let mut daemons = Vec::new();
    for (verb, count) in [(&["lend", "1"][..], 1), (&["lend", "2"], 2), (&["lend_async"], 1), (&["lend", "0"], 0)] {
        let lent = lab.helper(&["isolate"]).args(verb).arg(&pidfile).run().ok();
        let daemon = lent.number("served");
        let printed = format!("printed by {daemon}");
        assert_eq!(lent.stdout.lines().filter(|line| **line == printed).count(), count, "{lent}");
        lent.prints(&[&format!("served {daemon} {count}")]);
        daemons.push(daemon);
    }
    assert!(daemons.iter().all(|daemon| *daemon == daemons[0]), "{daemons:?}");
    // More than the daemon takes: none arrives, and the daemon works on.
    for count in ["3", "253"] {
        let refused = lab.run(&["isolate", "lend", count, &pidfile]).ok();
        let refused = refused.prints(&["served more than 2 descriptors came at once"]);
        assert!(!refused.stdout.contains("printed by"), "{refused}");
    }
    let daemon = Process::new(daemons[0]);
    lab.run(&["isolate", "lend", "1", &pidfile]).ok().prints(&["printed by"]);
    // The lent stdout was the pipe of that run, which has ended.
    let pipes = daemon.descriptors().into_values().filter(|descriptor| descriptor.target.starts_with("pipe:"));
    assert_eq!(pipes.count(), 0, "a lent descriptor stays open: {:?}", daemon.descriptors());
    daemon.signal(Signal::SIGTERM);
    daemon.died(Duration::from_secs(10)).expect("it ends");
}
