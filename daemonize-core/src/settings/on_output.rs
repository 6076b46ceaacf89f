//! The callback that receives the output of a daemon while it starts.

use crate::mutex;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

type SharedCallback = Arc<Mutex<dyn FnMut(&[u8]) + Send>>;

/// The callback of [`Daemon::on_output`](crate::Daemon::on_output), shared by all clones of a `Daemon`.
#[derive(Clone)]
pub(crate) struct OnOutput(SharedCallback);

impl OnOutput {
    pub(crate) fn new(callback: impl FnMut(&[u8]) + Send + 'static) -> OnOutput {
        OnOutput(Arc::new(Mutex::new(callback)))
    }

    /// Calls the callback with the output. Returns `false` if it panicked.
    pub(crate) fn call(&self, output: &[u8]) -> bool {
        catch_unwind(AssertUnwindSafe(|| (mutex::lock(&self.0))(output))).is_ok()
    }
}

impl fmt::Debug for OnOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOutput").finish_non_exhaustive()
    }
}
