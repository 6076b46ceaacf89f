//! Types that are no arguments of a command line.

struct Plain;

#[derive(clap::Args)]
struct Part {
    #[arg(long)]
    port: u16,
}

mod plain {
    #[daemon::run(cli)]
    pub fn main(args: super::Plain) {
        drop(args);
    }
}

mod part {
    #[daemon::step(cli)]
    pub fn main(args: &super::Part) {
        println!("{}", args.port);
    }
}

mod number {
    #[daemon::run(cli)]
    pub async fn main(_: u16) {}
}

mod message {
    #[daemon::message(cli, from = || None::<u8>)]
    pub fn main(_: u8, args: &super::Plain) {
        let _ = args;
    }
}

mod returns {
    #[daemon::run(cli)]
    pub fn main() -> u8 {
        3
    }
}

fn main() {
    let _ = (plain::main, part::main, number::main, message::main, returns::main);
}
