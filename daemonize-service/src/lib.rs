//! Service definitions of [`daemonic`](https://docs.rs/daemonic): unit files and their counterparts for other service managers,
//! written, installed and removed by the program itself.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod managed;
mod manager_kind;
mod options;

pub use managed::{Action, Managed, ManagedError, ManagedErrorKind, installed, managing, service_of};
pub use manager_kind::{Manager, Scope, UnknownManager};
pub use options::{Hardening, RestartPolicy, Service};
