//! Spawns the threads of this library, in one place: each closure type that std spawns adds 2 KB of code to every program.

use std::io;
use std::thread::{Builder, JoinHandle};

/// Spawns a thread with this name.
///
/// # Errors
/// The error of `pthread_create(3)`.
pub(crate) fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    spawn_boxed(name, Box::new(f))
}

fn spawn_boxed(name: &str, f: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(f)
}
