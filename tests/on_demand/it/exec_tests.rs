//! Launches by exec from the tests of a crate.

use daemon::Daemon;
use daemon::body::Work;
use look::Lab;
use std::path::PathBuf;
use std::time::Duration;

daemon::test_support!();

fn sleeper(pidfile: PathBuf) -> Daemon<impl Work> {
    Daemon::new("sleeper").pidfile(pidfile).run(|| while daemon::sleep(Duration::from_secs(20)) {})
}

#[test]
fn daemon_launched_from_a_test_runs_and_stops() {
    let lab = Lab::new(env!("CARGO_BIN_EXE_on-demand-lab"));
    let launch = daemon::exec!(sleeper(lab.path("d.pid"))).unwrap();
    let started = launch.start().unwrap();
    assert_eq!(launch.daemon().pid().unwrap(), Some(started.pid));
    launch.daemon().stop().unwrap();
    assert_eq!(launch.daemon().pid().unwrap(), None);
}
