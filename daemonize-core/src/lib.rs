//! The core of [`daemonic`](https://docs.rs/daemonic): one Unix daemon: launch it, be it, reach it.
//!
//! ```no_run
//! use daemon::Daemon;
//! use std::time::Duration;
//!
//! let sleepy = Daemon::new("sleepy");
//! match std::env::args().nth(1).as_deref() {
//!     Some("stop") => println!("{}", sleepy.stop()?),
//!     _ => sleepy.run(|| while daemon::sleep(Duration::from_secs(20)) {}).start()?.report(),
//! }
//! # Ok::<(), daemon::Error>(())
//! ```
//!
//! [`Daemon`] is the type to begin with: its builder methods are the keys of the attributes `#[daemon::run]`,
//! `#[daemon::step]` and `#[daemon::message]`. In the body, look at [`stopping`], [`sleep`] and [`ready`]. [`PidFile`]
//! also serves alone, and [`body::Work`] and [`attach::Attachment`] are where kinds of daemons and companions of your own come in.
//!
//! Linux only, from 5.9 on: processes are identified by `pidfd_open(2)` and `/proc`.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
pub mod attach;
mod auto_ready;
pub mod body;
mod context;
mod counters;
mod daemon;
mod error;
mod event;
mod ipc;
mod launch;
mod logs;
mod pidfile;
mod pidfile_search;
mod process;
mod program;
pub mod relay;
mod report;
mod sd_notify;
mod self_restart;
pub mod settings;
mod shutdown;
pub mod signals;
mod stage;
mod stdout;
mod stop_flag;
mod syslog;
pub mod testing;
mod thread;

use daemonize_sys as sys;
use daemonize_sys::{capability, escape, mutex, pid, signal};

#[cfg(feature = "tokio")]
pub use api::sleep_async;
pub use api::{extend_start, ready, reload, sleep, stop, stopped, stopping, wait_handle};
pub use daemon::{Daemon, Reloaded, Status, Stopped};
#[doc(inline)]
pub use daemonize_sys::{Pid, Signal};
pub use error::{Error, ErrorKind, Result};
pub use event::{event, events};
pub use launch::Started;
pub use pidfile::PidFile;
pub use self_restart::restart;

/// The builders of a daemon whose body is set, and a start that is performed stage by stage.
pub mod builder {
    pub use crate::daemon::{MessageDaemon, RunDaemon, StagedLaunch, StepDaemon};
}

/// Messages: sources, receipts, retries and counters of [`#[daemon::message]`](crate::Daemon::messages).
pub mod messages {
    pub use crate::body::messages::{Ack, Delivery, Fetched, Messages, Nack, Requeue, Retry};
    #[cfg(feature = "tokio")]
    pub use crate::body::messages::{AckAsync, FetchAsync};
    pub use crate::counters::{Counters, counters};
}

/// Details of a [`Status`] and of a [`Started`] daemon.
pub mod status {
    pub use crate::daemon::{LastWords, State};
    pub use crate::launch::Destination;
}

/// The command by which a daemon that [restarts](crate::restart()) itself starts its program again, for libraries that launch daemons.
pub mod restart_command {
    pub use crate::self_restart::{CompleteCommand, RestartCommand, complete_restart_command};
}

/// File descriptors that systemd passes to the daemon and stores for it.
///
/// Notifications (`READY=1`, `RELOADING=1`, `STOPPING=1`, `WATCHDOG=1`) need no call: the library sends them.
pub mod systemd {
    pub use crate::api::{listen_fds, store_fd};
}

/// Functions that the expansion of attributes calls. Not part of the public interface.
#[doc(hidden)]
pub mod __private;

/// Parsers of untrusted input, for the fuzzer.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;
