//! Sets and removes environment variables. In std this is `unsafe`, since it is sound only in a process with one thread.

use super::fork::Alone;
use std::ffi::OsStr;

/// Sets a variable of this process (`setenv(3)`).
pub fn set(_: Alone, name: &str, value: &OsStr) {
    // SAFETY: as in `forget`.
    unsafe { std::env::set_var(name, value) };
}

/// Removes a variable of this process (`unsetenv(3)`).
pub fn forget(_: Alone, name: &str) {
    // SAFETY: the witness says that no other thread is reading or changing the environment.
    unsafe { std::env::remove_var(name) };
}
