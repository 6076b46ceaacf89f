//! A daemon by `blivet` whose launcher waits for its readiness. Argument: the pidfile.

use blivet::{DaemonConfig, daemonize};

fn main() {
    let pidfile = std::env::args_os().nth(1).expect("a pidfile");
    let mut config = DaemonConfig::new();
    config.pidfile(pidfile);
    let mut context = daemonize(&config).expect("a daemon");
    context.notify_parent().expect("a parent");
    loop {
        std::thread::park();
    }
}
