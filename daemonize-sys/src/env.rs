//! Changes of the environment: `unsafe` in std, since they are sound only if other threads can be ruled out.

use super::fork::Alone;
use std::ffi::OsStr;

/// `setenv(3)`: this process and its children see this value from now on.
pub fn set(_: Alone, name: &str, value: &OsStr) {
    // SAFETY: as in `forget`.
    unsafe { std::env::set_var(name, value) };
}

/// `unsetenv(3)`: neither this process nor its children see the variable any more.
pub fn forget(_: Alone, name: &str) {
    // SAFETY: the witness says that no other thread is reading or changing the environment.
    unsafe { std::env::remove_var(name) };
}
