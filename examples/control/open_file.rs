//! A program that opens files in one window, however often it is launched: a second launch hands its arguments to the first.
//!
//! `cargo run -p daemonic-control-examples --bin open_file -- Cargo.toml`, and in another terminal
//! `cargo run -p daemonic-control-examples --bin open_file -- README.md`

use std::path::Path;

use daemon::control::serde_json::{Value, json};
use daemon::control::{Opened, Running};

/// The program itself: only in the first process.
#[daemon::instance(name = "open_file", on_open = open)]
fn main(running: Running) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    show(Path::new("."), &arguments);
    println!("waiting for more; end it with ctrl-c");
    // A window would be here, with its event loop.
    running.wait();
}

/// What later launches bring; their reply.
fn open(opened: Opened) -> Value {
    json!({ "message": format!("{} opened", show(&opened.directory, &opened.arguments)) })
}

fn show(directory: &Path, files: &[String]) -> usize {
    for file in files {
        let file = directory.join(file);
        match std::fs::read_to_string(&file) {
            Ok(text) => println!("{}: {} lines", file.display(), text.lines().count()),
            Err(error) => println!("{}: {error}", file.display()),
        }
    }
    files.len()
}
