//! The heap of this process.

/// Gives free memory of the heap back to the kernel (`malloc_trim(3)`), as after a phase that needed much for a moment. Takes some
/// milliseconds for some megabytes. Does nothing with other C libraries than glibc.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes an integer, and is thread-safe.
    unsafe {
        libc::malloc_trim(0)
    };
}
