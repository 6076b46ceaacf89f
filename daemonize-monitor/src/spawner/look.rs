//! Looks whether files are there, each in a thread of its own, which holds nothing of the monitor's: neither its descriptors,
//! with the lock of the pidfile among them, nor children.

use super::ticket::{Begun, Ticket};
use super::{Spawners, refusal};
use crate::error::cause;
use crate::sys::{spawn, table};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// So long one is waited for: it takes less than a ten thousandth of a second, and many may be due at once.
const GLANCE: Duration = Duration::from_millis(1);

/// So many may hang at once.
const MOST: usize = 16;

/// Next to nothing is done there.
const STACK: usize = 64 * 1024;

/// One is had by each look that goes on.
pub(super) type Count = Arc<()>;

impl Spawners {
    /// Looks whether a file is there.
    pub(crate) fn look(&self, path: PathBuf) -> Begun<bool> {
        if Arc::strong_count(&self.looks) > MOST {
            return Begun::Over(Err(refusal(&format!("{MOST} looks for other files hang"))));
        }
        let (ticket, theirs) = Ticket::pair(None);
        let (bell, count) = (Arc::clone(&self.bell), Arc::clone(&self.looks));
        let look = move || {
            spawn::block_signals();
            // Before Linux 5.9 it keeps what it has.
            let _ = table::leave(&*bell);
            let is_there = path.exists();
            drop(count);
            theirs.settle(Ok(is_there), &bell);
        };
        match thread::Builder::new().name("looks".into()).stack_size(STACK).spawn(look) {
            Ok(_) => ticket.wait(GLANCE),
            Err(error) => Begun::Over(Err(refusal(&cause(&error)))),
        }
    }
}
