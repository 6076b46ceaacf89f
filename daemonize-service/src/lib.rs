//! Service definitions of [`daemonic`](https://docs.rs/daemonic): unit files and their counterparts for other service managers,
//! written, installed and removed by the program itself.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod definition;
mod formats;
mod manager_kind;
mod marker;
mod options;
mod places;
mod quote;
mod service_error;
mod service_file;

pub use definition::Definition;
pub use formats::files;
pub use manager_kind::{Manager, Scope, UnknownManager};
pub use options::{Hardening, RestartPolicy, Service};
pub use places::Places;
pub use service_error::{ServiceError, ServiceErrorKind};
pub use service_file::ServiceFile;
