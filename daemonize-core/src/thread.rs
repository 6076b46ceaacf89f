//! Threads of this library, made in one place: each closure type that std spawns is 2 KB of code in every program.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Spawns a thread of this name.
///
/// # Errors
/// No thread can be made now.
pub(crate) fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_boxed(name, Box::new(f))
}

fn spawn_boxed(name: &str, f: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(f)
}
