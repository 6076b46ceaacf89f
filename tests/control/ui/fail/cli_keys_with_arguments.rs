//! Keys that use the parsed arguments in a way that the compiler refuses: each error points at the value.

use std::path::PathBuf;

#[derive(clap::Parser)]
struct Args {
    #[arg(long)]
    pidfile: Option<PathBuf>,
    #[arg(long)]
    port: u16,
    #[arg(long, default_value = "")]
    word: String,
}

mod moved_twice {
    #[daemon::run(cli, pidfile = args.pidfile, log = args.pidfile)]
    pub fn main(args: super::Args) {
        drop(args);
    }
}

mod unknown_field {
    #[daemon::run(cli, user = args.usr)]
    pub fn main(args: super::Args) {
        drop(args);
    }
}

mod borrowed {
    #[daemon::run(cli, signals = { SIGHUP => || println!("{}", args.word) })]
    pub fn main(args: super::Args) {
        drop(args);
    }
}

mod message_in_a_key {
    #[daemon::message(cli, from = || Some(job), umask = job)]
    pub fn main(job: u32, args: &super::Args) {
        println!("{job} {}", args.port);
    }
}

mod no_clone {
    #[daemon::step(cli)]
    pub fn main(args: super::Args) {
        drop(args);
    }
}

fn main() {
    let _ = (moved_twice::main, unknown_field::main, borrowed::main, message_in_a_key::main);
    let _ = (no_clone::main);
}
