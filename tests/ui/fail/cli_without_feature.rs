//! The command line comes with a feature that this package does not ask for: each key says so, and there is no second error.

use std::path::PathBuf;

struct Args {
    pidfile: PathBuf,
}

#[daemon::run(service(hardening = strict))]
fn served() {}

#[daemon::run(cli(default = run), pidfile = args.pidfile)]
fn main(args: Args) {
    println!("{}", args.pidfile.display());
    let _ = served;
}
