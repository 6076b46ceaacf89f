//! Everything that `main` may be with the key `cli`, and the keys that come with it. No lint is allowed here: the expansion must
//! not trigger one in the code of a user, clippy's pedantic ones included.

#![deny(warnings)]
#![allow(missing_docs, reason = "a program has no documentation")]

use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Parser, Clone, Debug)]
pub struct Args {
    #[arg(long, default_value_t = 8080)]
    port: u16,
    #[arg(long)]
    pidfile: Option<PathBuf>,
    #[arg(long)]
    log: Option<PathBuf>,
    #[arg(long, default_value = "nobody")]
    user: String,
}

mod bare {
    /// Does nothing.
    #[daemon::run(cli)]
    pub fn main() {}
}

mod by_value {
    use super::Args;

    #[daemon::run(cli)]
    pub fn main(args: Args) -> Result<(), String> {
        if args.port == 0 { Err(format!("{args:?}")) } else { Ok(()) }
    }
}

mod awaiting {
    use super::Args;

    /// Serves files.
    ///
    /// This is not in the help.
    #[daemon::run(cli(default = start), runtime = current_thread, control, log(timestamps))]
    pub async fn main(args: Args) -> Result<(), Box<dyn std::error::Error>> {
        std::future::ready(args.port).await;
        Ok(())
    }
}

mod every_key {
    use super::Args;

    const MIB: u64 = 1 << 20;

    #[daemon::run(
        cli(default = help),
        name = "myd",
        pidfile = args.pidfile,
        user = args.user.clone(),
        log(path = args.log, max_size = 10 * MIB, keep = 3, timestamps = args.port > 1024),
        signals = { SIGHUP => move || reload(&args.user) },
        service(hardening = strict, watchdog = "30s", restart = always, socket = ["80", "443"], environment_file = "/etc/myd.env"),
        ends_with = parent,
        configure = |daemon| daemon.umask(0o027),
    )]
    pub fn main(mut args: Args) -> std::process::ExitCode {
        args.port += 1;
        std::process::ExitCode::from(u8::try_from(args.port).unwrap_or(1))
    }

    fn reload(user: &str) {
        println!("{user}");
    }
}

mod patterns {
    use super::Args;

    #[daemon::run(cli, pidfile = format!("/run/myd-{port}.pid"))]
    pub fn main(Args { port, user, .. }: Args) {
        println!("{port} {user}");
    }
}

mod ignored {
    #[daemon::run(cli, companion = Program, log(max_size = "64KiB", keep = 0))]
    pub fn main(_: super::Args) -> ! {
        Program::call(super::arguments())
    }
}

mod raw {
    #[daemon::run(cli, pidfile = r#type.pidfile, crate = ::daemon)]
    pub fn main(r#type: super::Args) {
        println!("{type:?}");
    }
}

mod named_like_the_function {
    #[daemon::step(cli, every = "1s", log = main.log)]
    pub fn main(main: &super::Args) {
        println!("{main:?}");
    }
}

mod cloned {
    use std::ops::ControlFlow;

    #[daemon::step(cli, every = "1s", log = "/var/log/myd.log")]
    pub async fn main(args: super::Args) -> ControlFlow<()> {
        std::future::ready(args).await;
        ControlFlow::Break(())
    }
}

mod changed {
    #[daemon::step(cli, log(path = args.log))]
    pub fn main(args: &mut super::Args) {
        args.port += 1;
    }
}

mod message {
    use super::{Args, Job, jobs};

    #[daemon::message(cli, from = jobs(message), pool_size = usize::from(message.port), pidfile = message.pidfile)]
    pub fn main(Job { id, .. }: Job, message: &Args) -> Result<(), String> {
        if id == message.port { Ok(()) } else { Err(message.user.clone()) }
    }
}

mod closure {
    use super::{Args, Job};

    #[daemon::message(cli, from = || (*port > 0).then(|| Job { id: *port, text: String::new() }))]
    pub async fn main(job: Job, Args { port, .. }: &Args) {
        std::future::ready((job.id, job.text, port)).await;
    }
}

mod message_without_arguments {
    use super::Job;

    #[daemon::message(cli, from = || None::<Job>, service(hardening = off))]
    pub fn main(job: Job) {
        drop(job.text);
    }
}

mod shadowing {
    #![allow(dead_code, reason = "names that the expansion must not find")]
    struct Program;
    struct Service;
    struct NoArguments;
    trait Borrow {}
    mod std {}
    mod core {}
    mod clap {}

    #[daemon::run(cli(default = run), service(restart = never), log(timestamps))]
    pub fn main(daemon: super::Args) {
        drop(daemon);
    }
}

mod from_a_macro {
    macro_rules! program {
        ($args:ty, $mode:expr, $port:expr) => {
            #[daemon::run(cli, umask = $mode, pidfile = format!("/run/{}-{}.pid", $port, args.user))]
            pub fn main(args: $args) {
                println!("{} {args:?}", $port);
            }
        };
    }

    program!(super::Args, 0o027, 80);
}

mod under_cfg {
    #[cfg_attr(unix, daemon::run(cli, pidfile = args.pidfile))]
    pub fn main(#[allow(unused_variables, reason = "used by a key")] args: super::Args) {}
}

mod qualified {
    #[cfg(unix)]
    #[daemon::run(cli, pidfile = args.pidfile)]
    #[allow(clippy::needless_pass_by_value, reason = "that of the user stays")]
    pub(crate) fn main(args: self::deeper::Args) {
        println!("{:?}", args.pidfile);
    }

    mod deeper {
        pub(super) type Args = crate::Args;
    }
}

#[derive(Debug)]
pub struct Job {
    id: u16,
    text: String,
}

fn jobs(args: &'static Args) -> impl Fn() -> Option<Job> {
    move || (args.port > 0).then(|| Job { id: args.port, text: String::new() })
}

fn arguments() -> Args {
    Args { port: 1, pidfile: None, log: None, user: String::new() }
}

fn main() {
    // None is called: the arguments are those of this test.
    let mains: [fn() -> ExitCode; 17] = [
        bare::main,
        by_value::main,
        awaiting::main,
        every_key::main,
        patterns::main,
        ignored::main,
        raw::main,
        named_like_the_function::main,
        cloned::main,
        changed::main,
        message::main,
        closure::main,
        message_without_arguments::main,
        shadowing::main,
        from_a_macro::main,
        under_cfg::main,
        qualified::main,
    ];
    let _ = mains;
}
