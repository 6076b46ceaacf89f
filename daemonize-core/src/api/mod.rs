//! The functions that the body of a daemon calls: readiness, the stop, sleep, reload, and descriptors of systemd.

mod listen_fds;
mod process_control;
mod ready;
mod reload;
mod sleep;
mod stop;
mod stop_reports;

pub use listen_fds::{listen_fds, store_fd};
pub(crate) use process_control::ThisDaemon;
pub use ready::{extend_start, ready};
pub(crate) use reload::raise_signal;
pub use reload::reload;
pub use sleep::sleep;
#[cfg(feature = "tokio")]
pub use sleep::sleep_async;
pub(crate) use sleep::{expect_unwind, unwind_without_daemon};
pub use stop::{stop, stopped, stopping, wait_handle};

/// Forgets the stop of a body under test.
pub(crate) fn reset_for_test() {
    stop_reports::reset();
}
