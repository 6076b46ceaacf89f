//! Service definitions of [`daemonic`](https://docs.rs/daemonic): unit files and their counterparts for other service managers,
//! written, installed and removed by the program itself.
//!
//! # Attackers
//!
//! * **Another user** could put another program at the path that the service manager runs, as root: the program and each directory above it have
//!   to be root's alone. It could plant links and files in the directories of services: each directory is judged once it is open, files are
//!   read and written relative to its descriptor, links are not followed, and a file without our header is never replaced.
//! * **The environment** decides nothing: the home directory is that of the passwd entry, tools are found where only root can put them.
//!   `SUDO_USER` only leads to a refusal.
//! * **Arguments, names and descriptions** are text that a parser of a service manager reads: control characters are refused, and
//!   all others quoted for that parser.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod activation;
mod caller;
mod definition;
mod environment_file;
mod formats;
mod install;
mod installed;
mod linger;
mod managed;
mod manager_kind;
mod marker;
mod notes;
mod options;
mod places;
mod program_path;
mod quote;
mod request;
mod secrets;
mod service_directory;
mod service_error;
mod service_file;
mod service_status;
mod supervised_directory;
mod systemd_version;
mod tool_call;
mod uninstall;

pub use caller::{check_caller, check_manager, detect_manager};
pub use definition::Definition;
pub use formats::files;
pub use install::{Installed, install};
pub use installed::{InstalledService, find_installed};
pub use managed::{Action, Managed, ManagedError, ManagedErrorKind, installed, managing, service_of};
pub use manager_kind::{Manager, Scope, UnknownManager};
pub use options::{Hardening, RestartPolicy, Service};
pub use places::Places;
pub use program_path::{check_program, own_program};
pub use request::InstallRequest;
pub use secrets::secrets_in;
pub use service_error::{ServiceError, ServiceErrorKind};
pub use service_file::ServiceFile;
pub use service_status::{ServiceStatus, service_status};
pub use systemd_version::systemd_version;
pub use uninstall::{Uninstalled, uninstall};
