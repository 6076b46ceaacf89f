//! The call that tells a process which launches a daemon from the one that is launched.

use crate::image;
use crate::launcher;
use crate::link::Link;

/// Prepares this process for launches by exec. Make it the first statement of `main`.
///
/// A [start](crate::ExecDaemon::start) executes this program again, and the new process gets its work from this call, which does not return
/// there. In every other process it returns at once: it has opened the program's file, which may be replaced later, and removed the
/// variable `DAEMONIC_EXEC`, if there is one. Under `#[tokio::main]`, write `#[daemon::init]` above it.
///
/// ```
/// daemon::init();
/// // From here on: threads, runtimes, arguments, …
/// ```
pub fn init() {
    image::pass();
    if let Some(link) = Link::take() {
        launcher::run(&link)
    }
}
