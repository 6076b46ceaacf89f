//! Daemons on demand: the first client starts the daemon, and it exits when it has been idle for a while.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod build;
mod control;
mod daemon_process;
pub mod directory;
mod greeting;
mod mismatch;
mod settings;
mod wedged;

pub use control::DaemonReport;
pub use greeting::{Greeting, GreetingState, InvalidGreeting, MAX_GREETING_BYTES};
pub use settings::{OnDemand, OnMismatch};
