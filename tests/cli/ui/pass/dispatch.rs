//! `dispatch` on the companions of all three attributes.

#![deny(warnings)]
#![allow(missing_docs, reason = "a program has no documentation")]

use daemon::cli::Verb;
use std::process::ExitCode;

#[derive(clap::Parser)]
struct Args {
    #[arg(long)]
    port: u16,
    #[command(subcommand)]
    verb: Verb,
}

#[daemon::run(service(hardening = strict, socket = "80"))]
fn serve(port: u16, verb: &'static str) {
    println!("{port} {verb}");
}

#[daemon::step(every = "1s", service = daemon::cli::Service::new())]
async fn tick(state: &mut Vec<u16>, limit: u16) {
    std::future::ready(state).await.push(limit);
}

#[daemon::message(from = || None::<u16>)]
fn handle(job: u16) {
    println!("{job}");
}

fn run(args: Args) -> ExitCode {
    match args.port {
        0 => serve::dispatch(args.verb, args.port, "served"),
        1 => tick::dispatch(args.verb, Vec::new(), args.port),
        _ => handle::dispatch(args.verb),
    }
}

fn main() {
    let run: fn(Args) -> ExitCode = run;
    let _ = run;
}
