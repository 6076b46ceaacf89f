//! The functions that the body of a daemon calls: readiness, the stop, sleep, reload, and descriptors of systemd.

mod listen_fds;
mod process_control;
mod ready;
mod reload;
mod sleep;
mod stop;

pub use listen_fds::{listen_fds, store_fd};
pub(crate) use process_control::ThisDaemon;
pub use ready::{extend_start, ready};
pub(crate) use reload::raise_signal;
pub use reload::reload;
pub use sleep::sleep;
#[cfg(feature = "tokio")]
pub use sleep::sleep_async;
pub(crate) use sleep::{expect_unwind, reset_for_test, unwind_without_daemon};
pub use stop::{stop, stopped, stopping, wait_handle};
