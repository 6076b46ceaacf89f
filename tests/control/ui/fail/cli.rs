//! Mistakes in the keys `cli`, `service` and `log`, and in the signature of a `main` with `cli`; each error points at its place.

#![allow(unused_variables)]

#[derive(clap::Parser)]
struct Args {
    port: u16,
}

struct Job;

mod keys {
    use super::Args;

    #[daemon::run(
        cli(defualt = run, default = strat),
        service(hardening = hard, sockets = "80", watchdog = 30, socket = 80, restart = on_failure, restart = always),
        log(max_size = "10", keep = 1000, timestamp, path = ""),
        ends_with = praent,
    )]
    pub fn main(args: Args) {}
}

mod values {
    #[daemon::run(cli = true, service, log { max_size = "1MiB" })]
    pub fn main() {}
}

mod empty {
    #[daemon::run(cli(), service(), log())]
    pub fn main() {}
}

mod too_early {
    use super::Args;

    #[daemon::run(cli, service(environment_file = args.port), pidfile = port)]
    pub fn main(args: Args, port: u16) {}
}

mod by_reference {
    #[daemon::run(cli)]
    pub fn main(args: &super::Args) {}
}

mod lifetime {
    #[daemon::step(cli)]
    pub fn main<'a>(args: &'a super::Args) {}
}

mod by_value {
    #[daemon::message(cli, from = || None)]
    pub fn main(job: super::Job, args: super::Args) {}
}

mod without_cli {
    #[daemon::message(from = || None)]
    pub fn main(job: super::Job) {}
}

mod without_cli_either {
    #[daemon::run(pidfile = args.port)]
    pub fn main(args: super::Args) {}
}

mod generic {
    #[daemon::run(cli)]
    pub fn main<T: Default>(args: T) {}
}

#[daemon::run(cli, pidfile = args.port)]
fn another(args: Args) {}

fn main() {
    let _ = another::dispatch;
}
