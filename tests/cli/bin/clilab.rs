//! A program whose `main` is its daemon, as the attribute with the key `cli` expands it: what it does, its arguments say.

use daemon::cli::{DefaultVerb, Program};
use daemon::settings::Ready;
use daemon::{Daemon, Signal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Port to listen on
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// File of the program's own that the key `pidfile` uses
    #[arg(long)]
    place: Option<PathBuf>,
    /// Text to print before the daemon is ready
    #[arg(long)]
    print: Option<String>,
    /// Text with which the body fails
    #[arg(long)]
    fail: Option<String>,
    /// Text to print in the body, which fails then with `--fail`
    #[arg(long)]
    say: Option<String>,
    /// Text with which the body fails after it was ready
    #[arg(long)]
    later: Option<String>,
    /// Sets up the library's logging
    #[arg(long)]
    logging: bool,
    /// Milliseconds until the daemon is ready
    #[arg(long, default_value_t = 0)]
    slow: u64,
    /// File to write the port to, relative to the directory of the start
    #[arg(long)]
    note: Option<PathBuf>,
    /// Option of the same name as a standard one
    #[arg(long, hide = true)]
    group: Option<String>,
}

fn main() -> ExitCode {
    let default = match std::env::var("CLILAB_DEFAULT").as_deref() {
        Ok("run") => DefaultVerb::Run,
        Ok("start") => DefaultVerb::Start,
        Ok("help") => DefaultVerb::Help,
        _ => DefaultVerb::Auto,
    };
    let program = Program::new("clilab").version("1.2.3").about("Waits until it is stopped").default_verb(default);
    program.main(settings, |daemon, mut args: Args| {
        // The daemon works in another directory.
        args.note = args.note.map(|note| std::path::absolute(note).expect("a directory"));
        daemon.run(move || body(&args))
    })
}

fn settings(args: Args) -> Daemon {
    let ready = if args.slow > 0 || args.print.is_some() { Ready::Manual } else { Ready::Auto };
    let print_level = || println!("level {}", daemon::logging::level());
    Daemon::new("clilab")
        .handle(Signal::SIGUSR1, print_level)
        .pidfile(args.place)
        .ready(ready)
        .grace(Duration::from_secs(5))
        .handle(Signal::SIGUSR2, || {
            let _ = daemon::restart();
        })
}

fn body(args: &Args) -> Result<(), String> {
    if args.logging {
        daemon::logging::init().map_err(|error| error.to_string())?;
    }
    if let Some(text) = &args.print {
        println!("{text}");
    }
    if let Some(path) = &args.note {
        std::fs::write(path, args.port.to_string()).map_err(|error| error.to_string())?;
    }
    std::thread::sleep(Duration::from_millis(args.slow));
    if let Some(text) = &args.say {
        println!("{text}");
    }
    if let Some(text) = &args.fail {
        return Err(text.clone());
    }
    let _ = daemon::ready();
    println!("port {}{}", args.port, args.group.as_deref().unwrap_or_default());
    if let Some(text) = &args.later {
        daemon::sleep(Duration::from_millis(200));
        return Err(text.clone());
    }
    while daemon::sleep(Duration::from_secs(1000)) {}
    Ok(())
}
