//! Turns an ordinary function into a well-behaved Unix daemon.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # fn log_goodbye() {}
//! # #[cfg(feature = "macros")]
//! #[daemon::run(pidfile = "~/sleepy.pid", signals = { SIGTERM => log_goodbye })]
//! fn sleepy(idle: u64) {
//!     loop {
//!         daemon::sleep(Duration::from_secs(idle));
//!     }
//! }
//!
//! # #[cfg(feature = "macros")]
//! # fn main() -> daemon::Result<()> {
//! sleepy(20)?;      // forks a daemon that sleeps; returns once it is ready, or says why it is not
//! sleepy::stop()?;  // its companion: SIGTERM, wait, SIGKILL if need be
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "macros"))]
//! # fn main() {}
//! ```
//!
//! The package is called `daemonic`, the library `daemon`: `cargo add daemonic`, and write `daemon::run`.
//!
//! # The map
//!
//! * [`#[daemon::run]`](macro@run) makes a daemon of a function that runs once, [`#[daemon::step]`](macro@step) of one
//!   that is repeated, [`#[daemon::message]`](macro@message) of one that handles messages. Beside the
//!   function there is its companion, a type of the same name: `sleepy::start`, `stop`, `restart`, `status`, `send`, `pid`,
//!   `pidfile`, `foreground`, and `call`, the plain function (a handler of messages is plain as it is).
//! * [`Daemon`] is the same without attributes: every key is a builder method of the same name.
//! * In the body: [`sleep`], [`stopping`] and [`wait_handle`] to end in time, [`ready`] to say when it works,
//!   [`stop`] and [`restart`] to do so from inside.
//! * [`testing`] runs a body in a `#[test]` and tells it to stop.
//! * [`Daemon::messages`] says what becomes of messages; [`Delivery`] and [`Ack`] tell somebody, [`Messages`] is for a type of
//!   your own, [`counters`](counters()) say how much was done.
//! * [`Started`], [`Status`], [`Stopped`] and [`Error`] are what the verbs answer.
//! * [`PidFile`] serves alone, in a program that never detaches; [`Work`] and [`Attachment`] are where kinds of daemons
//!   and companions of your own come in.
//!
//! # Why this is hard
//!
//! * A fork copies one thread. A process with others (a runtime, a logger) goes on without them and with their locks
//!   held; so a start with more than one thread is refused, with their names.
//! * The number in a pidfile may be somebody else's by now. It is never acted on: the file also says when that process
//!   started, in which boot and in which pid namespace, and signals go through a handle on that very process.
//! * A launcher that exits before the daemon works lies to the script that called it. Here it waits, and tells how the
//!   daemon died: "killed by signal 11", "exited with status 7", or what the panic said.
//!
//! # Limits
//!
//! Linux only, from 5.9 on. Child processes made by `fork(2)` alone, without `exec(2)`, should close the pidfile's
//! descriptor. Whoever moves or deletes the pidfile of a running daemon makes room for a second one.
//!
//! # Features
//!
//! * `macros` (default): the attributes.
//! * `tokio`: `async fn` under the attributes, `run_async`, `step_async`, `messages_async`, `sleep_async`.
//! * `control`: the module `control`: an HTTP endpoint in the daemon, its client, single instance.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use daemonize_core::*;

#[cfg(feature = "control")]
#[cfg_attr(docsrs, doc(cfg(feature = "control")))]
pub use daemonize_control as control;
#[cfg(all(feature = "macros", feature = "control"))]
#[cfg_attr(docsrs, doc(cfg(feature = "control")))]
pub use daemonize_macros::instance;
#[cfg(feature = "macros")]
pub use daemonize_macros::{message, run, step};

#[doc(hidden)]
pub use daemonize_core::__private;
