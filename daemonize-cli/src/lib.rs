//! The command line of [`daemonic`](https://docs.rs/daemonic): verbs that start, stop and inspect the daemon of a program.
//!
//! [`Program::main`] makes a whole program of a daemon: it parses the command line with clap and performs the verb. [`Program::dispatch`] performs
//! a [`Verb`] that a program with a command line of its own has parsed.
//!
//! ```no_run
//! use daemon::Daemon;
//! use daemon::cli::Program;
//! use std::process::ExitCode;
//!
//! #[derive(clap::Parser)]
//! struct Args {
//!     /// Port to listen on
//!     #[arg(long, default_value_t = 8080)]
//!     port: u16,
//! }
//!
//! fn main() -> ExitCode {
//!     let body = |daemon: Daemon, args: Args| {
//!         daemon.run(move || {
//!             println!("port {}", args.port);
//!             while !daemon::stopping() {}
//!         })
//!     };
//!     Program::new("myd").main(|_: Args| Daemon::new("myd"), body)
//! }
//! ```
//!
//! # Attackers
//!
//! * **Another user** can place files in shared directories, such as a record of a last start or a log. Each file is opened without following a link,
//!   and judged by the owner and mode of the open descriptor; a pidfile as the core judges it.
//! * **The user of a daemon** writes its log, its last words and its pidfile, and chooses its own arguments. What comes from there is bounded,
//!   escaped before it reaches a terminal, and decides nothing for root but what root prints.
//! * **The environment** of a caller decides nothing but colours: places come from the passwd entry, and `SUDO_UID` is only used to look for a
//!   daemon to report.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod command_line;
mod documents;
mod exit_status;
mod fixed_target;
mod invocation;
mod log_reader;
mod options;
mod output;
mod parsed_target;
mod program;
mod service_verb;
mod start_record;
mod target;
mod verb;
mod verbs;

pub use daemonize_service::{Action, Managed, ManagedError, ManagedErrorKind};
pub use daemonize_service::{Hardening, Manager, RestartPolicy, Scope, Service, UnknownManager};
pub use daemonize_service::{installed, managing, service_of};
pub use options::{LogsOptions, ReloadOptions, SendOptions, StartOptions, StatusOptions, TargetOptions};
pub use program::{DefaultVerb, NoArguments, Program};
pub use service_verb::{ServiceInstallOptions, ServicePlace, ServiceShowOptions, ServiceStatusOptions, ServiceVerb};
pub use verb::Verb;

#[doc(hidden)]
pub mod __private;
