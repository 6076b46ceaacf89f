//! A daemon whose keys use the parsed arguments.

use std::path::PathBuf;
use std::time::Duration;

#[derive(clap::Parser)]
struct Args {
    /// Directory of the pidfile and the log
    #[arg(long)]
    place: PathBuf,
    /// Word to print
    #[arg(long, default_value = "hello")]
    word: String,
}

/// Repeats a word.
#[daemon::run(
    cli,
    pidfile = args.place.join("attribute.pid"),
    log = args.place.join("attribute.log"),
    signals = { SIGHUP => move || println!("{}, again", args.word) },
    ready = manual,
)]
async fn main(args: Args) -> std::io::Result<()> {
    println!("{}", args.word);
    daemon::ready().map_err(std::io::Error::other)?;
    while !daemon::stopping() {
        daemon::sleep_async(Duration::from_secs(1)).await;
    }
    println!("stopped in {}", args.place.display());
    Ok(())
}
