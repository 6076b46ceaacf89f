//! A program that opens files in one window, however often it is launched: a second launch passes its arguments to the first.
//!
//! `cargo run -p daemonic-control-examples --bin open_file -- Cargo.toml`, and in another terminal
//! `cargo run -p daemonic-control-examples --bin open_file -- README.md`

use daemon::control::serde_json::{Value, json};
use daemon::control::{Activation, Running};

/// The program itself, which runs in the first process only.
#[daemon::instance(name = "open_file", on_open = open)]
fn main(running: Running) {
    show(Activation::here());
    println!("waiting for more; end it with ctrl-c");
    // A window would be here, with its event loop.
    running.wait();
}

/// Opens the files of later launches, and returns the reply to them.
fn open(opened: Activation) -> Value {
    json!({ "message": format!("{} opened", show(opened)) })
}

fn show(Activation { arguments, directory, .. }: Activation) -> usize {
    // If the directory was removed, relative names cannot be opened.
    let directory = directory.unwrap_or_default();
    for file in &arguments {
        let file = directory.join(file);
        match std::fs::read_to_string(&file) {
            Ok(text) => println!("{}: {} lines", file.display(), text.lines().count()),
            Err(error) => println!("{}: {error}", file.display()),
        }
    }
    arguments.len()
}
