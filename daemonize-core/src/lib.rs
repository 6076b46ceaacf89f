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

mod attach;
mod auto_ready;
mod body;
mod counters;
mod daemon;
mod error;
mod event;
mod inside;
mod ipc;
mod launch;
mod notifier;
mod pidfile;
mod pidfile_search;
mod process;
mod report;
mod settings;
mod shutdown;
mod signals;
mod stage;
mod stdout;
mod stopping;
mod syslog;
mod thread;

use daemonize_sys as sys;
use daemonize_sys::{capability, escape, mutex, pid, signal};

pub use attach::{Attachment, Handle, Obey, Phase, Planned, Prepared};
pub use body::{
    Ack, Delivery, Ending, Fetched, GiveBack, Messages, Nack, Never, Outcome, Retry, Run, Runtime, Step, StepOutcome,
    Work,
};
#[cfg(feature = "tokio")]
pub use body::{AckAsync, FetchAsync};
pub use counters::{Counters, counters};
pub use daemon::{Daemon, LastWords, MessageDaemon, Partial, RunDaemon, State, Status, StepDaemon, Stopped};
#[doc(inline)]
pub use daemonize_sys::{Capability, Pid, Signal, UnknownCapability, UnknownSignal};
pub use error::{Error, ErrorKind, Result};
pub use event::{event, events};
#[cfg(feature = "tokio")]
pub use inside::sleep_async;
pub use inside::testing;
pub use inside::{
    extend_start, listen_fds, ready, reload, restart, sleep, stop, stopped, stopping, store_fd, wait_handle,
};
pub use launch::{Destination, Started};
pub use pidfile::PidFile;

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
