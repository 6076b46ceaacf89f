//! Daemons on demand: the first client starts the daemon, and it exits when it has been idle for a while.

#![forbid(unsafe_code)] // All of it is in `daemonize-sys`.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod activity;
mod client;
mod clients;
mod control;
mod daemon_process;
mod directory;
mod fd_passing;
mod greeting;
mod mismatch;
mod server;
mod settings;
mod stream;
mod wedged;

pub use activity::{Busy, busy};
pub use client::connect;
#[cfg(feature = "tokio")]
pub use client::connect_async;
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use clients::{AsyncClient, accept};
pub use clients::{Client, Clients, clients};
pub use control::{DaemonReport, DaemonState, report};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use fd_passing::AsyncFdPassing;
pub use fd_passing::{FdPassing, MAX_FDS};
pub use greeting::{Greeting, GreetingState, InvalidGreeting, MAX_GREETING_BYTES};
pub use server::Peer;
pub use settings::{OnDemand, OnMismatch};
#[cfg(feature = "tokio")]
pub use stream::AsyncConnection;
pub use stream::Connection;
