//! A program with a command line of its own, which passes the daemon's verbs on to the companion.

use clap::Parser;
use daemon::cli::Verb;
use std::process::ExitCode;

#[derive(Parser)]
struct Args {
    /// Word to print
    #[arg(long, default_value = "hello")]
    word: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Prints the word
    Print,
    #[command(flatten)]
    Daemon(Verb),
}

#[daemon::run(log(max_size = "64KiB", keep = 2), ready = entered)]
fn greeter(word: &str) {
    println!("{word} from the daemon");
    while !daemon::stopping() {
        daemon::sleep(std::time::Duration::from_secs(1));
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match args.command {
        Command::Print => {
            println!("{}", args.word);
            ExitCode::SUCCESS
        }
        Command::Daemon(verb) => greeter::dispatch(verb, &args.word),
    }
}
