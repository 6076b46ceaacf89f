//! The command line of [`daemonic`](https://docs.rs/daemonic): verbs that start, stop and inspect the daemon of a program.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod program;
mod verb;

pub use daemonize_service::{Action, Managed, ManagedError, ManagedErrorKind};
pub use daemonize_service::{Hardening, Manager, RestartPolicy, Scope, Service, UnknownManager};
pub use daemonize_service::{installed, managing, service_of};
pub use program::{DefaultVerb, NoArguments, Program};
pub use verb::Verb;

#[doc(hidden)]
pub mod __private;
