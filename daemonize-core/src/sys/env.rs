//! Taking a variable out of the environment, which std lets nobody do who cannot rule out other threads.

use super::fork::Alone;

/// `unsetenv(3)`: neither this process nor its children see the variable any more.
pub(crate) fn forget(_: Alone, name: &str) {
    // SAFETY: the witness says that no other thread is reading or changing the environment.
    unsafe { std::env::remove_var(name) };
}
