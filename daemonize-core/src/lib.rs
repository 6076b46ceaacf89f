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

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api;
mod attach;
mod body;
mod context;
mod counters;
mod daemon;
mod error;
mod event;
mod first_look;
mod handoff;
mod launch;
mod pidfile;
mod process;
mod program;
mod reach;
mod report;
mod sd_notify;
mod self_restart;
mod settings;
mod shutdown;
mod signals;
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
pub use api::{extend_start, listen_fds, ready, reload, sleep, stop, stopped, stopping, store_fd, wait_handle};
pub use attach::{Attachment, Handle, Obey, Phase, Planned, Prepared};
pub use body::{
    Ack, Delivery, Ending, Fetched, GiveBack, Messages, Nack, Never, Outcome, Retry, Run, Runtime, Step, StepOutcome,
    Work,
};
#[cfg(feature = "tokio")]
pub use body::{AckAsync, FetchAsync};
pub use counters::{Counters, counters};
pub use daemon::{Daemon, MessageDaemon, Partial, RunDaemon, StepDaemon};
#[doc(inline)]
pub use daemonize_sys::{Capability, Pid, Signal, UnknownCapability, UnknownSignal};
pub use error::{Error, ErrorKind, Result};
pub use event::{event, events};
pub use launch::{Destination, Started};
pub use pidfile::PidFile;
pub use reach::{LastWords, State, Status, Stopped};
pub use self_restart::restart;
pub use settings::{Account, Close, Detach, Hook, Hooks, List, Ready, Setting, Stdio};
pub use signals::{Handler, Signals};
pub use stage::Stage;

/// What the attributes print calls to. Not part of the public interface.
#[doc(hidden)]
pub mod __private;

/// What the fuzzer feeds with bytes from outside.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod __fuzz;
