//! A daemon by `blivet` with a thread for signals by `signal-hook`. Argument: the pidfile.

use blivet::{DaemonConfig, daemonize};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

fn main() {
    let pidfile = std::env::args_os().nth(1).expect("a pidfile");
    let mut config = DaemonConfig::new();
    config.pidfile(pidfile);
    let mut context = daemonize(&config).expect("a daemon");
    let mut signals = Signals::new([SIGTERM]).expect("a handler");
    let receiver = std::thread::spawn(move || signals.forever().next());
    context.notify_parent().expect("a parent");
    receiver.join().expect("a receiver");
}
