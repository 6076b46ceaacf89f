//! A daemon by `daemonize` with a thread for signals by `signal-hook`. Argument: the pidfile.

use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;

fn main() {
    let pidfile = std::env::args_os().nth(1).expect("a pidfile");
    daemonize::Daemonize::new().pid_file(pidfile).start().expect("a daemon");
    let mut signals = Signals::new([SIGTERM]).expect("a handler");
    let receiver = std::thread::spawn(move || signals.forever().next());
    receiver.join().expect("a receiver");
}
