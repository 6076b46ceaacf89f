//! Daemons on demand: the first client starts the daemon, and it exits when it has been idle for a while.
//!
//! [`connect`] returns a [`Connection`] to the daemon, and starts it if it is not there. The daemon has [`OnDemand`] attached, and its body
//! takes its [`clients()`]. The attribute `#[daemon::run(on_demand = "10m")]` makes both of a function; the builder's form is:
//!
//! ```no_run
//! use daemon::Daemon;
//! use daemon::body::Work;
//! use daemon::on_demand::{self, OnDemand};
//! use std::io::{Read, Write};
//! use std::time::Duration;
//!
//! fn agent() -> Daemon<impl Work> {
//!     let on_demand = OnDemand::new(Duration::from_secs(600));
//!     Daemon::new("agent").attach(on_demand).run(|| -> std::io::Result<()> {
//!         for client in on_demand::clients() {
//!             client?.write_all(b"hello\n")?;
//!         }
//!         Ok(())
//!     })
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     daemon::init();
//!     let (launch, on_demand) = (daemon::exec!(agent())?, OnDemand::new(Duration::from_secs(600)));
//!     let mut agent = on_demand::connect(launch.daemon(), &on_demand, |deadline| launch.start_until(deadline))?;
//!     let mut answer = String::new();
//!     agent.read_to_string(&mut answer)?;
//!     Ok(())
//! }
//! ```
//!
//! # How it works
//!
//! The launcher binds the socket while it holds the lock of the pidfile, before the daemon exists: a client that comes meanwhile waits in
//! the backlog, and reads there how the start has ended. A thread of the daemon greets each client with one line, the [`Greeting`], and
//! queues it for the body. To exit, the daemon renames the socket away, and looks once more for clients that have come. A client that is
//! reset before its greeting has asked no daemon for anything, and tries again.
//!
//! The rules D1 to D10 in `docs/rules.md` state this exactly, `docs/models/on_demand.pml` is a model that is checked exhaustively, and
//! `docs/on-demand-protocol.md` describes the lines on the two sockets for clients in other languages.

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
