//! A daemon by `daemonize`. Argument: the pidfile.

fn main() {
    let pidfile = std::env::args_os().nth(1).expect("a pidfile");
    daemonize::Daemonize::new().pid_file(pidfile).start().expect("a daemon");
    loop {
        std::thread::park();
    }
}
