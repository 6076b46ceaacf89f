//! Daemons on demand: the first client starts the daemon, and it exits when it has been idle for a while.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod activity;
mod build;
mod clients;
mod control;
mod daemon_process;
pub mod directory;
mod greeting;
mod mismatch;
mod server;
mod settings;
mod wedged;

pub use activity::{Busy, busy};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use clients::{AsyncClient, accept};
pub use clients::{Client, Clients, clients};
pub use control::{DaemonReport, DaemonState};
pub use greeting::{Greeting, GreetingState, InvalidGreeting, MAX_GREETING_BYTES};
pub use server::Peer;
pub use settings::{OnDemand, OnMismatch};
