//! The core of [`daemonic`](https://docs.rs/daemonic): one Unix daemon: launch it, be it, reach it.
//!
//! ```no_run
//! use daemonize_core::Daemon;
//! use std::time::Duration;
//!
//! let sleepy = Daemon::new("sleepy");
//! match std::env::args().nth(1).as_deref() {
//!     Some("stop") => println!("{}", sleepy.stop()?),
//!     _ => sleepy.run(|| while daemonize_core::sleep(Duration::from_secs(20)) {}).start()?.report(),
//! }
//! # Ok::<(), daemonize_core::Error>(())
//! ```
//!
//! [`Daemon`] is the type to begin with: its builder methods are the keys of the attributes `#[daemon::run]`,
//! `#[daemon::step]` and `#[daemon::message]`. In the body, look at [`stopping`], [`sleep`] and [`ready`]. [`PidFile`]
//! also serves alone, and [`Work`] and [`Attachment`] are where kinds of daemons and companions of your own come in.
//!
//! Linux only, from 5.9 on: processes are told apart by `pidfd_open(2)` and `/proc`.

#![deny(unsafe_code)] // All of it is in `sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_os = "linux"))]
compile_error!("daemonize-core tells processes apart by pidfd_open(2) and /proc, which only Linux has");

// System calls are made by number, with ids of 32 bits, 64 signals and a stack that grows down: see `scripts/targets`.
#[cfg(not(any(
    all(target_pointer_width = "64", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")),
    all(target_pointer_width = "32", any(target_arch = "x86", target_arch = "arm")),
)))]
compile_error!(
    "daemonize-core makes system calls that were checked on x86_64, x86, aarch64, arm and riscv64 only: check those of this \
     target (`scripts/targets`, and every `SYS_` below `sys/`) before you add it to the list"
);

mod attach;
mod body;
mod capability;
mod counters;
mod daemon;
mod directory;
mod error;
mod escape;
mod event;
mod first_look;
mod handoff;
mod inside;
mod launch;
mod log_file;
mod mutex;
mod notifier;
mod pid;
mod pidfile;
mod places;
mod process;
mod reach;
mod report;
mod settings;
mod shutdown;
mod signal;
mod signals;
mod stage;
mod stdout;
mod stopping;
#[allow(unsafe_code)] // The only room with it.
mod sys;
mod syslog;

pub use attach::{Attachment, Handle, Obey, Phase, Planned, Prepared};
pub use body::{
    Ack, Delivery, Ending, Fetched, GiveBack, Messages, Nack, Never, Outcome, Retry, Run, Runtime, Step, StepOutcome,
    Work,
};
#[cfg(feature = "tokio")]
pub use body::{AckAsync, FetchAsync};
pub use capability::{Capability, UnknownCapability};
pub use counters::{Counters, counters};
pub use daemon::{Daemon, MessageDaemon, Partial, RunDaemon, StepDaemon};
pub use error::{Error, ErrorKind, Result};
pub use event::{event, events};
#[cfg(feature = "tokio")]
pub use inside::sleep_async;
pub use inside::testing;
pub use inside::{
    extend_start, listen_fds, ready, reload, restart, sleep, stop, stopped, stopping, store_fd, wait_handle,
};
pub use launch::{Destination, Started};
pub use pid::Pid;
pub use pidfile::PidFile;
pub use reach::{LastWords, State, Status, Stopped};
pub use settings::{Account, Close, Detach, Hook, Hooks, List, Ready, Setting, Stdio};
pub use signal::{Signal, UnknownSignal};
pub use signals::{Handler, Signals};
pub use stage::Stage;

/// What the attributes print calls to. Not part of the public interface.
#[doc(hidden)]
pub mod __private;

/// What the fuzzer feeds with bytes from outside.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;
